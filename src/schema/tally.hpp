// Sums of the versions of catalog rows, by the objects that own the rows.
#pragma once

#include "schema/ownership.hpp"

namespace mg::schema {

constexpr uint32 nobody = PG_UINT32_MAX;

enum Flag : uint16
{
	is_unit = 1,
	is_temporary = 2,
	is_toast = 4,      // only its own row counts, for its options belong to the table
	is_array = 8,      // belongs to nobody
	is_row_type = 16,  // belongs to nobody, unless it is
	is_composite = 32, // a type of its own
	is_wanted = 64,    // by the caller of versions_of()
	is_visited = 128,  // its rows have been read by index
	is_this_extension = 256,
	is_without_rules = 512, // says the relation's own row, which at worst claims more than there is
	is_without_triggers = 1024,
	is_without_indexes = 2048
};

// An object with the sum of the rows that name it. What is a part of another object is added to that in the end.
struct Object
{
	Oid catalog;
	Oid oid;
	uint32 owner; // the object it is a part of
	uint16 flags;
	char kind; // of a relation, or of a type
	uint64 sum;
};

// Open addressing; OIDs are nearly unique, so the catalog is compared only when the OID fits.
struct Slot
{
	Oid oid;
	uint32 object;
};

struct Column
{
	Oid relation;
	AttrNumber number;
};

// Where in a catalog's rows those columns are that the rule names, -1 if there is none.
struct Offsets
{
	int owner;
	int owner_class;
	int schema;
	int part;
	int database;
	int zero;
};

// Plain memory, for use within guards.
struct Tally
{
	MemoryContext memory;
	Snapshot snapshot;
	Object *objects;
	uint32 count;
	uint32 room;
	Slot *slots;
	int bits; // there are 2^bits slots
	uint32 database;
	Oid last_schema; // and whether it is a temporary one
	bool last_temporary;
	uint32 last; // the object that the row before belonged to
	Column *identities;
	uint32 identity_count;
	uint32 identity_room;
	bool by_index;
	bool system_only; // rows of the system's objects only
	uint32 *queue;    // objects whose rows have to be read by index
	uint32 queue_count;
	uint32 queue_room;
};

// Begins with a zeroed tally.
void begin_raw(Tally &tally, MemoryContext memory, Snapshot snapshot);

// Finds an object or adds it.
uint32 object_raw(Tally &tally, Oid catalog, Oid oid);

// Whether there is an object of a catalog.
bool has_object(const Tally &tally, Oid catalog);

// Makes an object a part of another; if rows are read by index, its own are to be read too.
void attach_raw(Tally &tally, Oid catalog, Oid oid, uint32 owner);

// Has the rows of an object read by index.
void enqueue_raw(Tally &tally, uint32 object);

Offsets offsets_of(Relation catalog, const Ownership &rule);

uint64 version_of(Oid catalog, HeapTuple row);

// Adds a row to the object that owns it, by one rule.
void add_raw(Tally &tally, const Ownership &rule, const Offsets &offsets, HeapTuple row);

// Adds what was summed up for parts to the objects that they are parts of, and says which objects are units.
void fold(Tally &tally);

} // namespace mg::schema
