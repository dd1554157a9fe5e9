// SQL of the extension's own, run as the owner of its tables, and values as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pg/memory.hpp"

namespace mg::pg {

using Cell = std::optional<std::string>;
using Row = std::vector<Cell>;

// Whether the plan of a statement is worth keeping: its text must then be a literal, which stays where it is.
enum class Plan
{
	keep,
	once
};

// Runs one statement of fixed text as `owner` with search_path pg_catalog and gives its rows as text.
// Parameters are text ($1::bigint in the statement casts them). Never for text that a user wrote.
// Sees what is committed now, whatever snapshot the caller's statement has (but not under REPEATABLE READ).
std::vector<Row> query_as(Oid owner, const char *sql, const std::vector<Cell> &params = {}, Plan plan = Plan::keep);

// The same as the current user, planned each time: what he may not do, it may not do for him.
std::vector<Row> query_as_caller(const std::string &sql, const std::vector<Cell> &params = {});

// What query_as() does, with the names of the columns, for a statement whose one parameter $1 is an oid[], given as its literal.
struct Table
{
	std::vector<std::string> columns;
	std::vector<Row> rows;
};
Table query_table_as(Oid owner, const char *sql, const std::string &oids);

// Gives the first column of the first row, or nothing.
Cell query_cell_as(Oid owner, const char *sql, const std::vector<Cell> &params = {});

// Undoes, when it goes out of scope, every setting changed since it was made.
class SettingsScope
{
public:
	SettingsScope() : level_(NewGUCNestLevel()) {}
	~SettingsScope() { AtEOXact_GUC(false, level_); }
	SettingsScope(const SettingsScope &) = delete;
	SettingsScope &operator=(const SettingsScope &) = delete;

private:
	int level_;
};

// Pins what the extension's own SQL relies on: search_path pg_catalog, names quoted only where they must be, no compiling and no
// planning anew. Every query does so for itself, unless it runs within one of these; within one of these, none of a user's.
class SqlScope
{
public:
	SqlScope();
	~SqlScope();
	SqlScope(const SqlScope &) = delete;
	SqlScope &operator=(const SqlScope &) = delete;

private:
	std::optional<SettingsScope> settings_; // nothing within another one
};

// Acts as another role until it goes out of scope; refuses SET ROLE and the like meanwhile.
class RoleScope
{
public:
	explicit RoleScope(Oid role);
	~RoleScope() { SetUserIdAndSecContext(role_, security_); }
	RoleScope(const RoleScope &) = delete;
	RoleScope &operator=(const RoleScope &) = delete;

private:
	Oid role_;
	int security_;
};

// Text arguments of a SQL-callable function; an absent or NULL one is nothing.
std::optional<std::string> text_argument(FunctionCallInfo fcinfo, int number);
std::vector<std::string> text_array_argument(FunctionCallInfo fcinfo, int number);

Datum text_datum(std::string_view text);

// Collects the rows of a set-returning function (materialize mode); cells are read by each column's input function.
class RowSet
{
public:
	explicit RowSet(FunctionCallInfo fcinfo);
	void add(const Row &row);

private:
	MemoryScope row_; // what one row takes while it is read
	ReturnSetInfo *result_;
};

// Gives one composite value for a function with OUT columns; cells are read by each column's input function.
Datum composite_datum(FunctionCallInfo fcinfo, const Row &row);

// Formats for messages and casts.
std::string array_literal(const std::vector<std::string> &items);
std::string array_literal(const std::vector<Oid> &oids);
std::vector<std::string> array_items(const std::string &literal);

} // namespace mg::pg
