// Looks into the gaps between tokens, which hold comments and blanks only.
#include "script/directive.hpp"

#include <algorithm>

#include <boost/algorithm/string/predicate.hpp>

#include "script/tokens.hpp"

namespace mg::script {

namespace {

// Calls each(offset, text) for every line comment within a gap.
template <typename Each>
void
comments_in(std::string_view text, size_t from, size_t to, Each &&each)
{
	for (size_t i = from; i < to;)
	{
		if (text.compare(i, 2, "/*") == 0)
		{
			/* Comments nest. */
			int depth = 0;
			do
			{
				const bool opens = text.compare(i, 2, "/*") == 0;
				const bool closes = text.compare(i, 2, "*/") == 0;
				depth += opens ? 1 : (closes ? -1 : 0);
				i += opens || closes ? 2 : 1;
			} while (depth > 0 && i < to);
		}
		else if (text.compare(i, 2, "--") == 0)
		{
			const size_t end = std::min(text.find_first_of("\r\n", i), to);
			each(i, text.substr(i + 2, end - i - 2));
			i = end;
		}
		else
			i++;
	}
}

// The numbers of the statements that are the last to begin before an offset, and the first to begin after it.
struct Around
{
	int before = -1;
	int after = -1;
};

Around
around(const Script &script, size_t offset)
{
	const std::vector<Statement> &statements = script.statements();
	auto next = std::partition_point(statements.begin(), statements.end(),
									 [&](const Statement &one) { return one.offset < offset; });
	Around result;

	result.before = static_cast<int>(next - statements.begin()) - 1;
	if (next != statements.end())
		result.after = static_cast<int>(next - statements.begin());
	return result;
}

int
statement_for(const Script &script, size_t offset)
{
	const std::string_view text = script.text();
	const Around near = around(script, offset);

	if (near.before >= 0)
	{
		const Statement &statement = script.statements()[static_cast<size_t>(near.before)];
		const size_t end = statement.offset + statement.length;
		if (offset < end || text.substr(end, offset - end).find('\n') == std::string_view::npos || near.after < 0)
			return near.before;
	}
	else if (near.after >= 0)
	{
		std::string_view between = text.substr(offset, script.statements()[0].offset - offset);
		for (size_t line = between.find('\n'); line != std::string_view::npos; line = between.find('\n', line + 1))
			if (between.find_first_not_of(" \t\r", line + 1) != std::string_view::npos &&
				between[between.find_first_not_of(" \t\r", line + 1)] == '\n')
				return -1;
	}
	return near.after;
}

} // namespace

std::vector<Directive>
directives_of(const Script &script, std::string_view name)
{
	std::vector<Directive> result;

	/* Most scripts have none, and no need to be scanned for them. */
	if (script.text().find(name) == std::string_view::npos)
		return result;
	const std::string text(script.text());
	auto take = [&](size_t offset, std::string_view comment) {
		std::string_view words = trim(comment);
		if (!boost::algorithm::starts_with(words, name) ||
			(words.size() > name.size() && words[name.size()] != ' ' && words[name.size()] != '\t'))
			return;
		result.push_back({offset, std::string(trim(words.substr(name.size()))), statement_for(script, offset)});
	};

	size_t last = 0;
	for (const Token &token : tokens_of(text))
	{
		comments_in(text, last, token.start, take);
		last = token.end;
	}
	comments_in(text, last, text.size(), take);
	return result;
}

} // namespace mg::script
