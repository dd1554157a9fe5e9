// Group K: triggers, functions and views.
#include "lint/bodies.hpp"
#include "lint/facts.hpp"
#include "lint/judge.hpp"
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"
#include "pg/subtransaction.hpp"
#include "script/tokens.hpp"

#include <algorithm>
#include <set>

namespace mg::lint {

namespace {

const CreateTrigStmt *
trigger_of(const Action &action)
{
	return reinterpret_cast<const CreateTrigStmt *>(action.statement);
}

void
trigger_locks_table(const Action &action, Context &context)
{
	context.report({"CREATE TRIGGER keeps others from writing to " + sized(*action.table) + " until the migration ends",
					"Set lock_timeout before it, and let it be the last statement of its migration.",
					{},
					ShareRowExclusiveLock});
}

void
row_trigger_on_busy_table(const Action &action, Context &context)
{
	if (!trigger_of(action)->row || action.table->kind == RELKIND_VIEW)
		return;
	const int16 events = trigger_of(action)->events;
	pg::Cell writes = fact("SELECT n FROM (SELECT CASE WHEN $2::bool THEN pg_stat_get_tuples_inserted($1::oid) ELSE 0 "
						   "END + CASE WHEN $3::bool "
						   "THEN pg_stat_get_tuples_updated($1::oid) ELSE 0 END + CASE WHEN $4::bool THEN "
						   "pg_stat_get_tuples_deleted($1::oid) "
						   "ELSE 0 END) s (n) WHERE n >= 1000",
						   {cell_of(action.table->oid), std::string(TRIGGER_FOR_INSERT(events) ? "t" : "f"),
							std::string(TRIGGER_FOR_UPDATE(events) ? "t" : "f"),
							std::string(TRIGGER_FOR_DELETE(events) ? "t" : "f")});
	if (writes.has_value())
		context.report(
			{"the trigger runs once for each row: " + action.table->title() + " has had " + *writes +
				 " such writes since its statistics were reset",
			 "Use FOR EACH STATEMENT with REFERENCING NEW TABLE AS ..., or a WHEN that leaves most rows out."});
}

void
same_trigger_twice(const Action &action, Context &context)
{
	const CreateTrigStmt *trigger = trigger_of(action);
	if (trigger->whenClause != nullptr || trigger->columns != NIL || trigger->args != NIL)
		return;
	const int type = trigger->timing | trigger->events | (trigger->row ? TRIGGER_TYPE_ROW : 0);
	for (const pg::Row &row : facts(
			 "SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = $1::oid AND NOT "
			 "t.tgisinternal AND t.tgtype = $2::int2 AND p.proname = $3 AND t.tgname <> $4 AND t.tgnargs = 0 AND "
			 "t.tgqual "
			 "IS NULL AND t.tgattr::text = '' AND t.tgenabled <> 'D' ORDER BY 1",
			 {cell_of(action.table->oid), std::to_string(type), names_in(trigger->funcname).back(), trigger->trigname}))
	{
		const bool is_dropped = std::any_of(context.done().begin(), context.done().end(), [&](const Done &done) {
			return done.what == What::drop_other && done.table == action.table && done.name == row[0].value_or("");
		});
		if (!is_dropped)
			context.report({"trigger " + quoted(row[0].value_or("")) + " of " + action.table->title() +
								" already calls the same function at the same time: it would run twice",
							"Drop the other one first, or leave this one out."});
	}
}

void
triggers_run_by_name(const Action &action, Context &context)
{
	const CreateTrigStmt *trigger = trigger_of(action);
	const int when = trigger->timing | (trigger->row ? TRIGGER_TYPE_ROW : 0);
	pg::Cell others =
		fact("SELECT string_agg(quote_ident(tgname), ', ' ORDER BY tgname COLLATE \"C\") FROM pg_trigger WHERE tgrelid "
			 "= $1::oid "
			 "AND NOT tgisinternal AND tgtype::int & 67 = $2::int AND tgtype::int & $3::int <> 0 AND tgname <> $4 "
			 "HAVING count(*) "
			 "> 0",
			 {cell_of(action.table->oid), std::to_string(when), std::to_string(trigger->events), trigger->trigname});
	if (others.has_value())
		context.report({"triggers of the same kind run in the order of their names: " + quoted(trigger->trigname) +
							" among " + *others,
						"Choose the name by the place that it should have."});
}

// The words of a text, those within its strings as well.
std::set<std::string>
words_of(const std::string &source)
{
	std::set<std::string> words;

	for (const script::Token &token : body_tokens(source))
	{
		if (!token.word.empty())
			words.insert(token.word);
		std::string word;
		for (char c : token.value + " ")
			if (isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0)
				word += c;
			else if (!word.empty())
				words.insert(std::move(word)), word.clear();
	}
	return words;
}

struct Routine
{
	std::string title;
	std::string name;
	std::string source;
	std::optional<std::set<std::string>> words = std::nullopt;
	std::string lower = "";

