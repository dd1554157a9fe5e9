// Catalog rows of many objects in one scan, and what was read from them as plain memory that may cross a guard.
#pragma once

#include <vector>

#include "pg/memory.hpp"
#include "pg/query.hpp"
#include "schema/reader.hpp"

namespace mg::schema {

// OIDs in ascending order.
struct Oids
{
	Oid *values;
	int count;

	// The place of an OID, or -1.
	int find(Oid oid) const;
};

// Sorts them and leaves out repetitions.
Oids sorted_raw(Oid *values, int count);

// A part of a picture in the making. Properties are added with their names as literals.
struct DraftProperty
{
	const char *name;
	const char *value;
	DraftProperty *next;
};
struct DraftPart
{
	Oid unit;
	const char *section;
	const char *key;
	DraftProperty *properties;
	DraftPart *next;

	// Adds a property; a value that is nullptr is the usual one, which is left out.
	void set_raw(const char *name, const char *value);
};
struct Draft
{
	DraftPart *newest = nullptr;

	DraftPart *add_raw(Oid unit, const char *section, const char *key);
};

// Puts the parts that have a property into the pictures.
void paste(const Draft &draft, Album &album);

// The OIDs of an album's units, ascending.
std::vector<Oid> oids_of(const Album &album);

// Calls each(tuple, descriptor) for the rows whose `column`, the first of `index`, is one of the OIDs; in the index's order.
// `also` may be one more condition on the index's second column.
template <typename Each>
void
scan_raw(Oid catalog, Oid index, AttrNumber column, const Oids &oids, Each each, const ScanKeyData *also = nullptr)
{
	/* An array in a scan key is the index's business: without indexes it must be one scan for each OID. */
	const bool one_scan = !IgnoreSystemIndexes;
	const int scans = oids.count == 0 ? 0 : one_scan ? 1 : oids.count;
	Relation relation = table_open(catalog, AccessShareLock);
	ScanKeyData keys[2];

	if (also != nullptr)
		keys[1] = *also;
	for (int i = 0; i < scans; i++)
	{
		ScanKeyInit(&keys[0], column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(oids.values[i]));
		if (one_scan)
		{
			auto *items = static_cast<Datum *>(palloc(sizeof(Datum) * oids.count));
			for (int k = 0; k < oids.count; k++)
				items[k] = ObjectIdGetDatum(oids.values[k]);
			keys[0].sk_flags |= SK_SEARCHARRAY;
			keys[0].sk_argument =
				PointerGetDatum(construct_array(items, oids.count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
			pfree(items);
		}
		SysScanDesc scan = systable_beginscan(relation, index, true, nullptr, also != nullptr ? 2 : 1, keys);
		for (;;)
		{
			HeapTuple tuple = systable_getnext(scan);
			if (!HeapTupleIsValid(tuple))
				break;
			each(tuple, RelationGetDescr(relation));
		}
		systable_endscan(scan);
	}
	table_close(relation, AccessShareLock);
}

// Calls each(row of pg_depend) for what depends on an object, or with InvalidOid on any object of the catalog.
template <typename Each>
void
scan_dependants_raw(Oid catalog, Oid object, Each each)
{
	Relation depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	HeapTuple tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(catalog));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	SysScanDesc scan =
		systable_beginscan(depend, DependReferenceIndexId, true, nullptr, OidIsValid(object) ? 2 : 1, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		each(reinterpret_cast<Form_pg_depend>(GETSTRUCT(tuple)));
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
}

// A column that may be NULL, as a C string (of a text array: sorted and with commas), or nullptr.
const char *text_cell_raw(HeapTuple tuple, AttrNumber column, TupleDesc desc);
const char *options_cell_raw(HeapTuple tuple, AttrNumber column, TupleDesc desc);

// Where a comment goes; nowhere if there is no part.
struct Commented
{
	DraftPart *part;
	const char *property;
};

// Sets the comments of objects of one catalog: of(oid, column) says where.
template <typename Of>
void
read_comments_raw(Oid catalog, const Oids &oids, Of of)
{
	scan_raw(DescriptionRelationId, DescriptionObjIndexId, Anum_pg_description_objoid, oids,
			 [&](HeapTuple tuple, TupleDesc desc) {
				 auto *row = reinterpret_cast<Form_pg_description>(GETSTRUCT(tuple));
				 Commented place = row->classoid == catalog ? of(row->objoid, row->objsubid) : Commented{};
				 if (place.part != nullptr)
					 place.part->set_raw(place.property, text_cell_raw(tuple, Anum_pg_description_description, desc));
			 });
}

// Names for people: quoted and with their schema.
const char *qualified_name_raw(Oid schema, const char *name);

} // namespace mg::schema
