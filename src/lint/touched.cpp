// Walks a script for names only.
#include "lint/touched.hpp"

#include <boost/algorithm/string/join.hpp>

#include "lint/trees.hpp"
#include "lint/walk.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

std::string
joined(const List *names)
{
	return boost::algorithm::join(names_in(names), ".");
}

// Of statements about what is no relation.
std::string
other_object(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateFunctionStmt:
			return "function " + joined(castNode(CreateFunctionStmt, statement)->funcname);
		case T_CreateEnumStmt:
			return "type " + joined(castNode(CreateEnumStmt, statement)->typeName);
		case T_AlterEnumStmt:
			return "type " + joined(castNode(AlterEnumStmt, statement)->typeName);
		case T_CreateDomainStmt:
			return "type " + joined(castNode(CreateDomainStmt, statement)->domainname);
		case T_AlterDomainStmt:
			return "type " + joined(castNode(AlterDomainStmt, statement)->typeName);
		case T_CompositeTypeStmt:
			return "type " + std::string(castNode(CompositeTypeStmt, statement)->typevar->relname);
		default:
			return "";
	}
}

} // namespace

std::vector<std::set<std::string>>
touched_by(const script::Script &script)
{
	const Trees trees{std::string(script.text())};
	std::vector<std::set<std::string>> result(trees.size());
	Model model;

	for (size_t i = 0; i < trees.size(); i++)
	{
		pg::guarded([] { CHECK_FOR_INTERRUPTS(); });
		if (std::string other = other_object(trees[i]); !other.empty())
			result[i].insert(other);
		walk(trees[i], model, [&](const Action &action) {
			if (action.what == What::select)
				return;
			for (const Table *table : {action.table, action.other})
				if (table != nullptr && table->persistence != RELPERSISTENCE_TEMP)
					result[i].insert("table " + table->title());
		});
	}
	return result;
}

} // namespace mg::lint
