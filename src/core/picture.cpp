// Compares pictures.
#include "core/picture.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>

namespace mg {

namespace {

// How the parts of a section are called: by the word of their own, alone or behind the word of their object. Parts with
// a column's name are "identity.name", the others "name on identity"; indexes have a full name of their own.
enum class Naming
{
	dotted,
	on,
	own
};
struct Section
{
	std::string_view name;
	std::string_view type;
	bool prefixed; // "table column", "domain constraint"
	Naming naming;
};
constexpr Section sections[] = {
	{"columns", "column", true, Naming::dotted},     {"attributes", "attribute", false, Naming::dotted},
	{"constraints", "constraint", true, Naming::on}, {"indexes", "index", false, Naming::own},
	{"triggers", "trigger", false, Naming::on},      {"rules", "rule", false, Naming::on},
	{"policies", "policy", false, Naming::on},
};

const Section *
find_section(std::string_view name)
{
	for (const Section &section : sections)
		if (section.name == name)
			return &section;
	return nullptr;
}

bool
in_order(const Part &a, const Part &b)
{
	return std::tie(a.section, a.key) < std::tie(b.section, b.key);
}

// Where a part stands among the others of its section, if that is told.
int
position_of(const Part &part)
{
	for (const auto &[property, value] : part.properties)
		if (property == "position")
			return std::atoi(value.c_str());
	return 0;
}

// The parts that two pictures share and that stand in another order: as few as explain it. What was added or dropped
// between the others moves nobody.
std::set<const Part *>
moved_parts(const Picture &expected, const Picture &actual)
{
	struct Place
	{
		const Part *part;
		int before;
		int after;
	};
	std::map<std::string, std::vector<Place>> by_section;
	std::set<const Part *> moved;

	for (const Part &part : expected.parts)
	{
		auto same = std::lower_bound(actual.parts.begin(), actual.parts.end(), part, in_order);
		if (same != actual.parts.end() && !in_order(part, *same) && position_of(part) != 0)
			by_section[part.section].push_back({&part, position_of(part), position_of(*same)});
	}
	for (auto &[name, places] : by_section)
	{
		std::sort(places.begin(), places.end(), [](const Place &a, const Place &b) { return a.before < b.before; });
		/* The longest run of those still in order, by the usual table of best ends; one that comes early stays. */
		std::vector<int> length(places.size(), 1);
		std::vector<int> previous(places.size(), -1);
		int last = -1;
		for (int i = 0; i < static_cast<int>(places.size()); i++)
		{
			for (int j = 0; j < i; j++)
				if (places[j].after < places[i].after && length[j] + 1 > length[i])
				{
					length[i] = length[j] + 1;
					previous[i] = j;
				}
			if (last < 0 || length[i] > length[last])
				last = i;
		}
		std::set<const Part *> stays;
		for (int i = last; i >= 0; i = previous[i])
			stays.insert(places[i].part);
		for (const Place &place : places)
			if (stays.count(place.part) == 0)
				moved.insert(place.part);
	}
	return moved;
}

class Comparison
{
public:
	Comparison(const Picture *expected, const Picture *actual) : expected_(expected), actual_(actual) {}

	std::vector<Deviation> run()
	{
		if (expected_ == nullptr || actual_ == nullptr)
		{
			whole(expected_ != nullptr ? *expected_ : *actual_, Part(), expected_ != nullptr);
			return found_;
		}
		if (expected_->identity != actual_->identity || expected_->type != actual_->type)
			found_.push_back(
				{"changed", expected_->type, expected_->identity, "name", expected_->identity, actual_->identity});
		moved_ = moved_parts(*expected_, *actual_);
		merge(
			expected_->parts, actual_->parts, in_order, [this](const Part &part) { whole(*expected_, part, true); },
			[this](const Part &part) { whole(*actual_, part, false); },
			[this](const Part &a, const Part &b) { properties(a, b); });
		return found_;
	}

private:
	// Walks two sorted lists at once.
	template <typename List, typename Less, typename Left, typename Right, typename Both>
	static void merge(const List &left, const List &right, Less less, Left only_left, Right only_right, Both both)
	{
		auto l = left.begin();
		auto r = right.begin();

		while (l != left.end() || r != right.end())
			if (r == right.end() || (l != left.end() && less(*l, *r)))
				only_left(*l++);
			else if (l == left.end() || less(*r, *l))
				only_right(*r++);
			else
				both(*l++, *r++);
	}

	void whole(const Picture &picture, const Part &part, bool missing)
	{
		auto [type, identity] = title_of(picture, part);
		found_.push_back({missing ? "missing" : "unexpected", type, identity, "", std::nullopt, std::nullopt});
	}

	void properties(const Part &a, const Part &b)
	{
		using Property = std::pair<std::string, std::string>;
		auto [type, identity] = title_of(*expected_, a);
		auto add = [&, t = type, i = identity](const std::string &name, std::optional<std::string> expected,
											   std::optional<std::string> actual) {
			found_.push_back({"changed", t, i, name, std::move(expected), std::move(actual)});
		};
		merge(
			a.properties, b.properties, [](const Property &x, const Property &y) { return x.first < y.first; },
			[&](const Property &p) { add(p.first, p.second, std::nullopt); },
			[&](const Property &p) { add(p.first, std::nullopt, p.second); },
			[&](const Property &x, const Property &y) {
				if (x.second != y.second && (x.first != "position" || moved_.count(&a) != 0))
					add(x.first, x.second, y.second);
			});
	}

	const Picture *expected_;
	const Picture *actual_;
	std::set<const Part *> moved_;
	std::vector<Deviation> found_;
};

} // namespace

void
Part::set(std::string_view property, std::string_view value)
{
	properties.emplace_back(property, value);
}

Part &
Picture::part(std::string_view section, std::string_view key)
{
	/* Readers go through their rows in order, so that the part is mostly the newest. */
	for (auto it = parts.rbegin(); it != parts.rend(); ++it)
		if (it->key == key && it->section == section)
			return *it;
	parts.push_back({std::string(section), std::string(key), {}});
	return parts.back();
}

void
Picture::sort()
{
	std::sort(parts.begin(), parts.end(), in_order);
	for (Part &part : parts)
	{
		auto by_name = [](const auto &a, const auto &b) { return a.first < b.first; };
		auto same_name = [](const auto &a, const auto &b) { return a.first == b.first; };
		std::stable_sort(part.properties.begin(), part.properties.end(), by_name);
		part.properties.erase(std::unique(part.properties.begin(), part.properties.end(), same_name),
							  part.properties.end());
	}
}

std::pair<std::string, std::string>
title_of(const Picture &picture, const Part &part)
{
	if (part.section.empty())
		return {picture.type, picture.identity};

	const Section *section = find_section(part.section);
	if (section == nullptr)
		return {picture.type + " " + part.section, part.key + " of " + picture.identity};
	std::string type = (section->prefixed ? picture.type + " " : "") + std::string(section->type);
	switch (section->naming)
	{
		case Naming::dotted:
			return {type, picture.identity + "." + part.key};
		case Naming::own:
			return {type, part.key};
		default:
			return {type, part.key + " on " + picture.identity};
	}
}

std::vector<Deviation>
deviations(const Picture *expected, const Picture *actual)
{
	return expected == nullptr && actual == nullptr ? std::vector<Deviation>() : Comparison(expected, actual).run();
}

} // namespace mg
