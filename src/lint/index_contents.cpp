// Group D: what an index holds and calls, and what its upkeep costs.
#include <algorithm>

#include "lint/bodies.hpp"
#include "lint/facts.hpp"
#include "lint/index_keys.hpp"
#include "lint/indexes.hpp"
#include "lint/statistics.hpp"
#include "lint/words.hpp"
#include "script/tokens.hpp"

namespace mg::lint {

namespace {

// The largest entry of a B-tree (BTMaxItemSize).
constexpr int largest_entry = BLCKSZ / 3 - 26;

void
index_function_mutable(const Action &action, Context &context)
{
	if (action.table == nullptr)
		return;
	const IndexFunctions functions = functions_of(*action.table, index_statement(action));
	bool is_refused = functions.is_refused;

	/* A body in SQL may be inlined, and then counts by what is in it. */
	if (!is_refused && !functions.users.empty())
		is_refused =
			fact("SELECT true FROM pg_proc p JOIN pg_language l ON l.oid = prolang WHERE p.oid = ANY ($1::oid[]) AND "
				 "provolatile <> 'i' AND lanname <> 'sql' LIMIT 1",
				 {pg::array_literal(functions.users)})
				.has_value();
	if (is_refused)
		context.report(
			{"the index on " + action.table->title() +
				 " calls a function, or a cast, that is not IMMUTABLE, which the server refuses",
			 "What depends on TimeZone or another setting has to be told it: (ts AT TIME ZONE 'UTC') rather than "
			 "ts::date."});
}

// The names that a body relies on search_path for: functions and tables without a schema that pg_catalog does not have.
std::string
unqualified_in(const std::string &body)
{
	const std::vector<script::Token> tokens = body_tokens(body);
	std::vector<std::string> functions;
	std::vector<std::string> tables;
	auto is_keyword = [](const std::string &word) {
		return pg::guarded([&] { return ScanKeywordLookup(word.c_str(), &ScanKeywords) >= 0; });
	};

	for (size_t i = 0; i < tokens.size(); i++)
	{
		const std::string &word = tokens[i].word;
		const int next = i + 1 < tokens.size() ? tokens[i + 1].kind : 0;
		if (word.empty() || is_keyword(word) || next == '.' || (i > 0 && tokens[i - 1].kind == '.'))
			continue;
		if (next == '(')
			functions.push_back(word);
		else if (i > 0 && (tokens[i - 1].word == "from" || tokens[i - 1].word == "join"))
			tables.push_back(word);
	}
	if (functions.empty() && tables.empty())
		return "";
	return fact("SELECT string_agg(DISTINCT n, ', ') FROM ("
				"SELECT n FROM unnest($1::text[]) n WHERE NOT EXISTS (SELECT FROM pg_proc WHERE proname = n AND "
				"pronamespace = "
				"'pg_catalog'::regnamespace) UNION ALL "
				"SELECT n FROM unnest($2::text[]) n WHERE NOT EXISTS (SELECT FROM pg_class WHERE relname = n AND "
				"relnamespace = "
				"'pg_catalog'::regnamespace)) u",
				{pg::array_literal(functions), pg::array_literal(tables)})
		.value_or("");
}

void
index_function_search_path(const Action &action, Context &context)
{
	if (action.table == nullptr)
		return;
	const std::vector<Oid> users = functions_of(*action.table, index_statement(action)).users;
	if (users.empty())
		return;
	for (const pg::Row &row :
		 facts("SELECT p.oid::regprocedure, prosrc FROM pg_proc p JOIN pg_language l ON l.oid = prolang "
			   "WHERE p.oid = ANY ($1::oid[]) AND lanname IN ('sql', 'plpgsql') AND prosqlbody IS NULL "
			   "AND NOT EXISTS (SELECT FROM unnest(proconfig) c WHERE c LIKE 'search_path=%') ORDER BY 1",
			   {pg::array_literal(users)}))
	{
		const std::string names = unqualified_in(row[1].value_or(""));
		if (names.empty())
			continue;
		context.report(
			{"the index on " + action.table->title() + " calls " + row[0].value_or("") + ", which finds " + names +
				 " by search_path: the index may hold what the next query does not compute" +
				 (PG_VERSION_NUM >= 170000 ? ", and building it fails, since the server sets search_path to pg_catalog"
										   : ""),
			 "Qualify the names in its body, or ALTER FUNCTION " + row[0].value_or("") + " SET search_path first."});
	}
}

void
index_row_too_large(const Action &action, Context &context)
{
	const IndexStmt *create = index_statement(action);
	ListCell *cell;

	if (method_of(create) != "btree")
		return;
	foreach (cell, create->indexParams)
	{
		const char *name = lfirst_node(IndexElem, cell)->name;
		const Column *column = name != nullptr ? action.table->column(name) : nullptr;
		if (column == nullptr || column->number == 0 || column->typmod >= 0 || !OidIsValid(column->type) ||
			pg::guarded([&] { return get_typlen(column->type); }) != -1)
			continue;
		auto known = statistics_of(*action.table, *column);
		const int width = known.has_value() ? static_cast<int>(known->widest) : 0;
		if (width < largest_entry / 3)
			continue;
		context.report({"column " + quoted(column->name) + " of " + action.table->title() + " has values of " +
							std::to_string(width) + " bytes, and an entry of a B-tree cannot have more than " +
							std::to_string(largest_entry) +
							" once compressed: one longer value makes the build fail, or a later INSERT",
						"Index a hash of it (USING hash, or an expression like md5(" + quoted(column->name) +
							")), or its beginning."});
	}
}

// Whether a text may have a name in it that is too long; cheap, as every statement is asked.
bool
may_have_long_name(const std::string &statement)
{
	size_t length = 0;

	if (statement.size() < NAMEDATALEN)
		return false;
	for (char c : statement)
	{
		if (c == '"')
			return true;
		length = isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || (c & 0x80) != 0 ? length + 1 : 0;
		if (length >= NAMEDATALEN)
			return true;
	}
	return false;
}

void
name_truncated(const Action &action, Context &context)
{
	/* Where a name is only mentioned, it was made too long before. */
	switch (nodeTag(action.statement))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
		case T_DropStmt:
		case T_CommentStmt:
		case T_GrantStmt:
		case T_DoStmt:
			return;
		default:
			break;
	}
	const std::string statement = context.statement_text();
	if (!may_have_long_name(statement))
		return;
	std::vector<std::string> told;
	for (const script::Token &token : script::tokens_of(statement))
	{
		if (token.word.empty() || token.word.size() < NAMEDATALEN / 2)
			continue;
		std::string written = statement.substr(token.start, token.end - token.start);
		if (written.front() == '"')
			written = written.substr(1, written.size() - 2);
		for (size_t twice = written.find("\"\""); twice != std::string::npos; twice = written.find("\"\"", twice + 1))
			written.erase(twice, 1);
		if (written.size() < NAMEDATALEN || written.size() <= token.word.size() ||
			std::find(told.begin(), told.end(), token.word) != told.end())
			continue;
		told.push_back(token.word);
		Report report;
		report.object = quoted(token.word);
		report.message = "name " + quoted(written) + " has " + std::to_string(written.size()) +
						 " bytes, and the server cuts it to " + quoted(token.word);
		report.hint = "A name has " + std::to_string(NAMEDATALEN - 1) +
					  " bytes at most; two that differ behind that are the same.";
		context.report(std::move(report));
	}
}

void
index_ends_hot(const Action &action, Context &context)
{
	constexpr int64_t many = 1000;
	const IndexStmt *create = index_statement(action);
	std::vector<std::string> columns;
	ListCell *cell;

	/* From 16 on, a BRIN index does not stand in the way. */
	if ((PG_VERSION_NUM >= 160000 && method_of(create) == "brin") || updates_of(*action.table) < many)
		return;
	for (const List *part : {create->indexParams, create->indexIncludingParams})
		foreach (cell, part)
			columns.push_back(text_of(lfirst_node(IndexElem, cell)->name));
	const pg::Cell fresh =
		fact("SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || '|' || "
			 "pg_stat_get_tuples_updated($1::oid) || '|' "
			 "|| pg_stat_get_tuples_hot_updated($1::oid) "
			 "FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attname = ANY ($2::text[]) AND NOT a.attisdropped "
			 "AND pg_stat_get_tuples_hot_updated($1::oid) > pg_stat_get_tuples_updated($1::oid) / 2 "
			 "AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey)) "
			 "AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_index i ON i.indexrelid = d.objid AND d.classid = "
			 "'pg_class'::regclass "
			 "  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum)",
			 {cell_of(action.table->oid), pg::array_literal(columns)});
	if (!fresh.has_value())
		return;
	const size_t second = fresh->rfind('|');
	const size_t first = fresh->rfind('|', second - 1);
	context.report(
		{"no index of " + sized(*action.table) + " has column " + fresh->substr(0, first) + " yet, and " +
			 fresh->substr(second + 1) + " of " + fresh->substr(first + 1, second - first - 1) +
			 " updates went without touching an index: from here on those that change it do not",
		 "If the column is updated often, a smaller fillfactor does not help it; see whether the queries need the "
		 "index."});
}

} // namespace

