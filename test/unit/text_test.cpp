// Bytes, lines, characters and comments, with the inputs that usually go wrong.
#include "core/text.hpp"

#include <gtest/gtest.h>

using namespace mg;
using namespace std::string_literals;

namespace {

constexpr std::size_t ten_megabytes = 10 * 1000 * 1000;

// Repeats a piece until the text has about ten megabytes.
std::string
large(const std::string &piece)
{
	std::string text;

	while (text.size() < ten_megabytes)
		text += piece;
	return text;
}

// Checks that a text is a sequence of whole UTF-8 characters.
bool
is_whole(std::string_view text)
{
	for (std::size_t i = 0; i < text.size();)
	{
		const auto lead = static_cast<unsigned char>(text[i]);
		const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

		if ((lead & 0xC0) == 0x80 || i + length > text.size())
			return false;
		for (std::size_t k = 1; k < length; k++)
			if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80)
				return false;
		i += length;
	}
	return true;
}

// Expects a place.
void
expect_place(std::string_view text, std::size_t offset, int line, int column)
{
	const Place direct = place_of(text, offset);
	const Place indexed = LineIndex(text).place_of(offset);

	EXPECT_EQ(direct.line, line) << text << " @" << offset;
	EXPECT_EQ(direct.column, column) << text << " @" << offset;
	EXPECT_EQ(indexed.line, line) << text << " @" << offset;
	EXPECT_EQ(indexed.column, column) << text << " @" << offset;
}

} // namespace

TEST(TrimTest, takes_blanks_of_all_kinds_off_both_ends)
{
	EXPECT_EQ(trim(" \t\r\n\f\v a b \n"), "a b");
	EXPECT_EQ(trim(""), "");
	EXPECT_EQ(trim(" \n "), "");
	EXPECT_EQ(trim("a"), "a");
	EXPECT_EQ(trim("\xC2\xA0x"), "\xC2\xA0x") << "a no-break space is not white space to the scanner";
}

TEST(LineEndsTest, normalises_each_kind)
{
	EXPECT_EQ(normalise_line_ends("a\r\nb\rc\nd"), "a\nb\nc\nd");
	EXPECT_EQ(normalise_line_ends("\r"), "\n");
	EXPECT_EQ(normalise_line_ends("\r\r\n\n"), "\n\n\n");
	EXPECT_EQ(normalise_line_ends("\n\r"), "\n\n");
	EXPECT_EQ(normalise_line_ends(""), "");
	EXPECT_EQ(normalise_line_ends("a\0\r\nb"s), "a\0\nb"s);
}

TEST(LineEndsTest, is_idempotent)
{
	const std::string once = normalise_line_ends("x\r\r\r\n\n\ry\r");

	EXPECT_EQ(normalise_line_ends(once), once);
}

TEST(LineEndsTest, keeps_other_bytes_and_trailing_blanks)
{
	EXPECT_EQ(normalise_line_ends("a \t\r\n\x80\xFF"), "a \t\n\x80\xFF");
}

TEST(BomTest, takes_off_one_mark_only)
{
	EXPECT_EQ(without_bom("\xEF\xBB\xBFselect"), "select");
	EXPECT_EQ(without_bom("\xEF\xBB\xBF\xEF\xBB\xBFx"), "\xEF\xBB\xBFx");
	EXPECT_EQ(without_bom("\xEF\xBB"), "\xEF\xBB");
	EXPECT_EQ(without_bom(""), "");
	EXPECT_EQ(without_bom("x\xEF\xBB\xBF"), "x\xEF\xBB\xBF");
}

TEST(PlaceTest, counts_from_one)
{
	expect_place("", 0, 1, 1);
	expect_place("abc", 0, 1, 1);
	expect_place("abc", 2, 1, 3);
	expect_place("abc", 3, 1, 4);
	expect_place("abc", 99, 1, 4);
	expect_place("a\nb", 1, 1, 2);
	expect_place("a\nb", 2, 2, 1);
	expect_place("a\n", 2, 2, 1);
	expect_place("\n\n\n", 3, 4, 1);
}

