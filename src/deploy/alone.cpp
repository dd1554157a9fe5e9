// Reads parse trees and pg_index.
#include "deploy/alone.hpp"

#include <algorithm>
#include <set>

#include "ledger/store.hpp"
#include "pg/memory.hpp"
#include "pg/query.hpp"
#include "script/kind.hpp"

namespace mg::deploy {

namespace {

// What the parse tree says, in plain memory.
struct AloneRaw
{
	Alone::Kind kind;
	Oid table;
	Oid partition;
	Oid index;
	const char *index_name;
	List *index_columns; // plain strings
	bool tolerant;
};

Oid
relation_raw(RangeVar *relation)
{
	return relation != nullptr ? RangeVarGetRelid(relation, NoLock, true) : InvalidOid;
}

bool
is_index_raw(Oid relation)
{
	const char kind = OidIsValid(relation) ? get_rel_relkind(relation) : '\0';

	return kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX;
}

Oid
table_of_index_raw(Oid index)
{
	return is_index_raw(index) ? IndexGetRelation(index, true) : InvalidOid;
}

// As ChooseIndexColumnNames() of the server does, but for expressions, and for what it adds to the second of two equal names.
List *
column_names_raw(List *elements)
{
	List *names = NIL;
	ListCell *cell;

	foreach (cell, elements)
	{
		auto *element = lfirst_node(IndexElem, cell);
		names = lappend(names, element->name != nullptr ? element->name : pstrdup(""));
	}
	return names;
}

void
read_index_raw(IndexStmt *statement, AloneRaw *alone)
{
	alone->kind = Alone::Kind::create_index;
	alone->table = relation_raw(statement->relation);
	alone->index_name = statement->idxname;
	alone->tolerant = statement->if_not_exists;
	if (statement->idxname == nullptr)
		alone->index_columns =
			list_concat(column_names_raw(statement->indexParams), column_names_raw(statement->indexIncludingParams));
	if (statement->idxname != nullptr && OidIsValid(alone->table))
		alone->index = get_relname_relid(statement->idxname, get_rel_namespace(alone->table));
	if (!is_index_raw(alone->index))
		alone->index = InvalidOid;
}

void
read_detach_raw(AlterTableStmt *statement, AloneRaw *alone)
{
	ListCell *cell;

	foreach (cell, statement->cmds)
	{
		auto *command = lfirst_node(AlterTableCmd, cell);
		if (command->subtype != AT_DetachPartition)
			continue;
		alone->kind = Alone::Kind::detach;
		alone->table = relation_raw(statement->relation);
		alone->partition = relation_raw(castNode(PartitionCmd, command->def)->name);
	}
}

AloneRaw
read_raw(const char *sql)
{
	AloneRaw alone = {Alone::Kind::other, InvalidOid, InvalidOid, InvalidOid, nullptr, NIL, false};
	Node *tree = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;

	switch (nodeTag(tree))
	{
		case T_IndexStmt:
			read_index_raw(castNode(IndexStmt, tree), &alone);
			break;
		case T_DropStmt:
		{
			auto *drop = castNode(DropStmt, tree);
			alone.kind = Alone::Kind::drop_index;
			alone.tolerant = drop->missing_ok;
			alone.index = relation_raw(makeRangeVarFromNameList(castNode(List, linitial(drop->objects))));
			alone.table = table_of_index_raw(alone.index);
			break;
		}
		case T_ReindexStmt:
		{
			auto *reindex = castNode(ReindexStmt, tree);
			alone.kind = Alone::Kind::reindex;
			if (reindex->kind == REINDEX_OBJECT_TABLE)
				alone.table = relation_raw(reindex->relation);
			else if (reindex->kind == REINDEX_OBJECT_INDEX)
			{
				alone.index = relation_raw(reindex->relation);
				alone.table = table_of_index_raw(alone.index);
			}
			break;
		}
		case T_AlterTableStmt:
			read_detach_raw(castNode(AlterTableStmt, tree), &alone);
			break;
		default:
			break;
	}
	return alone;
}

const char *
qualified_raw(Oid relation)
{
	const char *name = OidIsValid(relation) ? get_rel_name(relation) : nullptr;

	return name == nullptr ? "" : quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}

std::string
qualified(Oid relation)
{
	return pg::guarded([&] { return qualified_raw(relation); });
}

bool
is_valid_index(Oid index)
{
	return pg::guarded([&] {
		HeapTuple row = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
		if (!HeapTupleIsValid(row))
			return false;
		const bool valid = reinterpret_cast<Form_pg_index>(GETSTRUCT(row))->indisvalid;
		ReleaseSysCache(row);
		return valid;
	});
}

struct Index
{
	Oid oid;
	std::string name;     // i
	std::string identity; // public.i
	std::string schema;
	bool is_valid;
	std::vector<std::string> columns;
};

// Those of a table, and for REINDEX of its partitions and TOAST tables as well; or those of the whole database that are not valid.
std::vector<Index>
indexes_of(const Alone &alone)
{
	std::vector<Index> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT i.indexrelid, c.relname, format('%I.%I', n.nspname, c.relname), n.nspname, i.indisvalid,"
			 " ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid ORDER BY a.attnum)"
			 " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
			 " WHERE CASE WHEN $1 = '0' THEN NOT i.indisvalid AND c.relpersistence <> 't'"
			 " WHEN $2::boolean THEN i.indrelid IN (SELECT $1::oid UNION SELECT p.relid FROM "
			 "pg_partition_tree($1::oid) p"
			 " UNION SELECT t.reltoastrelid FROM pg_class t WHERE t.oid = $1::oid"
			 " UNION SELECT t.reltoastrelid FROM pg_partition_tree($1::oid) p JOIN pg_class t ON t.oid = p.relid)"
			 " ELSE i.indrelid = $1::oid END ORDER BY 1",
			 {std::to_string(alone.table), alone.kind == Alone::Kind::reindex ? "t" : "f"}))
		result.push_back({static_cast<Oid>(std::stoul(*row[0])), *row[1], *row[2], *row[3], row[4] == "t",
						  pg::array_items(*row[5])});
	return result;
}

