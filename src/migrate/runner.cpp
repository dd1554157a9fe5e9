// Runs scripts through SPI.
#include "migrate/runner.hpp"

#include "archive/archive.hpp"
#include "archive/rows.hpp"
#include "archive/source.hpp"
#include "migrate/locks.hpp"

#include "core/json.hpp"
#include "ledger/store.hpp"
#include "lint/trees.hpp"
#include "pg/memory.hpp"
#include "pg/subtransaction.hpp"
#include "pg/text.hpp"
#include "script/kind.hpp"

namespace mg::migrate {

namespace {

// What the context line of an error says; plain memory, because the server calls back through C.
struct Context
{
	const char *migration;
	const char *phase;
	int line;
	const char *statement;
};

extern "C" void
mg_error_context(void *argument)
{
	auto *context = static_cast<Context *>(argument);

	if (context->line > 0)
		errcontext("migration \"%s\", %s, line %d: %s", context->migration, context->phase, context->line,
				   context->statement);
	else
		errcontext("migration \"%s\", %s", context->migration, context->phase);
}

// Runs one statement and throws its rows away; gives their number.
uint64
run_raw(const char *sql, Context *context)
{
	ErrorContextCallback callback;
	SPIExecuteOptions options;

	callback.callback = mg_error_context;
	callback.arg = context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	memset(&options, 0, sizeof(options));
	options.dest = CreateDestReceiver(DestNone);
	int code = SPI_execute_extended(sql, &options);
	if (code < 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("statement cannot run in a migration: %s", SPI_result_code_string(code))));
	uint64 rows = SPI_processed;
	SPI_finish();
	error_context_stack = callback.previous;
	return rows;
}

// A query's answer in plain memory.
struct Answer
{
	bool has_rows;
	bool is_boolean;
	bool all_fit; // every row's first value is the wanted one
	uint64 rows;
	const char *value; // the first row's first value, or that of the first row that does not fit; NULL as nullptr
	const char *evidence;
};

const char *
value_raw(HeapTuple tuple, TupleDesc desc, int column)
{
	return SPI_getvalue(tuple, desc, column);
}

// Writes the first rows as a JSON array of objects.
const char *
evidence_raw(SPITupleTable *table)
{
	constexpr uint64 most_rows = 20;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (uint64 row = 0; row < table->numvals && row < most_rows; row++)
	{
		appendStringInfoString(&json, row == 0 ? "{" : ",{");
		for (int column = 1; column <= table->tupdesc->natts; column++)
		{
			const char *value = value_raw(table->vals[row], table->tupdesc, column);
			if (column > 1)
				appendStringInfoChar(&json, ',');
			escape_json(&json, SPI_fname(table->tupdesc, column));
			appendStringInfoChar(&json, ':');
			if (value == nullptr)
				appendStringInfoString(&json, "null");
			else
				escape_json(&json, strlen(value) > 1000
									   ? pnstrdup(value, pg_mbcliplen(value, static_cast<int>(strlen(value)), 1000))
									   : value);
		}
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, ']');
	return json.data;
}

// Asks a query. `wanted` is what the first column must have in every row; nullptr is true for a boolean, else anything.
Answer
ask_raw(const char *sql, const char *wanted, Context *context, MemoryContext memory)
{
	ErrorContextCallback callback;
	Answer answer;

	callback.callback = mg_error_context;
	callback.arg = context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	memset(&answer, 0, sizeof(answer));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	int code = SPI_execute(sql, false, 0);
	if (code < 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("statement cannot run in a check: %s", SPI_result_code_string(code))));
	SPITupleTable *table = SPI_tuptable;
	answer.rows = SPI_processed;
	if (table != nullptr)
	{
		MemoryContext before = MemoryContextSwitchTo(memory);

		answer.has_rows = true;
		answer.is_boolean = table->tupdesc->natts > 0 && SPI_gettypeid(table->tupdesc, 1) == BOOLOID;
		answer.all_fit = true;
		bool truth;
		if (wanted == nullptr && answer.is_boolean)
			wanted = "t";
		else if (answer.is_boolean && parse_bool(wanted, &truth))
			wanted = truth ? "t" : "f";
		for (uint64 row = 0; row < table->numvals && table->tupdesc->natts > 0 && answer.all_fit; row++)
		{
			const char *value = value_raw(table->vals[row], table->tupdesc, 1);

			answer.all_fit = wanted == nullptr || strcmp(value != nullptr ? value : "NULL", wanted) == 0;
			if (row == 0 || !answer.all_fit)
				answer.value = value;
			CHECK_FOR_INTERRUPTS();
		}
		answer.evidence = evidence_raw(table);
		MemoryContextSwitchTo(before);
	}
	SPI_finish();
	error_context_stack = callback.previous;
	return answer;
}