TEST(PlaceTest, takes_crlf_for_one_line_end_and_lone_cr_for_another)
{
	expect_place("a\r\nb", 1, 1, 2);
	expect_place("a\r\nb", 2, 1, 3);
	expect_place("a\r\nb", 3, 2, 1);
	expect_place("a\rb", 2, 2, 1);
	expect_place("\r\r\n\n", 4, 4, 1);
}

TEST(PlaceTest, counts_characters_not_bytes)
{
	const std::string_view text = "é€😀x"; // 2 + 3 + 4 + 1 bytes

	expect_place(text, 0, 1, 1);
	expect_place(text, 2, 1, 2);
	expect_place(text, 5, 1, 3);
	expect_place(text, 9, 1, 4);
	expect_place(text, 10, 1, 5);
}

TEST(PlaceTest, takes_the_middle_of_a_character_for_that_character)
{
	const std::string_view text = "a😀b";

	expect_place(text, 1, 1, 2);
	expect_place(text, 2, 1, 2);
	expect_place(text, 4, 1, 2);
	expect_place(text, 5, 1, 3);
}

TEST(PlaceTest, copes_with_bytes_that_are_not_utf8)
{
	expect_place("\x80\x80\x80", 0, 1, 1);
	expect_place("\x80\x80\x80", 2, 1, 1);
	expect_place("\xFF\xFE", 1, 1, 2);
	expect_place("a\0b"s, 2, 1, 3);
}

TEST(PlaceTest, index_agrees_everywhere_on_a_long_line)
{
	std::string text;

	for (int i = 0; i < 400; i++)
		text += i % 97 == 0 ? "\r\n" : i % 3 == 0 ? "é" : "😀a";

	const LineIndex index(text);

	for (std::size_t offset = 0; offset <= text.size() + 1; offset++)
	{
		EXPECT_EQ(index.place_of(offset).line, place_of(text, offset).line) << offset;
		EXPECT_EQ(index.place_of(offset).column, place_of(text, offset).column) << offset;
	}
}

TEST(PlaceTest, index_knows_the_end_of_a_text_of_any_length)
{
	for (const std::size_t size : {255U, 256U, 257U, 511U, 512U, 513U})
	{
		const std::string text(size, 'x');

		EXPECT_EQ(LineIndex(text).place_of(size).column, static_cast<int>(size) + 1);
	}
}

TEST(PlaceTest, index_answers_quickly_on_one_line_of_ten_megabytes)
{
	const std::string text = large("é");
	const LineIndex index(text);
	long long sum = 0;

	for (std::size_t offset = 0; offset < text.size(); offset += 100)
		sum += index.place_of(offset).column;
	EXPECT_EQ(index.place_of(text.size()).column, static_cast<int>(text.size() / 2) + 1);
	EXPECT_GT(sum, 0);
}

TEST(LineTextTest, gives_lines_without_their_ends)
{
	const std::string_view text = "one\r\ntwo\n\nfour\rfive";

	EXPECT_EQ(line_text(text, 1), "one");
	EXPECT_EQ(line_text(text, 2), "two");
	EXPECT_EQ(line_text(text, 3), "");
	EXPECT_EQ(line_text(text, 4), "four");
	EXPECT_EQ(line_text(text, 5), "five");
	for (const int line : {-1, 0, 6, 1000000})
		EXPECT_EQ(line_text(text, line), "");
}

TEST(LineTextTest, index_gives_the_same_lines)
{
	const std::string_view text = "one\r\ntwo\n\nfour\r";
	const LineIndex index(text);

	EXPECT_EQ(index.lines(), 5);
	for (int line = -1; line < 8; line++)
		EXPECT_EQ(index.line_text(line), line_text(text, line)) << line;
}

TEST(DifferenceTest, finds_none_between_equal_texts)
{
	EXPECT_FALSE(first_difference("", ""));
	EXPECT_FALSE(first_difference("a\nb", "a\nb"));
	EXPECT_FALSE(first_difference("a\r\nb\r", "a\nb\n"));
}

