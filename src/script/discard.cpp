// Reads directives: a name as SQL has it, and the rest of the line.
#include "script/discard.hpp"

#include <boost/algorithm/string/join.hpp>

#include "pg/memory.hpp"
#include "pg/text.hpp"
#include "script/directive.hpp"

extern "C" {
#include "utils/varlena.h"
}

namespace mg::script {

namespace {

// Up to the first blank that is not within quotes.
std::size_t
end_of_name(const std::string &words)
{
	bool is_quoted = false;

	for (std::size_t i = 0; i < words.size(); i++)
	{
		if (words[i] == '"')
			is_quoted = !is_quoted;
		if (!is_quoted && (words[i] == ' ' || words[i] == '\t'))
			return i;
	}
	return words.size();
}

std::vector<std::string>
parts_of(const std::string &name)
{
	std::vector<std::string> result;
	pg::MemoryScope memory("migration_governance name");
	List *parts = pg::guarded([&]() -> List * {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		List *list = NIL;
		if (!SplitIdentifierString(pstrdup(name.c_str()), '.', &list))
			list = NIL;
		MemoryContextSwitchTo(before);
		return list;
	});
	ListCell *cell;

	foreach (cell, parts)
		result.emplace_back(static_cast<const char *>(lfirst(cell)));
	return result;
}

} // namespace

std::vector<Discard>
discards_of(const Script &script)
{
	std::vector<Discard> result;

	for (const Directive &directive : directives_of(script, "mg:discard"))
	{
		const std::size_t end = end_of_name(directive.words);
		Discard discard = {parts_of(directive.words.substr(0, end)),
						   std::string(trim(std::string_view(directive.words).substr(end))), directive.statement};
		if (discard.name.empty() || discard.name.size() > 3 || discard.reason.empty())
			throw UserError("22023", discard.name.empty() || discard.name.size() > 3
										 ? "the directive mg:discard names no table"
										 : "the directive mg:discard gives no reason")
				.detail("It is in the " + script.what() + " script, line " +
						std::to_string(mg::place_of(script.text(), directive.offset).line) + ".")
				.hint("It is written -- mg:discard public.log older than the law wants it; or with a column: "
					  "public.users.email.");
		result.push_back(std::move(discard));
	}
	return result;
}

std::vector<Discard>
discards_at(std::size_t number, const std::vector<Discard> &discards)
{
	std::vector<Discard> result;

	for (const Discard &discard : discards)
		if (discard.statement < 0 || static_cast<std::size_t>(discard.statement) == number)
			result.push_back(discard);
	return result;
}

std::string
words_of(const Discard &discard)
{
	std::vector<std::string> names;

	for (const std::string &name : discard.name)
		names.push_back(pg::quoted_identifier(name));
	return boost::algorithm::join(names, ".") + ": " + discard.reason;
}

} // namespace mg::script
