// Helpers for text as scripts have it: bytes in the database's encoding, lines, places, comments.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mg {

// Says whether the server's scanner takes the byte for white space.
constexpr bool
is_blank(char c) noexcept
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

// Says whether the byte is an ASCII letter.
constexpr bool
is_letter(char c) noexcept
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Says whether the byte is an ASCII digit.
constexpr bool
is_digit(char c) noexcept
{
	return c >= '0' && c <= '9';
}

// Lowers an ASCII letter and leaves every other byte alone, whatever the locale is.
constexpr char
to_lower(char c) noexcept
{
	return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Takes blanks off both ends.
std::string_view trim(std::string_view text) noexcept;

// Turns CRLF and lone CR into LF and changes nothing else.
std::string normalise_line_ends(std::string_view text);

// Takes a UTF-8 byte order mark off the beginning.
std::string_view without_bom(std::string_view text) noexcept;

// A place in a text, both counted from 1; columns count characters, not bytes.
struct Place
{
	int line = 1;
	int column = 1;
};

// Finds the place of a byte offset; an offset past the end means the end, one inside a character means that character.
Place place_of(std::string_view text, std::size_t offset) noexcept;

// Answers place_of for many offsets of one text, which the caller keeps alive.
class LineIndex
{
public:
	explicit LineIndex(std::string_view text);

	Place place_of(std::size_t offset) const noexcept;

	// Gives the number of lines; a text ending in a line end has an empty last one.
	int lines() const noexcept { return static_cast<int>(starts_.size()); }

	// Gives one line without its line end, empty when there is no such line.
	std::string_view line_text(int line) const noexcept;

private:
	std::size_t characters_before(std::size_t offset) const noexcept;

	std::string_view text_;
	std::vector<std::size_t> starts_;
	std::vector<std::size_t> characters_;
};

// Gives one line (from 1) without its line end, empty when there is no such line.
std::string_view line_text(std::string_view text, int line) noexcept;

// The first line in which two texts differ; a side that has ended is empty, and both are when only the last line end differs.
struct Difference
{
	int line = 0;
	std::string ours;
	std::string theirs;
};

// Finds the first differing line of two texts, taking all kinds of line end for the same.
std::optional<Difference> first_difference(std::string_view ours, std::string_view theirs);

// Puts a text on one line of at most max_bytes bytes: runs of blanks become one, and what is cut ends in the mark.
std::string shorten(std::string_view text, std::size_t max_bytes, std::string_view mark = "...");

// Finds the end of the block comment that begins at the offset, nested ones included; the text's size when nothing closes it.
std::size_t end_of_block_comment(std::string_view text, std::size_t offset) noexcept;

// Finds the first byte at or after the offset that is neither blank nor comment; the text's size when there is none.
std::size_t skip_blank_and_comments(std::string_view text, std::size_t offset) noexcept;

// Takes blanks and comments off the front of a statement and blanks and semicolons off its end; trailing comments stay.
std::string_view trim_statement(std::string_view text) noexcept;

} // namespace mg