std::string
rows_text(uint64 rows)
{
	return rows == 0 ? "no row" : std::to_string(rows) + (rows == 1 ? " row" : " rows");
}

// Judges an answer by the rules of the SQL interface: `expect`, then a boolean first column, then at least one row.
void
judge(const Answer &answer, const std::optional<std::string> &expect, Finding *finding)
{
	auto shown = [&](const std::string &text) {
		return !answer.is_boolean ? text : (text == "t" ? "true" : (text == "f" ? "false" : text));
	};

	if (!answer.has_rows)
	{
		finding->ok = true;
		finding->expected = finding->actual = "no error";
		return;
	}
	if (expect.has_value() && *expect == "none")
	{
		finding->ok = answer.rows == 0;
		finding->expected = "no row";
		finding->actual = rows_text(answer.rows);
		return;
	}
	bool judged = expect.has_value() || answer.is_boolean;
	finding->ok = answer.rows > 0 && answer.all_fit;
	finding->shown = finding->ok && !judged;
	finding->expected = expect.has_value() ? *expect : (answer.is_boolean ? "true in every row" : "at least one row");
	if (answer.rows == 0 || !judged)
		finding->actual = rows_text(answer.rows);
	else if (answer.value == nullptr)
		finding->actual = "NULL";
	else if (expect.has_value())
		finding->actual = shown(answer.value);
	else
		finding->actual = answer.all_fit ? "true in " + rows_text(answer.rows) : "false";
}

// The tables that later statements insert into, by their names alone.
std::vector<std::string>
inserted_from(const script::Script &script, std::size_t first)
{
	std::vector<std::string> result;

	for (std::size_t i = first; i < script.statements().size(); i++)
	{
		if (script.statements()[i].tag != "INSERT")
			continue;
		const lint::Trees trees{std::string(script.text_of(script.statements()[i]))};
		for (std::size_t k = 0; k < trees.size(); k++)
			if (IsA(trees[k], InsertStmt))
				result.emplace_back(reinterpret_cast<const InsertStmt *>(trees[k])->relation->relname);
	}
	return result;
}

} // namespace

std::string
excerpt(const script::Script &script, const script::Statement &statement)
{
	if (statement.secret)
		return statement.tag;
	return pg::excerpt(script.text_of(statement), 200);
}

void
run_script(const script::Script &script, const std::string &migration, capture::Run &run, Progress &progress,
		   const Watch &watch)
{
	run_statements(script, 0, script.statements().size(), migration, run, progress, watch);
}

void
run_statements(const script::Script &script, std::size_t first, std::size_t end, const std::string &migration,
			   capture::Run &run, Progress &progress, const Watch &watch)
{
	progress.phase = script.what();
	run.enter(script.what().c_str());
	const std::vector<script::Discard> discards = script::discards_of(script);
	archive::RowsWatch watched;
	if (const capture::RunRaw *now = capture::current_run(); now != nullptr)
		archive::begin({now->id, migration, script.what(), ""});
	for (std::size_t i = first; i < end; i++)
	{
		const script::Statement &statement = script.statements()[i];
		if (statement.control)
			continue;

		progress.line = statement.place.line;
		progress.statement = excerpt(script, statement);
		const std::optional<std::string> sql =
			watch.instead ? watch.instead(statement) : std::string(script.text_of(statement));
		if (!sql.has_value())
		{
			run.expect_nothing();
			progress.timings.push_back({progress.line, 0, 0});
			if (watch.after)
				watch.after(progress.line);
			continue;
		}
		if (statement.recorded)
			run.expect_statement();
		else
			run.expect_nothing();

		if (watch.before)
			watch.before(*sql);

		/* A sample stands for batches, of which nothing is kept. */
		if (watch.instead && script.backfill_at(i) != nullptr)
			watched.skip();
		else
			watched.next();
		const archive::DiscardScope discarded(script::discards_at(i, discards));
		Context context = {migration.c_str(), progress.phase.c_str(), progress.line, progress.statement.c_str()};
		int64_t start = capture::clock_us();
		uint64 rows = pg::guarded([&] {
			CHECK_FOR_INTERRUPTS();
			return run_raw(sql->c_str(), &context);
		});
		if (const capture::RunRaw *now = capture::current_run(); now != nullptr)
			archive::keep_rows({now->id, migration, script.what(), statement.tag});
		progress.timings.push_back({progress.line, capture::clock_us() - start, static_cast<int64_t>(rows)});
		progress.rows += static_cast<int64_t>(rows);
		if (watch.after)
			watch.after(progress.line);
	}
	if (end == script.statements().size())
		end_script(script, migration, run);
	else if (const capture::RunRaw *now = capture::current_run(); now != nullptr && archive::awaits_tables())
		archive::end_step(inserted_from(script, end), {now->id, migration, script.what(), ""});
	run.enter(nullptr);
	run.expect_nothing();
}