// Whether an index can be the one that the statement makes; others may have been made on the table meanwhile.
bool
is_of(const Alone &alone, const Index &index)
{
	if (!alone.index_name.empty())
		return index.name == alone.index_name;
	const std::size_t mark = index.name.rfind("_idx");
	return mark != std::string::npos && index.name.find_first_not_of("0123456789", mark + 4) == std::string::npos &&
		   std::equal(alone.index_columns.begin(), alone.index_columns.end(), index.columns.begin(),
					  index.columns.end(), [](const std::string &name, const std::string &column) {
						  return column.compare(0, name.size(), name) == 0;
					  });
}

// Of the indexes that are there now those that were not there before.
std::vector<Index>
new_indexes(const Alone &alone, const Before &before)
{
	const std::set<Oid> known(before.indexes.begin(), before.indexes.end());
	std::vector<Index> result;

	for (Index &index : indexes_of(alone))
		if (known.count(index.oid) == 0 && (alone.kind != Alone::Kind::create_index || is_of(alone, index)))
			result.push_back(std::move(index));
	return result;
}

capture::RunObject
object_of(const std::string &type, const std::string &identity, const std::vector<std::string> &names,
		  const std::string &change, Oid oid)
{
	capture::RunObject object;

	object.type = type;
	object.identity = identity;
	object.names = names;
	object.change = change;
	object.catalog = "pg_class";
	object.catalog_oid = RelationRelationId;
	object.oid = oid;
	object.column = 0;
	object.named = true;
	return object;
}

