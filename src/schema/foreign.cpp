// Reads foreign.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_foreign(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
