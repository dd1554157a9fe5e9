// Header comments as people and tools write them.
#include "core/headers.hpp"

#include <gtest/gtest.h>

using namespace mg;

namespace {

// Writes headers as key=value|key=value for comparison.
std::string
shown(std::string_view script)
{
	std::string text;

	for (const Header &header : parse_headers(script))
		text += (text.empty() ? "" : "|") + header.key + "=" + header.value;
	return text;
}

} // namespace

TEST(HeaderKeyTest, normalises)
{
	EXPECT_EQ(header_key("Migration"), "migration");
	EXPECT_EQ(header_key("  Depends On "), "depends_on");
	EXPECT_EQ(header_key("Depends-on"), "depends_on");
	EXPECT_EQ(header_key("DEPENDS_ON"), "depends_on");
	EXPECT_EQ(header_key(""), "");
	EXPECT_EQ(header_key("É"), "É") << "bytes above ASCII stay as they are";
}

TEST(HeadersTest, reads_line_comments)
{
	EXPECT_EQ(shown("-- Migration: a\n-- Author: b c \n-- Ticket:\n\ncreate table t();"),
			  "migration=a|author=b c|ticket=");
	EXPECT_EQ(shown("--Author:b"), "") << "the colon needs a blank after it";
	EXPECT_EQ(shown("--Author: b"), "author=b");
	EXPECT_EQ(shown("--\tAuthor:\tb"), "author=b");
	EXPECT_EQ(shown("-- Author : b"), "author=b");
}

TEST(HeadersTest, reads_block_comments)
{
	EXPECT_EQ(shown("/*\n * Migration: a\n * Author: b\n */\nselect 1"), "migration=a|author=b");
	EXPECT_EQ(shown("/* Migration: a\n   Author: b */ select 1"), "migration=a|author=b");
	EXPECT_EQ(shown("/**\r\n** Author: b\r\n**/"), "") << "one asterisk is decoration, two are text";
	EXPECT_EQ(shown("/**\r\n * Author: b\r\n **/"), "author=b");
	EXPECT_EQ(shown("/* A: 1 *//* B: 2 */-- C: 3\n-- D: 4"), "a=1|b=2|c=3|d=4");
	EXPECT_EQ(shown("/* A: 1 /* B: 2 */ */ -- C: 3"), "a=1 /* B: 2 */|c=3")
		<< "nested comments are text of the outer one";
}

TEST(HeadersTest, copes_with_unterminated_blocks)
{
	EXPECT_EQ(shown("/* A: 1"), "a=1");
	EXPECT_EQ(shown("/*"), "");
	EXPECT_EQ(shown("/*/"), "");
	EXPECT_EQ(shown("/**"), "");
	EXPECT_EQ(shown("/* A: x /* y */"), "a=x /* y");
}

TEST(HeadersTest, stops_at_the_first_token)
{
	EXPECT_EQ(shown("-- A: 1\nselect 1;\n-- B: 2"), "a=1");
	EXPECT_EQ(shown("-- A: 1\n;-- B: 2"), "a=1");
	EXPECT_EQ(shown("begin; -- A: 1"), "");
	EXPECT_EQ(shown("\\set x 1\n-- A: 1"), "");
	EXPECT_EQ(shown("- A: 1"), "");
}

TEST(HeadersTest, skips_blank_lines_and_decoration)
{
	EXPECT_EQ(shown("\n\n-- =====\n-- A: 1\n-- -----\n\n--\n-- B: 2\n-- *****:\n"), "a=1|b=2");
	EXPECT_EQ(shown("-------- A: 1"), "") << "dashes in front are decoration, not a key";
}

TEST(HeadersTest, skips_a_byte_order_mark)
{
	EXPECT_EQ(shown("\xEF\xBB\xBF-- A: 1"), "a=1");
}

TEST(HeadersTest, takes_any_line_end)
{
	EXPECT_EQ(shown("-- A: 1\r\n-- B: 2\r\n"), "a=1|b=2");
	EXPECT_EQ(shown("-- A: 1\r-- B: 2\r"), "a=1|b=2");
}

