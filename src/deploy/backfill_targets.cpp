// Finds keys in the catalog and writes targets as JSON.
#include "deploy/backfill_targets.hpp"

#include <algorithm>
#include <cmath>

#include "core/json.hpp"
#include "pg/text.hpp"
#include "script/backfill.hpp"

namespace mg::deploy {

namespace {

constexpr const char *subject_sql =
	"SELECT format('%I.%I', n.nspname, c.relname), quote_ident(c.relname), c.relkind, c.relpersistence,"
	" c.oid < 16384 OR left(n.nspname, 8) = 'pg_toast' OR n.nspname = 'pg_catalog', c.relrowsecurity"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid";

// The best index to go by, a row for each of its columns. Types whose text depends on settings that are not this session's alone make no
// key; an unproven NOT NULL (18) is none.
constexpr const char *key_sql =
	"WITH RECURSIVE usable AS ("
	" SELECT i.indexrelid, i.indrelid, i.indisprimary, i.indkey, i.indclass, i.indcollation, i.indoption, "
	"i.indnkeyatts,"
	"  x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam"
	" WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indislive AND m.amname = 'btree'"
	"  AND i.indpred IS NULL AND i.indexprs IS NULL AND (i.indimmediate OR i.indisprimary)"
	"  AND NOT EXISTS (SELECT FROM generate_series(0, i.indnkeyatts - 1) k"
	"   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]"
	"   WHERE NOT a.attnotnull OR a.attgenerated <> '' OR a.atttypid IN (SELECT t.oid FROM pg_type t"
	"    WHERE t.typnamespace = 'pg_catalog'::regnamespace AND (t.typname = 'money' OR t.typname ~ '^reg'))"
	"   OR EXISTS (SELECT FROM pg_constraint u WHERE u.conrelid = i.indrelid AND u.contype = 'n' AND NOT u.convalidated"
	"    AND u.conkey = ARRAY[a.attnum]))"
	" ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1),"
	" base (oid, base) AS (SELECT a.atttypid, a.atttypid FROM usable u JOIN pg_attribute a ON a.attrelid = u.indrelid"
	"  AND a.attnum = ANY (u.indkey) UNION SELECT b.oid, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.base"
	"  WHERE t.typtype = 'd')"
	"SELECT u.relname, u.indisprimary, quote_ident(a.attname), format('%I.%I', n.nspname, t.typname),"
	" CASE WHEN u.indcollation[k] <> a.attcollation THEN (SELECT format('COLLATE %I.%I', cn.nspname, c.collname)"
	"  FROM pg_collation c JOIN pg_namespace cn ON cn.oid = c.collnamespace WHERE c.oid = u.indcollation[k]) ELSE '' "
	"END,"
	" (u.indoption[k] & 1) <> 0, (u.indoption[k] & 2) <> 0,"
	" (SELECT array_agg(format('OPERATOR(%I.%s)', s.nspname, r.oprname) ORDER BY p.amopstrategy) FROM pg_opclass f"
	"  JOIN pg_amop p ON p.amopfamily = f.opcfamily AND p.amoplefttype = f.opcintype AND p.amoprighttype = f.opcintype"
	"  AND p.amopstrategy BETWEEN 1 AND 5 AND p.amoppurpose = 's' JOIN pg_operator r ON r.oid = p.amopopr"
	"  JOIN pg_namespace s ON s.oid = r.oprnamespace WHERE f.oid = u.indclass[k])"
	" FROM usable u CROSS JOIN generate_series(0, u.indnkeyatts - 1) k"
	" JOIN pg_attribute a ON a.attrelid = u.indrelid AND a.attnum = u.indkey[k]"
	" JOIN base b ON b.oid = a.atttypid JOIN pg_type t ON t.oid = b.base AND t.typtype <> 'd'"
	" JOIN pg_namespace n ON n.oid = t.typnamespace ORDER BY k";

// Parents before their children.
constexpr const char *tables_sql =
	"WITH RECURSIVE tree (oid, level) AS (SELECT $1::oid, 0 UNION ALL SELECT i.inhrelid, t.level + 1"
	" FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid)"
	" SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind,"
	" CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) / current_setting('block_size')::bigint ELSE 0 "
	"END,"
	" c.reltuples, c.relpages FROM (SELECT oid, min(level) AS level FROM tree GROUP BY oid) t"
	" JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY t.level, c.oid";

/* Of a table that nobody has looked at yet. */
constexpr double rows_of_unknown_page = 50;

struct Member
{
	Oid oid;
	std::string name;
	char kind;
	int64_t pages;
	double rows;
};

std::vector<Member>
members_of(Oid table)
{
	std::vector<Member> result;

	for (const pg::Row &row : ledger::query(tables_sql, {std::to_string(table)}))
	{
		Member member = {static_cast<Oid>(std::stoul(*row[0])), *row[1], (*row[2])[0], std::stoll(*row[3]), 0};
		const double known_pages = std::stod(*row[5]);
		const double density = known_pages > 0 ? std::stod(*row[4]) / known_pages : rows_of_unknown_page;
		member.rows = static_cast<double>(member.pages) * std::max(density, 0.0);
		result.push_back(std::move(member));
	}
	return result;
}

void
find_key(Target &target)
{
	for (const pg::Row &row : ledger::query(key_sql, {std::to_string(target.table)}))
	{
		const std::vector<std::string> operators = pg::array_items(*row[7]);
		target.index = *row[0];
		target.is_primary = row[1] == "t";
		target.key.push_back({*row[2], *row[3], *row[4], row[5] == "t", row[6] == "t", operators.at(0), operators.at(1),
							  operators.at(2), operators.at(3), operators.at(4)});
	}
}

[[noreturn]] void
refuse(const std::string &name, const std::string &what, const std::string &hint)
{
	throw UserError("42809", "cannot backfill " + name).detail(what).hint(hint);
}

const char *
kind_name(char kind)
{
	switch (kind)
	{
		case RELKIND_VIEW:
			return "a view";
		case RELKIND_MATVIEW:
			return "a materialized view";
		case RELKIND_FOREIGN_TABLE:
			return "a foreign table";
		case RELKIND_SEQUENCE:
			return "a sequence";
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
			return "an index";
		case RELKIND_COMPOSITE_TYPE:
			return "a composite type";
		case RELKIND_TOASTVALUE:
			return "a TOAST table";
		default:
			return "no table";
	}
}

// Raises for a key that the SET clause writes: a row would come up twice, or never.
void
require_key_unwritten(const Target &target, const std::vector<std::string> &written)
{
	for (const std::string &column : written)
	{
		const std::string quoted = pg::guarded([&] { return quote_identifier(column.c_str()); });
		for (const KeyColumn &key : target.key)
			if (key.name == quoted)
				throw UserError("22023", "a backfill cannot write column " + quoted + " of " + target.name)
					.detail("It goes by that column, which is one of " + target.index + ".")
					.hint("Do that with an UPDATE of its own.");
	}
}

void
require_condition(const Target &target, const script::Backfill &order)
{
	if (!target.has_key() && order.where_clause.empty())
		throw UserError("22023", "a backfill of " + target.name + " needs a WHERE clause")
			.detail("It has neither a primary key nor a unique index of columns that are all NOT NULL, so that it goes "
					"by pages, in which rows "
					"do not stay: an updated row moves to where there is room.")
			.hint("Give a where_clause that leaves out the rows that are done, or make such an index first.");
}

} // namespace

bool
is_uniform(const std::vector<KeyColumn> &key)
{
	return std::all_of(key.begin(), key.end(), [&](const KeyColumn &one) {
		const KeyColumn &first = key.front();
		return one.descending == first.descending && one.after() == first.after() && one.up_to() == first.up_to();
	});
}

Subject
find_subject(const std::string &table)
{
	const Oid oid = pg::guarded([&] {
		List *names = textToQualifiedNameList(cstring_to_text(table.c_str()));
		return RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, false);
	});
	const bool is_ledger = pg::guarded([&] { return ledger::is_ledger_relation_raw(oid); });
	const std::vector<pg::Row> rows = ledger::query(subject_sql, {std::to_string(oid)});

