// Pictures of objects and how two of them differ.
#include "core/picture.hpp"

#include <gtest/gtest.h>

namespace {

mg::Picture
table()
{
	mg::Picture picture{"table", "public.t", {}};

	picture.part("", "").set("owner", "me");
	mg::Part &id = picture.part("columns", "id");
	id.set("type", "bigint");
	id.set("not null", "yes");
	picture.part("constraints", "t_pkey").set("definition", "PRIMARY KEY (id)");
	picture.part("indexes", "public.t_i").set("columns", "id");
	picture.sort();
	return picture;
}

std::string
line_of(const mg::Deviation &d)
{
	return d.kind + "|" + d.type + "|" + d.identity + "|" + d.property + "|" + d.expected.value_or("-") + "|" +
		   d.actual.value_or("-");
}

std::vector<std::string>
lines(const mg::Picture *expected, const mg::Picture *actual)
{
	std::vector<std::string> result;

	for (const mg::Deviation &d : mg::deviations(expected, actual))
		result.push_back(line_of(d));
	return result;
}

using Lines = std::vector<std::string>;

} // namespace

TEST(Picture, the_same_has_no_differences)
{
	mg::Picture a = table();
	mg::Picture b = table();
	EXPECT_EQ(lines(&a, &b), Lines());
	EXPECT_EQ(lines(nullptr, nullptr), Lines());
}

TEST(Picture, order_of_parts_and_properties_does_not_matter)
{
	mg::Picture a = table();
	mg::Picture b{"table", "public.t", {}};
	b.part("indexes", "public.t_i").set("columns", "id");
	b.part("columns", "id").set("not null", "yes");
	b.part("constraints", "t_pkey").set("definition", "PRIMARY KEY (id)");
	b.part("columns", "id").set("type", "bigint");
	b.part("", "").set("owner", "me");
	b.sort();
	EXPECT_EQ(lines(&a, &b), Lines());
}

TEST(Picture, of_two_properties_of_one_name_the_first_counts)
{
	mg::Picture picture{"table", "public.t", {}};
	picture.part("", "").set("owner", "me");
	picture.part("", "").set("owner", "you");
	picture.sort();
	ASSERT_EQ(picture.parts.front().properties.size(), 1U);
	EXPECT_EQ(picture.parts.front().properties.front().second, "me");
}

TEST(Picture, a_whole_object_is_one_difference)
{
	mg::Picture a = table();
	EXPECT_EQ(lines(&a, nullptr), Lines({"missing|table|public.t||-|-"}));
	EXPECT_EQ(lines(nullptr, &a), Lines({"unexpected|table|public.t||-|-"}));
}

TEST(Picture, a_whole_part_is_one_difference)
{
	mg::Picture a = table();
	mg::Picture b = table();
	b.part("columns", "note").set("type", "text");
	b.part("columns", "note").set("position", "2");
	b.sort();
	EXPECT_EQ(lines(&a, &b), Lines({"unexpected|table column|public.t.note||-|-"}));
	EXPECT_EQ(lines(&b, &a), Lines({"missing|table column|public.t.note||-|-"}));
}

TEST(Picture, properties_differ_one_by_one)
{
	mg::Picture a = table();
	mg::Picture b{"table", "public.t", {}};
	b.part("", "").set("comment", "new");
	b.part("", "").set("owner", "me");
	b.part("columns", "id").set("type", "integer");
	b.part("constraints", "t_pkey").set("definition", "PRIMARY KEY (id)");
	b.part("indexes", "public.t_i").set("columns", "id");
	b.sort();
	EXPECT_EQ(lines(&a, &b), Lines({"changed|table|public.t|comment|-|new", "changed|table column|public.t.id|not null|yes|-",
									"changed|table column|public.t.id|type|bigint|integer"}));
}

TEST(Picture, a_renamed_object_is_the_same_object)
{
	mg::Picture a = table();
	mg::Picture b = table();
	b.identity = "public.u";
	EXPECT_EQ(lines(&a, &b), Lines({"changed|table|public.t|name|public.t|public.u"}));
}

TEST(Picture, parts_are_called_as_the_server_calls_them)
{
	mg::Picture t = table();
	mg::Picture d{"domain", "public.d", {}};
	auto title = [](const mg::Picture &picture, const char *section, const char *key) {
		auto [type, identity] = mg::title_of(picture, {section, key, {}});
		return type + " " + identity;
	};
	EXPECT_EQ(title(t, "", ""), "table public.t");
	EXPECT_EQ(title(t, "columns", "\"Id\""), "table column public.t.\"Id\"");
	EXPECT_EQ(title(t, "constraints", "c"), "table constraint c on public.t");
	EXPECT_EQ(title(d, "constraints", "c"), "domain constraint c on public.d");
	EXPECT_EQ(title(t, "indexes", "public.i"), "index public.i");
	EXPECT_EQ(title(t, "triggers", "x"), "trigger x on public.t");
	EXPECT_EQ(title(t, "rules", "x"), "rule x on public.t");
	EXPECT_EQ(title(t, "policies", "x"), "policy x on public.t");
}

namespace {

mg::Picture
columns(const std::vector<std::string> &names)
{
	mg::Picture picture{"table", "public.t", {}};

	for (size_t i = 0; i < names.size(); i++)
		picture.part("columns", names[i]).set("position", std::to_string(i + 1));
	picture.sort();
	return picture;
}

Lines
reordered(const std::vector<std::string> &before, const std::vector<std::string> &after)
{
	mg::Picture a = columns(before);
	mg::Picture b = columns(after);
	return lines(&a, &b);
}

} // namespace

TEST(Picture, a_column_that_goes_or_comes_moves_nobody)
{
	EXPECT_EQ(reordered({"a", "b", "c"}, {"a", "c"}), Lines({"missing|table column|public.t.b||-|-"}));
	EXPECT_EQ(reordered({"a", "c"}, {"a", "b", "c"}), Lines({"unexpected|table column|public.t.b||-|-"}));
	EXPECT_EQ(reordered({"a", "b"}, {"c", "a", "b"}), Lines({"unexpected|table column|public.t.c||-|-"}));
}

TEST(Picture, a_column_dropped_and_added_again_has_moved_alone)
{
	EXPECT_EQ(reordered({"a", "b", "c", "d"}, {"a", "c", "d", "b"}), Lines({"changed|table column|public.t.b|position|2|4"}));
	EXPECT_EQ(reordered({"a", "b", "c"}, {"c", "a", "b"}), Lines({"changed|table column|public.t.c|position|3|1"}));
	EXPECT_EQ(reordered({"a", "b", "c", "d"}, {"d", "c", "b", "a"}).size(), 3U);
}