TEST(HeadersTest, does_not_take_prose_for_keys)
{
	EXPECT_EQ(shown("-- see https://example.org/x"), "");
	EXPECT_EQ(shown("-- +goose Up"), "");
	EXPECT_EQ(shown("-- migrate:up"), "");
	EXPECT_EQ(shown("-- at 10:30 it fails"), "");
	EXPECT_EQ(shown("-- 1st: no letter first"), "");
	EXPECT_EQ(shown("-- (note): x"), "");
	EXPECT_EQ(shown("-- a::text"), "");
	EXPECT_EQ(shown("-- a, b: c"), "");
	EXPECT_EQ(shown("-- : x"), "");
}

TEST(HeadersTest, limits_the_length_of_keys)
{
	EXPECT_EQ(shown("-- " + std::string(40, 'k') + ": v"), std::string(40, 'k') + "=v");
	EXPECT_EQ(shown("-- " + std::string(41, 'k') + ": v"), "");
}

TEST(HeadersTest, keeps_colons_in_values)
{
	EXPECT_EQ(shown("-- Ticket: https://example.org/1: two"), "ticket=https://example.org/1: two");
	EXPECT_EQ(shown("-- A: B: c"), "a=B: c");
}

TEST(HeadersTest, continues_values)
{
	EXPECT_EQ(shown("-- Description: one\n--   two\n--     three\n-- Author: x"), "description=one two three|author=x");
	EXPECT_EQ(shown("-- Description:\n--   one\n--   two"), "description=one two");
	EXPECT_EQ(shown("-- Description: one\n-- not deeper"), "description=one");
	EXPECT_EQ(shown("-- Description: one\n--  one blank is not enough"), "description=one");
	EXPECT_EQ(shown("-- Description: one\n--\ttab is"), "description=one tab is");
	EXPECT_EQ(shown("-- Description: one\n--   Note: a key of its own"), "description=one|note=a key of its own");
	EXPECT_EQ(shown("/*\n * Description: one\n *   two\n */"), "description=one two");
	EXPECT_EQ(shown("/* Description: one\n   two */"), "description=one two");
}

TEST(HeadersTest, does_not_continue_across_a_gap)
{
	EXPECT_EQ(shown("-- A: 1\n\n--   x"), "a=1");
	EXPECT_EQ(shown("-- A: 1\r\n\r\n--   x"), "a=1");
	EXPECT_EQ(shown("-- A: 1\n--\n--   x"), "a=1");
	EXPECT_EQ(shown("-- A: 1\n-- ====\n--   x"), "a=1");
	EXPECT_EQ(shown("-- A: 1\n/*   x */"), "a=1");
	EXPECT_EQ(shown("/* A: 1 */\n--   x"), "a=1");
	EXPECT_EQ(shown("--   x\n-- A: 1"), "a=1");
}

TEST(HeadersTest, joins_a_key_met_again)
{
	EXPECT_EQ(shown("-- Requires: a\n-- Author: x\n-- requires: b\n--   c\n-- REQUIRES:\n--   d"),
			  "requires=a\nb c\nd|author=x");
	EXPECT_EQ(shown("-- A:\n-- A: 1\n-- A:"), "a=1");
	EXPECT_EQ(shown("-- Depends On: a\n-- depends-on: b"), "depends_on=a\nb");
}

TEST(HeadersTest, keeps_text_of_other_languages)
{
	EXPECT_EQ(shown("-- Author: Žofie 😀\n-- Автор: x\n-- A: 1\n--   продолжение"), "author=Žofie 😀|a=1 продолжение");
}

TEST(HeadersTest, finds_a_value_in_any_spelling)
{
	const auto headers = parse_headers("-- Depends On: a");

	EXPECT_EQ(header_value(headers, "depends-on"), "a");
	EXPECT_EQ(header_value(headers, "DEPENDS_ON"), "a");
	EXPECT_FALSE(header_value(headers, "author"));
	EXPECT_FALSE(header_value({}, ""));
}

TEST(HeadersTest, is_linear_in_the_number_of_keys_and_lines)
{
	std::string keys;
	std::string same;
	std::string block = "/*";

	for (int i = 0; i < 200000; i++)
	{
		keys += "-- key " + std::to_string(i) + ": a value of some length\n";
		same += "-- key: a value of some length\n--   and its continuation\n";
		block += " * k" + std::to_string(i) + ": v\n";
	}
	EXPECT_EQ(parse_headers(keys).size(), 200000U);
	EXPECT_EQ(parse_headers(same).size(), 1U);
	EXPECT_EQ(parse_headers(block).size(), 200000U);
}
