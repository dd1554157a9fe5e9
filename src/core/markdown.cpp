// Escapes what Markdown would take for its own.
#include "core/markdown.hpp"

#include <algorithm>

#include <boost/algorithm/string/replace.hpp>

#include "core/text.hpp"

namespace mg {

namespace {

// What means something wherever it stands, and what only at the beginning of a line; pipes are for tables, which escape them.
constexpr std::string_view special = "\\`*_[]<>#!~&$";
constexpr std::string_view special_first = "-+=";

std::size_t
longest_run(std::string_view text, char of)
{
	std::size_t longest = 0;
	std::size_t run = 0;

	for (char c : text)
	{
		run = c == of ? run + 1 : 0;
		longest = std::max(longest, run);
	}
	return longest;
}

std::string
on_one_line(std::string_view text)
{
	std::string line(trim(text));

	std::replace_if(
		line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
	return line;
}

} // namespace

std::string
markdown_text(std::string_view text)
{
	const std::string line = on_one_line(text);
	std::string result;

	for (std::size_t i = 0; i < line.size(); i++)
	{
		const char c = line[i];
		const bool is_number = (c == '.' || c == ')') && line.find_first_not_of("0123456789") == i &&
							   (i + 1 == line.size() || is_blank(line[i + 1]));

		if (special.find(c) != std::string_view::npos || is_number ||
			(i == 0 && special_first.find(c) != std::string_view::npos))
			result += '\\';
		result += c;
	}
	return result;
}

std::string
markdown_code(std::string_view text)
{
	const std::string line = on_one_line(text);
	const std::string ticks(longest_run(line, '`') + 1, '`');

	if (line.empty())
		return "";
	const bool is_padded = line.front() == '`' || line.back() == '`';
	return ticks + (is_padded ? " " : "") + line + (is_padded ? " " : "") + ticks;
}

void
Markdown::begin_block()
{
	if (!text_.empty())
		text_ += '\n';
}

Markdown &
Markdown::heading(int level, std::string_view inline_text)
{
	begin_block();
	text_.append(static_cast<std::size_t>(level), '#').append(" ").append(inline_text).append("\n");
	return *this;
}

Markdown &
Markdown::paragraph(std::string_view inline_text)
{
	begin_block();
	text_.append(inline_text).append("\n");
	return *this;
}

Markdown &
Markdown::bullets(const std::vector<std::string> &inline_texts)
{
	begin_block();
	for (const std::string &item : inline_texts)
		text_.append("- ").append(item).append("\n");
	return *this;
}

Markdown &
Markdown::code(std::string_view language, std::string_view text)
{
	const std::string fence(std::max<std::size_t>(longest_run(text, '`') + 1, 3), '`');

	begin_block();
	text_.append(fence).append(language).append("\n").append(text);
	if (text.empty() || text.back() != '\n')
		text_ += '\n';
	text_.append(fence).append("\n");
	return *this;
}

Markdown &
Markdown::table(const std::vector<std::string> &head, const std::vector<std::vector<std::string>> &rows)
{
	auto line = [&](const std::vector<std::string> &cells) {
		text_ += '|';
		for (std::size_t i = 0; i < head.size(); i++)
			text_.append(" ")
				.append(i < cells.size() ? boost::algorithm::replace_all_copy(cells[i], "|", "\\|") : "")
				.append(" |");
		text_ += '\n';
	};

	begin_block();
	line(head);
	line(std::vector<std::string>(head.size(), "---"));
	for (const std::vector<std::string> &row : rows)
		line(row);
	return *this;
}

Markdown &
Markdown::anchor(std::string_view name)
{
	begin_block();
	text_.append("<a id=\"").append(name).append("\"></a>\n");
	return *this;
}

} // namespace mg
