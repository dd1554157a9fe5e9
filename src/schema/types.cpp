// Reads types.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_types(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
