// Takes NOT NULL out of a parse tree and hands it in later.
#include "archive/relax.hpp"

#include <algorithm>

#include "archive/archive.hpp"
#include "pg/query.hpp"

namespace mg::archive {

namespace {

struct PutOff
{
	const char *column;
	const char *constraint; // its name, or nullptr
};

// Takes NOT NULL from a definition; false when it has none, or a default that fills the column.
bool
take_raw(ColumnDef *column, PutOff *taken)
{
	ListCell *cell;
	bool found = false;

	foreach (cell, column->constraints)
		if (IsA(lfirst(cell), Constraint))
		{
			const ConstrType kind = castNode(Constraint, lfirst(cell))->contype;
			if (kind == CONSTR_DEFAULT || kind == CONSTR_IDENTITY || kind == CONSTR_GENERATED || kind == CONSTR_PRIMARY)
				return false;
		}
	foreach (cell, column->constraints)
		if (IsA(lfirst(cell), Constraint) && castNode(Constraint, lfirst(cell))->contype == CONSTR_NOTNULL)
		{
			*taken = {pstrdup(column->colname), castNode(Constraint, lfirst(cell))->conname};
			column->constraints = foreach_delete_current(column->constraints, cell);
			found = true;
		}
	return found;
}

} // namespace

Relaxed
relax(PlannedStmt *statement, const Occasion &occasion)
{
	if (!IsA(statement->utilityStmt, AlterTableStmt))
		return {statement, nullptr};
	const auto *alter = castNode(AlterTableStmt, statement->utilityStmt);
	const bool adds = pg::guarded([&] {
		ListCell *cell;
		foreach (cell, alter->cmds)
			if (lfirst_node(AlterTableCmd, cell)->subtype == AT_AddColumn)
				return true;
		return false;
	});
	if (alter->objtype != OBJECT_TABLE || !adds)
		return {statement, nullptr};

	const Oid table = pg::guarded([&] { return RangeVarGetRelid(alter->relation, NoLock, true); });
	const std::vector<std::string> awaited =
		OidIsValid(table) ? awaited_columns(table, occasion) : std::vector<std::string>{};
	if (awaited.empty())
		return {statement, nullptr};

	const auto is_awaited = [&](const char *name) {
		return std::find(awaited.begin(), awaited.end(), name) != awaited.end();
	};
	return pg::guarded([&] {
		auto *copy = static_cast<PlannedStmt *>(copyObjectImpl(statement));
		StringInfoData later;
		ListCell *cell;

		initStringInfo(&later);
		foreach (cell, castNode(AlterTableStmt, copy->utilityStmt)->cmds)
		{
			auto *command = lfirst_node(AlterTableCmd, cell);
			PutOff taken = {nullptr, nullptr};
			if (command->subtype != AT_AddColumn || !is_awaited(castNode(ColumnDef, command->def)->colname) ||
				!take_raw(castNode(ColumnDef, command->def), &taken))
				continue;
			appendStringInfoString(&later, later.len > 0 ? ", " : "");
			if (taken.constraint != nullptr && PG_VERSION_NUM >= 180000)
				appendStringInfo(&later, "ADD CONSTRAINT %s NOT NULL %s", quote_identifier(taken.constraint),
								 quote_identifier(taken.column));
			else
				appendStringInfo(&later, "ALTER COLUMN %s SET NOT NULL", quote_identifier(taken.column));
		}
		if (later.len == 0)
			return Relaxed{statement, nullptr};
		const char *name =
			quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), get_rel_name(table));
		return Relaxed{copy, psprintf("ALTER TABLE %s%s %s", alter->relation->inh ? "" : "ONLY ", name, later.data)};
	});
}

void
tighten(const Relaxed &relaxed)
{
	if (relaxed.later != nullptr)
		pg::query_as_caller(relaxed.later);
}

} // namespace mg::archive
