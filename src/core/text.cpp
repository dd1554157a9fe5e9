// Lines, places, differences and SQL comments, each in one pass over the bytes.
#include "core/text.hpp"

#include <algorithm>

#include <boost/algorithm/string/predicate.hpp>

namespace mg {

namespace {

constexpr std::size_t block_size = 256;

// Says whether a byte continues a UTF-8 sequence.
constexpr bool
is_continuation(char c) noexcept
{
	return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Gives the offset after the line end at or after the offset, or npos when the text ends first.
std::size_t
next_line(std::string_view text, std::size_t offset) noexcept
{
	const std::size_t at = text.find_first_of("\r\n", offset);

	if (at == std::string_view::npos)
		return at;
	return at + (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1);
}

// Counts the characters that begin in [from, to).
std::size_t
count_characters(std::string_view text, std::size_t from, std::size_t to) noexcept
{
	std::size_t count = 0;

	for (std::size_t i = from; i < to; i++)
		count += is_continuation(text[i]) ? 0 : 1;
	return count;
}

// Turns the number of characters that begin in the line before the offset into a column.
int
column_of(std::string_view text, std::size_t offset, std::size_t before) noexcept
{
	if (offset < text.size() && is_continuation(text[offset]))
		return static_cast<int>(std::max<std::size_t>(before, 1));
	return static_cast<int>(before + 1);
}

// Cuts the line that begins at the offset out of the text, without its line end.
std::string_view
line_at(std::string_view text, std::size_t start) noexcept
{
	return text.substr(start, text.find_first_of("\r\n", start) - start);
}

// Moves a cut back to the beginning of the UTF-8 sequence it falls into; other bytes are cut where they are.
std::size_t
character_start(std::string_view text, std::size_t cut) noexcept
{
	std::size_t start = cut;

	while (start > 0 && cut - start < 3 && start < text.size() && is_continuation(text[start]))
		start--;
	return start < text.size() && is_continuation(text[start]) ? cut : start;
}

} // namespace

std::string_view
trim(std::string_view text) noexcept
{
	std::size_t begin = 0;
	std::size_t end = text.size();

	while (begin < end && is_blank(text[begin]))
		begin++;
	while (end > begin && is_blank(text[end - 1]))
		end--;
	return text.substr(begin, end - begin);
}

std::string
normalise_line_ends(std::string_view text)
{
	std::string result;
	std::size_t from = 0;

	result.reserve(text.size());
	for (;;)
	{
		const std::size_t at = text.find('\r', from);

		if (at == std::string_view::npos)
			break;
		result.append(text.substr(from, at - from));
		result.push_back('\n');
		from = at + (at + 1 < text.size() && text[at + 1] == '\n' ? 2 : 1);
	}
	result.append(text.substr(from));
	return result;
}

std::string_view
without_bom(std::string_view text) noexcept
{
	return boost::algorithm::starts_with(text, "\xEF\xBB\xBF") ? text.substr(3) : text;
}

Place
place_of(std::string_view text, std::size_t offset) noexcept
{
	Place place;
	std::size_t start = 0;

	offset = std::min(offset, text.size());
	for (;;)
	{
		const std::size_t next = next_line(text, start);

		if (next == std::string_view::npos || next > offset)
			break;
		start = next;
		place.line++;
	}
	place.column = column_of(text, offset, count_characters(text, start, offset));
	return place;
}

LineIndex::LineIndex(std::string_view text) : text_(text)
{
	starts_.push_back(0);
	for (std::size_t next = next_line(text, 0); next != std::string_view::npos; next = next_line(text, next))
		starts_.push_back(next);

	characters_.reserve(text.size() / block_size + 1);
	characters_.push_back(0);
	for (std::size_t from = 0; from + block_size <= text.size(); from += block_size)
		characters_.push_back(characters_.back() + count_characters(text, from, from + block_size));
}

std::size_t
LineIndex::characters_before(std::size_t offset) const noexcept
{
	const std::size_t block = offset / block_size;

	return characters_[block] + count_characters(text_, block * block_size, offset);
}

Place
LineIndex::place_of(std::size_t offset) const noexcept
{
	offset = std::min(offset, text_.size());

	const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
	const std::size_t start = *(after - 1);
	const std::size_t before = characters_before(offset) - characters_before(start);

	return {static_cast<int>(after - starts_.begin()), column_of(text_, offset, before)};
}

std::string_view
LineIndex::line_text(int line) const noexcept
{
	if (line < 1 || line > lines())
		return {};
	return line_at(text_, starts_[static_cast<std::size_t>(line) - 1]);
}

std::string_view
line_text(std::string_view text, int line) noexcept
{
	std::size_t start = 0;

	for (int current = 1; current < line; current++)
	{
		start = next_line(text, start);
		if (start == std::string_view::npos)
			return {};
	}
	return line < 1 ? std::string_view() : line_at(text, start);
}

std::optional<Difference>
first_difference(std::string_view ours, std::string_view theirs)
{
	std::size_t a = 0;
	std::size_t b = 0;

	for (int line = 1;; line++)
	{
		const std::string_view left = a == std::string_view::npos ? std::string_view() : line_at(ours, a);
		const std::string_view right = b == std::string_view::npos ? std::string_view() : line_at(theirs, b);

		if (left != right || (a == std::string_view::npos) != (b == std::string_view::npos))
			return Difference{line, std::string(left), std::string(right)};
		if (a == std::string_view::npos)
			return std::nullopt;
		a = next_line(ours, a);
		b = next_line(theirs, b);
	}
}

std::string
shorten(std::string_view text, std::size_t max_bytes, std::string_view mark)
{
	std::string line;

	text = trim(text);
	line.reserve(std::min(text.size(), max_bytes) + 1);
	for (const char c : text)
	{
		if (line.size() > max_bytes)
			break;
		if (!is_blank(c))
			line.push_back(c);
		else if (line.back() != ' ')
			line.push_back(' ');
	}
	if (line.size() <= max_bytes)
		return line;

	const bool marked = mark.size() <= max_bytes;

	line.resize(character_start(line, marked ? max_bytes - mark.size() : max_bytes));
	while (!line.empty() && line.back() == ' ')
		line.pop_back();
	if (marked)
		line.append(mark);
	return line;
}

std::size_t
end_of_block_comment(std::string_view text, std::size_t offset) noexcept
{
	std::size_t depth = 1;
	std::size_t i = std::min(offset + 2, text.size());

	while (i < text.size() && depth > 0)
	{
		const std::string_view two = text.substr(i, 2);

		depth += two == "/*" ? 1 : 0;
		depth -= two == "*/" ? 1 : 0;
		i += two == "/*" || two == "*/" ? 2 : 1;
	}
	return i;
}

std::size_t
skip_blank_and_comments(std::string_view text, std::size_t offset) noexcept
{
	std::size_t i = std::min(offset, text.size());

	while (i < text.size())
	{
		const std::string_view two = text.substr(i, 2);

		if (is_blank(text[i]))
			i++;
		else if (two == "--")
			i = std::min(text.find_first_of("\r\n", i), text.size());
		else if (two == "/*")
			i = end_of_block_comment(text, i);
		else
			break;
	}
	return i;
}

std::string_view
trim_statement(std::string_view text) noexcept
{
	text.remove_prefix(skip_blank_and_comments(text, 0));
	while (!text.empty() && (is_blank(text.back()) || text.back() == ';'))
		text.remove_suffix(1);
	return text;
}

} // namespace mg
