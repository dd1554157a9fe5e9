// Reads constraints of tables.
#include "schema/tables.hpp"

#include <algorithm>
#include <cstring>

namespace mg::schema {

namespace {

constexpr char not_null_type = 'n'; // has a name in the server's headers since 17

// A column's array, as plain numbers.
struct Numbers
{
	const int16 *values;
	int count;
};

Numbers
numbers_raw(HeapTuple tuple, AttrNumber column, TupleDesc desc)
{
	bool null = heap_attisnull(tuple, column, desc);
	if (null)
		return {nullptr, 0};

	ArrayType *array = DatumGetArrayTypeP(heap_getattr(tuple, column, desc, &null));
	return {reinterpret_cast<int16 *>(ARR_DATA_PTR(array)), ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array))};
}

const char *
action_name(char action)
{
	switch (action)
	{
		case FKCONSTR_ACTION_RESTRICT:
			return "RESTRICT";
		case FKCONSTR_ACTION_CASCADE:
			return "CASCADE";
		case FKCONSTR_ACTION_SETNULL:
			return "SET NULL";
		case FKCONSTR_ACTION_SETDEFAULT:
			return "SET DEFAULT";
		default:
			return nullptr;
	}
}

const char *
foreign_key_raw(const Table &table, HeapTuple tuple, TupleDesc desc)
{
	auto *row = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	Numbers own = numbers_raw(tuple, Anum_pg_constraint_conkey, desc);
	Numbers other = numbers_raw(tuple, Anum_pg_constraint_confkey, desc);
	Numbers set = numbers_raw(tuple, Anum_pg_constraint_confdelsetcols, desc);
	char *name = get_rel_name(row->confrelid);
	StringInfoData text;

	if (name == nullptr)
		return nullptr;
	initStringInfo(&text);
	appendStringInfo(&text, "FOREIGN KEY (%s) REFERENCES %s(", column_list_raw(table, own.values, own.count),
					 qualified_name_raw(get_rel_namespace(row->confrelid), name));
	for (int i = 0; i < other.count; i++)
	{
		char *column = get_attname(row->confrelid, other.values[i], true);
		appendStringInfo(&text, "%s%s", i == 0 ? "" : ", ", column != nullptr ? quote_identifier(column) : "?");
	}
	appendStringInfoChar(&text, ')');
	if (row->confmatchtype == FKCONSTR_MATCH_FULL)
		appendStringInfoString(&text, " MATCH FULL");
	if (action_name(row->confupdtype) != nullptr)
		appendStringInfo(&text, " ON UPDATE %s", action_name(row->confupdtype));
	if (action_name(row->confdeltype) != nullptr)
		appendStringInfo(&text, " ON DELETE %s", action_name(row->confdeltype));
	if (set.count > 0)
		appendStringInfo(&text, " (%s)", column_list_raw(table, set.values, set.count));
	return text.data;
}

// A key's index has the columns that it only includes.
const char *
key_raw(const Table &table, HeapTuple tuple, TupleDesc desc)
{
	auto *row = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	Numbers own = numbers_raw(tuple, Anum_pg_constraint_conkey, desc);
	HeapTuple found = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(row->conindid));
	StringInfoData text;

	if (!HeapTupleIsValid(found))
		return nullptr;
	auto *index = reinterpret_cast<Form_pg_index>(GETSTRUCT(found));
	initStringInfo(&text);
	appendStringInfo(&text, "%s (%s)",
					 row->contype == CONSTRAINT_PRIMARY ? "PRIMARY KEY"
					 : index->indnullsnotdistinct       ? "UNIQUE NULLS NOT DISTINCT"
														: "UNIQUE",
					 column_list_raw(table, own.values, own.count));
	if (index->indnatts > index->indnkeyatts)
		appendStringInfo(
			&text, " INCLUDE (%s)",
			column_list_raw(table, index->indkey.values + index->indnkeyatts, index->indnatts - index->indnkeyatts));
	ReleaseSysCache(found);
	return text.data;
}

bool
is_enforced(Form_pg_constraint row)
{
#if PG_VERSION_NUM >= 180000
	return row->conenforced;
#else
	(void)row;
	return true;
#endif
}

bool
is_temporal(Form_pg_constraint row)
{
#if PG_VERSION_NUM >= 180000
	return row->conperiod;
#else
	(void)row;
	return false;
#endif
}

// The server's own text without the words that have properties of their own.
const char *
server_text_raw(Form_pg_constraint row)
{
	char *words = TextDatumGetCString(DirectFunctionCall1(pg_get_constraintdef, ObjectIdGetDatum(row->oid)));
	const char *endings[] = {" NOT VALID", " NOT ENFORCED", " INITIALLY DEFERRED", " DEFERRABLE"};

	for (const char *ending : endings)
	{
		size_t size = strlen(words);
		if (size > strlen(ending) && strcmp(words + size - strlen(ending), ending) == 0)
			words[size - strlen(ending)] = '\0';
	}
	return words;
}

