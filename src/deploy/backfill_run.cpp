// Goes from batch to batch. What a batch has done and where it ended are committed together, so that nothing is done twice.
#include "deploy/backfill_run.hpp"

#include <algorithm>
#include <cmath>

#include "capture/frame.hpp"
#include "core/json.hpp"
#include "deploy/backfill_vacuum.hpp"
#include "deploy/load.hpp"
#include "deploy/transact.hpp"
#include "pg/lock.hpp"
#include "pg/query.hpp"
#include "script/backfill.hpp"

namespace mg::deploy {

namespace {

double
rows_per_page(const Target &target)
{
	return std::max(1.0, target.rows / static_cast<double>(std::max<int64_t>(target.pages, 1)));
}

std::string
columns_of(const Target &target)
{
	std::string list;

	for (const KeyColumn &column : target.key)
		list += (list.empty() ? "" : ", ") + column.name;
	return list;
}

std::string
way_through(const Target &target)
{
	if (!target.has_key())
		return "by its pages, since it has no key to go by";
	return (target.is_primary ? "by its primary key " : "by its unique index ") + target.index + " (" +
		   columns_of(target) + ")";
}

} // namespace

BackfillRun::BackfillRun(const ledger::Deployment &deployment, int step, const script::Backfill &order,
						 const pg::Settings &settings, const Patience &patience)
	: deployment_(deployment), step_(step), order_(order), settings_(settings), patience_(patience),
	  size_(order.batch_size, 1)
{
}

// For what the user's own statements see, until the SettingsScope around it ends.
void
BackfillRun::apply_settings() const
{
	pg::apply(settings_);
	pg::apply({{"lock_timeout", std::to_string(patience_.lock_timeout_ms)}});
	if (policy_.triggers)
		return;
	try
	{
		pg::apply({{"session_replication_role", "replica"}});
		return;
	}
	catch (const pg::Error &error)
	{
		if (error.data().sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE)
			throw;
	}
	throw UserError("42501", "permission denied to switch triggers off for a backfill")
		.detail("The policy backfill_triggers is off, which takes the right to set session_replication_role.")
		.hint("A superuser gives it: GRANT SET ON PARAMETER session_replication_role TO a role.");
}

void
BackfillRun::prepare()
{
	script::require_backfill(order_.table, order_.set_clause, order_.where_clause);
	policy_ = backfill_policy();
	size_ = BatchSize(order_.batch_size, policy_.batch_ms);
	{
		pg::SettingsScope scope;
		apply_settings();
		subject_ = find_subject(order_.table);
	}
	const std::optional<ledger::JournalRecord> planned = ledger::newest_entry(deployment_, step_, "planned");
	if (!planned.has_value())
		return plan();
	is_resumed_ = true;
	targets_ = targets_in(ledger::query_cell("SELECT $1::jsonb->'targets'", {planned->details}).value_or("[]"));
	read_position();
}

ledger::JournalEntry
BackfillRun::entry(const char *event) const
{
	ledger::JournalEntry entry;

	entry.event = event;
	entry.step = step_;
	entry.kind = "backfill";
	return entry;
}

void
BackfillRun::plan()
{
	{
		pg::SettingsScope scope;
		apply_settings();
		targets_ = find_targets(subject_, order_);
		for (Target &target : targets_)
		{
			const Statements statements(subject_, order_, target);
			statements.check();
			if (target.has_key())
				target.last = statements.greatest();
		}
	}
	ledger::JournalEntry record = entry("planned");
	record.details = JsonObject()
						 .text("table", subject_.name)
						 .text("set", order_.set_clause)
						 .text("where", order_.where_clause)
						 .json("targets", to_json(targets_))
						 .str();
	ledger::append_journal(deployment_, record);
}

// Batches are numbered: the clock may have been set back since.
void
BackfillRun::read_position()
{
	const std::vector<pg::Row> rows = ledger::query(
		"SELECT b.details->>'target', b.details->>'complete', ARRAY(SELECT "
		"jsonb_array_elements_text(b.details->'after')),"
		" coalesce(b.details->>'page', '0'), b.details->>'passed', b.details->>'batch', s.rows"
		" FROM (SELECT coalesce(sum(j.rows), 0) AS rows FROM mg.journal j WHERE j.deployment = $1::bigint"
		"  AND j.installation = $2::uuid AND j.step = $3::integer AND j.event = 'batch') s,"
		" LATERAL (SELECT j.details FROM mg.journal j WHERE j.deployment = $1::bigint AND j.installation = $2::uuid"
		"  AND j.step = $3::integer AND j.event = 'batch' ORDER BY (j.details->>'batch')::bigint DESC LIMIT 1) b",
		{std::to_string(deployment_.id), deployment_.installation, std::to_string(step_)});

	if (rows.empty())
		return;
	const pg::Row &row = rows[0];
	position_.target = std::stoul(*row[0]) - 1;
	position_.after = pg::array_items(*row[2]);
	position_.page = std::stoll(*row[3]);
	position_.passed = std::stod(*row[4]);
	position_.batches = std::stoll(*row[5]);
	position_.rows = std::stoll(*row[6]);
	if (row[1] == "true")
	{
		position_.target++;
		position_.after.clear();
		position_.page = 0;
	}
}

double
BackfillRun::total_rows() const
{
	double total = 0;

	for (const Target &target : targets_)
		total += target.rows;
	return total;
}

void
BackfillRun::announce() const
{
	const auto total = std::to_string(std::llround(total_rows()));
	std::string how = ", about " + total + " rows";
	std::string detail;

	if (targets_.size() == 1)
		how = way_through(targets_[0]).insert(0, " ") + how;
	else
		for (const Target &target : targets_)
			if (detail.size() < 1000)
				detail += target.name + " " + way_through(target) + ". ";
	if (targets_.size() > 1)
		how = ", which is " + std::to_string(targets_.size()) + " tables" + how;
	for (const Target &target : targets_)
		if (!is_uniform(target.key))
			detail += "The columns of " + target.index +
					  " are not all in one order or of one kind, so that they are compared one by one. ";
	if (!detail.empty())
		detail.pop_back();
	if (is_resumed_)
		how += "; " + std::to_string(position_.batches) + " batches with " + std::to_string(position_.rows) +
			   " rows are done";
	pg::report(NOTICE,
			   UserError("00000", (is_resumed_ ? "resuming the backfill of " : "backfilling ") + subject_.name + how)
				   .detail(detail));
}

bool
BackfillRun::is_empty(const Target &target) const
{
	return target.has_key() ? target.last.empty() : target.pages == 0;
}

// Gives the range of the next batch and where it ends; tells whether it is the last of its target.
bool
BackfillRun::find_range(const Statements &statements, int64_t rows, Range &range, Position &next) const
{
	const Target &target = targets_[position_.target];

	if (!target.has_key())
	{
		const double density = rows_per_page(target);
		const int64_t pages = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(rows) / density));
		range.first_page = position_.page;
		range.end_page = std::min(target.pages, position_.page + pages);
		next.page = range.end_page;
		next.passed += static_cast<double>(range.end_page - range.first_page) * density;
		return range.end_page == target.pages;
	}
	const std::optional<KeyValues> bound = statements.bound(position_.after, rows);
	range.after = position_.after;
	range.up_to = bound.value_or(target.last);
	next.after = range.up_to;
	next.passed += static_cast<double>(bound.has_value() ? rows : 0);
	if (bound.has_value() || is_uniform(target.key) || position_.after.size() <= 1)
		return !bound.has_value() || *bound == target.last;
	next.after.assign(position_.after.begin(), position_.after.end() - 1);
	return false;
}

