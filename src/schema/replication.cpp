// Reads replication.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_replication(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
