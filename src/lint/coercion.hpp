// What the server would decide of a change of a column's type, and what an expression over a table's columns means to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lint/model.hpp"

namespace mg::lint {

// ALTER COLUMN ... TYPE as ATPrepAlterColumnType() sees it. Where something is not there yet, the answers are the careful ones.
struct TypeChange
{
	bool is_known = false;    // false: there is no such type or column, or the expression cannot be read
	bool is_castable = true;  // false: the server asks for USING
	bool rewrites = true;     // the table (ATColumnChangeRequiresRewrite)
	bool loses = false;       // values may not fit, or lose something
	bool is_volatile = false; // USING gives another value each time
	Oid type = InvalidOid;
	int32_t typmod = -1;
	Oid collation = InvalidOid;
};

// `zone`: a TimeZone other than the session's.
TypeChange change_of(const Table &table, const Column &column, const ColumnDef *definition,
					 const std::optional<std::string> &zone);

// The type, length and collation that a definition gives a column; InvalidOid if there is no such type.
TypeChange target_of(const ColumnDef *definition);

// As format_type() writes it.
std::string type_title(Oid type, int32_t typmod);

// Whether a default that the server keeps as that text can be cast to a type on its own.
bool default_follows(const std::string &kept, Oid type, int32_t typmod);

// The columns of a table for expressions over them.
struct ColumnRaw
{
	const char *name;
	AttrNumber number;
	Oid type;
	int32 typmod;
	Oid collation;
};
struct ColumnsRaw
{
	const ColumnRaw *columns;
	size_t count;
	ParseExprKind kind;
};
// Those that the server has; good as long as the table is.
std::vector<ColumnRaw> columns_of(const Table &table);

// Gives an expression of the parse tree as the server understands it, with columns as Vars of relation 1.
Node *understood_raw(const ColumnsRaw &columns, const Node *expression);
// Whether an expression or query calls what is not the server's own, which must not be evaluated before its time.
bool calls_users_functions_raw(Node *expression);

} // namespace mg::lint