	if (rows.empty())
		throw UserError("42P01", "relation \"" + table + "\" does not exist");
	const pg::Row &row = rows[0];
	const char kind = (*row[2])[0];
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		refuse(*row[0], std::string("It is ") + kind_name(kind) + ".", "Backfill the table that has the rows.");
	if (is_ledger || row[4] == "t")
		refuse(*row[0], is_ledger ? "It is a table of the ledger." : "It is a table of the system.",
			   "Backfill a table of your own.");
	return {oid, *row[0], *row[1], kind == RELKIND_PARTITIONED_TABLE, row[3] == "t", row[5] == "t"};
}

std::vector<Target>
find_targets(const Subject &subject, const script::Backfill &order)
{
	const std::vector<std::string> written = script::assigned_columns(order.set_clause);
	const std::vector<Member> members = members_of(subject.table);
	std::vector<Target> result;
	Target whole;

	whole.table = subject.table;
	whole.name = subject.name;
	whole.with_partitions = subject.is_partitioned;
	if (subject.is_partitioned)
		find_key(whole);
	if (whole.has_key())
	{
		for (const Member &member : members)
			whole.rows += member.rows;
		require_key_unwritten(whole, written);
		return {std::move(whole)};
	}
	for (const Member &member : members)
	{
		Target target;
		if (member.kind == RELKIND_PARTITIONED_TABLE)
			continue;
		if (member.kind != RELKIND_RELATION)
			refuse(subject.name, "Of it is " + member.name + ", which is " + kind_name(member.kind) + ".",
				   "Backfill the tables of which it is made one by one.");
		target.table = member.oid;
		target.name = member.name;
		target.with_partitions = false;
		target.pages = member.pages;
		target.rows = member.rows;
		find_key(target);
		require_key_unwritten(target, written);
		require_condition(target, order);
		result.push_back(std::move(target));
	}
	return result;
}

