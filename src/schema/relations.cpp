// Reads relations.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_relations(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
