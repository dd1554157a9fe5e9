// Writes names and clauses as people would.
#include "lint/words.hpp"

#include <algorithm>

#include "pg/text.hpp"
#include "script/tokens.hpp"

namespace mg::lint {

namespace {

std::string
action_clause(const char *event, char what)
{
	switch (what)
	{
		case FKCONSTR_ACTION_RESTRICT:
			return std::string(" ON ") + event + " RESTRICT";
		case FKCONSTR_ACTION_CASCADE:
			return std::string(" ON ") + event + " CASCADE";
		case FKCONSTR_ACTION_SETNULL:
			return std::string(" ON ") + event + " SET NULL";
		case FKCONSTR_ACTION_SETDEFAULT:
			return std::string(" ON ") + event + " SET DEFAULT";
		default:
			return "";
	}
}

} // namespace

std::string
text_of(const char *text)
{
	return text != nullptr ? text : "";
}

std::string
quoted(const std::string &name)
{
	return pg::guarded([&] { return quote_identifier(name.c_str()); });
}

std::string
literal(const std::string &value)
{
	return pg::quoted_literal(value);
}

std::string
quoted_list(const std::vector<std::string> &names)
{
	std::string result;

	for (const std::string &name : names)
		result += (result.empty() ? "" : ", ") + quoted(name);
	return result;
}

std::vector<std::string>
names_in(const List *list)
{
	std::vector<std::string> result;
	ListCell *cell;

	foreach (cell, list)
		result.emplace_back(strVal(lfirst(cell)));
	return result;
}

std::string
foreign_key_of(const Constraint *definition, const Action &action)
{
	std::string target = action.other != nullptr ? action.other->title() : quoted(definition->pktable->relname);
	std::vector<std::string> columns =
		action.is_new_column ? std::vector<std::string>{action.column->name} : names_in(definition->fk_attrs);
	std::string result = "FOREIGN KEY (" + quoted_list(columns) + ") REFERENCES " + target;

	if (definition->pk_attrs != NIL)
		result += " (" + quoted_list(names_in(definition->pk_attrs)) + ")";
	if (definition->fk_matchtype == FKCONSTR_MATCH_FULL)
		result += " MATCH FULL";
	result += action_clause("UPDATE", definition->fk_upd_action) + action_clause("DELETE", definition->fk_del_action);
	if (definition->deferrable)
		result += definition->initdeferred ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE";
	return result;
}

std::string
piece_of(const std::string &statement, size_t offset)
{
	int depth = 0;
	size_t end = offset;

	for (const script::Token &token : script::tokens_of(statement))
	{
		if (token.start < offset)
			continue;
		if (token.kind == '(' || token.kind == '[')
			depth++;
		else if (token.kind == ')' || token.kind == ']')
			depth--;
		if (depth < 0 || (depth == 0 && (token.kind == ',' || token.kind == ';')))
			break;
		end = token.end;
	}
	return statement.substr(std::min(offset, statement.size()), end - std::min(offset, end));
}

std::string
with_words(const std::string &statement, const std::string &keyword, const std::string &words)
{
	std::string result = statement;

	for (const script::Token &token : script::tokens_of(statement))
		if (token.word == keyword)
		{
			result.insert(token.end, " " + words);
			break;
		}
	return result;
}

Step
step(const std::string &sql)
{
	return {sql + ";", false};
}

Step
outside_step(const std::string &sql)
{
	return {sql + ";", true};
}

std::string
sized(const Table &table)
{
	return table.title() + " (" + pg::size_text(table.bytes) + ")";
}

} // namespace mg::lint
