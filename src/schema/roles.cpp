// Reads roles.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_roles(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
