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

#define MG_OBJECTS                                                                                                  \
	"WITH o AS (SELECT j.id, e.o, e.n FROM mg.journal j, jsonb_array_elements(j.details->'objects')"                \
	" WITH ORDINALITY e (o, n) WHERE j.deployment = $1::bigint AND j.installation = $2::uuid AND j.event = 'done' " \
	"AND j.step <= $3::integer),"                                                                                   \
	" made AS (SELECT o.o->>'catalog' AS catalog, o.o->>'oid' AS oid, o.o->>'type' AS type, o.o->>'identity' AS "   \
	"identity"                                                                                                      \
	" FROM o WHERE o.o->>'change' = 'created'),"                                                                    \
	" others AS (SELECT o.* FROM o WHERE o.o->>'change' <> 'created'"                                               \
	" AND NOT EXISTS (SELECT FROM made m WHERE m.catalog = o.o->>'catalog' AND m.oid = o.o->>'oid')) "

// Parts that can be dropped one by one.
#define MG_PARTS "('table column', 'table constraint', 'domain constraint')"

// As many differences of an object as the journal keeps; there may have been more.
#define MG_MOST_DIFFERENCES "200"

// What the steps have changed or dropped that they had not made themselves, but for what they have added to it.
std::vector<std::string>
irreversible(const ledger::Deployment &deployment, size_t steps)
{
	std::vector<std::string> result;

	for (const pg::Row &row : ledger::query(
			 MG_OBJECTS
			 "SELECT DISTINCT (o.o->>'change') || ' ' || (o.o->>'type') || ' ' || (o.o->>'identity') FROM others o"
			 " WHERE o.o->>'change' = 'dropped' OR o.o->'differences' IS NULL AND o.o->>'type' <> 'index'"
			 " OR jsonb_array_length(o.o->'differences') >= " MG_MOST_DIFFERENCES
			 " OR EXISTS (SELECT FROM jsonb_array_elements(o.o->'differences') d WHERE d->>'change' <> 'created'"
			 " OR d->>'type' NOT IN " MG_PARTS " AND NOT EXISTS (SELECT FROM made m WHERE m.type = d->>'type' AND "
			 "m.identity = d->>'identity')) ORDER BY 1",
			 {std::to_string(deployment.id), deployment.installation, std::to_string(steps)}))
		result.push_back(row[0].value_or(""));
	return result;
}

// Behind which step those of the down script come: another down script than that of an earlier try begins from its start.
int
offset_of(const ledger::Deployment &deployment, size_t steps, const std::string &down)
{
	return std::stoi(*ledger::query_cell(
		"SELECT coalesce((SELECT (j.details->>'offset')::integer FROM mg.journal j WHERE j.deployment = $1::bigint"
		" AND j.installation = $2::uuid AND j.event = 'aborting' AND j.details->>'down' = $4"
		" ORDER BY j.at DESC, j.id DESC LIMIT 1), greatest($3::integer, $5::integer))",
		{std::to_string(deployment.id), deployment.installation, std::to_string(steps), down,
		 std::to_string(ledger::steps_done(deployment))}));
}

// What an abort begins with, as JSON for the journal; with it the columns and constraints that the steps have added to what they had not
// made, as they are called now.
std::string
to_json(const ledger::Deployment &deployment, size_t steps, const std::string &down, int offset)
{
	return *ledger::query_cell(
		MG_OBJECTS
		", parts AS (SELECT p.d->>'type' AS type, p.d->>'identity' AS identity, (o.o->>'oid')::oid AS oid,"
		" o.o->'names' AS names, o.id, o.n, p.m, (parse_ident(CASE p.d->>'type' WHEN 'table column'"
		" THEN substr(p.d->>'identity', length(o.o->>'identity') + 2)"
		" ELSE left(p.d->>'identity', - length(' on ' || (o.o->>'identity'))) END))[1] AS name"
		" FROM others o, jsonb_array_elements(o.o->'differences') WITH ORDINALITY p (d, m)"
		" WHERE p.d->>'change' = 'created' AND p.d->>'type' IN " MG_PARTS "), found AS ("
		" SELECT p.*, 'pg_class' AS catalog, a.attrelid AS found, a.attnum AS place"
		" FROM parts p JOIN pg_attribute a ON a.attrelid = p.oid AND a.attname = p.name AND p.type = 'table column'"
		" UNION ALL SELECT p.*, 'pg_constraint', c.oid, 0 FROM parts p JOIN pg_constraint c ON c.conname = p.name AND"
		" CASE p.type WHEN 'table constraint' THEN c.conrelid WHEN 'domain constraint' THEN c.contypid END = p.oid)"
		" SELECT jsonb_build_object('parts', coalesce(jsonb_agg(jsonb_build_object('type', f.type, 'identity',"
		" f.identity, 'names', f.names || to_jsonb(f.name), 'catalog', f.catalog, 'oid', f.found::bigint, 'column',"
		" f.place) ORDER BY f.id, f.n, f.m), '[]'), 'down', $4, 'offset', $5::integer) FROM found f",
		{std::to_string(deployment.id), deployment.installation, std::to_string(steps), down, std::to_string(offset)});
}

// The same as they were when somebody began to undo it.
std::vector<capture::RunObject>
parts_at_abort(const ledger::Deployment &deployment)
{
	std::vector<capture::RunObject> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT p->>'type', p->>'identity', ARRAY(SELECT jsonb_array_elements_text(p->'names')), p->>'catalog',"
			 " p->>'oid', p->>'column' FROM (SELECT j.details FROM mg.journal j WHERE j.deployment = $1::bigint"
			 " AND j.installation = $2::uuid AND j.event = 'aborting' ORDER BY j.at, j.id LIMIT 1) a,"
			 " jsonb_array_elements(a.details->'parts') p",
			 {std::to_string(deployment.id), deployment.installation}))
	{
		capture::RunObject part;
		part.type = *row[0];
		part.identity = *row[1];
		part.names = pg::array_items(*row[2]);
		part.catalog = *row[3];
		part.oid = static_cast<uint32_t>(std::stoul(*row[4]));
		part.column = std::stoi(*row[5]);
		result.push_back(std::move(part));
	}
	return result;
}

// What the steps have made, in the order in which they did.
std::vector<capture::RunObject>
created(const ledger::Deployment &deployment, int steps)
{
	std::vector<capture::RunObject> result = parts_at_abort(deployment);

	for (const capture::RunObject &object : sum_of(deployment, steps).effects.objects)
		if (object.change == "created")
			result.push_back(object);
	return result;
}

// The way back: the newest down script, or, without one, raises 55000 when dropping what was made would not be enough.
std::optional<migrate::Migration>
way_back(const ledger::Deployment &deployment, size_t steps)
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
	for (const capture::RunObject &object : created(deployment, steps))
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
		const size_t steps = script::steps_of(*up).size();
		migration = way_back(*deployment, steps);
		attempt->begin(deployment->id);
		const std::string down = migration.has_value() ? migration->down->checksum() : "";
		offset = offset_of(*deployment, steps, down);
		note_return(*deployment, "aborting", to_json(*deployment, steps, down, offset));
	});
	keep(*deployment, *attempt, [&] {
		Deployer forth(*deployment, *up, *attempt, patience);
		std::vector<capture::RunObject> left;
		int64_t rows = 0;
		forth.settle();
		std::optional<Deployer> back;
		if (migration.has_value())
			back.emplace(*deployment, *migration->down, *attempt, patience, Mode::undo, offset).run();
		transact([&] {
			left = created(*deployment, forth.step_count());
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
