// Reads languages.
#include "schema/reader.hpp"

namespace mg::schema {

void
add_languages(std::vector<Family> &all)
{
	(void)all;
}

} // namespace mg::schema