capture::RunObject
table_object(Oid table, const std::string &change)
{
	const std::string schema = pg::guarded([&] { return get_namespace_name(get_rel_namespace(table)); });
	const std::string name = pg::guarded([&] { return get_rel_name(table); });

	return object_of("table", qualified(table), {schema, name}, change, table);
}

// What an interrupted REINDEX leaves beside the indexes that it was to replace.
bool
is_transient(const std::string &name)
{
	const std::size_t mark = std::max(name.rfind("_ccnew") == std::string::npos ? 0 : name.rfind("_ccnew"),
									  name.rfind("_ccold") == std::string::npos ? 0 : name.rfind("_ccold"));

	return mark != 0 && name.find_first_not_of("0123456789", mark + 6) == std::string::npos;
}

Leftover
leftover_of_create(const Alone &alone, const Before &before, bool was_tried)
{
	Leftover result;

	if (was_tried)
		for (const Index &index : new_indexes(alone, before))
		{
			if (index.is_valid && before.index == InvalidOid)
				result.is_done = true;
			else if (!index.is_valid)
				result.remedies.push_back("DROP INDEX CONCURRENTLY IF EXISTS " + index.identity);
		}
	const bool is_ours =
		was_tried && std::find(before.indexes.begin(), before.indexes.end(), alone.index) == before.indexes.end();
	if (OidIsValid(alone.index) && !alone.index_is_valid && !is_ours)
		throw UserError("55000", "index \"" + alone.index_identity + "\" is there already, and is not valid")
			.detail("Somebody's attempt to build it concurrently has failed; it is not of this deployment.")
			.hint((alone.is_partitioned ? "DROP INDEX " : "DROP INDEX CONCURRENTLY ") + alone.index_identity +
				  ", and CALL mg_resume().");
	return result;
}

} // namespace

Oid
index_made(const Alone &alone, const Before &before)
{
	const std::vector<Index> made = new_indexes(alone, before);

	return made.empty() ? InvalidOid : made.back().oid;
}

capture::RunObject
index_object(Oid oid, const std::string &identity, const std::vector<std::string> &names, const std::string &change)
{
	return object_of("index", identity, names, change, oid);
}

bool
is_errand_raw(Node *tree)
{
	if (IsA(tree, AlterTableStmt))
	{
		List *commands = castNode(AlterTableStmt, tree)->cmds;
		if (list_length(commands) == 1 && linitial_node(AlterTableCmd, commands)->subtype == AT_DetachPartitionFinalize)
			return true;
	}
	return script::is_alone_raw(tree);
}

Alone
read_alone(const std::string &sql)
{
	pg::MemoryScope memory("migration_governance statement");
	Alone result;
	const AloneRaw raw = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		AloneRaw found = read_raw(sql.c_str());
		MemoryContextSwitchTo(before);
		return found;
	});

	result.kind = raw.kind;
	result.sql = sql;
	result.table = raw.table;
	result.table_name = qualified(raw.table);
	result.is_partitioned =
		pg::guarded([&] { return OidIsValid(raw.table) && get_rel_relkind(raw.table) == RELKIND_PARTITIONED_TABLE; });
	result.partition = raw.partition;
	result.partition_name = qualified(raw.partition);
	result.index_name = raw.index_name != nullptr ? raw.index_name : "";
	for (int i = 0; i < list_length(raw.index_columns); i++)
		result.index_columns.emplace_back(static_cast<const char *>(list_nth(raw.index_columns, i)));
	if (OidIsValid(raw.table))
		result.index_schema = pg::guarded([&] { return get_namespace_name(get_rel_namespace(raw.table)); });
	result.index = raw.index;
	result.index_identity = qualified(raw.index);
	result.index_is_valid = is_valid_index(raw.index);
	result.is_tolerant = raw.tolerant;
	return result;
}

Before
look(const Alone &alone)
{
	Before before;

	if (alone.kind == Alone::Kind::create_index || alone.kind == Alone::Kind::reindex)
		for (const Index &index : indexes_of(alone))
			before.indexes.push_back(index.oid);
	before.table = alone.table;
	before.index = alone.index;
	before.index_identity = alone.index_identity;
	return before;
}

