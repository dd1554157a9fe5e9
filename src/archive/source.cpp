// Asks the catalogs and the policy.
#include "archive/source.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "ledger/store.hpp"
#include "pg/text.hpp"
#include "policy/lists.hpp"
#include "policy/policy.hpp"

namespace mg::archive {

namespace {

std::vector<script::Discard> discards;

constexpr const char *table_sql =
	"SELECT n.nspname, c.relname, greatest(c.reltuples, -1),"
	" CASE WHEN c.relkind = 'S' THEN 0 ELSE pg_table_size(c.oid) END,"
	" json_build_object('oid', c.oid, 'owner', pg_get_userbyid(c.relowner), 'kind', c.relkind, 'row_security', "
	"c.relrowsecurity,"
	"  'privileges', (SELECT json_agg(json_build_object('role', CASE g.grantee WHEN 0 THEN 'public' ELSE"
	"   pg_get_userbyid(g.grantee) END, 'privilege', g.privilege_type))"
	"   FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g WHERE g.privilege_type = 'SELECT'),"
	"  'schema_usage', (SELECT json_agg(CASE g.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(g.grantee) END)"
	"   FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g WHERE g.privilege_type = 'USAGE'),"
	"  'columns', (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),"
	"   'generated', a.attgenerated <> '') ORDER BY a.attnum)"
	"   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))::text,"
	" (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = $2::smallint AND attnum > 0)"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid"
	" AND NOT EXISTS (SELECT FROM pg_attribute g WHERE g.attrelid = c.oid AND g.attnum = $2::smallint AND "
	"g.attgenerated <> '')"
	" AND c.relpersistence <> 't' AND n.nspname NOT IN ('mg', 'mg_archive', 'pg_catalog', 'information_schema')";

constexpr const char *key_sql =
	"SELECT a.attnum, quote_ident(a.attname), a.attname FROM (SELECT i.indkey, i.indnkeyatts FROM pg_index i"
	" WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL"
	" AND (i.indimmediate OR i.indisprimary) AND NOT EXISTS (SELECT FROM generate_series(0, i.indnkeyatts - 1) k"
	"  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k]"
	"  WHERE NOT a.attnotnull OR a.attgenerated <> '' OR a.attnum = ANY ($2::smallint[]))"
	" ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) i"
	" CROSS JOIN generate_series(0, i.indnkeyatts - 1) k"
	" JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attnum = i.indkey[k] ORDER BY k";

constexpr const char *columns_sql = "SELECT a.attnum, quote_ident(a.attname), a.attname FROM pg_attribute a"
									" WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped"
									" AND (a.attgenerated = '' OR a.attnum = $2::smallint) ORDER BY a.attnum";

/* A row's header and line pointer come with each copy. */
constexpr const char *width_sql =
	"SELECT CASE WHEN bool_and(s.stawidth IS NOT NULL) AND c.reltuples > 0 THEN"
	"  (c.reltuples * (28 + sum(s.stawidth)))::bigint END FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
	" LEFT JOIN pg_statistic s ON s.starelid = c.oid AND s.staattnum = a.attnum AND NOT s.stainherit"
	" WHERE c.oid = $1::oid AND a.attnum = ANY ($2::smallint[]) GROUP BY c.reltuples";

std::string
numbers_literal(const std::vector<int> &numbers)
{
	std::string list;

	for (int number : numbers)
		list += (list.empty() ? "" : ",") + std::to_string(number);
	return "{" + list + "}";
}

std::vector<Column>
columns_in(const std::vector<pg::Row> &rows)
{
	std::vector<Column> result;

	for (const pg::Row &row : rows)
		result.push_back({std::stoi(*row[0]), *row[1], *row[2]});
	return result;
}

// What a copy of a column takes with its key, or with the whole row when there is none: no more than the table.
int64_t
copied_bytes(const Loss &loss, int64_t table_bytes)
{
	std::vector<int> numbers = {loss.column};

	for (const Column &column : key_of(loss.relation, numbers))
		numbers.push_back(column.number);
	if (numbers.size() == 1)
		return table_bytes;
	const pg::Cell about = ledger::query_cell(width_sql, {std::to_string(loss.relation), numbers_literal(numbers)});
	return about.has_value() ? std::min<int64_t>(std::stoll(*about), table_bytes) : table_bytes;
}

} // namespace

bool
describe(const Loss &loss, Source &source)
{
	const auto rows = ledger::query(table_sql, {std::to_string(loss.relation), std::to_string(loss.column)});

	if (rows.empty())
		return false;
	const pg::Row &row = rows.front();
	source = {*row[0], *row[1], row[5].value_or(""), *row[4], std::stod(*row[2]), std::stoll(*row[3])};
	if (loss.column != 0)
		source.bytes = copied_bytes(loss, source.bytes);
	return true;
}

std::string
quoted_name(const Source &source)
{
	return pg::guarded([&] {
		return static_cast<const char *>(quote_qualified_identifier(source.schema.c_str(), source.name.c_str()));
	});
}

std::vector<Column>
key_of(Oid table, const std::vector<int> &without)
{
	return columns_in(ledger::query(key_sql, {std::to_string(table), numbers_literal(without)}));
}

std::vector<Column>
columns_of(Oid table, int generated)
{
	return columns_in(ledger::query(columns_sql, {std::to_string(table), std::to_string(generated)}));
}

DiscardScope::DiscardScope(std::vector<script::Discard> of_statement) : before_(std::move(discards))
{
	discards = std::move(of_statement);
}

DiscardScope::~DiscardScope()
{
	discards = std::move(before_);
}

std::optional<std::string>
discarded(const Source &source)
{
	std::vector<std::vector<std::string>> names = {{source.name}, {source.schema, source.name}};

	if (!source.column.empty())
		names.insert(names.end(), {{source.name, source.column}, {source.schema, source.name, source.column}});
	for (const script::Discard &discard : discards)
		if (std::find(names.begin(), names.end(), discard.name) != names.end())
			return discard.reason;
	return std::nullopt;
}

bool
is_never_kept(const Source &source)
{
	const std::string table = source.schema + "." + source.name;
	const std::vector<std::string> never = policy::names("never_archived");

	return std::any_of(never.begin(), never.end(), [&](const std::string &name) {
		return name == table || (!source.column.empty() && name == table + "." + source.column);
	});
}

std::string
refusal_of(int64_t bytes, bool is_copied)
{
	const char *setting = is_copied ? "archive_copy_limit" : "archive_limit";

	if (bytes <= policy::bytes(setting))
		return "";
	return "It would be " + std::string(is_copied ? "copied, " : "moved, ") + "about " + pg::size_text(bytes) +
		   ": policy setting " + setting + " is " + policy::value_of(setting) + ".";
}

void
require_room(const Source &source, int64_t bytes, bool is_copied)
{
	const std::string name =
		quoted_name(source) + (source.column.empty() ? "" : "." + pg::quoted_identifier(source.column));
	const std::string refusal = refusal_of(bytes, is_copied);

	if (!refusal.empty())
		throw UserError("MG410", "what is about to be lost of " + name + " is too large to be kept")
			.detail(refusal)
			.hint("If it is to be lost, say so in the line above the statement: -- mg:discard " + name +
				  " REASON. Else raise the limit with mg_set_policy().");
}

} // namespace mg::archive
