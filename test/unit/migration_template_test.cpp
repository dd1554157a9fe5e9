// New scripts say what they are and contain no statement, whatever the values are.
#include "core/migration_template.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/headers.hpp"
#include "core/naming.hpp"
#include "core/text.hpp"

using namespace mg;

namespace {

// Makes a request with ordinary values.
TemplateRequest
ordinary(const std::string &kind)
{
	return {"036_add_x", kind, "Add x", "Jo Doe", "T-1", "2025-01-31"};
}

} // namespace

TEST(TemplateTest, writes_both_scripts_for_every_kind)
{
	for (const std::string_view kind : migration_kinds)
	{
		const MigrationTemplate scripts = write_template(ordinary(std::string(kind)));

		EXPECT_NE(scripts.up, scripts.down);
		for (const std::string &script : {scripts.up, scripts.down})
		{
			const auto headers = parse_headers(script);

			ASSERT_EQ(headers.size(), 5U) << script;
			EXPECT_EQ(header_value(headers, "migration"), "036_add_x");
			EXPECT_EQ(header_value(headers, "author"), "Jo Doe");
			EXPECT_EQ(header_value(headers, "ticket"), "T-1");
			EXPECT_EQ(header_value(headers, "description"), "Add x");
			EXPECT_EQ(header_value(headers, "date"), "2025-01-31");
			EXPECT_EQ(trim_statement(script), "");
			EXPECT_EQ(script.back(), '\n');
			EXPECT_NE(script.find("neither BEGIN nor COMMIT"), std::string::npos);
		}
	}
}

TEST(TemplateTest, keeps_values_inside_their_comment)
{
	TemplateRequest request = ordinary("fix");

	request.description = "one\ndrop table users;\r\n-- Approved: yes";
	request.author = "x\rselect 1;";
	request.ticket = "*/ select 1; /*";
	request.name = "\n";

	const MigrationTemplate scripts = write_template(request);
	const auto headers = parse_headers(scripts.up);

	EXPECT_EQ(trim_statement(scripts.up), "");
	EXPECT_EQ(trim_statement(scripts.down), "");
	EXPECT_EQ(headers.size(), 5U);
	EXPECT_EQ(header_value(headers, "description"), "one drop table users; -- Approved: yes");
	EXPECT_EQ(header_value(headers, "migration"), "");
}

TEST(TemplateTest, leaves_empty_values_empty)
{
	const MigrationTemplate scripts = write_template({"", "drop", "", "", "", ""});
	const auto headers = parse_headers(scripts.up);

	ASSERT_EQ(headers.size(), 5U);
	for (const Header &header : headers)
		EXPECT_EQ(header.value, "") << header.key;
	EXPECT_EQ(scripts.up.find(": \n"), std::string::npos) << "no blank at a line's end";
}

TEST(TemplateTest, refuses_another_kind)
{
	for (const char *kind : {"", "Create", "add"})
		EXPECT_THROW(write_template(ordinary(kind)), UserError) << kind;
}