std::string
to_json(const Before &before)
{
	return *ledger::query_cell("SELECT jsonb_build_object('indexes', to_jsonb($1::bigint[]), 'index', $2::bigint,"
							   " 'identity', $3, 'table', $4::bigint)",
							   {pg::array_literal(before.indexes), std::to_string(before.index), before.index_identity,
								std::to_string(before.table)});
}

Before
read_before(const std::string &json)
{
	const pg::Row row =
		ledger::query("SELECT coalesce(j.v->>'index', '0'), coalesce(j.v->>'identity', ''),"
					  " ARRAY(SELECT jsonb_array_elements_text(j.v->'indexes')), coalesce(j.v->>'table', '0')"
					  " FROM (SELECT $1::jsonb AS v) j",
					  {json})[0];
	Before before;

	before.index = static_cast<Oid>(std::stoul(*row[0]));
	before.index_identity = *row[1];
	before.table = static_cast<Oid>(std::stoul(*row[3]));
	for (const std::string &oid : pg::array_items(*row[2]))
		before.indexes.push_back(static_cast<Oid>(std::stoul(oid)));
	return before;
}

Leftover
leftover_of(const Alone &alone, const Before &before, bool was_tried)
{
	Leftover result;

	switch (alone.kind)
	{
		case Alone::Kind::create_index:
			return leftover_of_create(alone, before, was_tried);
		case Alone::Kind::drop_index:
			result.is_done = was_tried && OidIsValid(before.index) && !OidIsValid(alone.index);
			return result;
		case Alone::Kind::reindex:
			if (was_tried)
				for (const Index &index : new_indexes(alone, before))
					if (!index.is_valid && is_transient(index.name))
						result.remedies.push_back("DROP INDEX CONCURRENTLY IF EXISTS " + index.identity);
			return result;
		case Alone::Kind::detach:
		{
			const pg::Cell pending = ledger::query_cell(
				"SELECT inhdetachpending FROM pg_inherits WHERE inhparent = $1::oid AND inhrelid = $2::oid",
				{std::to_string(alone.table), std::to_string(alone.partition)});
			if (pending == "t")
				result.instead =
					"ALTER TABLE " + alone.table_name + " DETACH PARTITION " + alone.partition_name + " FINALIZE";
			result.is_done = was_tried && !pending.has_value() && OidIsValid(alone.partition);
			return result;
		}
		case Alone::Kind::other:
			return result;
	}
	return result;
}

std::vector<capture::RunObject>
effects_of(const Alone &alone, const Before &before)
{
	std::vector<capture::RunObject> objects;

	if (alone.kind == Alone::Kind::create_index)
	{
		for (const Index &index : new_indexes(alone, before))
			if (index.is_valid)
				objects.push_back(index_object(index.oid, index.identity, {index.schema, index.name}, "created"));
	}
	else if (alone.kind == Alone::Kind::drop_index && OidIsValid(before.index))
	{
		const std::vector<pg::Row> names = ledger::query("SELECT parse_ident($1)::text[]", {before.index_identity});
		objects.push_back(
			object_of("index", before.index_identity, pg::array_items(*names[0][0]), "dropped", before.index));
	}
	else if (alone.kind == Alone::Kind::reindex && OidIsValid(alone.table))
	{
		for (const Index &index : indexes_of(alone))
			if (index.schema != "pg_toast" && (alone.index_identity.empty() || index.identity == alone.index_identity))
				objects.push_back(index_object(index.oid, index.identity, {index.schema, index.name}, "changed"));
	}
	else if (alone.kind == Alone::Kind::detach)
	{
		objects.push_back(table_object(alone.table, "changed"));
		if (OidIsValid(alone.partition))
			objects.push_back(table_object(alone.partition, "changed"));
	}
	return objects;
}

} // namespace mg::deploy
