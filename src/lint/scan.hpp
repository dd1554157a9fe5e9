// Rows of a system catalog by an OID.
#pragma once

#include "pg/boundary.hpp"

namespace mg::lint {

// Calls each(catalog, row) for the rows whose attribute is the key, by an index that begins with it. Raises what each raises.
template <typename Each>
void
scan_raw(Oid catalog, Oid index, AttrNumber attribute, Oid key, Each each)
{
	ScanKeyData keys[1];
	Relation relation = table_open(catalog, AccessShareLock);

	ScanKeyInit(&keys[0], attribute, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(key));
	SysScanDesc scan = systable_beginscan(relation, index, true, nullptr, 1, keys);
	while (HeapTuple row = systable_getnext(scan))
		each(relation, row);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

} // namespace mg::lint
