// Names that fit, names that nearly fit, and the names made next.
#include "core/naming.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

using namespace mg;
using namespace std::string_literals;

namespace {

constexpr std::string_view now = "20250131093000";

// Gives a convention that the test knows to exist.
const Convention &
named(std::string_view name)
{
	const Convention *convention = find_convention(name);

	EXPECT_NE(convention, nullptr) << name;
	return convention == nullptr ? conventions[0] : *convention;
}

// Says whether a name fits a convention.
bool
fits(std::string_view convention, std::string_view name)
{
	return !check_name(named(convention), name);
}

// Gives the reason against a name.
std::string
reason(std::string_view convention, std::string_view name)
{
	return check_name(named(convention), name).value_or("fits");
}

} // namespace

TEST(ConventionTest, is_found_by_exact_name)
{
	for (const Convention &convention : conventions)
		EXPECT_EQ(find_convention(convention.name), &convention);
	for (const char *name : {"", "Sequence", "sequence ", "flyway"})
		EXPECT_EQ(find_convention(name), nullptr) << name;
	EXPECT_EQ(convention_names(), "free, sequence, timestamp, typed_timestamp, date_sequence");
}

TEST(ConventionTest, has_an_example_that_fits)
{
	for (const Convention &convention : conventions)
		EXPECT_FALSE(check_name(convention, convention.example)) << convention.name;
}

TEST(NameTest, every_convention_refuses_the_impossible)
{
	for (const Convention &convention : conventions)
	{
		const std::string good(convention.example);

		for (const std::string &bad :
			 {""s, " "s, " " + good, good + " ", good + "\n", "\t" + good, good + "\0"s, good + "\x7F", good + ".sql",
			  good + ".SQL", ".sql"s, good + std::string(200, 'x')})
			EXPECT_TRUE(check_name(convention, bad)) << convention.name << ": " << bad;
	}
}

TEST(NameTest, free_takes_everything_else)
{
	for (const std::string &name : {"a"s, "Add user preferences"s, "žluťoučký 😀"s, "V1__init"s, "a.sql.b"s, "sql"s,
									"name; drop table x"s, "\x80\xFF"s, std::string(200, 'x')})
		EXPECT_TRUE(fits("free", name)) << name;
	EXPECT_FALSE(fits("free", std::string(201, 'x')));
}

TEST(NameTest, says_why)
{
	EXPECT_EQ(reason("free", ""), "The name is empty.");
	EXPECT_NE(reason("free", "a.sql").find("suffix"), std::string::npos);
	EXPECT_NE(reason("sequence", "36_x").find("three digits"), std::string::npos);
	EXPECT_NE(reason("sequence", "036-x").find("underscore"), std::string::npos);
	EXPECT_NE(reason("timestamp", "20250230120000_x").find("valid"), std::string::npos);
	EXPECT_NE(reason("typed_timestamp", "20250131120000_add_x").find("create, alter, drop, seed, fix"),
			  std::string::npos);
	for (const Convention &convention : conventions)
		EXPECT_EQ(check_name(convention, "").value().back(), '.');
}

TEST(NameTest, sequence)
{
	for (const char *name :
		 {"036_add_user_preferences", "001_a", "000_a", "1000_a", "123456789012345678_a", "001_2fa", "001__a"})
		EXPECT_TRUE(fits("sequence", name)) << name << ": " << reason("sequence", name);
	for (const char *name : {"36_a", "036", "036_", "036_Add", "036-add", "036add", "_036_a", "036_a b", "036_a-b",
							 "036_é", "a_036", "1234567890123456789_a", "036__", "+36_a", "0x36_a"})
		EXPECT_FALSE(fits("sequence", name)) << name;
}

TEST(NameTest, timestamp)
{
	for (const char *name : {"20250101120000_init", "20240229235959_x", "20250131093000_Add-User_2", "00010101000000_x",
							 "20000229000000_x", "20240101000000_remote_schema"})
		EXPECT_TRUE(fits("timestamp", name)) << name << ": " << reason("timestamp", name);
	for (const char *name :
		 {"20250101120000",   "20250101120000_",    "20250101120000-x", "2025010112000_x",  "202501011200000_x",
		  "20251301120000_x", "20250001120000_x",   "20250132120000_x", "20250100120000_x", "20250431120000_x",
		  "20250229120000_x", "19000229120000_x",   "20250101240000_x", "20250101126000_x", "20250101120060_x",
		  "00000101000000_x", "20250101120000_a b", "20250101120000_é", "20250101120000_-", "20250101T20000_x"})
		EXPECT_FALSE(fits("timestamp", name)) << name;
}

