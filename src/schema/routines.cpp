// Reads routines.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_routines(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
