// Follows the tree of partitions from above.
#include "deploy/partitioned.hpp"

#include "ledger/store.hpp"
#include "pg/text.hpp"
#include "script/plain.hpp"
#include "script/tokens.hpp"

namespace mg::deploy {

namespace {

// The next index of a tree for which a partition has none of its own.
constexpr const char *missing_sql =
	"WITH RECURSIVE tree (index, indrelid, level) AS ("
	" SELECT i.indexrelid, i.indrelid, 1 FROM pg_index i WHERE i.indexrelid = $1::oid"
	" UNION ALL SELECT x.indexrelid, x.indrelid, t.level + 1 FROM tree t JOIN pg_inherits h ON h.inhparent = t.index"
	" JOIN pg_index x ON x.indexrelid = h.inhrelid)"
	" SELECT t.index::bigint, child.oid::bigint, child.relkind, format('%I.%I', n.nspname, child.relname), "
	"child.relname,"
	" p.relname, format('%I.%I', pn.nspname, p.relname), u.indisunique,"
	" t.index::bigint, format('CREATE %sINDEX %I ON %I.%I', CASE WHEN u.indisunique THEN 'UNIQUE ' ELSE "
	"'' END,"
	" p.relname, an.nspname, a.relname), n.nspname"
	" FROM tree t JOIN pg_inherits h ON h.inhparent = t.indrelid AND NOT h.inhdetachpending"
	" JOIN pg_class child ON child.oid = h.inhrelid AND child.relkind IN ('r', 'p')"
	" JOIN pg_namespace n ON n.oid = child.relnamespace JOIN pg_class p ON p.oid = t.index"
	" JOIN pg_namespace pn ON pn.oid = p.relnamespace JOIN pg_index u ON u.indexrelid = t.index"
	" JOIN pg_class a ON a.oid = t.indrelid JOIN pg_namespace an ON an.oid = a.relnamespace"
	" WHERE NOT EXISTS (SELECT FROM pg_inherits k JOIN pg_index x ON x.indexrelid = k.inhrelid"
	" WHERE k.inhparent = t.index AND x.indrelid = child.oid)"
	" ORDER BY t.level, child.oid LIMIT 1";

// The name that a partition's index has, made of its own and that of the index above.
std::string
name_of_part(const std::string &table, const std::string &index)
{
	return pg::guarded([&] { return makeObjectName(table.c_str(), index.c_str(), nullptr); });
}

} // namespace

std::string
on_only(const std::string &sql)
{
	const std::string plain = script::plain_form(sql).value_or(sql);
	const std::vector<script::Token> tokens = script::tokens_of(plain);

	for (size_t i = 0; i < tokens.size(); i++)
		if (tokens[i].word == "on" && plain[tokens[i].start] != '"')
		{
			if (i + 1 < tokens.size() && tokens[i + 1].word == "only" && plain[tokens[i + 1].start] != '"')
				return plain;
			return plain.substr(0, tokens[i].end) + " ONLY" + plain.substr(tokens[i].end);
		}
	return plain;
}

std::optional<Part>
next_part(Oid index)
{
	const std::vector<pg::Row> rows = ledger::query(missing_sql, {std::to_string(index)});
	if (rows.empty())
		return std::nullopt;

	const pg::Row &row = rows[0];
	const std::string table = *row[3];
	const std::string name = name_of_part(*row[4], *row[5]);
	const auto above = static_cast<Oid>(std::stoul(*row[8]));
	const std::string definition = pg::guarded([&] { return pg_get_indexdef_string(above); });
	const std::string head = *row[9];
	const std::vector<pg::Row> there =
		ledger::query("SELECT i.indexrelid, i.indisvalid, i.indrelid = $2::oid, c.relkind FROM pg_class c"
					  " LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relname = $1 AND c.relnamespace ="
					  " (SELECT t.relnamespace FROM pg_class t WHERE t.oid = $2::oid)",
					  {name, *row[1]});
	const std::string identity = pg::quoted_identifier(*row[10]) + "." + pg::quoted_identifier(name);
	Part part;

	part.table = static_cast<Oid>(std::stoul(*row[1]));
	part.is_leftover = !there.empty();
	if (!there.empty() && there[0][2] != "t")
		throw UserError("42P07", "relation \"" + identity + "\" is there already")
			.detail("The index of partition " + table + " is to have this name.")
			.hint("Rename it, or the index that the migration makes.");
	if (!there.empty() && there[0][1] != "t" && there[0][3] == "i")
	{
		part.sql = "DROP INDEX CONCURRENTLY " + identity;
		part.is_alone = true;
	}
	else if (!there.empty())
		part.sql = "ALTER INDEX " + *row[6] + " ATTACH PARTITION " + identity;
	else if (definition.compare(0, head.size(), head) != 0)
		throw UserError("XX000", "unexpected definition of index " + *row[6]).detail(definition);
	else
	{
		part.is_alone = *row[2] == "r";
		part.sql = std::string("CREATE ") + (row[7] == "t" ? "UNIQUE " : "") + "INDEX " +
				   (part.is_alone ? "CONCURRENTLY " : "") + pg::quoted_identifier(name) + " ON ONLY " + table +
				   definition.substr(head.size());
	}
	return part;
}

std::vector<capture::RunObject>
parts_of(Oid index)
{
	std::vector<capture::RunObject> objects;

	for (const pg::Row &row : ledger::query("SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname), n.nspname, "
											"c.relname FROM pg_partition_tree($1::oid) t"
											" JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n ON n.oid = "
											"c.relnamespace ORDER BY t.level, c.oid",
											{std::to_string(index)}))
		objects.push_back(index_object(static_cast<Oid>(std::stoul(*row[0])), *row[1], {*row[2], *row[3]}, "created"));
	return objects;
}

std::vector<Oid>
tables_of(Oid index)
{
	std::vector<Oid> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT i.indrelid::bigint FROM pg_partition_tree($1::oid) t JOIN pg_index i ON i.indexrelid = t.relid",
			 {std::to_string(index)}))
		result.push_back(static_cast<Oid>(std::stoul(*row[0])));
	return result;
}

} // namespace mg::deploy