TEST(NameTest, typed_timestamp)
{
	for (const std::string_view kind : migration_kinds)
		EXPECT_TRUE(fits("typed_timestamp", "20250101120000_" + std::string(kind) + "_users_2"));
	for (const char *name :
		 {"20250101120000_create", "20250101120000_create_", "20250101120000__x", "20250101120000_Create_x",
		  "20250101120000_created_x", "20250101120000_add_x", "20250101120000_create-x", "20250101120000_create_X",
		  "20250101120000_create_a-b", "create_x", "20250101120000_create__"})
		EXPECT_FALSE(fits("typed_timestamp", name)) << name;
}

TEST(NameTest, date_sequence)
{
	for (const char *name : {"20250101_001_x", "20240229_1000_add_x", "20250101_000_0"})
		EXPECT_TRUE(fits("date_sequence", name)) << name << ": " << reason("date_sequence", name);
	for (const char *name :
		 {"20250101_01_x", "20250101_001", "20250101_001_", "20250101_x", "20250101-001_x", "20250229_001_x",
		  "2025010_001_x", "20250101_001_X", "20250101", "20250101_", "20250101__001_x", "20250101_001-x"})
		EXPECT_FALSE(fits("date_sequence", name)) << name;
}

TEST(VersionTest, is_the_part_that_orders)
{
	EXPECT_EQ(version_of(named("free"), "036_x"), "");
	EXPECT_EQ(version_of(named("sequence"), "036_add_1"), "036");
	EXPECT_EQ(version_of(named("timestamp"), "20250101120000_x_y"), "20250101120000");
	EXPECT_EQ(version_of(named("typed_timestamp"), "20250101120000_create_x"), "20250101120000");
	EXPECT_EQ(version_of(named("date_sequence"), "20250101_001_x_y"), "20250101_001");
	EXPECT_EQ(version_of(named("sequence"), "x"), "") << "a name that does not fit has none";
	EXPECT_EQ(version_of(named("date_sequence"), ""), "");
}

TEST(VersionTest, compares_by_number)
{
	EXPECT_LT(compare_versions("999", "1000"), 0);
	EXPECT_GT(compare_versions("1000", "999"), 0);
	EXPECT_EQ(compare_versions("036", "0036"), 0);
	EXPECT_LT(compare_versions("20250101_999", "20250101_1000"), 0);
	EXPECT_LT(compare_versions("20241231_999", "20250101_001"), 0);
	EXPECT_EQ(compare_versions("", ""), 0);
	EXPECT_LT(compare_versions("", "001"), 0);
	EXPECT_LT(compare_versions("20250101", "20250101_001"), 0);
	EXPECT_EQ(compare_versions("000", "000000"), 0);
	EXPECT_LT(compare_versions("20250101120000", "20250101120001"), 0);
}

TEST(NextNameTest, free_is_the_description)
{
	EXPECT_EQ(next_name(named("free"), "", "Add user preferences!", "", now), "add_user_preferences");
}

TEST(NextNameTest, sequence_counts_on)
{
	const Convention &sequence = named("sequence");

	EXPECT_EQ(next_name(sequence, "", "Add x", "", now), "001_add_x");
	EXPECT_EQ(next_name(sequence, "", "x", "036", now), "037_x");
	EXPECT_EQ(next_name(sequence, "", "x", "0099", now), "0100_x");
	EXPECT_EQ(next_name(sequence, "", "x", "999", now), "1000_x");
	EXPECT_EQ(next_name(sequence, "", "x", "7", now), "008_x");
	EXPECT_EQ(next_name(sequence, "", "x", "no number", now), "001_x");
}

TEST(NextNameTest, timestamp_is_now_or_later_than_the_last)
{
	const Convention &timestamp = named("timestamp");

	EXPECT_EQ(next_name(timestamp, "", "x", "", now), "20250131093000_x");
	EXPECT_EQ(next_name(timestamp, "", "x", "20240101000000", now), "20250131093000_x");
	EXPECT_EQ(next_name(timestamp, "", "x", now, now), "20250131093001_x");
	EXPECT_EQ(next_name(timestamp, "", "x", "20251231235959", now), "20260101000000_x");
	EXPECT_EQ(next_name(timestamp, "", "x", "20280228235959", now), "20280229000000_x");
	EXPECT_EQ(next_name(timestamp, "", "x", "20270228235959", now), "20270301000000_x");
	EXPECT_EQ(next_name(timestamp, "", "x", "garbage", now), "20250131093000_x");
	EXPECT_EQ(next_name(timestamp, "", "x", "99991231235959", now), "20250131093000_x") << "there is no later one";
}

