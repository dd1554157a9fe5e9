// Reads pictures and compares them in pairs.
#include "drift/pictures.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace mg::drift {

std::vector<Picture>
pictures_of(const schema::Scope &scope, const std::vector<schema::Address> &addresses)
{
	std::vector<Picture> result;
	std::vector<schema::Unit> units = schema::units_of(scope, addresses);
	std::set<std::pair<Oid, Oid>> known;

	for (const schema::Unit &unit : units)
		known.insert({unit.catalog, unit.oid});
	for (schema::Unit &unit : schema::dependants_of(scope, addresses))
		if (known.insert({unit.catalog, unit.oid}).second)
			units.push_back(std::move(unit));
	std::stable_sort(units.begin(), units.end(),
					 [](const schema::Unit &a, const schema::Unit &b) { return a.catalog < b.catalog; });
	schema::read(units, [&](const schema::Unit &, const Picture &picture) { result.push_back(picture); });
	std::sort(result.begin(), result.end(), [](const Picture &a, const Picture &b) {
		return std::tie(a.type, a.identity) < std::tie(b.type, b.identity);
	});
	return result;
}

std::vector<Deviation>
deviations_between(const std::vector<Picture> &before, const std::vector<Picture> &after)
{
	std::vector<Deviation> result;
	auto b = before.begin();
	auto a = after.begin();
	auto key = [](const Picture &picture) { return std::tie(picture.type, picture.identity); };

	while (b != before.end() || a != after.end())
	{
		const bool gone = a == after.end() || (b != before.end() && key(*b) < key(*a));
		const bool is_new = !gone && (b == before.end() || key(*a) < key(*b));
		std::vector<Deviation> found = deviations(is_new ? nullptr : &*b, gone ? nullptr : &*a);
		result.insert(result.end(), found.begin(), found.end());
		if (!is_new)
			++b;
		if (!gone)
			++a;
	}
	return result;
}

} // namespace mg::drift
