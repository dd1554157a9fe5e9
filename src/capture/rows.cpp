// Tells the archive which tables a migration's queries read, write, and delete or update rows of.
#include "archive/rows.hpp"
#include "archive/archive.hpp"
#include "capture/capture.hpp"
#include "capture/run.hpp"

namespace mg::capture {

namespace {

// Set once when the library is loaded.
ExecutorStart_hook_type next_start = nullptr;
ExecutorFinish_hook_type next_finish = nullptr;

bool
is_among(const List *indexes, int index)
{
	return list_member_int(indexes, index);
}

// A query is told of before it has begun, and sees what that brings back.
void
touch_raw(QueryDesc *query)
{
	const PlannedStmt *plan = query->plannedstmt;
	const RunRaw *run = current_run();
	const CommandId before = GetCurrentCommandId(false);
	int index = 0;
	ListCell *cell;

	foreach (cell, plan->rtable)
	{
		const auto *entry = lfirst_node(RangeTblEntry, cell);
		index++;
		if (entry->rtekind != RTE_RELATION || entry->relkind == RELKIND_VIEW || entry->relid < FirstNormalObjectId)
			continue;
		const bool is_written = is_among(plan->resultRelations, index);
		const bool is_inserted =
			is_written && (query->operation == CMD_INSERT || query->operation == CMD_MERGE || plan->hasModifyingCTE);
		pg::enter([&] {
			archive::touch(entry->relid, is_written, is_inserted,
						   {run->id, run->migration, run->script != nullptr ? run->script : "up", ""});
		});
	}
	if (query->snapshot != nullptr && IsMVCCSnapshot(query->snapshot) && GetCurrentCommandId(false) != before)
		query->snapshot->curcid = GetCurrentCommandId(false);
}

extern "C" void
mg_executor_start(QueryDesc *query, int flags)
{
	if (archive::awaits_tables() && current_run() != nullptr && !is_silent() && (flags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		touch_raw(query);
	if (next_start != nullptr)
		next_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

bool
changes_rows(const QueryDesc *query)
{
	return query->operation == CMD_UPDATE || query->operation == CMD_DELETE || query->operation == CMD_MERGE ||
		   query->plannedstmt->hasModifyingCTE;
}

// Of a statement with several tables, all count for each: it is looked closer at later.
void
tell_raw(const QueryDesc *query)
{
	ListCell *cell;
	const uint64 rows = query->plannedstmt->hasModifyingCTE ? archive::uncounted : query->estate->es_processed;

	if (rows == 0)
		return;
	foreach (cell, query->estate->es_opened_result_relations)
	{
		const auto *result = static_cast<ResultRelInfo *>(lfirst(cell));
		const Form_pg_class form = result->ri_RelationDesc->rd_rel;
		if (form->relkind == RELKIND_RELATION && form->relpersistence != RELPERSISTENCE_TEMP)
			pg::enter([&] { archive::rows_changed(RelationGetRelid(result->ri_RelationDesc), rows); });
	}
}

extern "C" void
mg_executor_finish(QueryDesc *query)
{
	if (next_finish != nullptr)
		next_finish(query);
	else
		standard_ExecutorFinish(query);
	if (current_run() != nullptr && !is_silent() && changes_rows(query))
		tell_raw(query);
}

} // namespace

void
install_rows()
{
	next_start = ExecutorStart_hook;
	ExecutorStart_hook = mg_executor_start;
	next_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = mg_executor_finish;
}

} // namespace mg::capture
