// Rows of the extension's own tables, found by index: what every migration asks for takes longer to plan and run as a query.
#pragma once

#include "pg/boundary.hpp"

namespace mg::ledger {

// Calls each(tuple) for the rows that a snapshot sees and that have these keys. Without an index, which a superuser may have
// dropped, every row is looked at.
template <typename Each>
void
scan_raw(Relation relation, Oid index, Snapshot moment, int count, ScanKeyData *keys, Each each)
{
	Snapshot snapshot = RegisterSnapshot(moment);
	SysScanDesc scan = systable_beginscan(relation, index, OidIsValid(index), snapshot, count, keys);
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		each(tuple);
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
}

// A column by its name.
inline AttrNumber
column_raw(Relation relation, const char *name)
{
	AttrNumber number = get_attnum(RelationGetRelid(relation), name);

	if (number == InvalidAttrNumber)
		elog(ERROR, "table mg.%s has no column \"%s\"", RelationGetRelationName(relation), name);
	return number;
}

// A value of a row; `is_null` is not asked for where the column is NOT NULL.
inline Datum
cell_raw(Relation relation, HeapTuple tuple, AttrNumber column, bool *is_null = nullptr)
{
	bool unasked;

	return heap_getattr(tuple, column, RelationGetDescr(relation), is_null != nullptr ? is_null : &unasked);
}

} // namespace mg::ledger
