// What the objects of DROP are.
#pragma once

#include "lint/model.hpp"
#include "lint/reach.hpp"

namespace mg::lint {

// An object that DROP names, or an invalid one where it is not there or has no part in a table. Locks nothing.
ObjectAddress address_of(ObjectType type, const Node *object, Model &model);

Oid type_named(const TypeName *name);
Oid type_named(const List *names);

} // namespace mg::lint
