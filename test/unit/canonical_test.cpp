// Different records encode differently, equal ones alike.
#include "core/canonical.hpp"

#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

using namespace mg;
using namespace std::string_literals;
using Fields = std::vector<std::pair<std::string, std::optional<std::string>>>;

namespace {

// Encodes a list of fields.
std::string
encoded(const Fields &fields)
{
	CanonicalEncoder encoder;

	for (const auto &[name, value] : fields)
		encoder.field(name, value);
	return encoder.text();
}

} // namespace

TEST(CanonicalTest, writes_name_length_and_bytes)
{
	EXPECT_EQ(encoded({}), "");
	EXPECT_EQ(encoded({{"name", "é"}}), "name=2:é\n");
	EXPECT_EQ(encoded({{"a", ""}, {"b", "x\n"}}), "a=0:\nb=2:x\n\n");
	EXPECT_EQ(encoded({{"a", "\0"s}}), "a=1:\0\n"s);
}

TEST(CanonicalTest, leaves_absent_fields_out)
{
	EXPECT_EQ(encoded({{"a", std::nullopt}, {"b", "1"}}), encoded({{"b", "1"}}));
	EXPECT_NE(encoded({{"a", ""}}), encoded({{"a", std::nullopt}}));
}

TEST(CanonicalTest, tells_similar_records_apart)
{
	const Fields records[] = {{{"a", "b"}, {"c", "d"}},
							  {{"a", "b\nc=1:d"}},
							  {{"a", "bc"}, {"d", ""}},
							  {{"a", "b"}, {"cd", ""}},
							  {{"c", "d"}, {"a", "b"}},
							  {{"a", "1:b"}},
							  {{"a", ""}, {"a", ""}},
							  {{"a", ""}},
							  {{"a", "b\n"}},
							  {{"a", "b"}},
							  {{"a", "b"}, {"a", "b"}},
							  {{"a1", ""}},
							  {{"a", "1"}},
							  {{"a", "\nc=1:d\n"}},
							  {{"a:1", "b"}},
							  {{"a", "=1:b\n"}}};
	std::set<std::string> texts;

	for (const Fields &record : records)
		EXPECT_TRUE(texts.insert(encoded(record)).second) << encoded(record);
}

TEST(CanonicalTest, refuses_names_that_would_be_ambiguous)
{
	for (const char *name : {"", "a=b", "=", "a\nb"})
		EXPECT_THROW(CanonicalEncoder().field(name, "x"), std::invalid_argument) << name;
	EXPECT_THROW(CanonicalEncoder().field("", std::nullopt), std::invalid_argument);
}
