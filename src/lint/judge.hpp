// What the server itself would decide, asked without doing it. Where something is not there yet, since the script makes it, the answer is
// the careful one.
#pragma once

#include <string>

#include "lint/action.hpp"

namespace mg::lint {

// The type that a name means now, or InvalidOid: for a script's own types, and for serial, which is none.
Oid type_named(const TypeName *name);

// The function or procedure of that name with these arguments, or with any if there is but one; InvalidOid if there is none.
Oid function_named(const List *name, const std::vector<Oid> &arguments, bool any);

// Whether validated constraints prove that a column has no NULL (NotNullImpliedByRelConstraints).
bool is_proved_not_null(const Table &table, const std::string &column);
// The constraint that alone would prove it, were it validated; nullptr if there is none.
const TableConstraint *unvalidated_proof(const Table &table, const std::string &column);
// Whether a check says nothing that validated constraints and columns that are NOT NULL do not say.
bool is_redundant(const Table &table, const TableConstraint &check);

enum class Volatility
{
	immutable,
	stable,
	is_volatile,
	unknown // the script makes what it calls, or it is wrong
};

// That of an expression as it would be stored (contain_mutable_functions, contain_volatile_functions), assigned to a column of that type
// if there is one.
Volatility volatility_of(const Node *expression, const Table &table, Model &model, ParseExprKind kind,
						 const Column *target = nullptr);

// Whether values of a type are checked by a domain; whether it takes no NULL; whether it has a default.
bool is_constrained_domain(Oid type);
bool is_not_null_domain(Oid type);
bool has_default_of_its_own(Oid type);

// The lock that the server takes for a subcommand of ALTER TABLE.
LOCKMODE lock_of(const AlterTableCmd *command);

// How the columns of a foreign key fit together (ATAddForeignKeyConstraint).
enum class KeyMatch
{
	same,
	comparable, // by an operator of both types
	converted,  // the referring one is converted, and its index is of no use
	none        // the server refuses
};
KeyMatch match_of(Oid referring, Oid referred);

bool is_deterministic(Oid collation);

} // namespace mg::lint
