// Reads relations out of the catalogs.
#include "lint/model.hpp"

#include <algorithm>

#include "lint/files.hpp"
#include "lint/scan.hpp"
#include "pg/memory.hpp"

namespace mg::lint {

namespace {

/* Plain memory, since reading may raise. */
struct ColumnRaw
{
	NameData name;
	int number;
	Oid type;
	int32 typmod;
	Oid collation;
	bool not_null;
	bool has_default;
	char identity;
	char generated;
	int inherited;
};

struct KeysRaw
{
	int16 *numbers;
	int count;
};

struct ConstraintRaw
{
	NameData name;
	char type;
	KeysRaw keys;
	bool validated;
	bool enforced;
	bool inherited;
	Oid oid;
	Oid index;
	Oid other;
};

struct IndexRaw
{
	NameData name;
	Oid oid;
	KeysRaw columns;
	int keys;
	bool is_unique;
	bool is_primary;
	bool is_valid;
	bool is_partial;
	bool has_expressions;
};

struct TableRaw
{
	bool found;
	const char *schema;
	NameData name;
	char kind;
	char persistence;
	bool is_partition;
	bool has_row_security;
	bool has_children;
	bool has_triggers;
	int partitions;
	Oid default_partition;
	Oid parent;
	KeysRaw partition_key; // 0 for an expression
	int64 bytes;
	double rows;
	int attributes;
	List *columns; // of ColumnRaw *
	List *constraints;
	List *indexes;
};

KeysRaw
keys_raw(Datum array)
{
	ArrayType *numbers = DatumGetArrayTypePCopy(array);
	return {reinterpret_cast<int16 *>(ARR_DATA_PTR(numbers)), ARR_NDIM(numbers) == 1 ? ARR_DIMS(numbers)[0] : 0};
}

void
read_columns_raw(Oid oid, TableRaw *table)
{
	scan_raw(AttributeRelationId, AttributeRelidNumIndexId, Anum_pg_attribute_attrelid, oid,
			 [&](Relation, HeapTuple row) {
				 auto *form = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(row));
				 if (form->attnum <= 0)
					 return;
				 table->attributes++;
				 if (form->attisdropped)
					 return;
				 auto *column = static_cast<ColumnRaw *>(palloc0(sizeof(ColumnRaw)));
				 column->name = form->attname;
				 column->number = form->attnum;
				 column->type = form->atttypid;
				 column->typmod = form->atttypmod;
				 column->collation = form->attcollation;
				 column->not_null = form->attnotnull;
				 column->has_default = form->atthasdef;
				 column->identity = form->attidentity;
				 column->generated = form->attgenerated;
				 column->inherited = form->attinhcount;
				 table->columns = lappend(table->columns, column);
			 });
}

void
read_constraints_raw(Oid oid, TableRaw *table)
{
	scan_raw(ConstraintRelationId, ConstraintRelidTypidNameIndexId, Anum_pg_constraint_conrelid, oid,
			 [&](Relation relation, HeapTuple row) {
				 auto *form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(row));
				 auto *constraint = static_cast<ConstraintRaw *>(palloc0(sizeof(ConstraintRaw)));
				 bool is_null;
				 Datum keys = heap_getattr(row, Anum_pg_constraint_conkey, RelationGetDescr(relation), &is_null);
				 constraint->name = form->conname;
				 constraint->type = form->contype;
				 if (!is_null)
					 constraint->keys = keys_raw(keys);
				 constraint->validated = form->convalidated;
#if PG_VERSION_NUM >= 180000
				 constraint->enforced = form->conenforced;
#else
		constraint->enforced = true;
#endif
				 constraint->inherited = form->coninhcount > 0;
				 constraint->oid = form->oid;
				 constraint->index = form->conindid;
				 constraint->other = form->confrelid;
				 table->constraints = lappend(table->constraints, constraint);
			 });
}

