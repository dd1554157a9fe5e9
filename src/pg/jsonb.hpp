// Large jsonb values, put together from parts that are jsonb already.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::pg {

// Collects the members of a jsonb object and writes them as one container. The server's own way unpacks every part into a
// tree of values first, which takes ten times the memory of the result. The format is that of utils/jsonb.h, the same in 15 to 18.
class JsonbMembers
{
public:
	// Takes a copy of an object or array; keys are the caller's to keep unique.
	void add(std::string key, const Jsonb *value);
	// Makes the object in the current context. Raises 54000 when it would be larger than jsonb can be.
	Jsonb *build();

private:
	std::vector<std::pair<std::string, std::string>> members_;
};

} // namespace mg::pg
