// Reads the directives.
#include "lint/ignore.hpp"

#include "script/directive.hpp"

namespace mg::lint {

std::vector<Ignore>
ignores_of(const script::Script &script)
{
	const std::vector<script::Directive> directives = script::directives_of(script, "mg:ignore");
	std::vector<Ignore> result;

	if (directives.empty())
		return result;
	const LineIndex lines(script.text());
	for (const script::Directive &directive : directives)
	{
		const size_t end = directive.words.find_first_of(" \t");
		Ignore ignore;
		ignore.place = lines.place_of(directive.offset);
		ignore.rule = directive.words.substr(0, end);
		if (end != std::string::npos)
			ignore.reason = trim(std::string_view(directive.words).substr(end));
		ignore.statement = directive.statement;
		result.push_back(std::move(ignore));
	}
	return result;
}

} // namespace mg::lint
