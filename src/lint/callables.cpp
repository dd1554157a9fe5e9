// Group F: routines and views that are made anew under those who use them.
#include <algorithm>

#include "lint/ask.hpp"
#include "lint/facts.hpp"
#include "lint/nodes.hpp"
#include "lint/objects.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

// What a CREATE FUNCTION meets.
struct MeetingRaw
{
	Oid same;            // the one with these arguments
	Oid other;           // another one of that name in that schema
	const char *failure; // why the server would not replace it
};

Oid
result_raw(const CreateFunctionStmt *create)
{
	Oid result = VOIDOID;
	int outs = 0;
	ListCell *cell;

	if (create->returnType != nullptr)
		return typenameTypeId(nullptr, create->returnType);
	foreach (cell, create->parameters)
	{
		auto *parameter = lfirst_node(FunctionParameter, cell);
		if (parameter->mode == FUNC_PARAM_OUT || parameter->mode == FUNC_PARAM_INOUT)
		{
			outs++;
			result = typenameTypeId(nullptr, parameter->argType);
		}
	}
	return outs > 1 || (create->is_procedure && outs > 0) ? RECORDOID : result;
}

// As ProcedureCreate() would refuse it with OR REPLACE.
const char *
failure_raw(const CreateFunctionStmt *create, HeapTuple row, const List *inputs)
{
	auto *form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(row));
	const bool is_set = create->returnType != nullptr && create->returnType->setof;
	const char kind = create->is_procedure ? PROKIND_PROCEDURE : PROKIND_FUNCTION;
	bool no_names;
	bool no_modes;
	char **old_names = nullptr;
	int defaults = 0;
	int i = 0;
	ListCell *cell;

	if (form->prokind != kind && form->prokind != PROKIND_WINDOW)
		return "it is another kind of routine";
	if (form->prorettype != result_raw(create) || form->proretset != is_set)
		return "its result would be of another type";
	Datum names = SysCacheGetAttr(PROCNAMEARGSNSP, row, Anum_pg_proc_proargnames, &no_names);
	Datum modes = SysCacheGetAttr(PROCNAMEARGSNSP, row, Anum_pg_proc_proargmodes, &no_modes);
	const int count =
		no_names ? 0 : get_func_input_arg_names(names, no_modes ? PointerGetDatum(nullptr) : modes, &old_names);
	foreach (cell, inputs)
	{
		auto *parameter = lfirst_node(FunctionParameter, cell);
		if (parameter->defexpr != nullptr)
			defaults++;
		if (i < count && old_names[i] != nullptr && old_names[i][0] != '\0' &&
			(parameter->name == nullptr || strcmp(parameter->name, old_names[i]) != 0))
			return psprintf("its argument \"%s\" would have another name", old_names[i]);
		i++;
	}
	if (defaults < form->pronargdefaults)
		return "an argument would have no default any more";
	return nullptr;
}

MeetingRaw
meeting_raw(const CreateFunctionStmt *create)
{
	MeetingRaw result = {InvalidOid, InvalidOid, nullptr};
	Oid types[FUNC_MAX_ARGS];
	List *inputs = NIL;
	char *name;
	int count = 0;
	ListCell *cell;
	Oid schema = QualifiedNameGetCreationNamespace(create->funcname, &name);

	foreach (cell, create->parameters)
	{
		auto *parameter = lfirst_node(FunctionParameter, cell);
		if (parameter->mode == FUNC_PARAM_OUT || parameter->mode == FUNC_PARAM_TABLE || count >= FUNC_MAX_ARGS)
			continue;
		types[count++] = typenameTypeId(nullptr, parameter->argType);
		inputs = lappend(inputs, parameter);
	}
	HeapTuple row = SearchSysCache3(PROCNAMEARGSNSP, CStringGetDatum(name),
									PointerGetDatum(buildoidvector(types, count)), ObjectIdGetDatum(schema));
	if (HeapTupleIsValid(row))
	{
		result.same = reinterpret_cast<Form_pg_proc>(GETSTRUCT(row))->oid;
		result.failure = failure_raw(create, row, inputs);
		ReleaseSysCache(row);
		return result;
	}
	CatCList *all = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < all->n_members; i++)
		if (auto *form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(&all->members[i]->tuple));
			form->pronamespace == schema)
			result.other = form->oid;
	ReleaseSysCacheList(all);
	return result;
}

