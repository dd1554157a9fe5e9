// What the server itself would decide, asked without doing it. Where something is not there yet, since the script makes it, the answer is
// the careful one.
#pragma once

#include <string>
#include <vector>

#include "lint/model.hpp"

namespace mg::lint {

// Whether the server would write the table anew for a change of type (tablecmds.c, ATColumnChangeRequiresRewrite).
bool change_rewrites(const Table &table, const Column &column, const TypeName *type, const Node *by_expression);
// Whether an index on the column could not be used as it is for the new type (TryReuseIndex).
bool change_rebuilds_indexes(const Table &table, const Column &column, const TypeName *type);

// Whether a default must be worked out for each row: it calls a volatile function (ATExecAddColumn).
bool is_volatile(const Node *expression);
// Whether a type is a domain with constraints, for which rows are written anew.
bool is_constrained_domain(const TypeName *type);

// Whether validated constraints prove that a column has no NULL (NotNullImpliedByRelConstraints).
bool is_proved_not_null(const Table &table, const std::string &column);

// The lock that a form of ALTER TABLE takes.
LOCKMODE lock_of(const AlterTableCmd *command);

// The type that a name means, or InvalidOid.
Oid type_of(const TypeName *type, int32_t *typmod = nullptr);
// Whether two types can be compared by the index of a foreign key without a cast of the referenced side.
bool are_comparable(Oid referencing, Oid referenced);

} // namespace mg::lint
