// JSON that every reader takes.
#include "core/json.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

using namespace mg;
using namespace std::string_literals;

TEST(JsonTest, quotes)
{
	EXPECT_EQ(json_quote(""), "\"\"");
	EXPECT_EQ(json_quote("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
	EXPECT_EQ(json_quote("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
	EXPECT_EQ(json_quote("\x01\x1F\x7F"), "\"\\u0001\\u001f\x7F\"");
	EXPECT_EQ(json_quote("\0"s), "\"\\u0000\"");
	EXPECT_EQ(json_quote("é😀\xFF"), "\"é😀\xFF\"");
}

TEST(JsonTest, builds_objects)
{
	JsonObject object;

	EXPECT_EQ(object.str(), "{}");
	object.text("a", "b").number("n", -1).boolean("t", true).boolean("f", false).null("z").json("o", "{\"x\":[]}");
	EXPECT_EQ(object.str(), R"({"a":"b","n":-1,"t":true,"f":false,"z":null,"o":{"x":[]}})");
}

TEST(JsonTest, builds_arrays)
{
	JsonArray array;

	EXPECT_EQ(array.str(), "[]");
	array.text("").number(1).boolean(true).null().real(0.5).json(JsonObject().text("k", "v").str());
	EXPECT_EQ(array.str(), R"(["",1,true,null,0.5,{"k":"v"}])");
}

TEST(JsonTest, escapes_keys)
{
	EXPECT_EQ(JsonObject().text("a\"\n", "x").str(), "{\"a\\\"\\n\":\"x\"}");
	EXPECT_EQ(JsonObject().number("\\", 0).str(), "{\"\\\\\":0}");
}

TEST(JsonTest, writes_numbers_at_their_limits)
{
	EXPECT_EQ(JsonArray().number(std::numeric_limits<long long>::min()).str(), "[-9223372036854775808]");
	EXPECT_EQ(JsonArray().real(0.1).real(-0.0).real(1e300).real(100).str(), "[0.1,-0,1e+300,100]");
	EXPECT_EQ(JsonArray().real(NAN).real(INFINITY).real(-INFINITY).str(), "[null,null,null]");
	EXPECT_EQ(JsonObject().real("r", NAN).str(), "{\"r\":null}");
}

TEST(JsonTest, separates_after_an_empty_member)
{
	EXPECT_EQ(JsonArray().text("").text("").str(), R"(["",""])");
	EXPECT_EQ(JsonObject().text("", "").text("", "").str(), R"({"":"","":""})");
}

TEST(JsonTest, quotes_ten_megabytes_of_control_characters)
{
	EXPECT_EQ(json_quote(std::string(10000000, '\x02')).size(), 60000002U);
}
