// Escapes and joins; nothing is ever read back.
#include "core/open_metrics.hpp"

namespace mg {

namespace {

// Help and label values alike: a backslash, a quote and a line end would be taken for the format's own.
std::string
escaped(std::string_view text)
{
	std::string out;

	for (const char c : text)
		if (c == '\n')
			out += "\\n";
		else if (c == '\\' || c == '"')
			out += {'\\', c};
		else
			out += c;
	return out;
}

} // namespace

void
OpenMetrics::family(std::string_view name, std::string_view type, std::string_view unit, std::string_view help)
{
	name_ = name;
	text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
	if (!unit.empty())
		text_.append("# UNIT ").append(name).append(" ").append(unit).append("\n");
	text_.append("# HELP ").append(name).append(" ").append(escaped(help)).append("\n");
}

void
OpenMetrics::sample(std::string_view suffix, const Labels &labels, std::string_view value)
{
	text_.append(name_).append(suffix);
	for (size_t i = 0; i < labels.size(); i++)
		text_.append(i == 0 ? "{" : ",")
			.append(labels[i].first)
			.append("=\"")
			.append(escaped(labels[i].second))
			.append("\"");
	text_.append(labels.empty() ? " " : "} ").append(value).append("\n");
}

} // namespace mg