namespace {

std::string
key_json(const std::vector<KeyColumn> &key)
{
	JsonArray array;

	for (const KeyColumn &column : key)
		array.json(JsonObject()
					   .text("name", column.name)
					   .text("type", column.type)
					   .text("collation", column.collation)
					   .boolean("descending", column.descending)
					   .boolean("nulls_first", column.nulls_first)
					   .json("operators",
							 json_strings({column.less, column.at_most, column.equal, column.at_least, column.greater}))
					   .str());
	return array.str();
}

} // namespace

std::string
to_json(const std::vector<Target> &targets)
{
	JsonArray array;

	for (const Target &target : targets)
	{
		JsonObject object;
		object.number("oid", target.table)
			.text("table", target.name)
			.boolean("partitions", target.with_partitions)
			.text("index", target.index)
			.boolean("primary", target.is_primary)
			.number("rows", std::llround(target.rows));
		if (target.has_key())
			object.json("key", key_json(target.key)).json("last", json_strings(target.last));
		else
			object.number("pages", target.pages);
		array.json(object.str());
	}
	return array.str();
}

std::vector<Target>
targets_in(const std::string &json)
{
	std::vector<Target> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT t.v->>'oid', t.v->>'table', t.v->>'partitions', t.v->>'index', t.v->>'primary', t.v->>'rows', "
			 "coalesce(t.v->>'pages', '0'),"
			 " ARRAY(SELECT jsonb_array_elements_text(t.v->'last'))::text[],"
			 " coalesce(t.v->'key', '[]') FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY t (v, n) ORDER BY t.n",
			 {json}))
	{
		Target target;
		target.table = static_cast<Oid>(std::stoul(*row[0]));
		target.name = *row[1];
		target.with_partitions = row[2] == "true";
		target.index = *row[3];
		target.is_primary = row[4] == "true";
		target.rows = std::stod(*row[5]);
		target.pages = std::stoll(*row[6]);
		target.last = pg::array_items(*row[7]);
		for (const pg::Row &column : ledger::query(
				 "SELECT c.v->>'name', c.v->>'type', c.v->>'collation', c.v->>'descending', c.v->>'nulls_first',"
				 " c.v->'operators'->>0, c.v->'operators'->>1, c.v->'operators'->>2, c.v->'operators'->>3,"
				 " c.v->'operators'->>4 FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY c (v, n) ORDER BY c.n",
				 {*row[8]}))
			target.key.push_back({*column[0], *column[1], *column[2], column[3] == "true", column[4] == "true",
								  *column[5], *column[6], *column[7], *column[8], *column[9]});
		result.push_back(std::move(target));
	}
	return result;
}

std::string
name_now(const Target &target)
{
	const char *name = pg::guarded([&]() -> const char * {
		const char *relation = get_rel_name(target.table);
		return relation == nullptr
				   ? nullptr
				   : quote_qualified_identifier(get_namespace_name(get_rel_namespace(target.table)), relation);
	});

	if (name == nullptr)
		throw UserError("55000", "table " + target.name + " is gone")
			.detail("A backfill that began with it has not come to its end.");
	return name;
}

} // namespace mg::deploy
