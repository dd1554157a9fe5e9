// Steps of one statement that no transaction block can have.
#include "deploy/deployer.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "deploy/inverse.hpp"
#include "deploy/load.hpp"
#include "deploy/partitioned.hpp"
#include "deploy/transact.hpp"
#include "drift/expected.hpp"
#include "migrate/locks.hpp"
#include "migrate/own_history.hpp"
#include "pg/object.hpp"
#include "policy/policy.hpp"

namespace mg::deploy {

namespace {

constexpr int worker_look_ms = 500;
constexpr int64_t blockers_look_us = 2000000;
constexpr int64_t report_us = 10000000;

migrate::Effects
effects_of_objects(std::vector<capture::RunObject> objects)
{
	migrate::Effects effects;
	JsonArray json;

	for (const capture::RunObject &object : objects)
		json.json(migrate::object_json(object, ""));
	effects.objects = std::move(objects);
	effects.objects_json = json.str();
	return effects;
}

// Who they are, without how long they have been.
std::string
key_of(const Blockers &blockers)
{
	std::string key;

	for (const Blocker &blocker : blockers)
		key += std::to_string(blocker.pid) + blocker.ended + " ";
	return key;
}

std::vector<schema::Unit>
units_about(const std::vector<Oid> &relations)
{
	std::vector<schema::Address> addresses;

	for (Oid relation : relations)
		if (OidIsValid(relation))
			addresses.push_back({RelationRelationId, relation});
	return addresses.empty() ? std::vector<schema::Unit>() : schema::units_of(drift::scope(), addresses);
}

} // namespace

void
Deployer::wait_for_transactions(int number, Oid table)
{
	const int64_t start = capture::clock_us();
	Blockers older;
	int limit = -1;

	for (bool told = false;; told = true)
	{
		transact([&] {
			limit = policy::seconds("wait_for_transactions");
			older = transactions_before(table);
			if (!older.empty() && limit >= 0)
				end_some(older);
		});
		if (older.empty())
			return;
		if (!told)
			pg::report(NOTICE,
					   UserError("00000", title(number) + " has to wait for transactions that are older than it")
						   .detail(list_of(older) + "."));
		if (limit < 0)
			return;
		if (capture::clock_us() - start >= int64_t{limit} * 1000000)
			break;
		pg::sleep_ms(200);
	}
	blockers_ = older;
	pg::guarded([&] {
		ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
						errmsg("transactions that the statement would have to wait for have not ended in %d s", limit),
						errhint("The policy setting wait_for_transactions is how long they may take.")));
	});
}

// As far as the server itself tells it; within a transaction.
void
Deployer::report_progress(int number) const
{
	for (const pg::Row &row : ledger::query("SELECT p.phase, p.percent FROM mg.progress p WHERE p.migration = $1"
											" AND p.phase IS NOT NULL",
											{deployment_.migration}))
		pg::report(NOTICE, UserError("00000", title(number) + ": " + row[0].value_or("") +
												  (row[1].has_value() ? ", " + *row[1] + " %" : "")));
}

void
Deployer::run_in_worker(int number, int attempt, const std::string &sql, bool is_weak, Oid table)
{
	pg::Settings settings = {{"lock_timeout", std::to_string(is_weak ? 0 : patience_.lock_timeout_ms)}};
	const std::string context = "migration \"" + deployment_.migration + "\", " + script_.what() + ", line " +
								std::to_string(attempt_.progress.line) + ": " + attempt_.progress.statement;
	int64_t looked = capture::clock_us();
	int64_t reported = looked;
	std::string told;

	if (OidIsValid(table))
		wait_for_transactions(number, table);
	settings.insert(settings.end(), carried_.begin(), carried_.end());
	pg::Errand errand(sql, leaving_room(settings), cargo_of(deployment_));
	while (!errand.wait(worker_look_ms))
	{
		require_time(number);
		if (capture::clock_us() - looked < blockers_look_us || errand.pid() == 0)
			continue;
		looked = capture::clock_us();
		transact([&] {
			Blockers now = blockers_of(errand.pid());
			blockers_ = now;
			if (now.empty() && capture::clock_us() - reported >= report_us)
			{
				reported = capture::clock_us();
				report_progress(number);
			}
			if (now.empty())
				return;
			end_some(now);
			if (key_of(now) == told)
				return;
			told = key_of(now);
			note("blocked", number, attempt, nullptr, now);
			pg::report(NOTICE, UserError("00000", title(number) + " waits").detail("For " + list_of(now) + "."));
		});
	}
	if (std::optional<pg::Error> error = errand.failure(context))
		throw std::move(*error);
}

Alone
Deployer::prepare_alone(int number, int attempt, Before &before, Leftover &leftover)
{
	const script::Statement &statement = this->statement(number);
	Alone alone;

	transact([&] {
		const pg::SettingsScope settings;
		pg::apply(carried_);
		alone = read_alone(std::string(script_.text_of(statement)));
		const std::optional<ledger::JournalRecord> earlier =
			ledger::newest_entry(deployment_, offset_ + number, "started");
		before = earlier.has_value() && deployment_.is_own ? read_before(earlier->details) : look(alone);
		leftover = leftover_of(alone, before, was_tried_);
		drift::warn_of_drift(units_about({alone.table, alone.partition}));
		ledger::JournalEntry record = entry("started", number);
		record.attempt = attempt;
		record.details = to_json(before);
		ledger::append_journal(deployment_, record);
	});
	return alone;
}

