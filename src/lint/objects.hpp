// Objects that are no relations, and what goes with an object.
#pragma once

#include <string>
#include <vector>

#include "lint/model.hpp"
#include "lint/rule.hpp"

namespace mg::lint {

struct Object
{
	Oid catalog = InvalidOid;
	Oid oid = InvalidOid; // InvalidOid: it was not there before the script
	std::string title;    // as pg_identify_object() has it
};

// The search_path that the script has set by now, or that of the session, as a setting.
std::string path_setting(Model &model);
// A routine, type, domain, schema or extension by its name of a parse tree, found as the script's statements would find it.
Object object_of(ObjectType type, const Node *name, Model &model);

// What DROP ... CASCADE of an object drops as well, what is part of it or of another victim left out.
struct Victim
{
	std::string kind;
	std::string title;
	Oid relation = InvalidOid; // it is, or that it belongs to
	int column = 0;            // of the relation
	std::string name;          // of a constraint
	bool keeps = false;        // without CASCADE, it keeps the object from being dropped
};
std::vector<Victim> victims_of(Oid catalog, Oid oid);
// view a.b, function c.d(integer) and 5 more
std::string list_of(const std::vector<Victim> &victims);

// The PL/pgSQL and SQL routines whose text has a word, and not only as a part of a longer one: "; the text of f() says it too", or nothing.
std::string named_by_routines(const std::string &word, const std::string &quotes = "");

// Whether a later statement of the script makes a relation of this name, or gives one this name.
bool is_made_later(const Context &context, const std::string &schema, const std::string &name);
// about 2000 rows
std::string row_count(const Table &table);
// TABLE, VIEW, ... as ALTER and DROP want it.
const char *keyword_of(const Table &table);

} // namespace mg::lint