	bool names(const std::string &word)
	{
		/* Only those few that can have it at all are scanned. */
		if (source.find(word) == std::string::npos && lower.empty())
			for (char c : source)
				lower += static_cast<char>(tolower(static_cast<unsigned char>(c)));
		if (source.find(word) == std::string::npos && lower.find(word) == std::string::npos)
			return false;
		if (!words.has_value())
		{
			words.emplace();
			(void)pg::try_and_undo([&] { words = words_of(source); });
		}
		return words->count(word) != 0;
	}
};

// The functions whose bodies are looked through: the team's own, and not those that the script makes anew or drops.
std::vector<Routine>
routines_before(const Context &context)
{
	std::set<std::string> changed;
	std::vector<Routine> result;

	for (const Done &done : context.done())
	{
		if (done.tree != nullptr && IsA(done.tree, CreateFunctionStmt))
			changed.insert(names_in(castNode(CreateFunctionStmt, done.tree)->funcname).back());
		if (done.what == What::drop_other && done.part != nullptr && IsA(done.part, ObjectWithArgs))
			changed.insert(names_in(castNode(ObjectWithArgs, done.part)->objname).back());
	}
	for (pg::Row &row : facts(
			 "SELECT p.oid::regprocedure::text, p.proname, p.prosrc FROM pg_proc p JOIN pg_language l ON l.oid = "
			 "p.prolang "
			 "WHERE p.oid >= 16384 AND l.lanname IN ('plpgsql', 'sql') AND p.prosrc <> '' AND NOT EXISTS (SELECT FROM "
			 "pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') ORDER BY 1"))
		if (changed.count(row[1].value_or("")) == 0)
			result.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or("")});
	return result;
}

// What a body must name to be broken by it; nothing for an action that breaks none.
std::vector<std::string>
names_taken_by(const Done &done, Context &context)
{
	if (done.table == nullptr || !context.is_existing(*done.table))
		return {};
	switch (done.what)
	{
		case What::drop_table:
		case What::rename_table:
			/* Something else may have the name by now: a view over the renamed table. */
			if (context.model().find(done.schema, done.title) != nullptr)
				return {};
			return {done.title};
		case What::drop_other:
			if (done.table->kind != RELKIND_VIEW || context.model().find(done.schema, done.title) != nullptr)
				return {};
			return {done.title};
		case What::drop_column:
		case What::rename_column:
			if (done.table->column(done.name) != nullptr)
				return {};
			return {done.title, done.name};
		default:
			return {};
	}
}

void
function_names_what_is_gone(const Action &, Context &context)
{
	std::optional<std::vector<Routine>> routines;

	for (const Done &done : context.done())
	{
		std::vector<std::string> names = names_taken_by(done, context);
		if (names.empty())
			continue;
		if (!routines.has_value())
			routines = routines_before(context);
		std::string list;
		int count = 0;
		for (Routine &routine : *routines)
			if (std::all_of(names.begin(), names.end(), [&](const std::string &name) { return routine.names(name); }) &&
				++count <= 5)
				list += (list.empty() ? "" : ", ") + routine.title;
		if (count == 0)
			continue;
		if (count > 5)
			list += " and " + std::to_string(count - 5) + " more";
		const bool is_renamed = done.what == What::rename_table || done.what == What::rename_column;
		Report report;
		report.message = "the text of " + list + " names " + quoted_list({names.back()}) + ", which is " +
						 (is_renamed ? "called otherwise" : "gone") + " afterwards: " + (count == 1 ? "it" : "they") +
						 " may fail when called. The server keeps no record of what such a body uses";
		report.hint = "Look at each, and replace it in the same migration if it means this one.";
		report.table = done.table;
		report.location = done.location;
		context.report(std::move(report));
	}
}

void
matview_without_unique_index(const Action &, Context &context)
{
	for (const Done &done : context.done())
	{
		const Table *view = done.table;
		if (done.what != What::create_table || view == nullptr || view->kind != RELKIND_MATVIEW ||
			context.model().find(view->schema, view->name) != view)
			continue;
		if (std::any_of(view->indexes.begin(), view->indexes.end(), [](const Index &index) {
				return index.is_unique && !index.is_partial && !index.has_expressions;
			}))
			continue;
		Report report;
		report.message = "materialized view " + view->title() +
						 " has no unique index over its columns: it cannot be refreshed while others read it";
		report.hint = "REFRESH MATERIALIZED VIEW CONCURRENTLY needs one.";
		report.table = view;
		report.location = done.location;
		context.report(std::move(report));
	}
}

