// Measures attempts and writes their records.
#include "migrate/attempt.hpp"

#include <algorithm>

#include "capture/settings.hpp"
#include "core/json.hpp"
#include "drift/accept.hpp"
#include "migrate/locks.hpp"
#include "migrate/objects.hpp"
#include "migrate/own_history.hpp"
#include "migrate/size.hpp"
#include "pg/lock.hpp"
#include "pg/session.hpp"
#include "pg/text.hpp"
#include "pg/worker.hpp"

namespace mg::migrate {

namespace {

constexpr int worker_timeout_ms = 5000;
constexpr size_t most_differences = 200;

// As many of an object's differences as a person would read.
std::string
differences_json(const std::vector<Deviation> &differences)
{
	JsonArray json;
	auto some = [](const std::optional<std::string> &value) {
		return value.has_value() ? json_quote(pg::excerpt(*value, 1000)) : "null";
	};

	for (size_t i = 0; i < std::min(differences.size(), most_differences); i++)
	{
		const Deviation &one = differences[i];
		json.json(JsonObject()
					  .text("change", one.kind == "missing"      ? "dropped"
									  : one.kind == "unexpected" ? "created"
																 : "changed")
					  .text("type", one.type)
					  .text("identity", one.identity)
					  .json("property", one.property.empty() ? "null" : json_quote(one.property))
					  .json("before", some(one.expected))
					  .json("after", some(one.actual))
					  .str());
	}
	return json.str();
}

// What an object has become stands with it, or else with the first of its columns.
std::string
objects_json(const std::vector<capture::RunObject> &objects, const std::vector<drift::Alteration> &alterations)
{
	std::map<std::pair<uint32_t, uint32_t>, const capture::RunObject *> places;
	std::map<const capture::RunObject *, const drift::Alteration *> altered;
	JsonArray json;

	for (const capture::RunObject &object : objects)
		if (const capture::RunObject *&place = places[{object.catalog_oid, object.oid}];
			place == nullptr || (place->column != 0 && object.column == 0))
			place = &object;
	for (const drift::Alteration &alteration : alterations)
		if (auto place = places.find({alteration.catalog, alteration.oid}); place != places.end())
			altered[place->second] = &alteration;
	for (const capture::RunObject &object : objects)
	{
		auto found = altered.find(&object);
		json.json(object_json(object, found != altered.end() ? differences_json(found->second->differences) : ""));
	}
	return json.str();
}

std::string
rewrites_json(const std::vector<capture::Rewrite> &rewrites)
{
	JsonArray json;

	for (const capture::Rewrite &rewrite : rewrites)
		json.json(JsonObject().text("relation", rewrite.relation).text("reason", rewrite.reason).str());
	return json.str();
}

} // namespace

std::string
timings_json(const std::vector<Timing> &timings)
{
	JsonArray json;

	for (const Timing &timing : timings)
		json.json(JsonArray().number(timing.line).number(timing.duration_us).number(timing.rows).str());
	return json.str();
}

std::string
object_json(const capture::RunObject &object, const std::string &differences)
{
	JsonObject json;

	json.text("type", object.type)
		.text("identity", object.identity)
		.json("was", object.was.empty() ? "null" : json_quote(object.was))
		.text("change", object.change)
		.json("names", json_strings(object.names))
		.json("arguments", json_strings(object.arguments))
		.text("catalog", object.catalog)
		.number("oid", object.oid)
		.number("column", object.column);
	if (!differences.empty())
		json.json("differences", differences);
	return json.str();
}

std::string
evidence_json(const std::vector<Finding> &findings, const std::vector<Finding> &more)
{
	JsonArray json;

	for (const std::vector<Finding> *part : {&findings, &more})
		for (const Finding &finding : *part)
			json.json(JsonObject()
						  .number("line", finding.line)
						  .text("query", finding.query)
						  .text("status", finding.shown ? "shown" : (finding.ok ? "passed" : "failed"))
						  .text("actual", finding.actual)
						  .json("rows", finding.evidence)
						  .str());
	return json.str();
}

Attempt::Attempt(std::string migration, std::string action)
	: migration_(std::move(migration)), action_(std::move(action)), start_(capture::clock_us()), place_(ledger::place())
{
	started_at_ = pg::guarded([] { return timestamptz_to_str(GetCurrentTimestamp()); });
	ledger::add_session(session_);
}

ledger::Fields
Attempt::fields(const std::string &outcome) const
{
	auto some = [](const std::string &text) { return text.empty() ? pg::Cell() : pg::Cell(text); };
	ledger::Fields fields = {{"migration", migration_},
							 {"action", action_},
							 {"outcome", outcome},
							 {"reason", some(reason)},
							 {"checksum", some(checksum)},
							 {"down_checksum", some(down_checksum)},
							 {"started_at", started_at_},
							 {"duration_us", std::to_string(capture::clock_us() - start_)},
							 {"statements", std::to_string(progress.timings.size())},
							 {"rows", std::to_string(progress.rows)},
							 {"timings", timings_json(progress.timings)},
							 {"size_before", some(size_before_)},
							 {"server_version", pg::server_version()}};
	fields.insert(fields.end(), session_.begin(), session_.end());
	return fields;
}

void
Attempt::guard(const std::function<void()> &work)
{
	try
	{
		work();
	}
	catch (const pg::Error &error)
	{
		const ErrorData &data = error.data();
		record_failure(unpack_sql_state(data.sqlerrcode), data.message, data.detail, data.hint);
		throw;
	}
	catch (const UserError &error)
	{
		record_failure(error.sqlstate().c_str(), error.what(), error.detail().c_str(), error.hint().c_str());
		throw;
	}
}

void
Attempt::run(const std::function<void(capture::Run &)> &work)
{
	guard([&] {
		pg::SettingsScope settings;

		for (const HeldLock &lock : held_locks())
			locked_before_[lock.oid] = lock.rank;
		begin(ledger::new_id());
		pg::show_migration(migration_);
		const pg::Watch watch(alerts_while_running(alert_policy_, migration_, action_, session_));
		capture::Run run(id_, migration_);
		work(run);
		forget_listed();
	});
}

void
Attempt::begin(int64_t id)
{
	alert_policy_ = alert_policy();
	size_before_ = size_before_run();
	id_ = id;
	started_ = true;
}

void
Attempt::run_across(const std::function<void()> &work)
{
	guard([&] {
		const pg::Watch watch(alerts_while_running(alert_policy_, migration_, action_, session_));
		work();
	});
}

void
Attempt::require_checks(const std::optional<script::Script> &script, const char *sqlstate, const std::string &what)
{
	if (!script.has_value())
		return;
	std::vector<Finding> findings = run_checks(*script, migration_, progress);
	evidence.insert(evidence.end(), findings.begin(), findings.end());
	for (const Finding &finding : findings)
		if (!finding.ok)
		{
			progress.line = finding.line;
			progress.statement = finding.query;
			throw UserError(sqlstate, what + " of migration \"" + migration_ + "\" failed")
				.detail("Line " + std::to_string(finding.line) + ": " + finding.query + ": expected " +
						finding.expected + ", got " + finding.actual + ".")
				.hint(failure_hint);
		}
}

// What the run leaves is what must be there from now on.
std::vector<drift::Alteration>
Attempt::take_state(const capture::Run &run, const std::vector<capture::RunObject> &objects) const
{
	drift::Change change = change_of(run, objects);

	change.run = id_;
	std::vector<drift::Alteration> result = drift::take(change);
	if (!is_new)
		drift::take_attributed(migration_);
	return result;
}

Effects
Attempt::effects(const capture::Run &run) const
{
	pg::SqlScope sql;
	Effects result;
	JsonArray locks;

	result.objects = run.objects();
	for (const HeldLock &lock : held_locks())
	{
		auto before = locked_before_.find(lock.oid);
		bool own = std::any_of(result.objects.begin(), result.objects.end(), [&](const capture::RunObject &object) {
			return object.oid == lock.oid && object.catalog == "pg_class" && object.change == "created";
		});
		if (!own && (before == locked_before_.end() || lock.rank < before->second))
			locks.json(JsonObject().text("relation", lock.relation).text("mode", lock.mode).str());
	}
	result.objects_json = objects_json(result.objects, take_state(run, result.objects));
	result.locks = locks.str();
	result.rewrites = rewrites_json(run.rewrites());
	result.incomplete = run.is_incomplete();
	return result;
}

std::string
Attempt::evidence_so_far() const
{
	const std::string now = evidence_json(evidence, risk_evidence);

	if (earlier_evidence.empty() || earlier_evidence == "[]")
		return now;
	return now == "[]" ? earlier_evidence
					   : earlier_evidence.substr(0, earlier_evidence.size() - 1) + "," + now.substr(1);
}

void
Attempt::conclude(const std::string &outcome, const Effects &effects)
{
	pg::SqlScope sql;

	duration_us_ = capture::clock_us() - start_;
	objects_ = static_cast<int>(
		std::count_if(effects.objects.begin(), effects.objects.end(), [](const auto &object) { return object.named; }));
	ledger::Fields record = fields(outcome);
	record.emplace_back("at", ledger::next_run_time());
	record.emplace_back("objects", effects.objects_json);
	record.emplace_back("locks", effects.locks);
	record.emplace_back("rewrites", effects.rewrites);
	record.emplace_back("evidence", evidence_so_far());
	std::string size_after = size_after_run(duration_us_);
	record.emplace_back("size_after", size_after.empty() ? pg::Cell() : pg::Cell(size_after));
	ledger::append(ledger::Table::run, record, id_);
	for (const ledger::Alert &alert : alerts_of_success(alert_policy_, end(duration_us_), id_))
		ledger::alert(alert);
	if (!effects.objects.empty() || effects.incomplete)
		tell_of_change(alert_policy_, end(duration_us_), id_, effects.objects);
	capture::log_run(migration_ + " " + outcome + " in " + std::to_string(duration_us_ / 1000) + " ms");
}

RunEnd
Attempt::end(int64_t duration_us) const
{
	RunEnd result;

	result.migration = migration_;
	result.action = action_;
	result.duration_us = duration_us;
	result.reason = reason;
	result.phase = progress.phase;
	result.line = progress.line;
	return result;
}

Outcome
Attempt::outcome(const std::string &status) const
{
	Outcome outcome;

	outcome.migration = migration_;
	outcome.status = status;
	outcome.duration_us = duration_us_;
	outcome.statements = static_cast<int>(progress.timings.size());
	outcome.objects = objects_;
	outcome.risk = risk;
	outcome.checksum = checksum;
	outcome.run_id = id_;
	return outcome;
}

// Called while an error is on its way: looks nothing up, and whatever goes wrong here is a warning, not another error.
void
Attempt::record_failure(const char *sqlstate, const char *message, const char *detail, const char *hint) noexcept
{
	try
	{
		auto some = [](const char *text) { return text != nullptr && text[0] != '\0' ? pg::Cell(text) : pg::Cell(); };
		ledger::Fields record = fields(started_ ? "failed" : "refused");

		record.emplace_back("phase", progress.phase);
		if (progress.line > 0)
			record.emplace_back("line", std::to_string(progress.line));
		record.emplace_back("statement", some(progress.statement.c_str()));
		record.emplace_back("sqlstate", std::string(sqlstate));
		record.emplace_back("error", some(message));
		record.emplace_back("detail", some(detail));
		record.emplace_back("hint", some(hint));
		record.emplace_back("evidence", evidence_so_far());

		ledger::Parcel parcel = started_ ? with_failure : ledger::Parcel();
		parcel.emplace_back(ledger::Table::run, record);
		RunEnd failed = end(capture::clock_us() - start_);
		failed.sqlstate = sqlstate;
		failed.error = message != nullptr ? message : "";
		if (started_ && !ledger::is_locked_by_me(place_, ledger::Table::alert))
			for (const ledger::Alert &alert : alerts_of_failure(alert_policy_, failed))
				parcel.emplace_back(ledger::Table::alert, ledger::alert_fields(alert, session_));
		bool locked = ledger::is_locked_by_me(place_, ledger::Table::run);
		pg::WorkerOutcome outcome =
			locked ? pg::WorkerOutcome::failed : pg::run_in_worker(ledger::pack(parcel), worker_timeout_ms);
		if (outcome == pg::WorkerOutcome::done)
			return;
		const char *why = locked                                  ? "this transaction has locked the ledger"
						  : outcome == pg::WorkerOutcome::no_slot ? "no background worker slot is free"
						  : outcome == pg::WorkerOutcome::failed  ? "the background worker failed"
																  : "the background worker took too long";
		pg::report(WARNING,
				   UserError("01000", "the failed attempt at migration \"" + migration_ + "\" is not on record")
					   .detail(std::string(why) + "; the server log has it.")
					   .hint(outcome == pg::WorkerOutcome::no_slot
								 ? "max_worker_processes must leave room for one worker."
								 : "The server log may say why."));
		pg::guarded([&] {
			ereport(LOG, (errmsg("migration_governance: attempt at migration \"%s\" failed in line %d: %s",
								 migration_.c_str(), progress.line, message != nullptr ? message : ""),
						  errhidestmt(true), errhidecontext(true)));
		});
	}
	catch (...)
	{
		return;
	}
}

} // namespace mg::migrate
