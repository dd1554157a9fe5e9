// Reads columns of tables and views.
#include "schema/relation_parts.hpp"
#include "schema/tables.hpp"

#include <cstring>

namespace mg::schema {

namespace {

// What columns of one type have in common.
struct TypeKey
{
	Oid type;
	int32 typmod;
};
struct TypeFacts
{
	TypeKey key;
	const char *name;
	Oid collation;
	char storage;
};

HTAB *
types_raw()
{
	HASHCTL control = {};

	control.keysize = sizeof(TypeKey);
	control.entrysize = sizeof(TypeFacts);
	control.hcxt = CurrentMemoryContext;
	return hash_create("migration_governance types", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

const TypeFacts &
type_raw(HTAB *types, const Column &column)
{
	TypeKey key = {column.type, column.typmod};
	bool found = false;
	auto *facts = static_cast<TypeFacts *>(hash_search(types, &key, HASH_ENTER, &found));

	if (!found)
	{
		facts->name = "?";
		HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(column.type));
		if (HeapTupleIsValid(tuple))
		{
			auto *row = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
			facts->collation = row->typcollation;
			facts->storage = row->typstorage;
			ReleaseSysCache(tuple);
			facts->name = format_type_extended(column.type, column.typmod, FORMAT_TYPE_TYPEMOD_GIVEN);
		}
	}
	return *facts;
}

const char *
storage_name(char storage)
{
	switch (storage)
	{
		case TYPSTORAGE_PLAIN:
			return "plain";
		case TYPSTORAGE_EXTERNAL:
			return "external";
		case TYPSTORAGE_MAIN:
			return "main";
		default:
			return "extended";
	}
}

const char *
compression_name(char compression)
{
	switch (compression)
	{
		case 'p':
			return "pglz";
		case 'l':
			return "lz4";
		default:
			return nullptr;
	}
}

const char *
number_raw(int number)
{
	return psprintf("%d", number);
}

void
add_type_raw(const Column &column, const TypeFacts &type)
{
	column.part->set_raw("type", type.name);
	if (OidIsValid(column.collation) && column.collation != type.collation)
		column.part->set_raw("collation", generate_collation_name(column.collation));
}

// A column that has parents comes where they have it, others after them; a partition has its own order.
void
add_definition_raw(const Table &table, const Column &column, const TypeFacts &type, int &position)
{
	const bool inherits = column.inherited && !table.partition;

	if (inherits && !column.local)
		column.part->set_raw("inherited", "true");
	else
		add_type_raw(column, type);
	if (!inherits)
		column.part->set_raw("position", number_raw(++position));
}

void
add_table_raw(Table &table, HTAB *types, Draft &draft)
{
	int position = 0;

	for (int i = 0; i < table.count; i++)
	{
		Column &column = table.columns[i];
		if (column.name == nullptr)
			continue;
		column.part = draft.add_raw(table.oid, "columns", quote_identifier(column.name));
		if (table.kind == RELKIND_VIEW)
			continue;
		const TypeFacts &type = type_raw(types, column);
		if (table.is_table() && !table.typed)
			add_definition_raw(table, column, type, position);
		if (column.storage != type.storage)
			column.part->set_raw("storage", storage_name(column.storage));
		column.part->set_raw("compression", compression_name(column.compression));
		if (column.statistics_target >= 0)
			column.part->set_raw("statistics target", number_raw(column.statistics_target));
		column.part->set_raw("options", column.options);
	}
}

void
add_default_raw(const Tables &tables, HeapTuple tuple, TupleDesc desc)
{
	auto *row = reinterpret_cast<Form_pg_attrdef>(GETSTRUCT(tuple));
	Table *table = tables.find(row->adrelid);
	Column *column = table != nullptr ? table->column(row->adnum) : nullptr;
	bool null = false;

	if (column == nullptr)
		return;
	const char *text = expression_raw(tables, *table, heap_getattr(tuple, Anum_pg_attrdef_adbin, desc, &null));
	if (column->generated == '\0')
		column->part->set_raw("default", text);
	else
		column->part->set_raw("generated", psprintf("%s %s", text, column->generated == 's' ? "stored" : "virtual"));
}

// Says whether a parent has the column as NOT NULL, so that the child needs no words about it.
bool
parent_says_not_null_raw(const Table &table, const Column &column)
{
	bool says = false;
	Oid child = table.oid;

	scan_raw(InheritsRelationId, InheritsRelidSeqnoIndexId, Anum_pg_inherits_inhrelid, {&child, 1},
			 [&](HeapTuple tuple, TupleDesc) {
				 auto *row = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(tuple));
				 HeapTuple found = SearchSysCacheAttName(row->inhparent, column.name);
				 if (!HeapTupleIsValid(found))
					 return;
				 says = says || reinterpret_cast<Form_pg_attribute>(GETSTRUCT(found))->attnotnull;
				 ReleaseSysCache(found);
			 });
	return says;
}

// Since 18 NOT NULL is a constraint, which is read with the others.
void
add_not_null_raw(const Tables &tables)
{
	for (int i = 0; i < tables.count; i++)
	{
		const Table &table = tables.rows[i];
		for (int k = 0; k < table.count; k++)
		{
			const Column &column = table.columns[k];
			if (column.not_null && (!column.inherited || table.partition || !parent_says_not_null_raw(table, column)))
				column.part->set_raw("not null", "true");
		}
	}
}

void
add_comments_raw(const Tables &tables)
{
	read_comments_raw(RelationRelationId, tables.oids, [&](Oid oid, int32 number) {
		Table *table = number > 0 ? tables.find(oid) : nullptr;
		Column *column = table != nullptr ? table->column(number) : nullptr;
		return Commented{column != nullptr ? column->part : nullptr, "comment"};
	});
}

// The sequence of an identity column, or nothing.
Oid
identity_sequence_raw(Oid table, int number)
{
	Oid sequence = InvalidOid;

	scan_dependants_raw(RelationRelationId, table, [&](Form_pg_depend row) {
		if (row->refobjsubid == number && row->classid == RelationRelationId && row->deptype == DEPENDENCY_INTERNAL)
			sequence = row->objid;
	});
	return sequence;
}

// As the server makes the sequence of an identity column when it is not told more than the column's type.
bool
has_usual_options_raw(Oid sequence)
{
	HeapTuple tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));

