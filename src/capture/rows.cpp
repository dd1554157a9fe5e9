// Tells the archive which tables a migration's statements delete or update rows of.
#include "archive/rows.hpp"
#include "capture/capture.hpp"
#include "capture/run.hpp"

namespace mg::capture {

namespace {

// Set once when the library is loaded.
ExecutorFinish_hook_type next_finish = nullptr;

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
	const uint64 rows = query->plannedstmt->hasModifyingCTE ? PG_INT32_MAX : query->estate->es_processed;

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
	next_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = mg_executor_finish;
}

} // namespace mg::capture
