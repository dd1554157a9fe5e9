// Properties of the text helpers that hold for any bytes.
#include <algorithm>

#include <fuzzer/FuzzedDataProvider.h>

#include "check.hpp"
#include "core/text.hpp"

using namespace mg;

namespace {

// Says whether a text is a sequence of whole characters, in UTF-8's shape.
bool
is_whole(std::string_view text)
{
	for (std::size_t i = 0; i < text.size();)
	{
		const auto lead = static_cast<unsigned char>(text[i]);
		const std::size_t length = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

		if (length == 0 || i + length > text.size())
			return false;
		for (std::size_t k = 1; k < length; k++)
			if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80)
				return false;
		i += length;
	}
	return true;
}

// Says whether a part lies inside a text.
bool
is_part(std::string_view part, std::string_view text)
{
	return part.empty() || (part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size());
}

// Checks places and lines: they only grow, and the index agrees with the plain functions.
void
check_places(std::string_view text)
{
	const LineIndex index(text);
	const std::string plain = normalise_line_ends(text);
	Place before;

	CHECK(index.lines() == 1 + std::count(plain.begin(), plain.end(), '\n'));
	for (std::size_t offset = 0; offset <= text.size() + 1; offset++)
	{
		const Place place = place_of(text, offset);
		const Place indexed = index.place_of(offset);

		CHECK(place.line == indexed.line && place.column == indexed.column);
		CHECK(place.line >= 1 && place.column >= 1 && place.line <= index.lines());
		CHECK(place.line > before.line || (place.line == before.line && place.column >= before.column));
		before = place;
	}
	for (int line = 0; line <= std::min(index.lines() + 1, 50); line++)
	{
		CHECK(index.line_text(line) == line_text(text, line));
		CHECK(line_text(plain, line) == line_text(text, line));
		CHECK(is_part(line_text(text, line), text));
	}
}

// Checks what is taken off a statement.
void
check_statement(std::string_view text)
{
	const std::string_view statement = trim_statement(text);

	CHECK(is_part(statement, text));
	CHECK(trim_statement(statement) == statement);
	CHECK(statement.empty() || (!is_blank(statement.back()) && statement.back() != ';'));
	for (std::size_t offset = 0; offset <= text.size(); offset += 1 + offset / 16)
	{
		const std::size_t token = skip_blank_and_comments(text, offset);

		CHECK(token >= offset && token <= text.size());
		CHECK(skip_blank_and_comments(text, token) == token);
		CHECK(token == text.size() || !is_blank(text[token]));
	}
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	const auto max_bytes = input.ConsumeIntegralInRange<std::size_t>(0, 64);
	const std::string other = input.ConsumeRandomLengthString(200);
	const std::string text = input.ConsumeRemainingBytesAsString();
	const std::string plain = normalise_line_ends(text);
	const std::string cut = shorten(text, max_bytes);

	CHECK(plain.find('\r') == std::string::npos);
	CHECK(normalise_line_ends(plain) == plain);
	CHECK(is_part(trim(text), text) && trim(trim(text)) == trim(text));
	CHECK(is_part(without_bom(text), text));

	CHECK(cut.size() <= max_bytes);
	CHECK(cut.find_first_of("\r\n\t") == std::string::npos);
	CHECK(cut.find("  ") == std::string::npos);
	CHECK(!is_whole(text) || is_whole(cut));
	CHECK(shorten(text, std::string::npos).size() <= text.size());

	CHECK(!first_difference(text, text) && !first_difference(text, plain));
	CHECK(first_difference(text, other).has_value() == (plain != normalise_line_ends(other)));

	check_places(text);
	check_statement(text);
	return 0;
}