void
Deployer::remove_leftover(int number, int attempt, const Leftover &leftover)
{
	for (const std::string &remedy : leftover.remedies)
	{
		pg::report(NOTICE, UserError("00000", "what an interrupted try has left is removed: " + remedy));
		run_in_worker(number, attempt, remedy, true, InvalidOid);
	}
}

void
Deployer::finish_alone(int number, const Alone &alone, const Before &before)
{
	transact([&] {
		const pg::SettingsScope settings;
		pg::apply(carried_);
		migrate::take_run_lock();
		const migrate::Effects effects = effects_of_objects(effects_of(alone, before));
		if (!effects.objects.empty())
			drift::take_units(units_about({alone.table, before.table, alone.partition}), {});
		done(number, effects, carried_);
	});
}

void
Deployer::run_alone(int number, int attempt)
{
	const script::Statement &statement = this->statement(number);
	Before before;
	Leftover leftover;

	attempt_.progress.timings.clear();
	attempt_.progress.rows = 0;
	const Alone alone = prepare_alone(number, attempt, before, leftover);
	const int64_t start = capture::clock_us();
	if (alone.kind == Alone::Kind::create_index && alone.is_partitioned)
		return run_partitioned(number, attempt, alone, before);
	if (!leftover.is_done)
	{
		remove_leftover(number, attempt, leftover);
		try
		{
			if (undoing_.has_value() && alone.kind == Alone::Kind::drop_index && OidIsValid(alone.index))
				require_own(*undoing_, index_object(alone.index, alone.index_identity, {}, "dropped"));
			run_in_worker(number, attempt, leftover.instead.value_or(alone.sql), statement.weak, alone.table);
		}
		catch (const pg::Error &error)
		{
			if (!has_nothing_to_undo(error, statement))
				throw;
			note_skipped(statement, error);
		}
	}
	attempt_.progress.timings.push_back({statement.place.line, capture::clock_us() - start, 0});
	finish_alone(number, alone, before);
}

// Runs a statement of ours as one of the run's, in a transaction.
void
Deployer::run_part(const std::string &sql)
{
	const script::Script part("up", sql);
	migrate::Progress progress = attempt_.progress;

	transact_watched([&] {
		const pg::SettingsScope settings;
		pg::apply(carried_);
		capture::Run run(deployment_.id, deployment_.migration);
		migrate::run_statements(part, 0, part.statements().size(), deployment_.migration, run, progress);
		migrate::forget_listed();
	});
}

void
Deployer::run_partitioned(int number, int attempt, const Alone &alone, const Before &before)
{
	const int64_t start = capture::clock_us();
	Oid above = InvalidOid;
	std::optional<Part> part;

	auto look = [&] {
		transact([&] {
			above = index_made(alone, before);
			part = OidIsValid(above) ? next_part(above) : std::nullopt;
		});
	};
	look();
	if (!OidIsValid(above))
	{
		run_part(on_only(alone.sql));
		look();
	}
	while (part.has_value())
	{
		pg::report(NOTICE, UserError("00000", title(number) + ": " + part->sql));
		if (part->is_alone)
			run_in_worker(number, attempt, part->sql, true, part->table);
		else
			run_part(part->sql);
		look();
	}
	attempt_.progress.timings.push_back({statement(number).place.line, capture::clock_us() - start, 0});
	transact([&] {
		migrate::take_run_lock();
		drift::take_units(units_about(tables_of(above)), {});
		done(number, effects_of_objects(parts_of(above)), carried_);
	});
}

// At most one partition's index is not attached yet; the others go with the one above.
void
Deployer::remove_partitioned(int number, const Alone &alone, const Before &before)
{
	try_step(number, [&](int attempt) {
		std::optional<Part> part;
		std::string drop;
		transact([&] {
			const Oid above = index_made(alone, before);
			if (!OidIsValid(above))
				return;
			part = next_part(above);
			drop = "DROP INDEX " + pg::identity_of("pg_class", above, 0).value_or("");
		});
		if (part.has_value() && part->is_leftover && part->is_alone)
			run_in_worker(number, attempt, part->sql, true, InvalidOid);
		else if (part.has_value() && part->is_leftover)
			run_part(part->sql);
		if (!drop.empty())
			run_part(drop);
	});
}

void
Deployer::settle()
{
	int number = 0;

	end_orphan();
	transact([&] {
		number = std::max(0, ledger::steps_done(deployment_) - offset_) + 1;
		carried_ = settings_left(deployment_);
		was_tried_ = ledger::newest_entry(deployment_, offset_ + number, "started").has_value();
	});
	if (!was_tried_ || number > step_count() || steps_[number - 1].kind != script::Step::Kind::alone)
		return;
	Before before;
	Leftover leftover;
	step_start_ = capture::clock_us();
	const Alone alone = prepare_alone(number, 1, before, leftover);
	if (alone.kind == Alone::Kind::create_index && alone.is_partitioned)
		return remove_partitioned(number, alone, before);
	remove_leftover(number, 1, leftover);
	if (leftover.is_done)
		finish_alone(number, alone, before);
}

} // namespace mg::deploy
