// Reads relations with their columns and writes expressions.
#include "schema/tables.hpp"

#include "schema/relation.hpp"

#include <algorithm>

namespace mg::schema {

namespace {

Table
table_of_raw(Form_pg_class row)
{
	Table table = {};

	table.oid = row->oid;
	table.name = pstrdup(NameStr(row->relname));
	table.schema = row->relnamespace;
	table.kind = row->relkind;
	table.persistence = row->relpersistence;
	table.partition = row->relispartition;
	table.typed = OidIsValid(row->reloftype);
	table.count = row->relnatts;
	table.columns = static_cast<Column *>(palloc0(sizeof(Column) * (row->relnatts + 1)));
	return table;
}

Column
column_of_raw(HeapTuple tuple, TupleDesc desc)
{
	auto *row = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple));
	Column column = {};

	column.name = pstrdup(NameStr(row->attname));
	column.type = row->atttypid;
	column.typmod = row->atttypmod;
	column.collation = row->attcollation;
	column.statistics_target = statistics_target_raw(tuple, desc);
	column.options = options_cell_raw(tuple, Anum_pg_attribute_attoptions, desc);
	column.storage = row->attstorage;
	column.compression = row->attcompression;
	column.identity = row->attidentity;
	column.generated = row->attgenerated;
	column.not_null = row->attnotnull;
	column.local = row->attislocal;
	column.inherited = row->attinhcount > 0;
	column.has_privileges = !heap_attisnull(tuple, Anum_pg_attribute_attacl, desc);
	column.has_foreign_options = !heap_attisnull(tuple, Anum_pg_attribute_attfdwoptions, desc);
	return column;
}

bool
uses_system_columns_raw(Node *node)
{
	Bitmapset *numbers = nullptr;

	pull_varattnos(node, 1, &numbers);
	int first = bms_next_member(numbers, -1);
	return first >= 0 && first + FirstLowInvalidHeapAttributeNumber < 0;
}

// The deparsers open the relation of an expression, which costs more than the expression. Names are all that they look for, so
// they get a relation that has nothing but names. See set_relation_column_names() in ruleutils.c.
List *
context_raw(const Table &table)
{
	auto *entry = makeNode(RangeTblEntry);
	auto *statement = makeNode(PlannedStmt);
	List *names = NIL;

	for (int i = 0; i < table.count; i++)
		names = lappend(names,
						makeString(const_cast<char *>(table.columns[i].name != nullptr ? table.columns[i].name : "")));
	entry->rtekind = RTE_NAMEDTUPLESTORE;
	entry->eref = makeAlias(table.name, names);
	statement->rtable = list_make1(entry);
	return deparse_context_for_plan_tree(statement, list_make1(const_cast<char *>(table.name)));
}

} // namespace

int
statistics_target_raw(HeapTuple tuple, TupleDesc desc)
{
#if PG_VERSION_NUM >= 170000
	bool null = heap_attisnull(tuple, Anum_pg_attribute_attstattarget, desc);
	return null ? -1 : DatumGetInt16(heap_getattr(tuple, Anum_pg_attribute_attstattarget, desc, &null));
#else
	(void)desc;
	return reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple))->attstattarget;
#endif
}

Column *
Table::column(int number) const
{
	return number >= 1 && number <= count && columns[number - 1].name != nullptr ? &columns[number - 1] : nullptr;
}

Table *
Tables::find(Oid oid) const
{
	Table *end = rows + count;
	Table *place = std::lower_bound(rows, end, oid, [](const Table &table, Oid wanted) { return table.oid < wanted; });

	return place != end && place->oid == oid ? place : nullptr;
}

Tables
read_tables_raw(const Oids &oids)
{
	Tables tables = {};
	ScanKeyData users;

	tables.oids = oids;
	tables.rows = static_cast<Table *>(palloc(sizeof(Table) * (oids.count + 1)));
	tables.scratch =
		AllocSetContextCreate(CurrentMemoryContext, "migration_governance expression", ALLOCSET_DEFAULT_SIZES);
	scan_raw(RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, oids, [&](HeapTuple tuple, TupleDesc) {
		auto *row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
		if (row->relkind != RELKIND_SEQUENCE)
			tables.rows[tables.count++] = table_of_raw(row);
	});

	ScanKeyInit(&users, Anum_pg_attribute_attnum, BTGreaterStrategyNumber, F_INT2GT, Int16GetDatum(0));
	Table *table = nullptr;
	scan_raw(
		AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, oids,
		[&](HeapTuple tuple, TupleDesc desc) {
			auto *row = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple));
			if (table == nullptr || table->oid != row->attrelid)
				table = tables.find(row->attrelid);
			if (table != nullptr && row->attnum <= table->count && !row->attisdropped)
				table->columns[row->attnum - 1] = column_of_raw(tuple, desc);
		},
		&users);
	return tables;
}

const char *
expression_raw(Table &table, Node *node)
{
	List *context = nullptr;

	if (uses_system_columns_raw(node))
		context = deparse_context_for(table.name, table.oid);
	else
	{
		if (table.context == NIL)
		{
			MemoryContext before = MemoryContextSwitchTo(GetMemoryChunkContext(table.columns));
			table.context = context_raw(table);
			MemoryContextSwitchTo(before);
		}
		context = table.context;
	}
	return deparse_expression(node, context, false, false);
}

const char *
expression_raw(const Tables &tables, Table &table, Datum tree)
{
	MemoryContext before = MemoryContextSwitchTo(tables.scratch);
	const char *made = expression_raw(table, static_cast<Node *>(stringToNode(TextDatumGetCString(tree))));

	MemoryContextSwitchTo(before);
	made = pstrdup(made);
	MemoryContextReset(tables.scratch);
	return made;
}

const char *
column_list_raw(const Table &table, const int16 *numbers, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < count; i++)
	{
		const Column *column = table.column(numbers[i]);
		appendStringInfo(&text, "%s%s", i == 0 ? "" : ", ", column != nullptr ? quote_identifier(column->name) : "?");
	}
	return text.data;
}

char
Keys::find(Oid index) const
{
	Key *end = rows + count;
	Key *place = std::lower_bound(rows, end, index, [](const Key &key, Oid wanted) { return key.index < wanted; });

	return place != end && place->index == index ? place->type : '\0';
}

void
read_parts(Album &album)
{
	std::vector<Oid> units = oids_of(album);
	pg::MemoryScope memory("migration_governance tables");
	Oids oids = {units.data(), static_cast<int>(units.size())};
	Tables tables = {};
	Draft draft;

	bool indexes_go_along = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		album.has |= add_facts_raw(oids, draft);
		tables = read_tables_raw(oids);
		add_columns_raw(tables, draft);
		Oids indexes = add_indexes_raw(tables, add_constraints_raw(tables, draft), draft);
		bool found = go_along_raw(indexes);
		MemoryContextSwitchTo(before);
		return found;
	});
	paste(draft, album);
	add_column_rarities(tables, album);
	if (indexes_go_along)
		read_by_sql(index_extensions_reader, album);
}

} // namespace mg::schema
