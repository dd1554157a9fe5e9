// Reads indexes of tables and materialized views.
#include "schema/relation_parts.hpp"
#include "schema/tables.hpp"

#include <algorithm>

namespace mg::schema {

namespace {

struct Index
{
	Oid oid;
	Form_pg_index form;
	const Oid *collations; // of the key columns
	const Oid *classes;
	const int16 *directions;
	List *expressions;
	Datum predicate; // 0 if there is none
	Table *table;
	const char *name;
	Oid method;
	Oid tablespace;
	const char *options;
	bool attached;           // to the index of a partitioned table
	char constraint;         // that it is for, or 0
	const char *targets;     // statistics targets of its columns
	const char **parameters; // of its columns' operator classes
	DraftPart *part;
};

struct Indexes
{
	Index *rows;
	int count;
	Oids oids;

	Index *find(Oid oid) const
	{
		int place = oids.find(oid);
		return place >= 0 && rows[place].name != nullptr ? &rows[place] : nullptr;
	}
};

// What is asked about access methods and their usual operator classes again and again.
struct Method
{
	Oid oid;
	const char *name;
	bool ordered;
};
struct UsualClassKey
{
	Oid type;
	Oid method;
};
struct UsualClass
{
	UsualClassKey key;
	Oid oid;
};
struct Known
{
	HTAB *methods;
	HTAB *classes;
};

HTAB *
known_raw(Size key, Size entry)
{
	HASHCTL control = {};

	control.keysize = key;
	control.entrysize = entry;
	control.hcxt = CurrentMemoryContext;
	return hash_create("migration_governance index facts", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

const Method &
method_raw(const Known &known, Oid oid)
{
	bool found = false;
	auto *method = static_cast<Method *>(hash_search(known.methods, &oid, HASH_ENTER, &found));

	if (!found)
	{
		method->name = "?";
		method->ordered = false;
		char *name = get_am_name(oid);
		if (name != nullptr)
		{
			method->name = quote_identifier(name);
			method->ordered = GetIndexAmRoutineByAmId(oid, false)->amcanorder;
		}
	}
	return *method;
}

Oid
usual_class_raw(const Known &known, Oid type, Oid method)
{
	UsualClassKey key = {type, method};
	bool found = false;
	auto *usual = static_cast<UsualClass *>(hash_search(known.classes, &key, HASH_ENTER, &found));

	if (!found)
	{
		usual->oid = InvalidOid;
		usual->oid = GetDefaultOpClass(type, method);
	}
	return usual->oid;
}

Datum
cell_raw(HeapTuple tuple, AttrNumber column, TupleDesc desc)
{
	bool null = false;
	Datum cell = heap_getattr(tuple, column, desc, &null);

	return null ? Datum(0) : cell;
}

Index
index_of_raw(HeapTuple tuple, TupleDesc desc, Table *table)
{
	Index index = {};
	HeapTuple copy = heap_copytuple(tuple);

	index.form = reinterpret_cast<Form_pg_index>(GETSTRUCT(copy));
	index.oid = index.form->indexrelid;
	index.table = table;
	index.collations =
		reinterpret_cast<oidvector *>(DatumGetPointer(cell_raw(copy, Anum_pg_index_indcollation, desc)))->values;
	index.classes =
		reinterpret_cast<oidvector *>(DatumGetPointer(cell_raw(copy, Anum_pg_index_indclass, desc)))->values;
	index.directions =
		reinterpret_cast<int2vector *>(DatumGetPointer(cell_raw(copy, Anum_pg_index_indoption, desc)))->values;
	Datum expressions = cell_raw(copy, Anum_pg_index_indexprs, desc);
	if (expressions != 0)
		index.expressions = static_cast<List *>(stringToNode(TextDatumGetCString(expressions)));
	index.predicate = cell_raw(copy, Anum_pg_index_indpred, desc);
	return index;
}

Indexes
indexes_of_raw(const Tables &tables, const Keys &keys)
{
	int room = 4 * tables.count + 4;
	Indexes indexes = {static_cast<Index *>(palloc(sizeof(Index) * room)), 0, {}};

	scan_raw(IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, tables.oids,
			 [&](HeapTuple tuple, TupleDesc desc) {
				 Table *table = tables.find(reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple))->indrelid);
				 if (table == nullptr)
					 return;
				 if (indexes.count == room)
					 indexes.rows = static_cast<Index *>(repalloc_huge(indexes.rows, sizeof(Index) * (room *= 2)));
				 indexes.rows[indexes.count] = index_of_raw(tuple, desc, table);
				 indexes.rows[indexes.count].constraint = keys.find(indexes.rows[indexes.count].oid);
				 indexes.count++;
			 });
	std::sort(indexes.rows, indexes.rows + indexes.count, [](const Index &a, const Index &b) { return a.oid < b.oid; });
	indexes.oids = {static_cast<Oid *>(palloc(sizeof(Oid) * (indexes.count + 1))), indexes.count};
	for (int i = 0; i < indexes.count; i++)
		indexes.oids.values[i] = indexes.rows[i].oid;
	return indexes;
}

void
read_relations_raw(Indexes &indexes)
{
	scan_raw(RelationRelationId, ClassOidIndexId, Anum_pg_class_oid, indexes.oids,
			 [&](HeapTuple tuple, TupleDesc desc) {
				 auto *row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
				 Index &index = indexes.rows[indexes.oids.find(row->oid)];
				 index.name = pstrdup(NameStr(row->relname));
				 index.method = row->relam;
				 index.tablespace = row->reltablespace;
				 index.attached = row->relispartition;
				 index.options = options_cell_raw(tuple, Anum_pg_class_reloptions, desc);
			 });
}

void
read_targets_raw(Indexes &indexes)
{
	scan_raw(AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, indexes.oids,
			 [&](HeapTuple tuple, TupleDesc desc) {
				 auto *row = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple));
				 int target = statistics_target_raw(tuple, desc);
				 const char *parameters = options_cell_raw(tuple, Anum_pg_attribute_attoptions, desc);
				 if (target < 0 && parameters == nullptr)
					 return;
				 Index *index = indexes.find(row->attrelid);
				 if (index == nullptr || row->attnum < 1 || row->attnum > index->form->indnatts)
					 return;
				 if (target >= 0)
					 index->targets = psprintf("%s%s%d: %d", index->targets != nullptr ? index->targets : "",
											   index->targets != nullptr ? ", " : "", row->attnum, target);
				 if (parameters != nullptr)
				 {
					 if (index->parameters == nullptr)
						 index->parameters =
							 static_cast<const char **>(palloc0(sizeof(char *) * index->form->indnatts));
					 index->parameters[row->attnum - 1] = parameters;
				 }
			 });
}

