// Adds up what the journal says that the steps of a deployment have done.
#include <map>

#include "core/json.hpp"
#include "deploy/deployer.hpp"
#include "drift/expected.hpp"
#include "ledger/store.hpp"
#include "pg/object.hpp"

namespace mg::deploy {

namespace {

#define MG_STEPS " FROM mg.journal j WHERE j.deployment = $1::bigint AND j.installation = $2::uuid AND j.event = 'done'"

struct Found
{
	capture::RunObject object;
	std::string differences;
	size_t order;
};

// What became of an object of which two steps tell something; an empty change: it came and went.
std::string
both(const std::string &first, const std::string &then)
{
	if (first == "created")
		return then == "dropped" ? "" : "created";
	return then == "created" ? "changed" : then;
}

std::string
joined(const std::string &one, const std::string &other)
{
	if (one.empty() || one == "[]")
		return other;
	return other.empty() || other == "[]" ? one : one.substr(0, one.size() - 1) + ", " + other.substr(1);
}

capture::RunObject
object_of(const pg::Row &row)
{
	capture::RunObject object;

	object.type = row[0].value_or("");
	object.identity = row[1].value_or("");
	object.was = row[2].value_or("");
	object.names = pg::array_items(row[3].value_or("{}"));
	object.arguments = pg::array_items(row[4].value_or("{}"));
	object.change = row[5].value_or("");
	object.catalog = row[6].value_or("");
	object.catalog_oid = static_cast<uint32_t>(std::stoul(row[7].value_or("0")));
	object.oid = static_cast<uint32_t>(std::stoul(row[8].value_or("0")));
	object.column = std::stoi(row[9].value_or("0"));
	object.named = true;
	return object;
}

migrate::Effects
add_objects(const std::vector<pg::Row> &rows)
{
	std::map<std::tuple<std::string, uint32_t, int>, Found> found;
	std::map<size_t, const Found *> in_order;
	migrate::Effects effects;
	JsonArray json;

	for (const pg::Row &row : rows)
	{
		capture::RunObject object = object_of(row);
		const std::string differences = row[10].value_or("");
		auto [place, is_new] =
			found.try_emplace({object.catalog, object.oid, object.column}, Found{object, differences, found.size()});
		if (is_new)
			continue;
		object.change = both(place->second.object.change, object.change);
		object.was = place->second.object.was.empty() ? object.was : place->second.object.was;
		place->second.object = std::move(object);
		place->second.differences = joined(place->second.differences, differences);
	}
	for (const auto &[key, one] : found)
		if (!one.object.change.empty())
			in_order[one.order] = &one;
	for (const auto &[order, one] : in_order)
	{
		json.json(migrate::object_json(one->object, one->object.change == "created" ? "" : one->differences));
		effects.objects.push_back(one->object);
	}
	effects.objects_json = json.str();
	return effects;
}

} // namespace

Sum
sum_of(const ledger::Deployment &deployment, int last_step)
{
	const std::vector<pg::Cell> which = {std::to_string(deployment.id), deployment.installation,
										 std::to_string(last_step)};
	Sum sum;

	sum.effects = add_objects(ledger::query(
		"SELECT o->>'type', o->>'identity', o->>'was', ARRAY(SELECT jsonb_array_elements_text(o->'names')),"
		" ARRAY(SELECT jsonb_array_elements_text(o->'arguments')), o->>'change', o->>'catalog',"
		" coalesce(to_regclass('pg_catalog.' || (o->>'catalog'))::oid, 0), o->>'oid', o->>'column', o->'differences'"
		" FROM (SELECT j.step, e.o, e.n FROM mg.journal j, jsonb_array_elements(j.details->'objects') WITH ORDINALITY "
		"e (o, n)"
		" WHERE j.deployment = $1::bigint AND j.installation = $2::uuid AND j.event = 'done' AND j.step <= "
		"$3::integer) s ORDER BY s.step, s.n",
		which));
	const pg::Row rest = ledger::query(
		"SELECT coalesce((SELECT jsonb_agg(DISTINCT l) FROM mg.journal j, jsonb_array_elements(j.details->'locks') l"
		" WHERE j.deployment = $1::bigint AND j.installation = $2::uuid AND j.event = 'done' AND j.step <= "
		"$3::integer), '[]'),"
		" coalesce((SELECT jsonb_agg(l ORDER BY j.step) FROM mg.journal j, jsonb_array_elements(j.details->'rewrites') "
		"l"
		" WHERE j.deployment = $1::bigint AND j.installation = $2::uuid AND j.event = 'done' AND j.step <= "
		"$3::integer), '[]'),"
		" coalesce((SELECT bool_or((j.details->>'incomplete')::boolean)" MG_STEPS " AND j.step <= $3::integer"
		"), false),"
		" coalesce((SELECT sum(j.rows)" MG_STEPS " AND j.step <= $3::integer"
		"), 0)",
		which)[0];
	sum.effects.locks = *rest[0];
	sum.effects.rewrites = *rest[1];
	sum.effects.incomplete = rest[2] == "t";
	sum.rows = std::stoll(*rest[3]);
	for (const pg::Row &row : ledger::query(
			 "SELECT t->>0, t->>1, t->>2 FROM (SELECT j.step, e.t, e.n FROM mg.journal j,"
			 " jsonb_array_elements(j.details->'timings') WITH ORDINALITY e (t, n) WHERE j.deployment = $1::bigint"
			 " AND j.installation = $2::uuid AND j.event = 'done' AND j.step <= $3::integer) s ORDER BY s.step, s.n",
			 which))
		sum.timings.push_back({std::stoi(*row[0]), std::stoll(*row[1]), std::stoll(*row[2])});
	return sum;
}

std::vector<std::string>
tables_with_new_expressions(const ledger::Deployment &deployment)
{
	std::vector<std::string> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT DISTINCT format('%I.%I', n.nspname, c.relname) FROM mg.journal j,"
			 " jsonb_array_elements(j.details->'objects') o (o) JOIN pg_index i ON i.indexrelid = (o.o->>'oid')::oid"
			 " AND i.indexprs IS NOT NULL JOIN pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'm')"
			 " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE j.deployment = $1::bigint AND j.installation = "
			 "$2::uuid"
			 " AND j.event = 'done' AND o.o->>'type' = 'index' AND o.o->>'change' = 'created'"
			 " AND j.installation = (SELECT installation FROM mg.current) ORDER BY 1",
			 {std::to_string(deployment.id), deployment.installation}))
		result.push_back(row[0].value_or(""));
	return result;
}

