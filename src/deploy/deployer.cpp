// Runs steps and tries again what a lock has kept from running.
#include "deploy/deployer.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "deploy/backfill.hpp"
#include "deploy/inverse.hpp"
#include "deploy/transact.hpp"
#include "drift/expected.hpp"
#include "migrate/generate_down.hpp"
#include "migrate/locks.hpp"
#include "migrate/migration.hpp"
#include "migrate/own_history.hpp"
#include "pg/lock.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"
#include "script/backfill.hpp"

namespace mg::deploy {

namespace {

std::string
settings_json(const pg::Settings &settings)
{
	JsonArray json;

	for (const auto &[name, value] : settings)
		json.json(JsonArray().text(name).text(value).str());
	return json.str();
}

const char *
kind_of(const script::Step &step)
{
	return step.kind == script::Step::Kind::transaction ? "transaction"
		   : step.kind == script::Step::Kind::alone     ? "alone"
														: "backfill";
}

bool
is_cancelled(const ErrorData &error)
{
	return error.sqlerrcode == ERRCODE_QUERY_CANCELED || error.sqlerrcode == ERRCODE_ADMIN_SHUTDOWN;
}

} // namespace

Deployer::Deployer(const ledger::Deployment &deployment, const script::Script &script, migrate::Attempt &attempt,
				   Patience patience)
	: deployment_(deployment), script_(script), attempt_(attempt), patience_(patience), steps_(script::steps_of(script))
{
}

Deployer::Deployer(const ledger::Deployment &deployment, const script::Script &script, migrate::Attempt &attempt,
				   Patience patience, int undone, int offset)
	: Deployer(deployment, script, attempt, patience)
{
	undone_ = undone;
	undoing_.emplace();
	offset_ = offset;
}

const script::Statement &
Deployer::statement(int number) const
{
	std::size_t i = steps_[number - 1].first;

	while (i < steps_[number - 1].last && script_.statements()[i].control)
		i++;
	return script_.statements()[i];
}

std::string
Deployer::title(int number) const
{
	if (number > step_count())
		return "the drop of what the steps have made";

	const script::Statement &first = statement(number);
	return "step " + std::to_string(number) + " of " + std::to_string(step_count()) + ", line " +
		   std::to_string(first.place.line);
}

std::string
Deployer::summary(int number) const
{
	const script::Step &step = steps_[number - 1];
	const auto count = std::count_if(script_.statements().begin() + static_cast<long>(step.first),
									 script_.statements().begin() + static_cast<long>(step.last) + 1,
									 [](const script::Statement &one) { return !one.control; });

	return migrate::excerpt(script_, statement(number)) +
		   (count > 1 ? ", and " + std::to_string(count - 1) + " more" : "");
}

ledger::JournalEntry
Deployer::entry(const std::string &event, int number) const
{
	ledger::JournalEntry result;

	result.event = event;
	result.step = offset_ + number;
	if (number > step_count())
	{
		result.kind = "inverse";
		return result;
	}
	result.kind = kind_of(steps_[number - 1]);
	const bool is_whole = event == "started" || event == "done" || attempt_.progress.line == 0;
	result.line = is_whole ? statement(number).place.line : attempt_.progress.line;
	result.statement = is_whole ? migrate::excerpt(script_, statement(number)) : attempt_.progress.statement;
	return result;
}

void
Deployer::note(const std::string &event, int number, int attempt, const pg::Error *error, const Blockers &blockers)
{
	ledger::JournalEntry record = entry(event, number);

	record.attempt = attempt;
	record.duration_us = capture::clock_us() - step_start_;
	if (error != nullptr)
	{
		record.sqlstate = unpack_sql_state(error->data().sqlerrcode);
		record.error = error->what();
	}
	if (!blockers.empty())
		record.details = JsonObject().json("blockers", to_json(blockers)).str();
	ledger::append_journal(deployment_, record);
}

void
Deployer::run()
{
	int finished = 0;

	end_orphan();
	transact([&] {
		finished = std::max(0, ledger::steps_done(deployment_) - offset_);
		carried_ = settings_left(deployment_);
		if (finished == 0 && script_.what() == "up")
			migrate::record_down(deployment_.migration, script_,
								 migrate::Migration::registered(deployment_.migration).down.has_value());
	});
	for (int number = finished + 1; number <= step_count(); number++)
		run_step(number);
	if (step_count() > 0)
		end_script();
	if (!undoing_.has_value())
		analyze_expressions();
}

// The last step may be one that another process runs, or may have been passed over.
void
Deployer::end_script()
{
	step_start_ = capture::clock_us();
	try_step(step_count(), [&](int) {
		transact_watched([&] {
			capture::Run run(deployment_.id, deployment_.migration);
			migrate::end_script(script_, deployment_.migration, run);
		});
	});
}

// The planner knows nothing of an expression before the next ANALYZE of its table.
void
Deployer::analyze_expressions()
{
	std::vector<std::string> tables;

	transact([&] { tables = tables_with_new_expressions(deployment_); });
	for (const std::string &table : tables)
		try
		{
			run_part("ANALYZE " + table);
			pg::report(NOTICE,
					   UserError("00000", "table " + table + " is analyzed: a new index of it has expressions"));
		}
		catch (const pg::Error &error)
		{
			/* Nothing of the migration is missing without it. */
			if (!is_worth_a_try(error.data()))
				throw;
			pg::report(WARNING, UserError("01000", "table " + table + " is not analyzed").detail(error.what()));
		}
}

// Whoever ran the last step may have ended before its worker.
void
Deployer::end_orphan()
{
	for (bool told = false;; told = true)
	{
		{
			const pg::SessionLock lock(pg::OwnLock::step);
			if (lock.is_held())
				return;
		}
		if (!told)
			pg::report(NOTICE,
					   UserError("00000", "waiting for the end of a worker that an interrupted deployment has left"));
		transact([] {
			ledger::query(
				"SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted"
				" AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
				" AND l.classid = 28007 AND l.objid = 3 AND l.objsubid = 3");
		});
		pg::sleep_ms(100);
	}
}

void
Deployer::run_step(int number)
{
	const script::Step &step = steps_[number - 1];

	require_time(number);
	if (!pg::renew_own_lock(pg::OwnLock::deployment))
		throw UserError("55P03", "another session has begun to deploy")
			.detail("A statement of this deployment has let go of its lock: pg_advisory_unlock_all().")
			.hint("CALL mg_resume() goes on with it.");
	step_start_ = capture::clock_us();
	attempt_.progress.phase = script_.what();
	attempt_.progress.line = statement(number).place.line;
	attempt_.progress.statement = migrate::excerpt(script_, statement(number));
	transact([&] {
		was_tried_ = ledger::newest_entry(deployment_, offset_ + number, "started").has_value();
		if (undoing_.has_value())
			undoing_ = read_undoing(deployment_, undone_);
	});
	switch (step.kind)
	{
		case script::Step::Kind::transaction:
			try_step(number, [&](int attempt) { run_transaction(number, attempt); });
			break;
		case script::Step::Kind::alone:
			try_step(number, [&](int attempt) { run_alone(number, attempt); });
			break;
		case script::Step::Kind::backfill:
			run_backfill(number);
			break;
	}
	if (step_count() > 1)
		pg::report(NOTICE,
				   UserError("00000", title(number) + ": " + summary(number))
					   .detail("Done in " + pg::span_text((capture::clock_us() - step_start_) / 1000 * 1000) + "."));
}

void
Deployer::require_time(int number) const
{
	if (is_over(patience_.deadline))
		throw UserError("57014", "the deployment's deadline has come")
			.detail("It was in " + title(number) + ".")
			.hint("CALL mg_resume() goes on with it.");
}

void
Deployer::try_step(int number, const std::function<void(int)> &once)
{
	for (int attempt = 1;; attempt++)
	{
		std::optional<pg::Error> error;

		blockers_.clear();
		try
		{
			once(attempt);
			return;
		}
		catch (pg::Error &failure)
		{
			error.emplace(std::move(failure));
		}
		was_tried_ = true;
		const bool again =
			is_worth_a_try(error->data()) && attempt <= patience_.retries && !is_over(patience_.deadline);
		const int64_t pause = backoff_ms(attempt);
		transact([&] {
			if (is_worth_a_try(error->data()))
				end_some(blockers_);
			note(again                         ? "blocked"
				 : is_cancelled(error->data()) ? "interrupted"
											   : "failed",
				 number, attempt, &*error, blockers_);
		});
		if (!again)
			throw std::move(*error);
		pg::report(NOTICE, UserError("00000", title(number) + ": " + error->what())
							   .detail(blockers_.empty() ? "Whoever was in the way is gone by now."
														 : "In the way: " + list_of(blockers_) + ".")
							   .hint("It is tried again in " + std::to_string(pause) + " ms, for the " +
									 std::to_string(attempt + 1) + ". time of at most " +
									 std::to_string(patience_.retries + 1) + "."));
		pg::sleep_ms(pause);
	}
}

// The script's own settings, in a scope within, win.
void
Deployer::apply_lock_timeout(bool is_weak) const
{
	pg::apply({{"lock_timeout", std::to_string(is_weak ? 0 : patience_.lock_timeout_ms)}});
}

void
Deployer::done(int number, const migrate::Effects &effects, const pg::Settings &settings)
{
	ledger::JournalEntry record = entry("done", number);
	const migrate::Progress &progress = attempt_.progress;

	record.rows = progress.rows;
	record.duration_us = capture::clock_us() - step_start_;
	record.details = JsonObject()
						 .json("objects", effects.objects_json)
						 .json("locks", effects.locks)
						 .json("rewrites", effects.rewrites)
						 .boolean("incomplete", effects.incomplete)
						 .json("timings", migrate::timings_json(progress.timings))
						 .json("settings", settings_json(settings))
						 .str();
	ledger::append_journal(deployment_, record);
}

void
Deployer::run_transaction(int number, int attempt)
{
	const script::Step &step = steps_[number - 1];
	pg::Settings left;

	attempt_.progress.timings.clear();
	attempt_.progress.rows = 0;
	transact([&] {
		ledger::JournalEntry record = entry("started", number);
		record.attempt = attempt;
		ledger::append_journal(deployment_, record);
	});

	transact_watched([&] {
		const pg::SettingsScope settings;
		pg::apply(carried_);
		capture::Run run(deployment_.id, deployment_.migration);
		if (!undoing_.has_value())
			migrate::run_statements(script_, step.first, step.last + 1, deployment_.migration, run, attempt_.progress);
		else
			for (std::size_t i = step.first; i <= step.last; i++)
				run_tolerantly(i, run);
		migrate::check_constraints(deployment_.migration, attempt_.progress);
		left = pg::settings_of_scope();
		const migrate::Effects effects = attempt_.effects(run);
		migrate::forget_listed();
		done(number, effects, left);
	});
	carried_ = left;
}

void
Deployer::transact_watched(const std::function<void()> &work)
{
	const pg::WaitWatch watch(std::max(1, std::min(100, patience_.lock_timeout_ms / 2)));

	try
	{
		transact([&] {
			{
				migrate::take_run_lock();
				const pg::SettingsScope waits;
				apply_lock_timeout(false);
				work();
			}
			/* While COMMIT waits for the disk, everybody else waits for the step's locks. The end of the deployment waits for all of it. */
			pg::commit_lazily();
		});
	}
	catch (const pg::Error &error)
	{
		if (is_worth_a_try(error.data()))
			transact([&] { blockers_ = holders_of(watch.last()); });
		throw;
	}
}

void
Deployer::run_tolerantly(std::size_t i, capture::Run &run)
{
	const script::Statement &statement = script_.statements()[i];

	run.take_drops();
	std::optional<pg::Error> error = pg::try_and_keep([&] {
		migrate::run_statements(script_, i, i + 1, deployment_.migration, run, attempt_.progress);
		for (const capture::RunObject &object : run.take_drops())
			require_own(*undoing_, object);
	});

	if (error.has_value() && !has_nothing_to_undo(*error, statement))
		throw std::move(*error);
	if (error.has_value())
		note_skipped(statement, *error);
}

bool
Deployer::has_nothing_to_undo(const pg::Error &error, const script::Statement &statement) const
{
	return undoing_.has_value() &&
		   (is_missing(error.data()) || undoing_->is_left(error.data(), std::string(script_.text_of(statement))));
}

std::vector<capture::RunObject>
Deployer::drop(const std::vector<capture::RunObject> &objects)
{
	std::vector<capture::RunObject> left;
	const int number = step_count() + 1;

	step_start_ = capture::clock_us();
	attempt_.progress.line = 0;
	attempt_.progress.statement.clear();
	attempt_.progress.timings.clear();
	attempt_.progress.rows = 0;
	try_step(number, [&](int) {
		left.assign(objects.rbegin(), objects.rend());
		transact_watched([&] {
			capture::Run run(deployment_.id, deployment_.migration);
			std::optional<pg::Error> trouble;
			for (size_t before = 0; left.size() != before && !left.empty();)
			{
				before = left.size();
				trouble.reset();
				left.erase(std::remove_if(left.begin(), left.end(),
										  [&](const auto &object) { return drop_one(object, run, trouble); }),
						   left.end());
			}
			if (!left.empty() && trouble.has_value())
				throw std::move(*trouble);
			done(number, attempt_.effects(run), {});
		});
	});
	return left;
}

void
Deployer::run_backfill(int number)
{
	const script::Statement &statement = this->statement(number);
	const script::Backfill order = *script::backfill_of(script_, statement);

	attempt_.progress.timings.clear();
	transact([&] { ledger::append_journal(deployment_, entry("started", number)); });
	const int64_t start = capture::clock_us();
	const BackfillResult result = deploy::run_backfill(deployment_, number, order, carried_, patience_);
	attempt_.progress.timings.push_back({statement.place.line, capture::clock_us() - start, result.rows});
	attempt_.progress.rows = result.rows;
	transact([&] { done(number, migrate::Effects(), carried_); });
}

} // namespace mg::deploy