// Writes what follows a key column, leaving out what would be so anyway; see pg_get_indexdef_worker() in ruleutils.c.
void
append_ordering_raw(StringInfo text, const Known &known, const Index &index, int place, Oid type, Oid collation)
{
	const char *parameters = index.parameters != nullptr ? index.parameters[place] : nullptr;

	if (OidIsValid(index.collations[place]) && index.collations[place] != collation)
		appendStringInfo(text, " COLLATE %s", generate_collation_name(index.collations[place]));
	if (parameters != nullptr || index.classes[place] != usual_class_raw(known, type, index.method))
		appendStringInfo(text, " %s", generate_opclass_name(index.classes[place]));
	if (parameters != nullptr)
		appendStringInfo(text, " (%s)", parameters);
	if (!method_raw(known, index.method).ordered)
		return;
	const bool down = (index.directions[place] & INDOPTION_DESC) != 0;
	const bool nulls_first = (index.directions[place] & INDOPTION_NULLS_FIRST) != 0;
	appendStringInfoString(text, down ? " DESC" : "");
	if (down != nulls_first)
		appendStringInfoString(text, nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

const char *
keys_raw(const Known &known, const Index &index)
{
	ListCell *next = list_head(index.expressions);
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < index.form->indnkeyatts; i++)
	{
		const Column *column = index.table->column(index.form->indkey.values[i]);
		appendStringInfoString(&text, i == 0 ? "" : ", ");
		if (column != nullptr)
		{
			appendStringInfoString(&text, quote_identifier(column->name));
			append_ordering_raw(&text, known, index, i, column->type, column->collation);
		}
		else if (next != nullptr)
		{
			auto *expression = static_cast<Node *>(lfirst(next));
			next = lnext(index.expressions, next);
			appendStringInfo(&text, "(%s)", expression_raw(*index.table, expression));
			append_ordering_raw(&text, known, index, i, exprType(expression), exprCollation(expression));
		}
	}
	return text.data;
}

// What a constraint's definition does not tell is told of its index too.
void
add_state_raw(const Index &index)
{
	DraftPart *part = index.part;

	part->set_raw("options", index.options);
	part->set_raw("statistics targets", index.targets);
	if (OidIsValid(index.tablespace))
		part->set_raw("tablespace", get_tablespace_name(index.tablespace));
	if (!index.form->indisvalid)
		part->set_raw("valid", "false");
	if (!index.form->indisready || !index.form->indislive)
		part->set_raw("ready", "false");
	if (index.form->indisclustered)
		part->set_raw("clustered", "true");
	if (index.form->indisreplident)
		part->set_raw("replica identity", "true");
	if (index.attached)
	{
		Oid parent = get_partition_parent(index.oid, true);
		char *name = OidIsValid(parent) ? get_rel_name(parent) : nullptr;
		if (name != nullptr)
			part->set_raw("attached to", qualified_name_raw(get_rel_namespace(parent), name));
	}
}

void
add_definition_raw(const Tables &tables, const Known &known, const Index &index)
{
	Form_pg_index form = index.form;
	DraftPart *part = index.part;

	part->set_raw("method", method_raw(known, index.method).name);
	part->set_raw("columns", keys_raw(known, index));
	if (form->indnatts > form->indnkeyatts)
		part->set_raw("include", column_list_raw(*index.table, form->indkey.values + form->indnkeyatts,
												 form->indnatts - form->indnkeyatts));
	if (form->indisunique)
		part->set_raw("unique", "true");
	if (form->indnullsnotdistinct)
		part->set_raw("nulls not distinct", "true");
	if (index.predicate != 0)
		part->set_raw("predicate", expression_raw(tables, *index.table, index.predicate));
}

const char *
constraint_name(char type)
{
	switch (type)
	{
		case CONSTRAINT_PRIMARY:
			return "primary key";
		case CONSTRAINT_UNIQUE:
			return "unique";
		default:
			return "exclusion";
	}
}

} // namespace

