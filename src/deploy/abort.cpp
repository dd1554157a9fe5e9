// Gives deployments up.
#include <boost/algorithm/string/join.hpp>

#include "core/json.hpp"
#include "deploy/deploy.hpp"
#include "deploy/deployer.hpp"
#include "deploy/inverse.hpp"
#include "deploy/keeper.hpp"
#include "deploy/transact.hpp"
#include "deploy/turn.hpp"
#include "migrate/locks.hpp"
#include "migrate/rollback.hpp"
#include "migrate/surroundings.hpp"
#include "pg/object.hpp"

namespace mg::deploy {

namespace {

// What the steps have changed or dropped that they had not made themselves.
std::vector<std::string>
irreversible(const ledger::Deployment &deployment)
{
	std::vector<std::string> result;

	for (const pg::Row &row : ledger::query(
			 "WITH o AS (SELECT j.step, e.o FROM mg.journal j, jsonb_array_elements(j.details->'objects') e (o)"
			 " WHERE j.deployment = $1::bigint AND j.installation = $2::uuid AND j.event = 'done')"
			 " SELECT DISTINCT (o.o->>'change') || ' ' || (o.o->>'type') || ' ' || (o.o->>'identity') FROM o"
			 " WHERE (o.o->>'change' = 'dropped' OR o.o->>'change' = 'changed' AND (o.o->'differences' IS NULL AND"
			 " o.o->>'type' <> 'index' OR EXISTS (SELECT FROM jsonb_array_elements(o.o->'differences') d"
			 " WHERE d->>'change' <> 'created')))"
			 " AND NOT EXISTS (SELECT FROM o m WHERE m.o->>'change' = 'created' AND m.o->>'catalog' = o.o->>'catalog'"
			 " AND m.o->>'oid' = o.o->>'oid') ORDER BY 1",
			 {std::to_string(deployment.id), deployment.installation}))
		result.push_back(row[0].value_or(""));
	return result;
}

std::vector<capture::RunObject>
created(const Sum &sum)
{
	std::vector<capture::RunObject> result;

	for (const capture::RunObject &object : sum.effects.objects)
		if (object.change == "created")
			result.push_back(object);
	return result;
}

// The way back: the newest down script, or, without one, raises 55000 when dropping what was made would not be enough.
std::optional<migrate::Migration>
way_back(const ledger::Deployment &deployment)
{
	std::optional<ledger::Registration> known = ledger::find_registration(deployment.migration);

	if (known.has_value() && known->down.has_value())
	{
		migrate::Migration migration = migrate::Migration::from_ledger(*known);
		script::steps_of(*migration.down);
		migrate::Surroundings surroundings(migration, policy::Action::roll_back, "");
		migrate::require_gates(surroundings);
		return migration;
	}
	const std::vector<std::string> lost = irreversible(deployment);
	if (!lost.empty())
		throw UserError("55000", "the deployment of migration \"" + deployment.migration +
									 "\" cannot be undone without a down script")
			.detail("Its steps have " + boost::algorithm::join(lost, ", ") + ".")
			.hint("Hand a down script in with mg_register(name, up, down), the up script as it is, and CALL mg_abort() "
				  "again.");
	return std::nullopt;
}

void
end(const ledger::Deployment &deployment, migrate::Attempt &attempt, const std::vector<capture::RunObject> &left)
{
	std::string list;

	migrate::take_run_lock();
	for (const capture::RunObject &object : left)
		if (pg::identity_of(object.catalog, object.oid, object.column).has_value() &&
			drop_statement(object).has_value())
			list += (list.empty() ? "" : ", ") + object.type + " " + object.identity;
	if (!list.empty())
		throw UserError("MG403", "what the deployment of migration \"" + deployment.migration +
									 "\" has made cannot all be dropped")
			.detail("Still there: " + list + ".")
			.hint("Something else stands on it. Drop that first, and CALL mg_abort() again.");
	Sum sum = sum_of(deployment);
	attempt.progress.timings = std::move(sum.timings);
	attempt.progress.rows = sum.rows;
	attempt.conclude("aborted", sum.effects);
	end_journal(deployment, "aborted");
}

} // namespace

void
abort(const std::string &name, const Wishes &wishes)
{
	const Turn turn(patience_of(wishes));
	std::optional<ledger::Deployment> deployment;
	std::optional<migrate::Migration> migration;
	std::optional<migrate::Attempt> attempt;
	std::optional<script::Script> up;
	Patience patience;

	transact([&] {
		migrate::require_writable();
		deployment = require_open(name);
		if (deployment->action != "deploy")
			throw UserError("55000", "a rollback that was interrupted cannot be given up").hint(way_on(*deployment));
		patience = patience_of(wishes, deployment->details);
		up.emplace(migrate::read_kept_script(
			"up", ledger::query_cell("SELECT $1::jsonb->>'up'", {deployment->details}).value_or("")));
		attempt.emplace(name, "abort");
		attempt->checksum = up->checksum();
		migration = way_back(*deployment);
		attempt->begin(deployment->id);
		note_return(*deployment, "aborting");
	});
	keep(*deployment, *attempt, [&] {
		Deployer forth(*deployment, *up, *attempt, patience);
		int behind = forth.step_count();
		Sum sum;
		forth.settle();
		if (migration.has_value())
		{
			Deployer back(*deployment, *migration->down, *attempt, patience, Mode::undo, behind);
			back.run();
			behind += back.step_count();
		}
		transact([&] { sum = sum_of(*deployment); });
		std::vector<capture::RunObject> left = created(sum);
		if (!left.empty())
			left = forth.drop(left);
		if (!migration.has_value() && sum.rows > 0)
			pg::report(WARNING, UserError("01000", "rows that the steps have written stay as they are")
									.detail("There is no down script that takes them back."));
		transact([&] { end(*deployment, *attempt, left); });
		pg::report(NOTICE, UserError("00000", "the deployment of migration \"" + name + "\" is undone"));
	});
}

} // namespace mg::deploy
