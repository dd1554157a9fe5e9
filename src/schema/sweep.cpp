#include "schema/sweep.hpp"
namespace mg::schema {
Versions
versions(Snapshot)
{
	return {};
}
Versions
versions_of(const std::vector<Unit> &, Snapshot)
{
	return {};
}
} // namespace mg::schema