	if (!HeapTupleIsValid(tuple))
		return false;
	auto *row = reinterpret_cast<Form_pg_sequence>(GETSTRUCT(tuple));
	int64 largest = row->seqtypid == INT2OID ? PG_INT16_MAX : row->seqtypid == INT4OID ? PG_INT32_MAX : PG_INT64_MAX;
	bool usual = row->seqstart == 1 && row->seqincrement == 1 && row->seqmin == 1 && row->seqmax == largest &&
				 row->seqcache == 1 && !row->seqcycle;
	ReleaseSysCache(tuple);
	return usual;
}

bool
is_usual_sequence_raw(const Table &table, const Column &column, Oid sequence)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(sequence));
	bool null = true;

	if (!HeapTupleIsValid(tuple))
		return false;
	auto *row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
	SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &null);
	bool usual = null && row->relnamespace == table.schema && row->relpersistence == table.persistence &&
				 strcmp(NameStr(row->relname), psprintf("%s_%s_seq", table.name, column.name)) == 0;
	ReleaseSysCache(tuple);
	return usual && has_usual_options_raw(sequence) && GetComment(sequence, RelationRelationId, 0) == nullptr;
}

void
add_identities_raw(Table &table)
{
	for (int i = 0; i < table.count; i++)
	{
		Column &column = table.columns[i];
		if (column.identity == '\0')
			continue;
		/* A partition uses its parent's (17). */
		Oid sequence = identity_sequence_raw(table.oid, i + 1);
		if (!OidIsValid(sequence))
			continue;
		column.part->set_raw("identity", column.identity == ATTRIBUTE_IDENTITY_ALWAYS ? "always" : "by default");
		column.has_own_sequence = !is_usual_sequence_raw(table, column, sequence);
	}
}

// clang-format off