void
matview_without_data(const Action &, Context &context)
{
	std::set<const Table *> filled;

	for (const Done &done : context.done())
		if (done.what == What::refresh || done.what == What::drop_table)
			filled.insert(done.table);
	for (const Done &done : context.done())
	{
		if (done.what != What::create_table || done.table == nullptr || done.tree == nullptr ||
			!IsA(done.tree, CreateTableAsStmt) || done.table->kind != RELKIND_MATVIEW ||
			!castNode(CreateTableAsStmt, done.tree)->into->skipData)
			continue;
		if (filled.count(done.table) != 0)
			continue;
		Report report;
		report.message = "every query of materialized view " + done.table->title() + " fails until it is refreshed";
		report.hint = "REFRESH MATERIALIZED VIEW " + done.table->title() + ";";
		report.table = done.table;
		report.location = done.location;
		context.report(std::move(report));
	}
}

// The name of the event trigger that a statement is about, or an empty one.
std::string
event_trigger_of(const Action &action)
{
	if (IsA(action.statement, CreateEventTrigStmt))
		return reinterpret_cast<const CreateEventTrigStmt *>(action.statement)->trigname;
	if (IsA(action.statement, AlterEventTrigStmt))
		return reinterpret_cast<const AlterEventTrigStmt *>(action.statement)->trigname;
	if (IsA(action.statement, DropStmt) && action.part != nullptr && IsA(action.part, String) &&
		reinterpret_cast<const DropStmt *>(action.statement)->removeType == OBJECT_EVENT_TRIGGER)
		return strVal(reinterpret_cast<const String *>(action.part));
	return "";
}

bool
is_own_event_trigger(const std::string &name)
{
	return fact("SELECT 1 FROM pg_event_trigger e JOIN pg_depend d ON d.classid = 'pg_event_trigger'::regclass AND "
				"d.objid = "
				"e.oid AND d.deptype = 'e' JOIN pg_extension x ON x.oid = d.refobjid WHERE x.extname = "
				"'migration_governance' AND e.evtname = $1",
				{name})
		.has_value();
}

void
event_trigger_changed(const Action &action, Context &context)
{
	const std::string name = event_trigger_of(action);
	if (name.empty() || (!IsA(action.statement, CreateEventTrigStmt) && is_own_event_trigger(name)))
		return;
	Report report;
	report.object = quoted(name);
	report.message =
		"event trigger " + quoted(name) + " runs, or does not run any more, at the statements of everybody";
	report.hint = "See that its function cannot fail: every CREATE, ALTER and DROP would fail with it.";
	context.report(std::move(report));
}

void
recorder_switched_off(const Action &action, Context &context)
{
	if (IsA(action.statement, CreateEventTrigStmt))
		return;
	const std::string name = event_trigger_of(action);
	if (name.empty() || !is_own_event_trigger(name) ||
		(IsA(action.statement, AlterEventTrigStmt) &&
		 reinterpret_cast<const AlterEventTrigStmt *>(action.statement)->tgenabled == TRIGGER_FIRES_ALWAYS))
		return;
	Report report;
	report.object = quoted(name);
	report.message = "event trigger " + quoted(name) +
					 " belongs to migration_governance: without it changes of the schema "
					 "are not recorded";
	report.hint = "Leave it as it is: ENABLE ALWAYS.";
	context.report(std::move(report));
}

// The function that CREATE OR REPLACE or ALTER FUNCTION changes, or InvalidOid.
Oid
changed_function(const Node *statement)
{
	std::vector<Oid> arguments;
	ListCell *cell;

	if (IsA(statement, AlterFunctionStmt))
	{
		const ObjectWithArgs *function = castNode(AlterFunctionStmt, statement)->func;
		foreach (cell, function->objargs)
			arguments.push_back(type_named(lfirst_node(TypeName, cell)));
		return function_named(function->objname, arguments, function->args_unspecified);
	}
	const auto *create = castNode(CreateFunctionStmt, statement);
	foreach (cell, create->parameters)
	{
		const auto *parameter = lfirst_node(FunctionParameter, cell);
		if (parameter->mode != FUNC_PARAM_OUT && parameter->mode != FUNC_PARAM_TABLE)
			arguments.push_back(type_named(parameter->argType));
	}
	return create->replace ? function_named(create->funcname, arguments, false) : InvalidOid;
}

