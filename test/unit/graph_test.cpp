// Cycles and dependants, also in graphs deeper than a stack.
#include "core/graph.hpp"

#include <algorithm>

#include <gtest/gtest.h>

using namespace mg;
using Names = std::vector<std::string>;

TEST(CycleTest, finds_none_in_a_tree_or_a_diamond)
{
	EXPECT_FALSE(find_cycle({}, "a"));
	EXPECT_FALSE(find_cycle({{"a", {"b", "c"}}, {"b", {"d"}}, {"c", {"d"}}}, "a"));
	EXPECT_FALSE(find_cycle({{"a", {"b", "b"}}}, "a")) << "the same requirement twice is no cycle";
	EXPECT_FALSE(find_cycle({{"a", {"unknown"}}}, "a"));
}

TEST(CycleTest, gives_the_chain)
{
	EXPECT_EQ(find_cycle({{"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}}, "a"), (Names{"a", "b", "c", "a"}));
	EXPECT_EQ(find_cycle({{"a", {"a"}}}, "a"), (Names{"a", "a"}));
	EXPECT_EQ(find_cycle({{"a", {"x", "b"}}, {"b", {"a"}}}, "b"), (Names{"b", "a", "b"}));
}

TEST(CycleTest, finds_a_cycle_further_down)
{
	EXPECT_EQ(find_cycle({{"a", {"b"}}, {"b", {"c"}}, {"c", {"b"}}}, "a"), (Names{"b", "c", "b"}));
}

TEST(CycleTest, ignores_a_cycle_out_of_reach)
{
	EXPECT_FALSE(find_cycle({{"a", {"b"}}, {"x", {"y"}}, {"y", {"x"}}}, "a"));
}

TEST(CycleTest, keeps_pointers_right_when_the_start_is_a_temporary)
{
	const Requirements graph{{"start", {"middle"}}, {"middle", {"start"}}};

	EXPECT_EQ(find_cycle(graph, std::string("start")), (Names{"start", "middle", "start"}));
}

TEST(CycleTest, walks_a_chain_of_a_hundred_thousand)
{
	Requirements graph;

	for (int i = 0; i < 100000; i++)
		graph[std::to_string(i)] = {std::to_string(i + 1)};
	EXPECT_FALSE(find_cycle(graph, "0"));
	graph["100000"] = {"0"};
	EXPECT_EQ(find_cycle(graph, "0")->size(), 100002U);
}

TEST(DependantsTest, lists_each_before_what_it_requires)
{
	const Requirements graph{{"b", {"a"}}, {"c", {"b"}}, {"d", {"b", "a"}}, {"e", {"d", "c"}}, {"x", {"y"}}};
	const Names order = transitive_dependants(graph, "a");
	Names sorted = order;

	std::sort(sorted.begin(), sorted.end());
	EXPECT_EQ(sorted, (Names{"b", "c", "d", "e"}));
	for (const std::string &name : order)
		for (const std::string &required : graph.at(name))
			if (required != "a")
				EXPECT_LT(std::find(order.begin(), order.end(), name), std::find(order.begin(), order.end(), required));
}

TEST(DependantsTest, is_empty_for_a_leaf_and_for_a_stranger)
{
	EXPECT_TRUE(transitive_dependants({{"b", {"a"}}}, "b").empty());
	EXPECT_TRUE(transitive_dependants({{"b", {"a"}}}, "z").empty());
	EXPECT_TRUE(transitive_dependants({}, "").empty());
}

TEST(DependantsTest, ends_on_a_cycle_and_leaves_the_start_out)
{
	EXPECT_EQ(transitive_dependants({{"a", {"b"}}, {"b", {"a"}}}, "a"), (Names{"b"}));
	EXPECT_TRUE(transitive_dependants({{"a", {"a"}}}, "a").empty());
}

TEST(DependantsTest, walks_a_chain_of_a_hundred_thousand)
{
	Requirements graph;

	for (int i = 0; i < 100000; i++)
		graph[std::to_string(i)] = {std::to_string(i + 1)};

	const Names order = transitive_dependants(graph, "100000");

	ASSERT_EQ(order.size(), 100000U);
	EXPECT_EQ(order.front(), "0");
	EXPECT_EQ(order.back(), "99999");
}
