// Compares scripts with each other.
#include "migrate/conflicts.hpp"

#include <set>

#include <boost/algorithm/string/join.hpp>

#include "ledger/history.hpp"
#include "lint/touched.hpp"
#include "pg/subtransaction.hpp"

namespace mg::migrate {

namespace {

// Whether one migration requires another, directly or not.
bool
requires_it(const Requirements &requirements, const std::string &name, const std::string &other,
			std::set<std::string> &seen)
{
	auto found = requirements.find(name);

	if (found == requirements.end() || !seen.insert(name).second)
		return false;
	for (const std::string &required : found->second)
		if (required == other || requires_it(requirements, required, other, seen))
			return true;
	return false;
}

bool
are_in_order(const Requirements &requirements, const std::string &a, const std::string &b)
{
	std::set<std::string> from_a;
	std::set<std::string> from_b;

	return requires_it(requirements, a, b, from_a) || requires_it(requirements, b, a, from_b);
}

// The other pending migrations by what they touch.
std::map<std::string, std::vector<std::string>>
touched_by_others(const Migration &migration)
{
	std::map<std::string, std::vector<std::string>> result;
	Requirements requirements = ledger::all_requirements();

	requirements[migration.name] = migration.requirements;
	for (const std::string &name : ledger::pending_migrations())
	{
		std::optional<ledger::Registration> known = ledger::find_registration(name);
		if (name == migration.name || !known.has_value() || are_in_order(requirements, migration.name, name))
			continue;
		std::set<std::string> objects;
		/* A script from before may not parse by the settings of now. */
		(void)pg::try_and_undo([&] {
			for (const std::set<std::string> &one : lint::touched_by(read_kept_script("up", known->up)))
				objects.insert(one.begin(), one.end());
		});
		for (const std::string &object : objects)
			result[object].push_back(name);
	}
	return result;
}

} // namespace

std::map<size_t, std::vector<std::string>>
conflicts_of(const Migration &migration)
{
	std::map<size_t, std::vector<std::string>> result;
	const std::map<std::string, std::vector<std::string>> others = touched_by_others(migration);

	if (others.empty())
		return result;
	const std::vector<std::set<std::string>> own = lint::touched_by(migration.up);
	for (size_t i = 0; i < own.size(); i++)
		for (const std::string &object : own[i])
			if (auto found = others.find(object); found != others.end())
				result[i].push_back(object + ": " + boost::algorithm::join(found->second, ", "));
	return result;
}

} // namespace mg::migrate
