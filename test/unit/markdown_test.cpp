// Markdown that nothing in it can break.
#include "core/markdown.hpp"

#include <gtest/gtest.h>

using namespace mg;

TEST(MarkdownTest, text_stands_for_itself)
{
	EXPECT_EQ(markdown_text("plain words, (and) more: 1.5"), "plain words, (and) more: 1.5");
	EXPECT_EQ(markdown_text("a_b *c* `d` <e> [f](g) #h !i ~j & \\k $l"),
			  "a\\_b \\*c\\* \\`d\\` \\<e\\> \\[f\\](g) \\#h \\!i \\~j \\& \\\\k \\$l");
	EXPECT_EQ(markdown_text("  two\r\nlines\n"), "two  lines");
	EXPECT_EQ(markdown_text(""), "");
}

TEST(MarkdownTest, text_begins_no_list)
{
	EXPECT_EQ(markdown_text("- a"), "\\- a");
	EXPECT_EQ(markdown_text("+ a"), "\\+ a");
	EXPECT_EQ(markdown_text("=== a"), "\\=== a");
	EXPECT_EQ(markdown_text("12. a"), "12\\. a");
	EXPECT_EQ(markdown_text("12) a"), "12\\) a");
	EXPECT_EQ(markdown_text(". a"), "\\. a");
	EXPECT_EQ(markdown_text("0.4 ms"), "0.4 ms");
	EXPECT_EQ(markdown_text("4."), "4\\.");
	EXPECT_EQ(markdown_text("a 1. b - c"), "a 1. b - c");
}

TEST(MarkdownTest, code_takes_backticks)
{
	EXPECT_EQ(markdown_code("a"), "`a`");
	EXPECT_EQ(markdown_code("a`b"), "``a`b``");
	EXPECT_EQ(markdown_code("`a``"), "``` `a`` ```");
	EXPECT_EQ(markdown_code("a\nb"), "`a b`");
	EXPECT_EQ(markdown_code(""), "");
}

TEST(MarkdownTest, blocks_of_code_take_fences)
{
	EXPECT_EQ(Markdown().code("sql", "select 1").str(), "```sql\nselect 1\n```\n");
	EXPECT_EQ(Markdown().code("", "```\n````x\n").str(), "`````\n```\n````x\n`````\n");
	EXPECT_EQ(Markdown().code("", "").str(), "```\n\n```\n");
}

TEST(MarkdownTest, tables_take_pipes)
{
	EXPECT_EQ(Markdown().table({"a", "b"}, {{"1|2", "`x|y`"}, {"3"}}).str(),
			  "| a | b |\n| --- | --- |\n| 1\\|2 | `x\\|y` |\n| 3 |  |\n");
}

TEST(MarkdownTest, blocks_stand_apart)
{
	Markdown document;

	document.anchor("m-1").heading(2, "a").paragraph("b").bullets({"c", "d"});
	EXPECT_EQ(document.str(), "<a id=\"m-1\"></a>\n\n## a\n\nb\n\n- c\n- d\n");
}
