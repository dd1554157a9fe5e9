// What an error carries, and that it survives being thrown.
#include "core/error.hpp"

#include <gtest/gtest.h>

using mg::UserError;

TEST(UserErrorTest, keeps_what_it_is_given)
{
	UserError error("22023", "invalid migration name");

	error.detail("A detail.").hint("A hint.").context("a context");
	EXPECT_EQ(error.sqlstate(), "22023");
	EXPECT_EQ(error.message(), "invalid migration name");
	EXPECT_STREQ(error.what(), "invalid migration name");
	EXPECT_EQ(error.detail(), "A detail.");
	EXPECT_EQ(error.hint(), "A hint.");
	EXPECT_EQ(error.context(), "a context");
}

TEST(UserErrorTest, survives_a_throw_with_fluent_setters)
{
	try
	{
		throw UserError("MG001", "refused").detail("Why.").hint("What now.").context("where");
	}
	catch (const std::exception &caught)
	{
		const auto *error = dynamic_cast<const UserError *>(&caught);

		ASSERT_NE(error, nullptr);
		EXPECT_STREQ(caught.what(), "refused");
		EXPECT_EQ(error->detail(), "Why.");
		EXPECT_EQ(error->hint(), "What now.");
		EXPECT_EQ(error->context(), "where");
	}
}

TEST(UserErrorTest, leaves_the_rest_empty)
{
	const UserError error("22023", "bad");

	EXPECT_TRUE(error.detail().empty());
	EXPECT_TRUE(error.hint().empty());
	EXPECT_TRUE(error.context().empty());
}

TEST(UserErrorTest, turns_a_malformed_sqlstate_into_an_internal_error)
{
	EXPECT_EQ(UserError("", "x").sqlstate(), "XX000");
	EXPECT_EQ(UserError("220", "x").sqlstate(), "XX000");
	EXPECT_EQ(UserError("220233", "x").sqlstate(), "XX000");
}