// The sequence of an identity column has options, privileges and notes of its own.
constexpr Reader identity_reader = {
	"SELECT a.attrelid, 'columns', quote_ident(a.attname),"
	" nullif(concat_ws(' ',"
	" CASE WHEN s.relpersistence <> t.relpersistence"
	" THEN CASE s.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END END,"
	" CASE WHEN q.seqstart <> CASE WHEN q.seqincrement > 0 THEN q.seqmin ELSE q.seqmax END"
	" THEN 'START WITH ' || q.seqstart END,"
	" CASE WHEN q.seqincrement <> 1 THEN 'INCREMENT BY ' || q.seqincrement END,"
	" CASE WHEN q.seqmin <> CASE WHEN q.seqincrement > 0 THEN 1 ELSE -v.top - 1 END THEN 'MINVALUE ' || q.seqmin END,"
	" CASE WHEN q.seqmax <> CASE WHEN q.seqincrement > 0 THEN v.top ELSE -1 END THEN 'MAXVALUE ' || q.seqmax END,"
	" CASE WHEN q.seqcache <> 1 THEN 'CACHE ' || q.seqcache END,"
	" CASE WHEN q.seqcycle THEN 'CYCLE' END), '') AS \"identity options\","
	" CASE WHEN s.relname <> t.relname || '_' || a.attname || '_seq' OR s.relnamespace <> t.relnamespace"
	" THEN " MG_NAME("s.relname") " END AS \"identity sequence\","
	MG_ACL("s.relacl", "'s'", "s.relowner") " AS \"identity sequence privileges\","
	" (SELECT d.description FROM pg_description d WHERE d.objoid = s.oid AND d.classoid = 'pg_class'::regclass"
	" AND d.objsubid = 0) AS \"identity sequence comment\","
	" (SELECT string_agg(l.provider || ': ' || l.label, ', ' ORDER BY l.provider COLLATE \"C\") FROM pg_seclabel l"
	" WHERE l.objoid = s.oid AND l.classoid = 'pg_class'::regclass AND l.objsubid = 0)"
	" AS \"identity sequence security label\""
	" FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid"
	" JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum"
	" AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'"
	" JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace"
	" JOIN pg_sequence q ON q.seqrelid = s.oid"
	" JOIN (VALUES ('int2'::regtype, 32767), ('int4'::regtype, 2147483647), ('int8'::regtype, 9223372036854775807))"
	" v (type, top) ON v.type = q.seqtypid"
	" WHERE a.attrelid = " MG_BATCH " AND a.attidentity <> '' AND NOT a.attisdropped"};

constexpr Reader privileges_reader = {
	"SELECT a.attrelid, 'columns', quote_ident(a.attname),"
	MG_ACL("a.attacl", "'c'", "t.relowner") " AS privileges"
	" FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid"
	" WHERE a.attrelid = " MG_BATCH " AND a.attacl IS NOT NULL AND NOT a.attisdropped"};

constexpr Reader foreign_options_reader = {
	"SELECT a.attrelid, 'columns', quote_ident(a.attname),"
	" (SELECT string_agg(quote_ident(o.option_name) || ' ' || quote_literal(o.option_value), ', '"
	" ORDER BY o.option_name COLLATE \"C\") FROM pg_options_to_table(a.attfdwoptions) o) AS \"foreign options\""
	" FROM pg_attribute a WHERE a.attrelid = " MG_BATCH " AND a.attfdwoptions IS NOT NULL AND NOT a.attisdropped"};

constexpr Reader labels_reader = {
	"SELECT l.objoid, 'columns', quote_ident(a.attname),"
	" string_agg(l.provider || ': ' || l.label, ', ' ORDER BY l.provider COLLATE \"C\") AS \"security label\""
	" FROM pg_seclabel l JOIN pg_attribute a ON a.attrelid = l.objoid AND a.attnum = l.objsubid"
	" WHERE l.classoid = 'pg_class'::regclass AND l.objoid = " MG_BATCH " GROUP BY l.objoid, a.attname"};

// clang-format on

} // namespace

void
add_columns_raw(const Tables &tables, Draft &draft)
{
	HTAB *types = types_raw();

	for (int i = 0; i < tables.count; i++)
	{
		add_table_raw(tables.rows[i], types, draft);
		add_identities_raw(tables.rows[i]);
	}
	scan_raw(AttrDefaultRelationId, AttrDefaultIndexId, Anum_pg_attrdef_adrelid, tables.oids,
			 [&](HeapTuple tuple, TupleDesc desc) { add_default_raw(tables, tuple, desc); });
	if (PG_VERSION_NUM < 180000)
		add_not_null_raw(tables);
	add_comments_raw(tables);
}

void
add_column_rarities(const Tables &tables, Album &album)
{
	bool sequences = (album.has & need_labels) != 0;
	bool privileges = false;
	bool foreign_options = false;

	for (int i = 0; i < tables.count; i++)
	{
		const Table &table = tables.rows[i];
		for (int k = 0; k < table.count; k++)
		{
			sequences |= table.columns[k].has_own_sequence;
			privileges |= table.columns[k].has_privileges;
			foreign_options |= table.columns[k].has_foreign_options;
		}
	}
	if (sequences)
		read_by_sql(identity_reader, album);
	if (privileges)
		read_by_sql(privileges_reader, album);
	if (foreign_options)
		read_by_sql(foreign_options_reader, album);
	if ((album.has & need_labels) != 0)
		read_by_sql(labels_reader, album);
}

} // namespace mg::schema
