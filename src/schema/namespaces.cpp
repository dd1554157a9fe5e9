// Reads namespaces.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_namespaces(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