// Where types are not there yet, or the like, it meets nothing.
MeetingRaw
meeting_of(const Node *statement, Context &context)
{
	const auto *create = castNode(CreateFunctionStmt, statement);
	const MeetingRaw nothing = {InvalidOid, InvalidOid, nullptr};
	const std::string path = path_setting(context.model());
	const std::vector<std::string> name = names_in(create->funcname);

	/* The look-up would make the session's temporary schema. */
	if (name.size() > 1 ? name[name.size() - 2] == "pg_temp" : path.rfind("pg_temp", 0) == 0)
		return nothing;

	return ask(nothing, [&] {
		set_path_raw(path.c_str());
		return meeting_raw(create);
	});
}

std::string
title_of(Oid routine)
{
	return fact("SELECT $1::oid::regprocedure", {cell_of(routine)}).value_or("");
}

// Whether the script has taken away or renamed anything that is no table: the catalogs are then no proof.
bool
is_unsure(const Context &context)
{
	return std::any_of(context.done().begin(), context.done().end(), [](const Done &done) {
		return done.what == What::drop_other || done.what == What::rename_other || done.what == What::set_schema ||
			   done.what == What::create_schema || done.what == What::call || done.what == What::unseen;
	});
}

void
function_change_fails(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreateFunctionStmt) || is_unsure(context))
		return;
	MeetingRaw meeting = meeting_of(action.statement, context);
	if (OidIsValid(meeting.same) && !castNode(CreateFunctionStmt, action.statement)->replace)
		meeting.failure = "it is there already, and the statement does not say OR REPLACE";
	if (meeting.failure == nullptr)
		return;
	Report report;
	report.object = title_of(meeting.same);
	report.message = "the server does not replace function " + report.object + ": " + std::string(meeting.failure);
	report.hint = "Make one with another name, and drop this one when nobody calls it; or drop it first.";
	context.report(std::move(report));
}

void
function_overload(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreateFunctionStmt) || !castNode(CreateFunctionStmt, action.statement)->replace ||
		is_unsure(context))
		return;
	const MeetingRaw meeting = meeting_of(action.statement, context);
	if (!OidIsValid(meeting.other))
		return;
	/* Unless the old one goes further below. */
	const std::string name = names_in(castNode(CreateFunctionStmt, action.statement)->funcname).back();
	const std::vector<const Node *> &statements = context.statements();
	for (size_t i = static_cast<size_t>(context.statement_number()) + 1; i < statements.size(); i++)
		if (IsA(statements[i], DropStmt))
		{
			ListCell *cell;
			foreach (cell, castNode(DropStmt, statements[i])->objects)
				if (auto *object = static_cast<Node *>(lfirst(cell));
					IsA(object, ObjectWithArgs) && names_in(castNode(ObjectWithArgs, object)->objname).back() == name)
					return;
		}
	Report report;
	report.object = title_of(meeting.other);
	report.message = "OR REPLACE replaces nothing: the arguments differ from those of " + report.object +
					 ", which stays beside the new function";
	report.hint = "If it should go, drop it; calls that fit both are refused as ambiguous.";
	context.report(std::move(report));
}

void
drop_function(const Action &action, Context &context)
{
	if (!IsA(action.statement, DropStmt) || action.part == nullptr || !IsA(action.part, ObjectWithArgs))
		return;
	const Object routine = object_of(castNode(DropStmt, action.statement)->removeType, action.part, context.model());
	if (!OidIsValid(routine.oid))
		return;
	const std::string name = names_in(castNode(ObjectWithArgs, action.part)->objname).back();
	const std::vector<const Node *> &statements = context.statements();
	bool is_made_again = false;
	for (size_t i = static_cast<size_t>(context.statement_number()) + 1; i < statements.size(); i++)
		if (IsA(statements[i], CreateFunctionStmt) &&
			names_in(castNode(CreateFunctionStmt, statements[i])->funcname).back() == name)
		{
			const MeetingRaw meeting = meeting_of(statements[i], context);
			if (meeting.same == routine.oid && meeting.failure == nullptr)
				return;
			is_made_again = true;
		}
	Report report;
	report.object = routine.title;
	report.message = "an application that still calls " + routine.title + " fails" +
					 (is_made_again ? ", or meets another signature" : "") + named_by_routines(name);
	report.hint = is_made_again
					  ? "Make the new one beside it, and drop the old one when nobody calls it."
					  : "See that nobody calls it: pg_stat_user_functions counts calls where track_functions is on.";
	context.report(std::move(report));
}

// Whether a query can be looked at without a wait: locks its relations until the subtransaction ends.
bool
lock_raw(Node *node, void *is_free)
{
	if (node == nullptr)
		return false;
	if (IsA(node, RangeVar))
	{
		Oid oid = RangeVarGetRelid(castNode(RangeVar, node), NoLock, true);
		if (OidIsValid(oid) && !ConditionalLockRelationOid(oid, AccessShareLock))
			*static_cast<bool *>(is_free) = false;
		return false;
	}
	return walk_parts(node, lock_raw, is_free);
}