void
read_indexes_raw(Oid oid, TableRaw *table)
{
	scan_raw(IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, oid, [&](Relation relation, HeapTuple row) {
		auto *form = reinterpret_cast<Form_pg_index>(GETSTRUCT(row));
		auto *index = static_cast<IndexRaw *>(palloc0(sizeof(IndexRaw)));
		bool no_predicate;
		bool no_expressions;
		(void)heap_getattr(row, Anum_pg_index_indpred, RelationGetDescr(relation), &no_predicate);
		(void)heap_getattr(row, Anum_pg_index_indexprs, RelationGetDescr(relation), &no_expressions);
		const char *name = get_rel_name(form->indexrelid);
		if (name == nullptr)
			return;
		namestrcpy(&index->name, name);
		index->oid = form->indexrelid;
		index->columns.count = form->indkey.dim1;
		index->columns.numbers = static_cast<int16 *>(palloc(sizeof(int16) * (form->indkey.dim1 + 1)));
		memcpy(index->columns.numbers, form->indkey.values, sizeof(int16) * form->indkey.dim1);
		index->keys = form->indnkeyatts;
		index->is_unique = form->indisunique;
		index->is_primary = form->indisprimary;
		index->is_valid = form->indisvalid;
		index->is_partial = !no_predicate;
		index->has_expressions = !no_expressions;
		table->indexes = lappend(table->indexes, index);
	});
}

// The columns of a partition key; 0 stands for an expression.
KeysRaw
partition_key_raw(Oid oid)
{
	KeysRaw keys = {};
	HeapTuple row = SearchSysCache1(PARTRELID, ObjectIdGetDatum(oid));

	if (!HeapTupleIsValid(row))
		return keys;
	auto *form = reinterpret_cast<Form_pg_partitioned_table>(GETSTRUCT(row));
	keys.count = form->partnatts;
	keys.numbers = static_cast<int16 *>(palloc(sizeof(int16) * static_cast<Size>(keys.count)));
	memcpy(keys.numbers, form->partattrs.values, sizeof(int16) * static_cast<Size>(keys.count));
	ReleaseSysCache(row);
	return keys;
}

// Size and rows with all partitions and children.
void
read_size_raw(Oid oid, TableRaw *table)
{
	List *all = table->has_children || table->kind == RELKIND_PARTITIONED_TABLE
					? find_all_inheritors(oid, NoLock, nullptr)
					: list_make1_oid(oid);
	ListCell *cell;

	table->rows = 0;
	foreach (cell, all)
	{
		Oid member = lfirst_oid(cell);
		HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(member));
		if (!HeapTupleIsValid(row))
			continue;
		auto *form = reinterpret_cast<Form_pg_class>(GETSTRUCT(row));
		if (form->relkind != RELKIND_PARTITIONED_TABLE)
		{
			if (form->reltuples < 0)
				table->rows = -1;
			else if (table->rows >= 0)
				table->rows += form->reltuples;
			if (form->relkind == RELKIND_RELATION || form->relkind == RELKIND_MATVIEW)
				table->bytes += table_files_raw(form);
			if (member != oid)
				table->partitions++;
		}
		ReleaseSysCache(row);
	}
}

TableRaw
read_raw(Oid oid)
{
	TableRaw table = {};
	HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));

	if (!HeapTupleIsValid(row))
		return table;
	auto *form = reinterpret_cast<Form_pg_class>(GETSTRUCT(row));
	table.found = true;
	table.schema = get_namespace_name(form->relnamespace);
	table.name = form->relname;
	table.kind = form->relkind;
	table.persistence = form->relpersistence;
	table.is_partition = form->relispartition;
	table.has_row_security = form->relrowsecurity;
	table.has_children = form->relhassubclass;
	table.has_triggers = form->relhastriggers;
	ReleaseSysCache(row);
	if (table.schema == nullptr)
		table.found = false;
	if (!table.found || oid < FirstNormalObjectId)
		return table;
	if (table.kind == RELKIND_PARTITIONED_TABLE)
	{
		table.default_partition = get_default_partition_oid(oid);
		table.partition_key = partition_key_raw(oid);
	}
	if (table.is_partition)
		table.parent = get_partition_parent(oid, true);
	read_columns_raw(oid, &table);
	read_constraints_raw(oid, &table);
	read_indexes_raw(oid, &table);
	read_size_raw(oid, &table);
	return table;
}