BackfillRun::Done
BackfillRun::batch(int64_t rows, int attempt) const
{
	Done done;
	const Target &target = targets_[position_.target];

	transact([&] {
		const int64_t began = capture::clock_us();
		int64_t changed;
		bool is_last;
		done.position = position_;
		{
			pg::SettingsScope scope;
			Range range;
			apply_settings();
			const Statements statements(subject_, order_, target);
			is_last = find_range(statements, rows, range, done.position);
			changed = statements.update(range);
			done.others_waited = pg::keeps_others_waiting();
		}
		done.us = capture::clock_us() - began;
		done.position.rows += changed;
		done.position.batches++;

		JsonObject details;
		details.number("batch", done.position.batches).number("target", static_cast<long long>(position_.target) + 1);
		if (target.has_key())
			details.json("after", json_strings(done.position.after));
		else
			details.number("page", done.position.page);
		details.number("passed", static_cast<long long>(done.position.passed)).number("size", rows);
		details.boolean("complete", is_last);
		ledger::JournalEntry record = entry("batch");
		record.attempt = attempt;
		record.rows = changed;
		record.duration_us = done.us;
		record.details = details.str();
		ledger::append_journal(deployment_, record);
		/* It is undone with its record or not at all, and the end of the step waits for the disk. */
		pg::commit_lazily();
		done.load = load_of_others();
		if (is_last)
		{
			done.position.target++;
			done.position.after.clear();
			done.position.page = 0;
		}
	});
	return done;
}

void
BackfillRun::record_blocked(const std::string &sqlstate, const std::string &error, int attempt) const
{
	ledger::JournalEntry record = entry("blocked");

	record.attempt = attempt;
	record.sqlstate = sqlstate;
	record.error = error;
	transact([&] { ledger::append_journal(deployment_, record); });
}

BackfillRun::Done
BackfillRun::batch_with_patience()
{
	Done done;

	patiently(
		patience_, [&](int attempt) { done = batch(size_.rows(), attempt); },
		[&](int attempt, const std::string &sqlstate, const std::string &error) {
			record_blocked(sqlstate, error, attempt);
			size_.halve();
		});
	return done;
}

BackfillResult
BackfillRun::go()
{
	pg::Settings of_vacuum = settings_;
	of_vacuum.emplace_back("lock_timeout", std::to_string(patience_.lock_timeout_ms));
	BackfillVacuum vacuum(subject_, policy_.dead_percent, of_vacuum, position_.rows > 0);
	BackfillProgress progress("backfill of " + subject_.name, total_rows(), position_.passed, position_.rows);
	const int64_t rows_before = position_.rows;
	const int64_t batches_before = position_.batches;

	announce();
	while (position_.target < targets_.size())
	{
		const Target &target = targets_[position_.target];
		if (is_empty(target))
		{
			position_.target++;
			continue;
		}
		if (is_over(patience_.deadline))
			throw UserError("57014", "the deadline has passed before the backfill of " + subject_.name + " has ended")
				.detail(std::to_string(position_.rows) + " rows in " + std::to_string(position_.batches) +
						" batches are done.");
		const Done done = batch_with_patience();
		const int64_t changed = done.position.rows - position_.rows;
		position_ = done.position;
		size_.adapt(done.us, done.others_waited);
		progress.tell(position_.passed, position_.rows);
		vacuum.changed(target, changed);
		pg::sleep_ms(order_.pause_ms.value_or(0) + rest_ms(done.us, policy_.rest_percent, done.load));
		if (policy_.replica_lag_s >= 0)
			wait_for_replicas(policy_.replica_lag_s, progress);
	}
	vacuum.finish(targets_);
	progress.tell_end(position_.rows - rows_before, position_.batches - batches_before);
	return {position_.rows, position_.batches};
}

} // namespace mg::deploy