Oids
add_indexes_raw(const Tables &tables, const Keys &keys, Draft &draft)
{
	Indexes indexes = indexes_of_raw(tables, keys);
	Known known = {known_raw(sizeof(Oid), sizeof(Method)), known_raw(sizeof(UsualClassKey), sizeof(UsualClass))};

	read_relations_raw(indexes);
	read_targets_raw(indexes);
	for (int i = 0; i < indexes.count; i++)
	{
		Index &index = indexes.rows[i];
		if (index.name == nullptr)
			continue;
		index.part = draft.add_raw(index.table->oid, "indexes", qualified_name_raw(index.table->schema, index.name));
		add_state_raw(index);
		if (index.constraint == '\0')
			add_definition_raw(tables, known, index);
	}
	read_comments_raw(RelationRelationId, indexes.oids, [&](Oid oid, int32 column) {
		Index *index = column == 0 ? indexes.find(oid) : nullptr;
		return Commented{index != nullptr ? index->part : nullptr, "comment"};
	});
	/* The index of a constraint has a part only if there is anything to tell about it. */
	for (int i = 0; i < indexes.count; i++)
		if (indexes.rows[i].constraint != '\0' && indexes.rows[i].part != nullptr &&
			indexes.rows[i].part->properties != nullptr)
			indexes.rows[i].part->set_raw("constraint", constraint_name(indexes.rows[i].constraint));
	return indexes.oids;
}

// That an index goes with an extension, which few do.
const Reader index_extensions_reader = {
	"WITH d AS MATERIALIZED (SELECT d.objid, e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid"
	" WHERE d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype = 'x')"
	" SELECT i.indrelid, 'indexes', format('%I.%I', n.nspname, x.relname),"
	" string_agg(quote_ident(d.extname), ', ' ORDER BY d.extname COLLATE \"C\") AS \"depends on extension\""
	" FROM d JOIN pg_index i ON i.indexrelid = d.objid JOIN pg_class x ON x.oid = d.objid"
	" JOIN pg_namespace n ON n.oid = x.relnamespace"
	" WHERE i.indrelid = " MG_BATCH " GROUP BY i.indrelid, n.nspname, x.relname"};

bool
go_along_raw(const Oids &indexes)
{
	constexpr int few = 16;
	bool found = false;

	if (indexes.count <= few)
	{
		for (int i = 0; !found && i < indexes.count; i++)
			found = getAutoExtensionsOfObject(RelationRelationId, indexes.values[i]) != NIL;
		return found;
	}
	scan_dependants_raw(ExtensionRelationId, InvalidOid, [&](Form_pg_depend row) {
		found |= row->deptype == DEPENDENCY_AUTO_EXTENSION && row->classid == RelationRelationId;
	});
	return found;
}

} // namespace mg::schema
