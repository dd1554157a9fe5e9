// Reads directives, and cuts an UPDATE by the parse tree and the scanner.
#include "script/backfill.hpp"

#include <algorithm>

#include <boost/algorithm/string/predicate.hpp>

#include "pg/memory.hpp"
#include "pg/text.hpp"
#include "script/tokens.hpp"

namespace mg::script {

namespace {

// An UPDATE that a text consists of, or what keeps it from running in batches.
struct UpdateRaw
{
	const UpdateStmt *tree; // nullptr: the text is something else
	const char *trouble;
};

bool
has_returning(const UpdateStmt *update)
{
#if PG_VERSION_NUM >= 180000
	return update->returningClause != nullptr;
#else
	return update->returningList != NIL;
#endif
}

const char *
trouble_of(const UpdateStmt *update)
{
	if (update->withClause != nullptr)
		return "WITH";
	if (update->relation->alias != nullptr)
		return "an alias";
	if (!update->relation->inh)
		return "ONLY";
	if (update->fromClause != NIL)
		return "FROM";
	if (has_returning(update))
		return "RETURNING";
	if (update->whereClause != nullptr && IsA(update->whereClause, CurrentOfExpr))
		return "WHERE CURRENT OF";
	return nullptr;
}

UpdateRaw
read_update_raw(const char *sql)
{
	List *trees = raw_parser(sql, RAW_PARSE_DEFAULT);

	if (list_length(trees) != 1 || !IsA(linitial_node(RawStmt, trees)->stmt, UpdateStmt))
		return {nullptr, nullptr};
	auto *update = castNode(UpdateStmt, linitial_node(RawStmt, trees)->stmt);
	return {update, trouble_of(update)};
}

// Calls fn in a memory context and without callbacks, which would take the parser's error for one in a query of theirs.
template <typename Fn>
auto
within(const pg::MemoryScope &memory, Fn &&fn)
{
	return pg::guarded([&] {
		MemoryContext outer = MemoryContextSwitchTo(memory.get());
		error_context_stack = nullptr;
		auto result = fn();
		MemoryContextSwitchTo(outer);
		return result;
	});
}

bool
is_word(const std::string &sql, const Token &token, const char *word)
{
	return boost::algorithm::iequals(sql.substr(token.start, token.end - token.start), word);
}

std::string
piece(const std::string &sql, const Token &first, const Token &last)
{
	return sql.substr(first.start, last.end - first.start);
}

// The number of the first token behind a name: name.name.name
std::size_t
end_of_name(const std::vector<Token> &tokens, std::size_t first)
{
	std::size_t i = first;

	while (i + 2 < tokens.size() && tokens[i + 1].kind == '.' && !tokens[i + 2].word.empty())
		i += 2;
	return i + 1;
}

// The number of the WHERE that belongs to the UPDATE itself; that of the end if there is none.
std::size_t
find_where(const std::string &sql, const std::vector<Token> &tokens, std::size_t from)
{
	int depth = 0;

	for (std::size_t i = from; i < tokens.size(); i++)
	{
		const int kind = tokens[i].kind;
		depth += kind == '(' || kind == '[' ? 1 : (kind == ')' || kind == ']' ? -1 : 0);
		if (depth == 0 && tokens[i - 1].kind != '.' && is_word(sql, tokens[i], "where"))
			return i;
	}
	return tokens.size();
}

// Cuts UPDATE name SET ... WHERE ...; nothing if it is written in another way. UPDATE is the first token.
std::optional<Backfill>
split(const std::string &sql)
{
	const std::vector<Token> tokens = tokens_of(sql);
	Backfill result;

	std::size_t set = end_of_name(tokens, 1);
	const std::size_t last_of_name = set - 1;
	if (set < tokens.size() && tokens[set].kind == '*')
		set++;
	if (set + 1 >= tokens.size() || !is_word(sql, tokens[set], "set"))
		return std::nullopt;
	const std::size_t where = find_where(sql, tokens, set + 1);
	result.table = piece(sql, tokens[1], tokens[last_of_name]);
	result.set_clause = piece(sql, tokens[set + 1], tokens[where - 1]);
	if (where + 1 < tokens.size())
		result.where_clause = piece(sql, tokens[where + 1], tokens.back());
	return result;
}

std::string
line_of(const Script &script, const Directive &directive)
{
	return "It is in the " + script.what() + " script, line " +
		   std::to_string(mg::place_of(script.text(), directive.offset).line);
}

constexpr const char *form = "-- mg:backfill batch_size=5000 pause=100ms, where both are optional.";

[[noreturn]] void
refuse_option(const Script &script, const Directive &directive, const std::string &option)
{
	throw UserError("22023", "the directive mg:backfill does not say " + pg::excerpt(option, 60))
		.detail(line_of(script, directive) + ".")
		.hint(std::string("It is written ") + form);
}

// The milliseconds of an interval below a day.
std::optional<int64_t>
pause_of(const std::string &value)
{
	if (std::none_of(value.begin(), value.end(), [](char c) { return is_letter(c) || c == ':'; }))
		return std::nullopt;
	try
	{
		const int64_t us = pg::guarded([&] {
			Interval *span = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(value.c_str()),
																   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
			return span->month == 0 && span->day == 0 ? static_cast<int64_t>(span->time) : int64_t{-1};
		});
		return us < 0 ? std::nullopt : std::optional<int64_t>(us / 1000);
	}
	catch (const pg::Error &)
	{
		return std::nullopt;
	}
}

bool
is_batch_size(const std::string &value)
{
	return !value.empty() && value.size() <= 7 && value[0] != '0' && std::all_of(value.begin(), value.end(), is_digit);
}

void
read_options(const Script &script, const Directive &directive, Backfill &backfill)
{
	std::string_view rest = directive.words;

	while (!rest.empty())
	{
		const std::string option(rest.substr(0, rest.find_first_of(" \t")));
		const std::size_t equals = option.find('=');
		const std::string key = option.substr(0, equals);
		const std::string value = equals != std::string::npos ? option.substr(equals + 1) : "";

		if (key == "batch_size" && !backfill.batch_size.has_value() && is_batch_size(value))
			backfill.batch_size = std::stoi(value);
		else if (const std::optional<int64_t> pause = key == "pause" ? pause_of(value) : std::nullopt;
				 pause.has_value() && !backfill.pause_ms.has_value())
			backfill.pause_ms = pause;
		else
			refuse_option(script, directive, option);
		rest = trim(rest.substr(option.size()));
	}
}

const Directive *
find_directive(const Script &script, const Statement &statement)
{
	const Directive *found = script.backfill_at(static_cast<std::size_t>(&statement - script.statements().data()));

	if (found == nullptr || found == &script.backfills().back())
		return found;
	if (const Directive *next = found + 1; next->statement == found->statement)
		throw UserError("22023", "two directives mg:backfill at one statement").detail(line_of(script, *next) + ".");
	return found;
}

} // namespace

std::optional<Backfill>
backfill_of(const Script &script, const Statement &statement)
{
	const Directive *directive = find_directive(script, statement);

	if (directive == nullptr)
		return std::nullopt;
	const std::string sql(script.text_of(statement));
	pg::MemoryScope memory("migration_governance backfill");
	const UpdateRaw update = within(memory, [&] { return read_update_raw(sql.c_str()); });
	if (update.tree == nullptr)
		throw UserError("22023", "the directive mg:backfill stands at no UPDATE, but at " + statement.tag)
			.detail(line_of(script, *directive) + ".")
			.hint(std::string("Put it in the line above an UPDATE: ") + form);

	const char *trouble = update.trouble;
	std::optional<Backfill> backfill = trouble == nullptr ? split(sql) : std::nullopt;
	if (!backfill.has_value())
		script.refuse(statement,
					  std::string("an UPDATE with ") + (trouble != nullptr ? trouble : "such a name of its table") +
						  " cannot run in batches",
					  "Name the table only, and put what comes from others into sub-selects of SET and WHERE; or "
					  "leave -- mg:backfill out, and it runs as one statement.");
	read_options(script, *directive, *backfill);
	require_backfill(backfill->table, backfill->set_clause, backfill->where_clause);
	return backfill;
}

void
require_backfills(const Script &script)
{
	for (const Directive &directive : script.backfills())
	{
		if (directive.statement < 0)
			throw UserError("22023", "the directive mg:backfill stands at no UPDATE")
				.detail(line_of(script, directive) + ".")
				.hint(std::string("Put it in the line above an UPDATE: ") + form);
		backfill_of(script, script.statements()[static_cast<std::size_t>(directive.statement)]);
	}
}

namespace {

[[noreturn]] void
refuse_clause(const char *sql_state, const std::string &clause, const std::string &why)
{
	throw UserError(sql_state, clause + " of a backfill cannot stand where it has to")
		.detail(why)
		.hint("The texts are put together as UPDATE table SET clause WHERE (clause).");
}

// Says what the scanner or the parser said, whose place in the text nobody knows.
template <typename Fn>
auto
explained(const std::string &clause, Fn &&fn)
{
	try
	{
		return fn();
	}
	catch (const pg::Error &error)
	{
		if (ERRCODE_TO_CATEGORY(error.data().sqlerrcode) != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION)
			throw;
		refuse_clause("42601", clause, std::string("The server says: ") + error.what() + ".");
	}
}

// Raises for a clause that is empty or whose end is not its own: parentheses, semicolons and comments that reach out of it.
void
require_closed(const std::string &clause, const std::string &source)
{
	const std::vector<Token> tokens = explained(clause, [&] { return tokens_of(source); });
	int depth = 0;

	if (tokens.empty())
		refuse_clause("22023", clause, "It is empty.");
	for (const Token &token : tokens)
	{
		depth += token.kind == '(' || token.kind == '[' ? 1 : (token.kind == ')' || token.kind == ']' ? -1 : 0);
		if (depth < 0)
			break;
		if (token.kind == ';')
			refuse_clause("42601", clause, "It has a semicolon.");
	}
	if (depth != 0)
		refuse_clause("42601", clause, "Its parentheses do not match.");
	if (source.find("--", tokens.back().end) != std::string::npos)
		refuse_clause("42601", clause, "It ends in a comment.");
}

void
require_name(const std::string &table)
{
	const std::vector<Token> tokens = explained("the table", [&] { return tokens_of(table); });

	if (tokens.empty() || tokens[0].word.empty() || end_of_name(tokens, 0) != tokens.size() ||
		table.find("--", tokens.back().end) != std::string::npos)
		throw UserError("22023", "the table of a backfill is no name: " + pg::excerpt(table, 60))
			.hint("Give the name of one table, with its schema or without.");
}

// Raises unless the text is one UPDATE with WHERE and nothing else.
void
require_update(const std::string &clause, const std::string &sql)
{
	pg::MemoryScope memory("migration_governance backfill");
	const UpdateRaw update =
		explained(clause, [&] { return within(memory, [&] { return read_update_raw(sql.c_str()); }); });

	if (update.tree == nullptr || update.tree->whereClause == nullptr)
		refuse_clause("42601", clause, "What comes out is no UPDATE with a WHERE.");
	if (update.trouble != nullptr)
		refuse_clause("22023", clause, std::string("What comes out is an UPDATE with ") + update.trouble + ".");
}

} // namespace

void
require_backfill(const std::string &table, const std::string &set_clause, const std::string &where_clause)
{
	const std::string where = where_clause.empty() ? "true" : where_clause;

	require_name(table);
	require_closed("the SET clause", set_clause);
	require_closed("the WHERE clause", where);
	require_update("the table", "UPDATE " + table + " SET a = 1 WHERE true");
	require_update("the SET clause", "UPDATE t SET " + set_clause + " WHERE true");
	/* Without parentheses it may not be a query, nor within them a list. */
	require_update("the WHERE clause", "UPDATE t SET a = 1 WHERE " + where);
	require_update("the WHERE clause", "UPDATE t SET a = 1 WHERE (" + where + ")");
}

std::vector<std::string>
assigned_columns(const std::string &set_clause)
{
	const std::string sql = "UPDATE t SET " + set_clause;
	pg::MemoryScope memory("migration_governance backfill");
	const UpdateRaw update =
		explained("the SET clause", [&] { return within(memory, [&] { return read_update_raw(sql.c_str()); }); });
	std::vector<std::string> result;
	ListCell *cell;

	if (update.tree == nullptr)
		refuse_clause("42601", "the SET clause", "What comes out is no UPDATE.");
	foreach (cell, update.tree->targetList)
	{
		const std::string name = lfirst_node(ResTarget, cell)->name;
		if (std::find(result.begin(), result.end(), name) == result.end())
			result.push_back(name);
	}
	return result;
}

std::string
sample_of(const Backfill &backfill, bool of_first_rows)
{
	const std::string where = backfill.where_clause.empty() ? "true" : backfill.where_clause;

	return "UPDATE " + backfill.table + " SET " + backfill.set_clause + " WHERE (" + where +
		   ") AND ctid = ANY (ARRAY(SELECT ctid FROM " + backfill.table + (of_first_rows ? "" : " WHERE " + where) +
		   " LIMIT " + std::to_string(sample_rows) + "))";
}

} // namespace mg::script
