// Depth-first walks with a stack of their own, so that a long chain costs memory and not the server's stack.
#include "core/graph.hpp"

#include <algorithm>
#include <set>

namespace mg {

namespace {

// A name being visited and how many of its edges have been followed.
struct Visit
{
	const std::string *name;
	std::size_t next;
};

// Gives the edges of a name, none when it is no key.
const std::vector<std::string> &
edges_of(const Requirements &graph, const std::string &name, const std::vector<std::string> &none)
{
	const auto found = graph.find(name);

	return found == graph.end() ? none : found->second;
}

} // namespace

std::optional<std::vector<std::string>>
find_cycle(const Requirements &requirements, const std::string &start)
{
	const std::vector<std::string> none;
	std::vector<Visit> path{{&start, 0}};
	std::set<std::string> seen{start};
	std::set<std::string> on_path{start};

	while (!path.empty())
	{
		Visit &visit = path.back();
		const std::vector<std::string> &edges = edges_of(requirements, *visit.name, none);

		if (visit.next == edges.size())
		{
			on_path.erase(*visit.name);
			path.pop_back();
			continue;
		}

		const std::string &target = edges[visit.next++];

		if (on_path.count(target) > 0)
		{
			std::vector<std::string> chain;
			auto first =
				std::find_if(path.begin(), path.end(), [&target](const Visit &v) { return *v.name == target; });

			for (; first != path.end(); ++first)
				chain.push_back(*first->name);
			chain.push_back(target);
			return chain;
		}
		if (seen.insert(target).second)
		{
			on_path.insert(target);
			path.push_back({&target, 0});
		}
	}
	return std::nullopt;
}

std::vector<std::string>
transitive_dependants(const Requirements &requirements, const std::string &name)
{
	const std::vector<std::string> none;
	Requirements dependants;

	for (const auto &[dependant, required] : requirements)
		for (const std::string &each : required)
			dependants[each].push_back(dependant);

	std::vector<std::string> result;
	std::vector<Visit> path{{&name, 0}};
	std::set<std::string> seen{name};

	while (!path.empty())
	{
		Visit &visit = path.back();
		const std::vector<std::string> &edges = edges_of(dependants, *visit.name, none);

		if (visit.next < edges.size())
		{
			const std::string &target = edges[visit.next++];

			if (seen.insert(target).second)
				path.push_back({&target, 0});
			continue;
		}
		if (path.size() > 1)
			result.push_back(*visit.name);
		path.pop_back();
	}
	return result;
}

std::vector<std::string>
in_order(const Requirements &requirements, std::vector<std::string> names)
{
	std::vector<std::string> result;

	while (!names.empty())
	{
		auto next = std::find_if(names.begin(), names.end(), [&](const std::string &name) {
			auto required = requirements.find(name);
			return required == requirements.end() ||
				   std::none_of(required->second.begin(), required->second.end(), [&](const std::string &other) {
					   return other != name && std::find(names.begin(), names.end(), other) != names.end();
				   });
		});
		if (next == names.end())
			next = names.begin();
		result.push_back(*next);
		names.erase(next);
	}
	return result;
}

} // namespace mg
