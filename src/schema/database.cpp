// Reads database.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_database(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
