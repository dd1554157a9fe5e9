// Looks through the captured statements for the one that made a difference.
#include "drift/attribution.hpp"

#include <algorithm>
#include <cctype>

#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>

namespace mg::drift {

namespace {

// Identities under which the captured log may know an object, the most telling first.
std::vector<std::string>
names_of(const Drift &drift, const Deviation &deviation)
{
	std::vector<std::string> names = {deviation.identity};

	for (const std::string &name : {drift.identity, drift.was})
		if (!name.empty() && name != deviation.identity)
			names.push_back(name);
	return names;
}

// The last word of an identity that a statement would contain: the column of s.t.c, the trigger of "x on s.t".
std::string
own_name(const Deviation &deviation)
{
	std::string name = deviation.identity.substr(0, deviation.identity.find(" on "));
	std::string::size_type dot = name.rfind('.');
	return dot == std::string::npos ? name : name.substr(dot + 1);
}

// Tells whether a text has a name in it, as a word of its own and in any case.
bool
has_word(const std::string &text, const std::string &name)
{
	auto is_inside = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; };

	for (auto rest = boost::make_iterator_range(text); !name.empty();)
	{
		auto found = boost::algorithm::ifind_first(rest, name);
		if (found.empty())
			return false;
		if ((found.begin() == text.begin() || !is_inside(*(found.begin() - 1))) &&
			(found.end() == text.end() || !is_inside(*found.end())))
			return true;
		rest = boost::make_iterator_range(found.end(), text.end());
	}
	return false;
}

bool
touches(const Statement &statement, const std::string &name)
{
	return statement.identity == name ||
		   std::find(statement.identities.begin(), statement.identities.end(), name) != statement.identities.end();
}

// A column, trigger, ... of the object: s.t.c or "x on s.t".
bool
touches_part(const Statement &statement, const std::string &object)
{
	return boost::algorithm::starts_with(statement.identity, object + ".") ||
		   boost::algorithm::ends_with(statement.identity, " on " + object);
}

// A definition changes when something that it names is renamed: tells whether it names what the statement touched.
bool
is_named_in(const Deviation &deviation, const Statement &statement)
{
	std::string object = statement.identity;

	/* Of a column s.t.c a definition may name the table only. */
	if (std::count(object.begin(), object.end(), '.') > 1)
		object.resize(object.rfind('.'));
	for (const std::optional<std::string> &text : {deviation.expected, deviation.actual})
		if (text.has_value() && has_word(*text, object))
			return true;
	return false;
}

} // namespace

std::vector<Statement>
statements_about(const std::vector<Drift> &drifts)
{
	std::vector<std::string> names;
	uint64_t since = UINT64_MAX;

	for (const Drift &drift : drifts)
	{
		since = std::min(since, drift.xid);
		for (const Deviation &deviation : drift.deviations)
			for (const std::string &name : names_of(drift, deviation))
				names.push_back(name);
	}
	std::sort(names.begin(), names.end());
	names.erase(std::unique(names.begin(), names.end()), names.end());
	return names.empty() ? std::vector<Statement>() : statements_since(since, names);
}

const Statement *
find_statement(const std::vector<Statement> &statements, const Drift &drift, const Deviation &deviation)
{
	std::vector<std::string> names = names_of(drift, deviation);
	std::string word = own_name(deviation);
	const Statement *on_object = nullptr;
	const Statement *elsewhere = nullptr;

	for (const Statement &statement : statements)
	{
		if (touches(statement, names.front()))
			return &statement;
		for (const std::string &name : names)
			if (touches(statement, name) || touches_part(statement, name))
			{
				if (has_word(statement.text, word))
					return &statement;
				if (on_object == nullptr)
					on_object = &statement;
			}
		/* Mostly something was renamed. */
		if (is_named_in(deviation, statement) &&
			(elsewhere == nullptr || (!has_word(elsewhere->text, "rename") && has_word(statement.text, "rename"))))
			elsewhere = &statement;
	}
	return on_object != nullptr ? on_object : elsewhere;
}

} // namespace mg::drift