void
forget_gone(const std::vector<std::pair<std::string, Oid>> &objects)
{
	std::vector<schema::Address> gone;

	for (const auto &object : objects)
		if (!pg::identity_of(object.first, object.second, 0).has_value())
			gone.push_back({pg::guarded([&] { return get_relname_relid(object.first.c_str(), PG_CATALOG_NAMESPACE); }),
							object.second});
	if (!gone.empty())
		drift::take_units({}, gone);
}

pg::Settings
settings_left(const ledger::Deployment &deployment)
{
	pg::Settings result;

	for (const pg::Row &row : ledger::query(
			 "SELECT s.s->>0, s.s->>1 FROM (SELECT j.details" MG_STEPS
			 " ORDER BY j.step DESC LIMIT 1) d, jsonb_array_elements(d.details->'settings') WITH ORDINALITY s (s, n)"
			 " ORDER BY s.n",
			 {std::to_string(deployment.id), deployment.installation}))
		result.emplace_back(*row[0], *row[1]);
	return result;
}

std::string
cargo_of(const ledger::Deployment &deployment)
{
	return std::to_string(deployment.id) + " " + deployment.migration;
}

void
begin_errand_raw(const char *cargo)
{
	char *name;
	const int64 id = strtoll(cargo, &name, 10);

	if (*name == ' ' && name[1] != '\0')
		capture::join_run_raw(id, name + 1);
}

} // namespace mg::deploy