std::vector<Rule>
index_content_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"index-function-mutable",
		 "D",
		 S::error,
		 About::anything,
		 {W::create_index},
		 index_function_mutable,
		 "an index over something that is not IMMUTABLE",
		 "The server refuses it: the value could be another one tomorrow.",
		 "Say what it depends on, such as the time zone."},
		{"index-function-search-path",
		 "D",
		 S::warning,
		 About::anything,
		 {W::create_index},
		 index_function_search_path,
		 "an index calls an IMMUTABLE function whose result depends on search_path",
		 "The index holds what the function gave when the row was written, under another search_path than the query's.",
		 "Qualify the names in its body, or set its search_path."},
		{"index-row-too-large",
		 "D",
		 S::info,
		 About::existing,
		 {W::create_index},
		 index_row_too_large,
		 "a B-tree over a column with long values",
		 "An entry takes a third of a page at most; one value that does not fit fails the build or a later INSERT.",
		 "Index a hash or the beginning of the value."},
		{"name-truncated",
		 "D",
		 S::warning,
		 About::anything,
		 {W::statement},
		 name_truncated,
		 "a name that is too long, and is cut",
		 "The object is then called otherwise than the script says, and two names may become one.",
		 "Take a name of 63 bytes at most."},
		{"index-ends-hot",
		 "D",
		 S::info,
		 About::occupied,
		 {W::create_index},
		 index_ends_hot,
		 "an index over a column of a table that is mostly updated without touching indexes",
		 "Updates that change an indexed column write to every index, and leave more for VACUUM.",
		 "See whether the column is updated often, and the index is worth it."},
	};
}

} // namespace mg::lint
