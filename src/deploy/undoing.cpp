// Reads from the journal what there is to undo.
#include "deploy/undoing.hpp"

#include <algorithm>
#include <limits>

#include <boost/algorithm/string/predicate.hpp>

#include "deploy/deployer.hpp"
#include "deploy/inverse.hpp"
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

// What the differences of an object call one of its parts, without the object.
#define MG_PART                                                                                                       \
	" (parse_ident(CASE p.d->>'type' WHEN 'table column' THEN substr(p.d->>'identity', length(o.o->>'identity') + 2)" \
	" ELSE left(p.d->>'identity', - length(' on ' || (o.o->>'identity'))) END))[1] "

// As many differences of an object as the journal keeps; there may have been more.
#define MG_MOST_DIFFERENCES "200"

std::vector<pg::Cell>
which(const ledger::Deployment &deployment, int steps)
{
	return {std::to_string(deployment.id), deployment.installation, std::to_string(steps)};
}

// The parts as they were when somebody began to undo it.
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

bool
is_part_of(const capture::RunObject &object, const capture::RunObject &whole)
{
	if (object.column != 0)
		return object.catalog == whole.catalog && object.oid == whole.oid && whole.column == 0;
	return object.names.size() > whole.names.size() && whole.catalog == "pg_class" &&
		   std::equal(whole.names.begin(), whole.names.end(), object.names.begin());
}

} // namespace

bool
Undoing::may_drop(const capture::RunObject &object) const
{
	const bool is_part = object.type == "table column" || boost::algorithm::ends_with(object.type, " constraint");

	if (!is_part && !drop_statement(object).has_value())
		return true;
	if (is_part && !knows_parts)
		return true;
	return std::any_of(made.begin(), made.end(), [&](const capture::RunObject &one) {
		return (one.catalog == object.catalog && one.oid == object.oid && one.column == object.column) ||
			   is_part_of(object, one);
	});
}

bool
Undoing::is_left(const ErrorData &error, const std::string &statement) const
{
	switch (error.sqlerrcode)
	{
		case ERRCODE_DUPLICATE_TABLE:
		case ERRCODE_DUPLICATE_OBJECT:
		case ERRCODE_DUPLICATE_COLUMN:
		case ERRCODE_DUPLICATE_FUNCTION:
		case ERRCODE_DUPLICATE_SCHEMA:
			return std::none_of(gone.begin(), gone.end(),
								[&](const std::string &name) { return boost::algorithm::icontains(statement, name); });
		default:
			return false;
	}
}

void
require_own(const Undoing &undoing, const capture::RunObject &object)
{
	if (undoing.may_drop(object))
		return;
	const char *type = object.type.c_str();
	const char *identity = object.identity.c_str();
	pg::guarded([&] {
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("%s %s is not what the deployment has made", type, identity)));
	});
}

std::vector<capture::RunObject>
made_by(const ledger::Deployment &deployment, int steps)
{
	std::vector<capture::RunObject> result = parts_at_abort(deployment);

	for (const capture::RunObject &object : sum_of(deployment, steps).effects.objects)
		if (object.change == "created")
			result.push_back(object);
	return result;
}

Undoing
read_undoing(const ledger::Deployment &deployment, int steps)
{
	Undoing undoing;

	undoing.made = made_by(deployment, std::numeric_limits<int>::max());
	for (const pg::Row &row :
		 ledger::query(MG_OBJECTS "SELECT o.o->'names'->>-1 FROM o WHERE o.o->>'change' = 'dropped' UNION"
								  " SELECT" MG_PART "FROM o, jsonb_array_elements(o.o->'differences') p (d)"
								  " WHERE p.d->>'change' = 'dropped' AND p.d->>'type' IN " MG_PARTS,
					   which(deployment, steps)))
		if (row[0].has_value())
			undoing.gone.push_back(*row[0]);
	undoing.knows_parts =
		*ledger::query_cell(MG_OBJECTS "SELECT coalesce(bool_and(o.o->>'change' = 'dropped' OR jsonb_array_length("
									   "o.o->'differences') < " MG_MOST_DIFFERENCES "), true) FROM others o",
							which(deployment, steps)) == "t";
	return undoing;
}

std::vector<std::string>
irreversible(const ledger::Deployment &deployment, int steps)
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
			 which(deployment, steps)))
		result.push_back(row[0].value_or(""));
	return result;
}

std::string
parts_json(const ledger::Deployment &deployment, int steps)
{
	return *ledger::query_cell(
		MG_OBJECTS
		", parts AS (SELECT p.d->>'type' AS type, p.d->>'identity' AS identity, (o.o->>'oid')::oid AS oid,"
		" o.o->'names' AS names, o.id, o.n, p.m," MG_PART "AS name"
		" FROM others o, jsonb_array_elements(o.o->'differences') WITH ORDINALITY p (d, m)"
		" WHERE p.d->>'change' = 'created' AND p.d->>'type' IN " MG_PARTS "), found AS ("
		" SELECT p.*, 'pg_class' AS catalog, a.attrelid AS found, a.attnum AS place"
		" FROM parts p JOIN pg_attribute a ON a.attrelid = p.oid AND a.attname = p.name AND p.type = 'table column'"
		" UNION ALL SELECT p.*, 'pg_constraint', c.oid, 0 FROM parts p JOIN pg_constraint c ON c.conname = p.name AND"
		" CASE p.type WHEN 'table constraint' THEN c.conrelid WHEN 'domain constraint' THEN c.contypid END = p.oid)"
		" SELECT coalesce(jsonb_agg(jsonb_build_object('type', f.type, 'identity',"
		" f.identity, 'names', f.names || to_jsonb(f.name), 'catalog', f.catalog, 'oid', f.found::bigint, 'column',"
		" f.place) ORDER BY f.id, f.n, f.m), '[]') FROM found f",
		which(deployment, steps));
}

} // namespace mg::deploy
