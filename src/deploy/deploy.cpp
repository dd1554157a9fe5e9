// Takes migrations from their gates through their steps to their record.
#include "deploy/deploy.hpp"

#include "core/json.hpp"
#include "deploy/deployer.hpp"
#include "deploy/keeper.hpp"
#include "deploy/transact.hpp"
#include "deploy/turn.hpp"
#include "drift/accept.hpp"
#include "ledger/seal.hpp"
#include "migrate/approvals.hpp"
#include "migrate/lint.hpp"
#include "migrate/locks.hpp"
#include "migrate/rollback.hpp"
#include "migrate/surroundings.hpp"
#include "pg/text.hpp"

namespace mg::deploy {

namespace {

// Of the scripts that the deployment began with, whatever was registered since.
migrate::Migration
migration_of(const ledger::Deployment &deployment)
{
	const pg::Row row = ledger::query("SELECT d.v->>'up', d.v->>'down', d.v->>'verify' FROM (SELECT $1::jsonb AS v) d",
									  {deployment.details})[0];
	ledger::Registration registration;

	registration.migration = deployment.migration;
	registration.up = row[0].value_or("");
	registration.down = row[1];
	registration.verify = row[2];
	return migrate::Migration::from_ledger(registration);
}

std::string
details_of(const migrate::Migration &migration, const Patience &patience, const migrate::Attempt &attempt, size_t steps)
{
	JsonObject details;
	auto checksum = [](const std::optional<script::Script> &script) {
		return script.has_value() ? json_quote(script->checksum()) : "null";
	};

	details.text("up", migration.up.checksum())
		.json("down", checksum(migration.down))
		.json("verify", checksum(migration.verify))
		.number("steps", static_cast<int64_t>(steps))
		.number("lock_timeout_ms", patience.lock_timeout_ms)
		.number("retries", patience.retries)
		.boolean("is_new", attempt.is_new)
		.json("reason", attempt.reason.empty() ? "null" : json_quote(attempt.reason))
		.json("evidence", migrate::evidence_json(attempt.evidence, attempt.risk_evidence));
	return details.str();
}

// Raises 55000 while a deployment of it has not ended.
void
require_none_open(const std::string &name)
{
	if (std::optional<ledger::Deployment> open = ledger::open_deployment(name))
		throw UserError("55000", "the " + word_of(*open) + " of migration \"" + name + "\" was interrupted")
			.hint(way_on(*open));
}

// What comes before the first step, in one transaction. Nothing if the migration is applied already.
std::optional<ledger::Deployment>
begin(const std::string &name, const Patience &patience, migrate::Attempt &attempt,
	  std::optional<migrate::Migration> &migration)
{
	std::optional<ledger::Deployment> deployment;

	{
		pg::SqlScope sql;
		attempt.progress.phase = "script";
		migrate::require_writable();
		migrate::take_run_lock();
		require_none_open(name);
		const std::optional<ledger::Registration> known = ledger::find_registration(name);
		if (!known.has_value())
			throw UserError("MG004", "migration \"" + name + "\" is not registered")
				.hint("Register it with mg_register(name, up, down): CALL mg_deploy() takes it by its name.");
		if (ledger::is_applied(name))
		{
			pg::report(NOTICE, UserError("00000", "migration \"" + name + "\" is applied already, skipping"));
			return std::nullopt;
		}
		migrate::check_name_and_version(name);
		migration.emplace(migrate::Migration::from_ledger(*known));
		attempt.checksum = migration->up.checksum();
		if (migration->down.has_value())
			attempt.down_checksum = migration->down->checksum();
		migration->require_deployable();
		migrate::check_requirements(*migration, true);
		ledger::seal();
	}

	migrate::Surroundings surroundings(*migration, policy::Action::apply, "");
	attempt.progress.phase = "gates";
	migrate::require_gates(surroundings);
	migrate::make_restore_point(*migration);
	if (std::optional<migrate::Judged> risk = surroundings.has_findings()
												  ? migrate::judged(surroundings.findings(), surroundings.risk())
												  : migrate::judge(*migration))
	{
		attempt.risk = risk->risk;
		attempt.risk_evidence.push_back(std::move(risk->evidence));
	}
	attempt.require_checks(migration->precondition, "MG401", "precondition");
	deployment = ledger::begin_deployment(
		name, "deploy", details_of(*migration, patience, attempt, script::steps_of(migration->up).size()));
	attempt.begin(deployment->id);
	return deployment;
}

// What comes after the last step, in one transaction.
void
end(const ledger::Deployment &deployment, const migrate::Migration &migration, migrate::Attempt &attempt)
{
	pg::SettingsScope settings;

	migrate::take_run_lock();
	pg::apply(settings_left(deployment));
	attempt.require_checks(migration.verify, "MG402", "verification");
	{
		pg::SqlScope sql;
		drift::take_attributed(deployment.migration);
	}
	Sum sum = sum_of(deployment);
	attempt.progress.timings = std::move(sum.timings);
	attempt.progress.rows = sum.rows;
	attempt.conclude("applied", sum.effects);
	end_journal(deployment, "applied");
}

void
run(const ledger::Deployment &deployment, const migrate::Migration &migration, migrate::Attempt &attempt,
	const Patience &patience)
{
	const int64_t start = capture::clock_us();

	keep(deployment, attempt, [&] {
		Deployer deployer(deployment, migration.up, attempt, patience);
		deployer.run();
		attempt.failure_hint =
			"The steps before it stay: correct what it complains of and CALL mg_resume(), or CALL mg_abort().";
		transact([&] { end(deployment, migration, attempt); });
		pg::report(NOTICE, UserError("00000", "migration \"" + deployment.migration + "\" is deployed")
							   .detail(std::to_string(deployer.step_count()) +
									   (deployer.step_count() == 1 ? " step" : " steps") + ", in " +
									   pg::span_text((capture::clock_us() - start) / 1000 * 1000) + "."));
	});
}

void
deploy_one(const std::string &name, const Patience &patience)
{
	migrate::Attempt attempt(name, "deploy");
	std::optional<migrate::Migration> migration;
	std::optional<ledger::Deployment> deployment;

	attempt.guard([&] { transact([&] { deployment = begin(name, patience, attempt, migration); }); });
	if (deployment.has_value())
		run(*deployment, *migration, attempt, patience);
}

// In the order in which they can be applied. Raises 55000 when one of them has been left half done.
std::vector<std::string>
pending()
{
	for (const ledger::Deployment &open : ledger::open_deployments())
		require_none_open(open.migration);
	return in_order(ledger::all_requirements(), ledger::pending_migrations());
}

void
end_rollback(const ledger::Deployment &deployment, migrate::Attempt &attempt)
{
	pg::SettingsScope settings;

	migrate::take_run_lock();
	attempt.progress.phase = "rollback check";
	attempt.progress.line = 0;
	attempt.progress.statement.clear();
	Sum sum = sum_of(deployment);
	const migrate::Undoing undoing = migrate::read_undoing(deployment.migration);
	migrate::require_undone(undoing, sum.effects.objects);
	std::vector<std::pair<std::string, Oid>> made;
	for (const migrate::RecordedObject &object : undoing.objects)
		if (object.change == "created" && object.column == 0 && OidIsValid(object.oid))
			made.emplace_back(object.catalog, object.oid);
	forget_gone(made);
	attempt.progress.timings = std::move(sum.timings);
	attempt.progress.rows = sum.rows;
	attempt.conclude("rolled back", sum.effects);
	end_journal(deployment, "rolled back");
}

void
run_rollback(const ledger::Deployment &deployment, const script::Script &down, migrate::Attempt &attempt,
			 const Patience &patience)
{
	keep(deployment, attempt, [&] {
		Deployer deployer(deployment, down, attempt, patience);
		deployer.run();
		transact([&] { end_rollback(deployment, attempt); });
		pg::report(NOTICE, UserError("00000", "migration \"" + deployment.migration + "\" is rolled back")
							   .detail(std::to_string(deployer.step_count()) +
									   (deployer.step_count() == 1 ? " step." : " steps.")));
	});
}

} // namespace

void
deploy(const std::optional<std::string> &name, const Wishes &wishes)
{
	const Patience patience = patience_of(wishes);
	const Turn turn(patience);
	std::vector<std::string> names;

	if (name.has_value())
		names.push_back(*name);
	else
		transact([&] { names = pending(); });
	if (names.empty())
		pg::report(NOTICE, UserError("00000", "no migration is pending"));
	for (const std::string &one : names)
		deploy_one(one, patience);
}

void
resume(const std::string &name, const Wishes &wishes)
{
	const Turn turn(patience_of(wishes));
	std::optional<ledger::Deployment> deployment;
	std::optional<migrate::Migration> migration;
	std::optional<migrate::Attempt> attempt;
	Patience patience;

	transact([&] {
		migrate::require_writable();
		deployment = require_open(name);
		if (is_being_aborted(*deployment))
			throw UserError("55000", "the deployment of migration \"" + name + "\" is being undone")
				.hint(way_on(*deployment));
		patience = patience_of(wishes, deployment->details);
		migration.emplace(migration_of(*deployment));
		attempt.emplace(name, deployment->action);
		attempt->checksum = migration->up.checksum();
		attempt->down_checksum = migration->down.has_value() ? migration->down->checksum() : "";
		const pg::Row row = ledger::query("SELECT d.v->>'reason', d.v->'evidence' FROM (SELECT $1::jsonb AS v) d",
										  {deployment->details})[0];
		attempt->reason = row[0].value_or("");
		attempt->earlier_evidence = row[1].value_or("");
		attempt->begin(deployment->id);
		note_return(*deployment, "resumed");
	});
	if (deployment->action == "deploy")
		run(*deployment, *migration, *attempt, patience);
	else
		run_rollback(*deployment, *migration->down, *attempt, patience);
}

void
roll_back(const std::string &name, const std::string &reason, const Wishes &wishes)
{
	const Patience patience = patience_of(wishes);
	const Turn turn(patience);
	migrate::Attempt attempt(name, "roll back");
	std::optional<migrate::Undoing> undoing;
	ledger::Deployment deployment;

	attempt.guard([&] {
		transact([&] {
			migrate::require_writable();
			migrate::take_run_lock();
			require_none_open(name);
			ledger::seal();
			undoing.emplace(migrate::begin_undoing(name, reason, attempt));
			deployment = ledger::begin_deployment(
				name, "roll back",
				details_of(undoing->migration, patience, attempt, script::steps_of(*undoing->migration.down).size()));
			attempt.begin(deployment.id);
		});
	});
	run_rollback(deployment, *undoing->migration.down, attempt, patience);
}

} // namespace mg::deploy
