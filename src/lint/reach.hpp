// Which relations hang together, as the catalogs say: what a lock of one of them brings along. Locks nothing.
#pragma once

#include <vector>

#include "pg/boundary.hpp"

namespace mg::lint {

struct Reached
{
	Oid relation;
	LOCKMODE mode;
};

// A relation with all that inherit from it, itself first.
std::vector<Oid> tree_of(Oid relation);
// Those directly above it.
std::vector<Oid> parents_of(Oid relation);
Oid default_partition_of(Oid relation);

// A foreign key as the triggers of one of its two tables have it.
struct KeyTrigger
{
	Oid other; // the table at its other end
	Oid constraint;
	bool is_referenced;    // the table whose trigger it is, is the one that the key refers to
	bool writes;           // CASCADE, SET NULL, SET DEFAULT
	bool removes;          // CASCADE of DELETE
	int16 event;           // TRIGGER_TYPE_INSERT, _UPDATE or _DELETE
	std::vector<int> keys; // its columns in the table whose trigger it is
	std::vector<int> other_keys;
};
std::vector<KeyTrigger> key_triggers_of(Oid relation);

// What a view reads, with the views in it taken apart; `mode` for all of it. `target`: the one table that a write to it goes to.
std::vector<Reached> read_by_view(Oid view, LOCKMODE mode, Oid *target);
// What the rules of a table do when a command comes (CMD_INSERT, ...).
std::vector<Reached> done_by_rules(Oid relation, CmdType command);
bool has_instead_trigger(Oid view);

// What dropping objects takes away: they themselves first, what goes with them, and with `cascade` what needs them.
std::vector<ObjectAddress> gone_with(const std::vector<ObjectAddress> &objects, bool cascade);
// What dropping objects locks: they themselves, what goes with them, and with `cascade` what needs them.
std::vector<Reached> dropped_with(const std::vector<ObjectAddress> &objects, bool cascade);

// The relations with columns of a domain, or of a domain over it.
std::vector<Oid> users_of_domain(Oid domain);
// The tables OF a type.
std::vector<Oid> typed_tables_of(Oid composite);

} // namespace mg::lint
