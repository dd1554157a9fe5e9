// Writes DROP statements.
#include "deploy/inverse.hpp"

#include <array>
#include <set>

#include <boost/algorithm/string/case_conv.hpp>

#include "deploy/patience.hpp"
#include "pg/object.hpp"
#include "pg/procedure.hpp"
#include "pg/query.hpp"
#include "pg/text.hpp"

namespace mg::deploy {

namespace {

const std::set<std::string> droppable = {"table",
										 "view",
										 "materialized view",
										 "index",
										 "sequence",
										 "type",
										 "domain",
										 "function",
										 "procedure",
										 "aggregate",
										 "schema",
										 "foreign table",
										 "statistics object",
										 "collation",
										 "conversion",
										 "publication",
										 "extension",
										 "event trigger",
										 "foreign-data wrapper",
										 "server",
										 "operator",
										 "operator class",
										 "operator family",
										 "cast",
										 "access method",
										 "language",
										 "text search configuration",
										 "text search dictionary",
										 "text search parser",
										 "text search template"};

std::string
part_of(const capture::RunObject &object)
{
	return pg::quoted_identifier(object.names[0]) + "." + pg::quoted_identifier(object.names[1]);
}

// What DROP calls a type of object. ROUTINE takes aggregates without arguments as their identity has them.
std::string
kind_of(const std::string &type)
{
	return type == "statistics object"      ? "STATISTICS"
		   : type == "foreign-data wrapper" ? "FOREIGN DATA WRAPPER"
		   : type == "aggregate"            ? "ROUTINE"
											: boost::algorithm::to_upper_copy(type);
}

} // namespace

std::optional<std::string>
drop_statement(const capture::RunObject &object)
{
	if (object.type == "table column" || object.type == "table constraint")
	{
		if (object.names.size() != 3)
			return std::nullopt;
		return "ALTER TABLE " + part_of(object) + " DROP " +
			   (object.type == "table column" ? "COLUMN " : "CONSTRAINT ") + pg::quoted_identifier(object.names[2]);
	}
	if (object.type == "trigger" || object.type == "policy" || object.type == "rule")
	{
		if (object.names.size() != 3)
			return std::nullopt;
		return "DROP " + boost::algorithm::to_upper_copy(object.type) + " " + pg::quoted_identifier(object.names[2]) + " ON " +
			   part_of(object);
	}
	if (droppable.count(object.type) == 0 || object.column != 0)
		return std::nullopt;
	return "DROP " + kind_of(object.type) + " " + object.identity;
}

bool
drop_one(const capture::RunObject &object, capture::Run &run, std::optional<pg::Error> &trouble)
{
	const std::optional<std::string> statement = drop_statement(object);

	auto is_gone = [&] { return !pg::identity_of(object.catalog, object.oid, object.column).has_value(); };
	if (is_gone())
		return true;
	if (!statement.has_value())
		return false;
	run.expect_statement();
	std::optional<pg::Error> error = pg::try_and_keep([&] { pg::query_as_caller(*statement); });
	if (error.has_value() && (is_worth_a_try(error->data()) || error->data().sqlerrcode == ERRCODE_QUERY_CANCELED))
		throw std::move(*error);
	/* Something may stand on it that goes next. */
	if (error.has_value() && error->data().sqlerrcode != ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
		trouble.emplace(std::move(*error));
	return is_gone();
}

bool
is_missing(const ErrorData &error)
{
	switch (error.sqlerrcode)
	{
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_SCHEMA:
			return true;
		default:
			return false;
	}
}

void
note_skipped(const script::Statement &statement, const pg::Error &error)
{
	pg::report(NOTICE, UserError("00000", "line " + std::to_string(statement.place.line) +
											  " of the down script has nothing to undo: " + error.what()));
}

} // namespace mg::deploy