void
end_script(const script::Script &script, const std::string &migration, capture::Run &run)
{
	run.enter(script.what().c_str());
	if (const capture::RunRaw *now = capture::current_run(); now != nullptr)
		archive::finish({now->id, migration, script.what(), ""});
	run.enter(nullptr);
}

Finding
run_check(const script::Script &script, const script::Statement &statement, const std::string &migration)
{
	std::string sql(script.text_of(statement));
	Finding finding{statement.place.line, excerpt(script, statement), false, false, "", "", "[]"};
	Context context = {migration.c_str(), script.what().c_str(), finding.line, finding.query.c_str()};
	const char *wanted =
		statement.expect.has_value() && *statement.expect != "none" ? statement.expect->c_str() : nullptr;
	pg::MemoryScope memory("migration_governance answer");
	Answer answer = pg::guarded([&] {
		CHECK_FOR_INTERRUPTS();
		return ask_raw(sql.c_str(), wanted, &context, memory.get());
	});

	judge(answer, statement.expect, &finding);
	if (answer.evidence != nullptr)
		finding.evidence = answer.evidence;
	return finding;
}

std::vector<Finding>
run_checks(const script::Script &script, const std::string &migration, Progress &progress)
{
	std::vector<Finding> findings;

	progress.phase = script.what();
	for (const script::Statement &statement : script.statements())
	{
		if (statement.control)
			continue;
		progress.line = statement.place.line;
		progress.statement = excerpt(script, statement);
		std::optional<pg::Error> error =
			pg::try_and_undo([&] { findings.push_back(run_check(script, statement, migration)); });
		if (error.has_value())
			throw std::move(*error);
		if (!findings.back().ok)
			break;
	}
	return findings;
}

void
check_constraints(const std::string &migration, Progress &progress)
{
	std::vector<std::string> relations;

	/* What waits to be checked belongs to a table that this transaction has locked; to read every constraint of a large
	   schema would take longer than most migrations. */
	for (const HeldLock &lock : held_locks())
		if (AfterTriggerPendingOnRel(lock.oid))
			relations.push_back(std::to_string(lock.oid));
	if (relations.empty())
		return;
	std::vector<pg::Row> names = ledger::query(
		"SELECT string_agg(DISTINCT format('%I.%I', n.nspname, c.conname), ', '),"
		" string_agg(DISTINCT format('%I.%I', n.nspname, c.conname), ', ') FILTER (WHERE c.condeferred)"
		" FROM unnest($1::oid[]) AS held (oid) JOIN pg_trigger t ON t.tgrelid = held.oid AND t.tgdeferrable"
		" JOIN pg_constraint c ON c.oid = t.tgconstraint JOIN pg_namespace n ON n.oid = c.connamespace",
		{pg::array_literal(relations)});

	progress.phase = "deferred constraints";
	progress.line = 0;
	progress.statement.clear();
	Context context = {migration.c_str(), progress.phase.c_str(), 0, ""};
	for (const auto &[list, mode] : {std::pair(names[0][0], "IMMEDIATE"), std::pair(names[0][1], "DEFERRED")})
		if (list.has_value())
		{
			std::string sql = "SET CONSTRAINTS " + *list + " " + mode;
			pg::guarded([&] { run_raw(sql.c_str(), &context); });
		}
}

} // namespace mg::migrate
