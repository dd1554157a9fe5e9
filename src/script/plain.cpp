// Takes a word out of a statement by its tokens.
#include "script/plain.hpp"

#include <boost/algorithm/string/predicate.hpp>

#include "pg/memory.hpp"
#include "script/tokens.hpp"

namespace mg::script {

namespace {

bool
has_plain_form_raw(const char *sql)
{
	List *trees = raw_parser(sql, RAW_PARSE_DEFAULT);

	if (list_length(trees) != 1)
		return false;
	Node *tree = linitial_node(RawStmt, trees)->stmt;
	switch (nodeTag(tree))
	{
		case T_IndexStmt:
		case T_DropStmt:
		case T_AlterTableStmt:
			return true;
		case T_ReindexStmt:
			return castNode(ReindexStmt, tree)->kind == REINDEX_OBJECT_INDEX ||
				   castNode(ReindexStmt, tree)->kind == REINDEX_OBJECT_TABLE;
		default:
			return false;
	}
}

bool
is_concurrently(const std::string &sql, const std::vector<Token> &tokens, std::size_t i)
{
	return boost::algorithm::iequals(sql.substr(tokens[i].start, tokens[i].end - tokens[i].start), "concurrently") &&
		   tokens[i - 1].kind != '.';
}

// Turns the option off in REINDEX (CONCURRENTLY, VERBOSE): its value is there or not.
void
turn_off(std::string &sql, const Token &option, const Token &next)
{
	if (next.kind == ',' || next.kind == ')')
		sql.insert(option.end, " off");
	else
		sql.replace(next.start, next.end - next.start, "off");
}

} // namespace

std::optional<std::string>
plain_form(const std::string &sql)
{
	pg::MemoryScope memory("migration_governance plain form");
	const bool has_form = pg::guarded([&] {
		MemoryContext outer = MemoryContextSwitchTo(memory.get());
		error_context_stack = nullptr;
		const bool found = has_plain_form_raw(sql.c_str());
		MemoryContextSwitchTo(outer);
		return found;
	});
	if (!has_form)
		return std::nullopt;

	const std::vector<Token> tokens = tokens_of(sql);
	const bool has_options = tokens.size() > 2 && tokens[0].word == "reindex" && tokens[1].kind == '(';
	std::string result = sql;
	for (std::size_t i = 1; i + 1 < tokens.size() && has_options && tokens[i].kind != ')'; i++)
		if (is_concurrently(sql, tokens, i))
		{
			turn_off(result, tokens[i], tokens[i + 1]);
			return result;
		}
	for (std::size_t i = 1; i < tokens.size(); i++)
		if (is_concurrently(sql, tokens, i))
			return result.erase(tokens[i].start, tokens[i].end - tokens[i].start);
	return std::nullopt;
}

} // namespace mg::script