std::string
column_name(const std::vector<Column> &columns, int number)
{
	for (const Column &column : columns)
		if (column.number == number)
			return column.name;
	return "";
}

std::vector<std::string>
column_names(const std::vector<Column> &columns, const KeysRaw &keys)
{
	std::vector<std::string> result;

	for (int i = 0; i < keys.count; i++)
		result.push_back(column_name(columns, keys.numbers[i]));
	return result;
}

void
take_columns(const TableRaw &raw, Table &table)
{
	ListCell *cell;

	foreach (cell, raw.columns)
	{
		auto *from = static_cast<ColumnRaw *>(lfirst(cell));
		Column column;
		column.name = NameStr(from->name);
		column.number = from->number;
		column.type = from->type;
		column.typmod = from->typmod;
		column.collation = from->collation;
		column.not_null = from->not_null;
		column.has_default = from->has_default;
		column.identity = from->identity;
		column.generated = from->generated;
		column.inherited = from->inherited;
		table.columns.push_back(std::move(column));
	}
}

void
take_constraints(const TableRaw &raw, Table &table)
{
	ListCell *cell;

	foreach (cell, raw.constraints)
	{
		auto *from = static_cast<ConstraintRaw *>(lfirst(cell));
		TableConstraint constraint;
		constraint.name = NameStr(from->name);
		constraint.type = from->type;
		constraint.columns = column_names(table.columns, from->keys);
		constraint.validated = from->validated;
		constraint.enforced = from->enforced;
		constraint.inherited = from->inherited;
		constraint.oid = from->oid;
		constraint.index = from->index;
		constraint.other = from->other;
		table.constraints.push_back(std::move(constraint));
	}
}

void
take_indexes(const TableRaw &raw, Table &table)
{
	ListCell *cell;

	foreach (cell, raw.indexes)
	{
		auto *from = static_cast<IndexRaw *>(lfirst(cell));
		Index index;
		index.name = NameStr(from->name);
		index.oid = from->oid;
		index.columns = column_names(table.columns, from->columns);
		index.keys = from->keys;
		index.is_unique = from->is_unique;
		index.is_primary = from->is_primary;
		index.is_valid = from->is_valid;
		index.is_partial = from->is_partial;
		index.has_expressions = from->has_expressions;
		index.is_constraint =
			std::any_of(table.constraints.begin(), table.constraints.end(), [&](const TableConstraint &one) {
				return one.type != CONSTRAINT_FOREIGN && one.index == index.oid;
			});
		table.indexes.push_back(std::move(index));
	}
}

} // namespace

std::unique_ptr<Table>
read_table(Oid oid)
{
	pg::MemoryScope memory("migration_governance table");
	TableRaw raw = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		TableRaw found = read_raw(oid);
		MemoryContextSwitchTo(before);
		return found;
	});

	if (!raw.found)
		return nullptr;
	auto table = std::make_unique<Table>();
	table->schema = raw.schema;
	table->name = NameStr(raw.name);
	table->oid = oid;
	table->kind = raw.kind;
	table->persistence = raw.persistence;
	table->is_partition = raw.is_partition;
	table->has_row_security = raw.has_row_security;
	table->has_children = raw.has_children;
	table->has_triggers = raw.has_triggers;
	table->partitions = raw.partitions;
	table->default_partition = raw.default_partition;
	table->parent = raw.parent;
	table->bytes = raw.bytes;
	table->rows = raw.rows;
	table->attributes = raw.attributes;
	take_columns(raw, *table);
	take_constraints(raw, *table);
	take_indexes(raw, *table);
	table->partition_key = column_names(table->columns, raw.partition_key);
	return table;
}

} // namespace mg::lint