void
volatility_weakened(const Action &action, Context &context)
{
	const List *options;
	if (IsA(action.statement, AlterFunctionStmt))
		options = reinterpret_cast<const AlterFunctionStmt *>(action.statement)->actions;
	else if (IsA(action.statement, CreateFunctionStmt))
		options = reinterpret_cast<const CreateFunctionStmt *>(action.statement)->options;
	else
		return;
	const DefElem *volatility = option_of(options, "volatility");
	if (volatility == nullptr ? IsA(action.statement, AlterFunctionStmt)
							  : strcmp(strVal(volatility->arg), "immutable") == 0)
		return;
	const Oid function = changed_function(action.statement);
	if (!OidIsValid(function))
		return;
	std::vector<pg::Row> rows =
		facts("SELECT p.oid::regprocedure::text, string_agg(DISTINCT pg_describe_object(d.classid, d.objid, "
			  "d.objsubid), ', ') FROM "
			  "pg_proc p JOIN pg_depend d ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid LEFT JOIN "
			  "pg_class c ON "
			  "d.classid = 'pg_class'::regclass AND c.oid = d.objid LEFT JOIN pg_attrdef f ON d.classid = "
			  "'pg_attrdef'::regclass AND "
			  "f.oid = d.objid LEFT JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum LEFT JOIN "
			  "pg_constraint k "
			  "ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid WHERE p.oid = $1::oid AND p.provolatile = "
			  "'i' AND "
			  "(c.relkind IN ('i', 'I', 'p') OR a.attgenerated <> '' OR k.contype IN ('c', 'x')) GROUP BY p.oid",
			  {cell_of(function)});
	if (rows.empty())
		return;
	Report report;
	report.object = rows[0][0].value_or("");
	report.message = "function " + report.object + " is IMMUTABLE no more, and " + rows[0][1].value_or("") +
					 " was made since it was: what is stored there may differ from what it gives now";
	report.hint = "Keep it IMMUTABLE, or make another function and leave this one to them.";
	context.report(std::move(report));
}

} // namespace

std::vector<Rule>
routine_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"trigger-locks-table",
		 "K",
		 S::info,
		 About::occupied,
		 {W::create_trigger},
		 trigger_locks_table,
		 "CREATE TRIGGER on a table in use",
		 "It waits for all writers, and keeps them out until the migration ends.",
		 "Set lock_timeout, and let it be the last statement."},
		{"row-trigger-on-busy-table",
		 "K",
		 S::info,
		 About::occupied,
		 {W::create_trigger},
		 row_trigger_on_busy_table,
		 "a trigger FOR EACH ROW on a table that is written often",
		 "Each row costs a call.",
		 "Use FOR EACH STATEMENT with transition tables, or a WHEN."},
		{"same-trigger-twice",
		 "K",
		 S::warning,
		 About::existing,
		 {W::create_trigger},
		 same_trigger_twice,
		 "a second trigger that does the same",
		 "The function runs twice for each row.",
		 "Drop the other one."},
		{"triggers-run-by-name",
		 "K",
		 S::off,
		 About::existing,
		 {W::create_trigger},
		 triggers_run_by_name,
		 "a trigger beside others of its kind",
		 "They run in the order of their names.",
		 "Choose the name by its place."},
		{"function-names-what-is-gone",
		 "K",
		 S::warning,
		 About::anything,
		 {W::script_end},
		 function_names_what_is_gone,
		 "the body of a function names what is dropped or renamed (by its text: not sure)",
		 "The server does not know what such a body uses, and it fails when it is called next.",
		 "Replace the function in the same migration."},
		{"matview-without-unique-index",
		 "K",
		 S::info,
		 About::anything,
		 {W::script_end},
		 matview_without_unique_index,
		 "a materialized view without a unique index",
		 "REFRESH ... CONCURRENTLY is not possible, and the other one locks out readers.",
		 "Make one."},
		{"matview-without-data",
		 "K",
		 S::warning,
		 About::anything,
		 {W::script_end},
		 matview_without_data,
		 "a materialized view is made WITH NO DATA and not refreshed",
		 "Every query of it fails.",
		 "Refresh it in the same migration."},
		{"event-trigger-changed",
		 "K",
		 S::info,
		 About::anything,
		 {W::other, W::drop_other},
		 event_trigger_changed,
		 "an event trigger is made, changed or dropped",
		 "It runs at the statements of everybody.",
		 "See that its function cannot fail."},
		{"recorder-switched-off",
		 "K",
		 S::warning,
		 About::anything,
		 {W::other, W::drop_other},
		 recorder_switched_off,
		 "an event trigger of migration_governance is switched off",
		 "Changes of the schema are not recorded any more.",
		 "Leave it ENABLE ALWAYS."},
		{"volatility-weakened",
		 "K",
		 S::warning,
		 About::anything,
		 {W::create_function, W::other},
		 volatility_weakened,
		 "an immutable function that an index, check or generated column uses becomes stable or volatile",
		 "What they have stored no longer follows from the row: queries by the index give wrong rows.",
		 "Make another function."},
	};
}

} // namespace mg::lint
