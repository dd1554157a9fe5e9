// Registers and applies migrations.
#include "migrate/approvals.hpp"
#include "migrate/attempt.hpp"
#include "migrate/generate_down.hpp"
#include "migrate/lint.hpp"
#include "migrate/locks.hpp"
#include "migrate/migrate.hpp"
#include "migrate/surroundings.hpp"

#include "ledger/journal.hpp"
#include "ledger/seal.hpp"

namespace mg::migrate {

namespace {

void
note_wrapper(const script::Script &script)
{
	if (script.is_unwrapped())
		pg::report(NOTICE, UserError("00000", "BEGIN and COMMIT of the " + script.what() + " script are left out")
							   .detail("A migration is one transaction already: the caller's."));
}

Outcome
skipped(const std::string &name, const std::string &checksum)
{
	Outcome outcome;

	pg::report(NOTICE, UserError("00000", "migration \"" + name + "\" is applied already, skipping"));
	outcome.migration = name;
	outcome.status = "skipped";
	outcome.checksum = checksum;
	return outcome;
}

// Gets the migration from the caller's scripts, or from the ledger when there are none.
Migration
get_migration(const Request &request)
{
	if (request.up.has_value())
		return Migration::from_request(request);
	if (request.down.has_value() || request.verify.has_value() || request.precondition.has_value() ||
		request.requirements.has_value())
		throw UserError("22023", "the up script is missing")
			.hint("Hand in all scripts of the migration, or its name only when it is registered.");

	std::optional<ledger::Registration> known = ledger::find_registration(request.name);
	if (!known.has_value())
		throw UserError("MG004", "migration \"" + request.name + "\" is not registered")
			.hint("Hand in its up script, or register it with mg_register().");
	return Migration::from_ledger(*known);
}

// Raises 55000 for one that a deployment has left half done.
void
require_not_deploying(const Migration &migration)
{
	if (ledger::open_deployment(migration.name).has_value())
		throw UserError("55000", "migration \"" + migration.name + "\" is half deployed")
			.detail("A deployment of it was interrupted, with the up script that is registered.")
			.hint("CALL mg_resume() goes on with it, CALL mg_abort() undoes it.");
}

// Skips a migration that is applied with this very text, or is named only, once no other session is changing that.
// Without parsing the text, which another standard_conforming_strings might not allow.
std::optional<Outcome>
skip_if_applied(const Request &request)
{
	auto is_it = [&](const std::optional<ledger::LastRun> &run) {
		return run.has_value() && run->applied &&
			   (!request.up.has_value() || run->checksum == script::checksum_of(*request.up));
	};
	if (!is_it(ledger::find_last_run(request.name)))
		return std::nullopt;
	take_run_lock();
	std::optional<ledger::LastRun> last = ledger::find_last_run(request.name);
	return is_it(last) ? std::optional<Outcome>(skipped(request.name, last->checksum)) : std::nullopt;
}

Outcome
run_migration(const Migration &migration, Attempt &attempt)
{
	attempt.run([&](capture::Run &run) {
		attempt.require_checks(migration.precondition, "MG401", "precondition");
		record_down(migration.name, migration.up, migration.down.has_value());
		run_script(migration.up, migration.name, run, attempt.progress);
		check_constraints(migration.name, attempt.progress);
		attempt.require_checks(migration.verify, "MG402", "verification");
		attempt.succeed("applied", run);
	});
	return attempt.outcome("applied");
}

} // namespace

Registered
register_migration(const Request &request)
{
	require_writable();
	if (!ledger::is_applied(request.name))
		check_name_and_version(request.name);
	if (!request.up.has_value())
		throw UserError("22004", "the up script must not be NULL");
	Migration migration = Migration::from_request(request);
	take_run_lock();
	if (std::optional<ledger::Deployment> open = ledger::open_deployment(request.name);
		open.has_value() && open->action == "deploy" &&
		ledger::find_registration(request.name)->up != migration.up.checksum())
		require_not_deploying(migration);
	check_requirements(migration, false);

	std::optional<ledger::LastRun> last = ledger::find_last_run(request.name);
	bool applied = last.has_value() && last->applied;
	if (applied)
		is_same_text(migration, last->checksum);
	bool kept = migration.keep() != Kept::unchanged;
	const script::Statement *refused = migration.up.first_undeployable();
	if (refused == nullptr)
		refused = migration.up.first_refused();
	if (refused != nullptr)
		pg::report(NOTICE,
				   UserError("00000", "migration \"" + request.name + "\" is registered, but mg_apply() cannot run it")
					   .detail("Line " + std::to_string(refused->place.line) + ": " + refused->refusal + ".")
					   .hint(refused->hint));
	if (applied && kept)
		pg::report(NOTICE, UserError("00000", "migration \"" + request.name +
												  "\" is applied already; its other scripts are kept as they are now"));
	if (applied)
		return {migration.name, "applied", migration.up.checksum(), std::nullopt, 0};
	std::optional<Judged> judged = judge(migration);
	return {migration.name,
			"pending",
			migration.up.checksum(),
			judged.has_value() ? std::optional(judged->risk) : std::nullopt,
			judged.has_value() ? judged->findings : 0,
			approvals_needed(migration)};
}

Outcome
apply(const Request &request)
{
	require_writable();
	bool was_applied = ledger::is_applied(request.name);
	if (!was_applied)
		check_name_and_version(request.name);

	Attempt attempt(request.name, "apply");
	std::optional<Migration> migration;
	std::optional<Outcome> early;

	attempt.guard([&] {
		pg::SqlScope sql;
		attempt.progress.phase = "script";
		if (was_applied)
			early = skip_if_applied(request);
		if (early.has_value())
			return;
		/* By its name it is what is registered when its turn has come. */
		if (!request.up.has_value())
		{
			take_run_lock();
			require_fresh_registration(request.name);
		}
		migration.emplace(get_migration(request));
		attempt.checksum = migration->up.checksum();
		if (!was_applied)
			require_not_deploying(*migration);
		migration->require_runnable();
		take_run_lock();

		std::optional<ledger::LastRun> last = ledger::find_last_run(request.name);
		if (last.has_value() && last->applied)
		{
			if (is_same_text(*migration, last->checksum))
				early = skipped(request.name, last->checksum);
			return;
		}
		require_not_deploying(*migration);
		attempt.with_failure = migration->records();
		check_requirements(*migration, true);
		ledger::seal();
		attempt.is_new = migration->keep() == Kept::is_new;
	});
	if (early.has_value())
		return *early;

	/* Not before: names mean what they mean to the caller, whose search_path is pinned within. */
	Surroundings surroundings(*migration, policy::Action::apply, "");
	attempt.guard([&] {
		attempt.progress.phase = "gates";
		require_gates(surroundings);
		make_restore_point(*migration);
	});
	std::optional<Judged> risk =
		surroundings.has_findings() ? judged(surroundings.findings(), surroundings.risk()) : judge(*migration);
	if (risk.has_value())
	{
		attempt.risk = risk->risk;
		attempt.risk_evidence.push_back(std::move(risk->evidence));
	}
	note_wrapper(migration->up);
	if (migration->up.statements().empty())
		pg::report(NOTICE, UserError("00000", "migration \"" + request.name + "\" has no statements"));
	if (migration->down.has_value())
		attempt.down_checksum = migration->down->checksum();
	return run_migration(*migration, attempt);
}

} // namespace mg::migrate
