// Copies the journal of a deployment.
#include "deploy/adopt.hpp"

#include <map>

#include "core/json.hpp"
#include "deploy/keeper.hpp"
#include "pg/object.hpp"
#include "pg/subtransaction.hpp"

namespace mg::deploy {

namespace {

using Key = std::pair<std::string, std::string>; // catalog, OID as it was

#define MG_OLD " FROM mg.journal j WHERE j.deployment = $1::bigint AND j.installation = $2::uuid"

std::vector<pg::Cell>
which(const ledger::Deployment &deployment)
{
	return {std::to_string(deployment.id), deployment.installation};
}

// The OIDs that the objects have now, by the newest name under which they are found. What is not there gets one that nothing has.
std::map<Key, std::string>
new_oids(const ledger::Deployment &old)
{
	std::map<Key, std::string> result;
	uint32_t nothing = 4294967294;

	for (const pg::Row &row : ledger::query(
			 "SELECT o->>'catalog', o->>'oid', o->>'type', ARRAY(SELECT jsonb_array_elements_text(o->'names')),"
			 " ARRAY(SELECT jsonb_array_elements_text(o->'arguments')) FROM (SELECT j.step, e.o, e.n"
			 " FROM mg.journal j, jsonb_array_elements(j.details->'objects') WITH ORDINALITY e (o, n)"
			 " WHERE j.deployment = $1::bigint AND j.installation = $2::uuid AND j.event = 'done') s"
			 " ORDER BY s.step, s.n",
			 which(old)))
	{
		const auto [place, is_new] = result.try_emplace({*row[0], *row[1]}, std::to_string(nothing));
		if (is_new)
			nothing--;
		if (pg::object_exists(*row[2], pg::array_items(*row[3]), pg::array_items(*row[4])))
			place->second =
				*ledger::query_cell("SELECT objid::bigint FROM pg_get_object_address($1, $2::text[], $3::text[])",
									{row[2], row[3], row[4]});
	}
	return result;
}

// {"catalog oid": new oid, ...}
std::string
to_json(const std::map<Key, std::string> &oids)
{
	JsonObject json;

	for (const auto &[key, oid] : oids)
		json.text((key.first + " " + key.second).c_str(), oid);
	return json.str();
}

// What is done of a backfill is known by its keys; by pages it begins again, and its condition leaves out what is done.
constexpr const char *entries_sql =
	"SELECT j.event, j.step, j.kind, j.line, j.statement, j.rows, j.duration_us,"
	" CASE WHEN j.event = 'done' THEN jsonb_set(j.details, '{objects}', coalesce((SELECT jsonb_agg("
	"  jsonb_set(o, '{oid}', to_jsonb(($3::jsonb->>((o->>'catalog') || ' ' || (o->>'oid')))::bigint)) ORDER BY n)"
	"  FROM jsonb_array_elements(j.details->'objects') WITH ORDINALITY e (o, n)), '[]'))"
	" WHEN j.event = 'planned' THEN jsonb_set(j.details, '{targets}', (SELECT jsonb_agg("
	"  jsonb_set(t, '{oid}', to_jsonb(coalesce(to_regclass(t->>'table')::oid, 0)::bigint)) ORDER BY n)"
	"  FROM jsonb_array_elements(j.details->'targets') WITH ORDINALITY e (t, n)))"
	" ELSE j.details END" MG_OLD " AND (j.event = 'done' OR j.event IN ('planned', 'batch') AND NOT EXISTS ("
	" SELECT FROM mg.journal p, jsonb_array_elements(p.details->'targets') t WHERE p.deployment = j.deployment"
	" AND p.installation = j.installation AND p.step = j.step AND p.event = 'planned' AND t ? 'pages'))"
	" ORDER BY j.at, j.id";

} // namespace

ledger::Deployment
adopt(const ledger::Deployment &old)
{
	const ledger::Deployment deployment = ledger::begin_deployment(old.migration, old.action, old.details);
	std::vector<pg::Cell> parameters = which(old);

	parameters.emplace_back(to_json(new_oids(old)));
	for (const pg::Row &row : ledger::query(entries_sql, parameters))
	{
		ledger::JournalEntry entry;
		entry.event = *row[0];
		entry.step = std::stoi(*row[1]);
		entry.kind = row[2].value_or("");
		entry.line = std::stoi(row[3].value_or("0"));
		entry.statement = row[4].value_or("");
		if (row[5].has_value())
			entry.rows = std::stoll(*row[5]);
		entry.duration_us = std::stoll(row[6].value_or("0"));
		entry.details = row[7].value_or("");
		ledger::append_journal(deployment, entry);
	}
	ledger::JournalEntry entry;
	entry.event = "interrupted";
	entry.step = ledger::steps_done(deployment) + 1;
	entry.error = "the ledger was restored";
	ledger::append_journal(deployment, entry);
	end_journal(old, "taken over");
	return deployment;
}

} // namespace mg::deploy