TEST(DifferenceTest, names_the_first_line)
{
	const auto difference = first_difference("a\nb\nc", "a\nB\nC");

	ASSERT_TRUE(difference);
	EXPECT_EQ(difference->line, 2);
	EXPECT_EQ(difference->ours, "b");
	EXPECT_EQ(difference->theirs, "B");
}

TEST(DifferenceTest, shows_the_line_that_only_one_side_has)
{
	const auto longer = first_difference("a\nb", "a");
	const auto shorter = first_difference("a", "a\nb");

	ASSERT_TRUE(longer);
	EXPECT_EQ(longer->line, 2);
	EXPECT_EQ(longer->ours, "b");
	EXPECT_EQ(longer->theirs, "");
	ASSERT_TRUE(shorter);
	EXPECT_EQ(shorter->ours, "");
	EXPECT_EQ(shorter->theirs, "b");
}

TEST(DifferenceTest, notices_a_missing_last_line_end)
{
	const auto difference = first_difference("a\n", "a");

	ASSERT_TRUE(difference);
	EXPECT_EQ(difference->line, 2);
	EXPECT_EQ(difference->ours, "");
	EXPECT_EQ(difference->theirs, "");
}

TEST(DifferenceTest, notices_blanks)
{
	EXPECT_TRUE(first_difference("a ", "a"));
	EXPECT_TRUE(first_difference("\ta", "    a"));
}

TEST(ShortenTest, leaves_short_text_alone)
{
	EXPECT_EQ(shorten("select 1", 100), "select 1");
	EXPECT_EQ(shorten("select 1", 8), "select 1");
	EXPECT_EQ(shorten("", 10), "");
	EXPECT_EQ(shorten("x", std::string::npos), "x");
	EXPECT_EQ(shorten("a long enough text", std::string::npos), "a long enough text");
}

TEST(ShortenTest, puts_everything_on_one_line)
{
	EXPECT_EQ(shorten("  create\r\n\ttable   t (\n\n  a int)\n", 100), "create table t ( a int)");
}

TEST(ShortenTest, cuts_and_marks)
{
	EXPECT_EQ(shorten("abcdefghij", 9), "abcdef...");
	EXPECT_EQ(shorten("abcdefghij", 9, "..."), "abcdef...");
	EXPECT_EQ(shorten("abc defghi", 7), "abc...") << "no blank before the mark";
	EXPECT_EQ(shorten("abcdefghij", 3), "...");
	EXPECT_EQ(shorten("abcdefghij", 2), "ab");
	EXPECT_EQ(shorten("abcdefghij", 0), "");
}

TEST(ShortenTest, never_splits_a_character)
{
	const std::string text = "aé€😀é😀€aé😀";

	for (std::size_t max = 0; max <= text.size() + 2; max++)
	{
		const std::string cut = shorten(text, max);

		EXPECT_LE(cut.size(), max);
		EXPECT_TRUE(is_whole(cut)) << max << ": " << cut;
	}
	EXPECT_EQ(shorten(text, text.size()), text);
}

TEST(ShortenTest, copes_with_bytes_that_are_not_utf8)
{
	const std::string text(100, '\x80');

	EXPECT_EQ(shorten(text, 10, "").size(), 10U);
	EXPECT_LE(shorten(text, 10).size(), 10U);
}

TEST(ShortenTest, counts_the_text_after_collapsing)
{
	EXPECT_EQ(shorten("a" + std::string(1000, ' ') + "b", 3), "a b");
}

TEST(SkipTest, finds_the_first_token)
{
	EXPECT_EQ(skip_blank_and_comments("select", 0), 0U);
	EXPECT_EQ(skip_blank_and_comments("  -- a\n /* b */ x", 0), 16U);
	EXPECT_EQ(skip_blank_and_comments("a -- b", 1), 6U);
	EXPECT_EQ(skip_blank_and_comments("", 0), 0U);
	EXPECT_EQ(skip_blank_and_comments("x", 50), 1U);
	EXPECT_EQ(skip_blank_and_comments("-- a\rx", 0), 5U) << "the scanner ends a comment at CR as well";
	EXPECT_EQ(skip_blank_and_comments("- 1", 0), 0U);
	EXPECT_EQ(skip_blank_and_comments("/ 1", 0), 0U);
	EXPECT_EQ(skip_blank_and_comments("-", 0), 0U);
}