const char *
definition_raw(const Tables &tables, Table &table, HeapTuple tuple, TupleDesc desc)
{
	auto *row = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	bool null = false;

	if (row->contype == CONSTRAINT_CHECK)
		return psprintf("CHECK (%s)",
						expression_raw(tables, table, heap_getattr(tuple, Anum_pg_constraint_conbin, desc, &null)));
	if (row->contype == CONSTRAINT_EXCLUSION || is_temporal(row))
		return server_text_raw(row);
	return row->contype == CONSTRAINT_FOREIGN ? foreign_key_raw(table, tuple, desc) : key_raw(table, tuple, desc);
}

// Says whether the constraint is the table's own. A check that is inherited, or a foreign key cloned for a partition, comes
// from the parent alone; of a key cloned for a partition the attached index tells.
bool
is_own(Form_pg_constraint row)
{
	return row->contype == CONSTRAINT_CHECK ? row->conislocal : !OidIsValid(row->conparentid);
}

bool
is_key(Form_pg_constraint row)
{
	return row->contype == CONSTRAINT_PRIMARY || row->contype == CONSTRAINT_UNIQUE ||
		   row->contype == CONSTRAINT_EXCLUSION;
}

// Constraint triggers are triggers.
bool
is_read(Form_pg_constraint row)
{
	if (row->contype == CONSTRAINT_CHECK || row->contype == CONSTRAINT_FOREIGN)
		return is_own(row);
	return is_key(row) || row->contype == not_null_type;
}

DraftPart *
add_constraint_raw(const Tables &tables, Table &table, HeapTuple tuple, TupleDesc desc, Draft &draft)
{
	auto *row = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	DraftPart *part = draft.add_raw(table.oid, "constraints", quote_identifier(pstrdup(NameStr(row->conname))));

	if (!is_own(row))
		return part;
	part->set_raw("definition", definition_raw(tables, table, tuple, desc));
	if (row->contype == CONSTRAINT_CHECK && row->connoinherit)
		part->set_raw("no inherit", "true");
	if (row->condeferrable)
		part->set_raw("deferrable", row->condeferred ? "initially deferred" : "true");
	if (!is_enforced(row))
		part->set_raw("enforced", "false");
	else if (!row->convalidated)
		part->set_raw("valid", "false");
	return part;
}

// NOT NULL of a column (since 18), usually with the name that the server chooses. An inherited one belongs to the parent, but a
// partition is made alone and attached.
Commented
add_not_null_raw(const Table &table, HeapTuple tuple, TupleDesc desc)
{
	auto *row = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	Numbers own = numbers_raw(tuple, Anum_pg_constraint_conkey, desc);
	Column *column = own.count == 1 ? table.column(own.values[0]) : nullptr;

	if (column == nullptr || !(row->conislocal || table.partition))
		return {};
	column->part->set_raw("not null", row->convalidated ? "true" : "not valid");
	if (row->connoinherit)
		column->part->set_raw("no inherit", "true");
	if (strcmp(NameStr(row->conname), psprintf("%s_%s_not_null", table.name, column->name)) != 0)
		column->part->set_raw("not null constraint", quote_identifier(pstrdup(NameStr(row->conname))));
	return {column->part, "not null comment"};
}

struct Found
{
	Oid oid;
	Commented comment;
};

void
add_comments_raw(Found *found, int count)
{
	auto *constraints = static_cast<Oid *>(palloc(sizeof(Oid) * (count + 1)));

	std::sort(found, found + count, [](const Found &a, const Found &b) { return a.oid < b.oid; });
	for (int i = 0; i < count; i++)
		constraints[i] = found[i].oid;
	Oids oids = {constraints, count};
	read_comments_raw(ConstraintRelationId, oids, [&](Oid oid, int32) {
		int place = oids.find(oid);
		return place >= 0 ? found[place].comment : Commented{};
	});
}

} // namespace

Keys
add_constraints_raw(const Tables &tables, Draft &draft)
{
	int room = 4 * tables.count + 4;
	int count = 0;
	auto *found = static_cast<Found *>(palloc(sizeof(Found) * room));
	Keys keys = {static_cast<Key *>(palloc(sizeof(Key) * room)), 0};

	scan_raw(ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, tables.oids,
			 [&](HeapTuple tuple, TupleDesc desc) {
				 auto *row = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
				 Table *table = is_read(row) ? tables.find(row->conrelid) : nullptr;
				 if (table == nullptr)
					 return;
				 if (count == room)
				 {
					 room *= 2;
					 found = static_cast<Found *>(repalloc_huge(found, sizeof(Found) * room));
					 keys.rows = static_cast<Key *>(repalloc_huge(keys.rows, sizeof(Key) * room));
				 }
				 Commented comment = row->contype == not_null_type
										 ? add_not_null_raw(*table, tuple, desc)
										 : Commented{add_constraint_raw(tables, *table, tuple, desc, draft), "comment"};
				 found[count++] = {row->oid, comment};
				 if (is_key(row))
					 keys.rows[keys.count++] = {row->conindid, row->contype};
			 });
	add_comments_raw(found, count);
	std::sort(keys.rows, keys.rows + keys.count, [](const Key &a, const Key &b) { return a.index < b.index; });
	return keys;
}

} // namespace mg::schema