// As checkViewColumns() would refuse it.
const char *
view_failure_raw(const ViewStmt *create, Oid view)
{
	bool is_free = true;
	const ListCell *alias = list_head(create->aliases);
	int number = 0;
	ListCell *cell;

	(void)lock_raw(create->query, &is_free);
	if (!is_free)
		return nullptr;
	auto *raw = makeNode(RawStmt);
	raw->stmt = static_cast<Node *>(copyObjectImpl(create->query));
	/* Without the hooks that count statements: this one is nobody's. */
	ParseState *state = make_parsestate(nullptr);
	state->p_sourcetext = "";
	refuse_waits_raw();
	Query *query = transformTopLevelStmt(state, raw);
	free_parsestate(state);
	foreach (cell, query->targetList)
	{
		auto *target = lfirst_node(TargetEntry, cell);
		if (target->resjunk)
			continue;
		number++;
		HeapTuple row = SearchSysCache2(ATTNUM, ObjectIdGetDatum(view), Int16GetDatum(static_cast<int16>(number)));
		if (!HeapTupleIsValid(row))
			return nullptr;
		auto *form = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(row));
		const char *old_name = pstrdup(NameStr(form->attname));
		const char *name = target->resname;
		if (alias != nullptr)
		{
			name = strVal(lfirst(alias));
			alias = lnext(create->aliases, alias);
		}
		auto *value = reinterpret_cast<Node *>(target->expr);
		const Oid type = exprType(value) == UNKNOWNOID ? TEXTOID : exprType(value);
		const bool same_type = form->atttypid == type && form->atttypmod == exprTypmod(value);
		ReleaseSysCache(row);
		if (strcmp(name, old_name) != 0)
			return psprintf("its column \"%s\" would become \"%s\"", old_name, name);
		if (!same_type)
			return psprintf("its column \"%s\" would be of another type", old_name);
	}
	HeapTuple next = SearchSysCache2(ATTNUM, ObjectIdGetDatum(view), Int16GetDatum(static_cast<int16>(number + 1)));
	if (!HeapTupleIsValid(next))
		return nullptr;
	const char *lost = pstrdup(NameStr(reinterpret_cast<Form_pg_attribute>(GETSTRUCT(next))->attname));
	ReleaseSysCache(next);
	return psprintf("its column \"%s\" would be gone", lost);
}

void
view_change_fails(const Action &action, Context &context)
{
	const auto *create = IsA(action.statement, ViewStmt) ? castNode(ViewStmt, action.statement) : nullptr;

	if (create == nullptr || !create->replace || !OidIsValid(action.table->oid) || action.table->kind != RELKIND_VIEW)
		return;
	/* What the query reads must be as the catalogs have it. */
	for (const Done &done : context.done())
		if (done.what != What::statement && done.what != What::set_variable && done.what != What::create_view &&
			done.what != What::transaction)
			return;
	const std::string path = path_setting(context.model());
	const char *failure = ask(static_cast<const char *>(nullptr), [&] {
		set_path_raw(path.c_str());
		return view_failure_raw(create, action.table->oid);
	});
	if (failure == nullptr)
		return;
	context.report({"the server does not replace view " + action.table->title() + ": " + std::string(failure),
					"A view may only get more columns at its end: DROP and CREATE it, or make a second one."});
}

} // namespace

std::vector<Rule>
callable_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"function-change-fails",
		 "F",
		 S::error,
		 About::anything,
		 {W::create_function},
		 function_change_fails,
		 "CREATE FUNCTION of one that is there and cannot be replaced so",
		 "The server refuses another result, other names of arguments, and fewer defaults.",
		 "Make one with another name, and drop the old one when nobody calls it."},
		breaking({"function-overload",
				  "F",
				  S::warning,
				  About::anything,
				  {W::create_function},
				  function_overload,
				  "CREATE OR REPLACE FUNCTION with other arguments than before",
				  "The old function stays, and calls that fit both are ambiguous.",
				  "Drop the old one when nobody calls it."}),
		breaking({"drop-function",
				  "F",
				  S::warning,
				  About::anything,
				  {W::drop_other},
				  drop_function,
				  "a function or procedure is dropped, or made again with another signature",
				  "An application and the text of other functions may still call it; the server does not look there.",
				  "See that nobody calls it before."}),
		{"view-change-fails",
		 "F",
		 S::error,
		 About::anything,
		 {W::create_view},
		 view_change_fails,
		 "CREATE OR REPLACE VIEW that drops, renames or reorders columns",
		 "The server refuses it.",
		 "Put new columns at the end; otherwise drop it and make it again."},
	};
}

} // namespace mg::lint
