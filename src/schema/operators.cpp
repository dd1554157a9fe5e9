// Reads operators.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_operators(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