TEST(SkipTest, nests_block_comments)
{
	EXPECT_EQ(skip_blank_and_comments("/* a /* b */ c */x", 0), 17U);
	EXPECT_EQ(skip_blank_and_comments("/* -- */x", 0), 8U);
	EXPECT_EQ(skip_blank_and_comments("-- /*\nx", 0), 6U);
	EXPECT_EQ(skip_blank_and_comments("/*/ x */y", 0), 8U) << "a slash after the opening does not close it";
	EXPECT_EQ(skip_blank_and_comments("/*/*/*/x", 0), 8U);
	EXPECT_EQ(skip_blank_and_comments("/**/x", 0), 4U);
	EXPECT_EQ(skip_blank_and_comments("/***/x", 0), 5U);
	EXPECT_EQ(skip_blank_and_comments("/* '*/x", 0), 6U) << "quotes mean nothing in a comment";
}

TEST(SkipTest, takes_an_unterminated_comment_to_the_end)
{
	EXPECT_EQ(skip_blank_and_comments("/* a", 0), 4U);
	EXPECT_EQ(skip_blank_and_comments("/*", 0), 2U);
	EXPECT_EQ(skip_blank_and_comments("/*/", 0), 3U);
	EXPECT_EQ(skip_blank_and_comments("/* /* */", 0), 8U);
	EXPECT_EQ(skip_blank_and_comments("--", 0), 2U);
}

TEST(SkipTest, is_linear_in_nesting_and_size)
{
	const std::string open = large("/*");
	const std::string dashes = large("-- x\n");

	EXPECT_EQ(skip_blank_and_comments(open, 0), open.size());
	EXPECT_EQ(skip_blank_and_comments(dashes, 0), dashes.size());
}

TEST(BlockCommentTest, finds_the_end)
{
	EXPECT_EQ(end_of_block_comment("x/* a */ b", 1), 8U);
	EXPECT_EQ(end_of_block_comment("/*", 0), 2U);
	EXPECT_EQ(end_of_block_comment("/*", 9), 2U);
}

TEST(TrimStatementTest, keeps_the_statement_only)
{
	EXPECT_EQ(trim_statement(" -- c\n/* d */ select 1 ; ;\n"), "select 1");
	EXPECT_EQ(trim_statement("select 1"), "select 1");
	EXPECT_EQ(trim_statement("select /* in */ 1 -- out"), "select /* in */ 1 -- out");
	EXPECT_EQ(trim_statement("select ';'"), "select ';'");
	EXPECT_EQ(trim_statement("do $$ begin; end; $$;"), "do $$ begin; end; $$");
}

TEST(TrimStatementTest, gives_nothing_for_nothing)
{
	for (const char *text : {"", ";", " ; ; ", "-- only a comment", "/* only */ ;", "\n"})
		EXPECT_EQ(trim_statement(text), "") << text;
}

TEST(TrimStatementTest, gives_a_part_of_its_input)
{
	const std::string text = " \n select 1; ";
	const std::string_view part = trim_statement(text);

	EXPECT_EQ(part.data(), text.data() + 3);
}

TEST(TextTest, every_function_takes_ten_megabytes)
{
	const std::string text = large("abc \r\n é -- x;\r");
	const LineIndex index(text);

	EXPECT_LT(normalise_line_ends(text).size(), text.size());
	EXPECT_EQ(place_of(text, text.size()).line, index.lines());
	EXPECT_EQ(line_text(text, index.lines()), "");
	EXPECT_FALSE(first_difference(text, text));
	EXPECT_EQ(shorten(text, 12), "abc é --...");
	EXPECT_EQ(trim_statement(text).front(), 'a');
}
