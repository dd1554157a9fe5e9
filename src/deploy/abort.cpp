// Gives deployments up.
#include <boost/algorithm/string/join.hpp>

#include "core/json.hpp"
#include "deploy/deploy.hpp"
#include "deploy/deployer.hpp"
#include "deploy/inverse.hpp"
#include "deploy/keeper.hpp"
#include "deploy/transact.hpp"
#include "deploy/turn.hpp"
#include "deploy/undoing.hpp"
#include "migrate/locks.hpp"
#include "migrate/rollback.hpp"
#include "migrate/surroundings.hpp"
#include "pg/object.hpp"

namespace mg::deploy {

namespace {

// Behind which step those of the down script come: another down script than that of an earlier try begins from its start.
int
offset_of(const ledger::Deployment &deployment, int steps, const std::string &down)
{
	return std::stoi(*ledger::query_cell(
		"SELECT coalesce((SELECT (j.details->>'offset')::integer FROM mg.journal j WHERE j.deployment = $1::bigint"
		" AND j.installation = $2::uuid AND j.event = 'aborting' AND j.details->>'down' = $4"
		" ORDER BY j.at DESC, j.id DESC LIMIT 1), greatest($3::integer, $5::integer))",
		{std::to_string(deployment.id), deployment.installation, std::to_string(steps), down,
		 std::to_string(ledger::steps_done(deployment))}));
}

// The way back: the newest down script, or, without one, raises 55000 when dropping what was made would not be enough.
std::optional<migrate::Migration>
way_back(const ledger::Deployment &deployment, int steps)
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
	const std::vector<std::string> lost = irreversible(deployment, steps);
	if (!lost.empty())
		throw UserError("55000", "the deployment of migration \"" + deployment.migration +
									 "\" cannot be undone without a down script")
			.detail("Its steps have " + boost::algorithm::join(lost, ", ") + ".")
			.hint("Hand a down script in with mg_register(name, up, down), the up script as it is, and CALL mg_abort() "
				  "again.");
	return std::nullopt;
}

void
end(const ledger::Deployment &deployment, migrate::Attempt &attempt, const std::vector<capture::RunObject> &left,
	int steps)
{
	std::string list;
	std::vector<std::pair<std::string, Oid>> made;

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
	for (const capture::RunObject &object : made_by(deployment, steps))
		if (object.column == 0 && deployment.is_own)
			made.emplace_back(object.catalog, object.oid);
	Sum sum = sum_of(deployment);
	attempt.progress.timings = std::move(sum.timings);
	attempt.progress.rows = sum.rows;
	forget_gone(made);
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
	int offset = 0;

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
		const int steps = static_cast<int>(script::steps_of(*up).size());
		migration = way_back(*deployment, steps);
		attempt->begin(deployment->id);
		const std::string down = migration.has_value() ? migration->down->checksum() : "";
		offset = offset_of(*deployment, steps, down);
		note_return(*deployment, "aborting",
					JsonObject()
						.json("parts", parts_json(*deployment, steps))
						.text("down", down)
						.number("offset", offset)
						.str());
	});
	keep(*deployment, *attempt, [&] {
		Deployer forth(*deployment, *up, *attempt, patience);
		std::vector<capture::RunObject> left;
		int64_t rows = 0;
		forth.settle();
		std::optional<Deployer> back;
		if (migration.has_value())
			back.emplace(*deployment, *migration->down, *attempt, patience, forth.step_count(), offset).run();
		transact([&] {
			left = made_by(*deployment, forth.step_count());
			rows = sum_of(*deployment, forth.step_count()).rows;
		});
		if (!left.empty())
			left = (back.has_value() ? *back : forth).drop(left);
		if (!migration.has_value() && rows > 0)
			pg::report(WARNING, UserError("01000", "rows that the steps have written stay as they are")
									.detail("There is no down script that takes them back."));
		transact([&] { end(*deployment, *attempt, left, forth.step_count()); });
		pg::report(NOTICE, UserError("00000", "the deployment of migration \"" + name + "\" is undone"));
	});
}

} // namespace mg::deploy
