// Which object each row of the catalogs belongs to.
#pragma once

#include "pg/boundary.hpp"

namespace mg::schema {

// How the rows of a catalog name the object that they belong to. A catalog whose rows can belong to several has several.
// Column numbers are 0 where there is no such column.
struct Ownership
{
	Oid catalog;
	Oid index;              // finds rows by owner
	AttrNumber owner;       // the owner's OID; 0 if all rows belong to OID 0 of owner_catalog
	Oid owner_catalog;      // 0 if owner_class says it
	AttrNumber owner_class; // the owner's catalog
	AttrNumber schema;      // of objects that live in one
	AttrNumber part;        // the OID of the row's own object, which comments and dependencies refer to
	Oid part_catalog;       // the catalog of that object, most often this one
	AttrNumber database;    // must be this database
	AttrNumber zero;        // must be 0
	const char *kinds;      // what kinds of relations or types have such rows; nullptr for all
	bool unit;              // the rows are the objects themselves
	bool privileged; // of the system's objects the rows belong to the database, since their privileges can change
	bool shared;     // tells of objects that all databases share
};

// All of them; those of one catalog follow each other, what others depend on comes first.
struct Ownerships
{
	const Ownership *first;
	const Ownership *last;
	const Ownership *begin() const { return first; }
	const Ownership *end() const { return last; }
};
Ownerships ownerships();

// Whether a row of the system is an object like those of users: the schema public, this database and the first role.
inline bool
is_users_own(Oid catalog, Oid oid)
{
	return oid >= FirstNormalObjectId || (catalog == NamespaceRelationId && oid == PG_PUBLIC_NAMESPACE) ||
		   (catalog == DatabaseRelationId && oid == MyDatabaseId) ||
		   (catalog == AuthIdRelationId && (oid == BOOTSTRAP_SUPERUSERID || oid == InvalidOid));
}

} // namespace mg::schema