TEST(NextNameTest, typed_timestamp_needs_a_kind)
{
	const Convention &typed = named("typed_timestamp");

	EXPECT_EQ(next_name(typed, "seed", "Countries", "", now), "20250131093000_seed_countries");
	for (const char *kind : {"", "add", "CREATE"})
	{
		try
		{
			next_name(typed, kind, "x", "", now);
			ADD_FAILURE() << kind;
		}
		catch (const UserError &error)
		{
			EXPECT_EQ(error.sqlstate(), "22023");
			EXPECT_FALSE(error.hint().empty());
		}
	}
}

TEST(NextNameTest, date_sequence_starts_anew_each_day)
{
	const Convention &dated = named("date_sequence");

	EXPECT_EQ(next_name(dated, "", "x", "", now), "20250131_001_x");
	EXPECT_EQ(next_name(dated, "", "x", "20250130_007", now), "20250131_001_x");
	EXPECT_EQ(next_name(dated, "", "x", "20250131_007", now), "20250131_008_x");
	EXPECT_EQ(next_name(dated, "", "x", "20250131_999", now), "20250131_1000_x");
	EXPECT_EQ(next_name(dated, "", "x", "20260101_001", now), "20260101_002_x") << "never before the last one";
	EXPECT_EQ(next_name(dated, "", "x", "20250131", now), "20250131_001_x");
	EXPECT_EQ(next_name(dated, "", "x", "20250131_", now), "20250131_001_x");
}

TEST(NextNameTest, refuses_a_time_that_is_none)
{
	for (const char *time : {"", "2025", "20251301000000", "now"})
		EXPECT_THROW(next_name(named("free"), "", "x", "", time), UserError) << time;
}

TEST(NextNameTest, always_fits_and_comes_after_the_last)
{
	const std::string descriptions[] = {"",
										"!!!",
										"  ",
										"žluťoučký",
										"UPPER Case",
										"a\nb\0c"s,
										"_x_",
										std::string(10000, 'y'),
										"drop table x; --",
										"2fa",
										std::string(1000, '-') + "z",
										"my.sql"};

	for (const Convention &convention : conventions)
	{
		std::string last;

		for (const std::string &description : descriptions)
		{
			const std::string name = next_name(convention, "fix", description, last, now);
			const std::string version = version_of(convention, name);

			EXPECT_FALSE(check_name(convention, name)) << name << ": " << check_name(convention, name).value_or("");
			if (convention.shape != NameShape::free)
				EXPECT_GT(compare_versions(version, last), 0) << last << " then " << name;
			last = version;
		}
	}
}

TEST(GapTest, counts_numbers_left_out)
{
	const Convention &sequence = named("sequence");

	EXPECT_EQ(gap_after(sequence, "036", "037"), 0U);
	EXPECT_EQ(gap_after(sequence, "036", "040"), 3U);
	EXPECT_EQ(gap_after(sequence, "999", "1001"), 1U);
	EXPECT_EQ(gap_after(sequence, "036", "036"), 0U);
	EXPECT_EQ(gap_after(sequence, "036", "001"), 0U);
	EXPECT_EQ(gap_after(sequence, "", "005"), 0U);
	EXPECT_EQ(gap_after(sequence, "x", "005"), 0U);
	EXPECT_EQ(gap_after(sequence, "000", "999999999999999999"), 999999999999999998U);
	EXPECT_EQ(gap_after(named("timestamp"), "20250101120000", "20260101120000"), 0U);
	EXPECT_EQ(gap_after(named("date_sequence"), "20250101_001", "20250101_005"), 0U);
}

TEST(SortKey, OrdersVersionsWhateverTheirWidth)
{
	EXPECT_LT(mg::sort_key_of("999"), mg::sort_key_of("1000"));
	EXPECT_LT(mg::sort_key_of("20250131_002"), mg::sort_key_of("20250131_010"));
	EXPECT_LT(mg::sort_key_of("20250131_999"), mg::sort_key_of("20250201_001"));
	EXPECT_EQ(mg::sort_key_of("007"), mg::sort_key_of("0007"));
	EXPECT_EQ(mg::sort_key_of(""), "");
	EXPECT_NE(mg::sort_key_of("1_2"), mg::sort_key_of("12"));
}
