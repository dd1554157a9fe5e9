// Reads text_search.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_text_search(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
