// Cuts lists.
#include "policy/lists.hpp"

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/split.hpp>

#include "core/text.hpp"

namespace mg::policy {

std::vector<std::string>
names_in(const std::string &list)
{
	std::vector<std::string> parts;
	std::vector<std::string> result;

	boost::algorithm::split(parts, list, boost::algorithm::is_any_of(","));
	for (const std::string &part : parts)
		if (!trim(part).empty())
			result.emplace_back(trim(part));
	return result;
}

std::string
joined(const std::vector<std::string> &items)
{
	return boost::algorithm::join(items, ", ");
}

} // namespace mg::policy
