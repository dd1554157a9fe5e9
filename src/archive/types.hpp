// Which types have all values of others.
#pragma once

#include "pg/boundary.hpp"

namespace mg::archive {

struct Type
{
	Oid oid;
	int32 modifier;
};

// Whether every value of one type is one of the other: casts of the server's own, without the few that are implicit and round.
bool holds_all(const Type &to, const Type &from);

} // namespace mg::archive
