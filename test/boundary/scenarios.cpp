// Runs the scenarios by name.
#include "boundary/scenarios.hpp"

#include <vector>

#include "boundary/failures.hpp"
#include "pg/query.hpp"

namespace mg::boundary {

State::State()
	: handler_(PG_exception_stack), callbacks_(error_context_stack), memory_(CurrentMemoryContext),
	  owner_(CurrentResourceOwner), nest_level_(GetCurrentTransactionNestLevel()), witnesses_(Witness::alive)
{
	GetUserIdAndSecContext(&role_, &security_);
}

bool
State::operator==(const State &other) const
{
	return handler_ == other.handler_ && callbacks_ == other.callbacks_ && memory_ == other.memory_ &&
		   owner_ == other.owner_ && nest_level_ == other.nest_level_ && role_ == other.role_ &&
		   security_ == other.security_ && witnesses_ == other.witnesses_;
}

} // namespace mg::boundary

using namespace mg::boundary;

namespace {

extern "C" void
add_context(void *)
{
	errcontext("the caller's context");
}

// The layers that boundary_cross() puts between the error and who catches it.
void
descend_raw(int depth)
{
	if (depth == 0)
		raise_full_raw();
	mg::pg::enter([&] {
		Witness before;
		std::string heap(1000, 'h');
		mg::pg::guarded([&] { descend_raw(depth - 1); });
		Witness never;
	});
}

std::string
text_or_null(const char *text)
{
	return text != nullptr ? text : "NULL";
}

} // namespace

// Gives everything that is in an error which has crossed C++ `depth` times and the server's frames between.
MG_FUNCTION(boundary_cross)
{
	int depth = PG_GETARG_INT32(0);
	State before;

	ErrorData *error = mg::pg::guarded([&] {
		return caught_raw([&] {
			ErrorContextCallback callback;
			callback.previous = error_context_stack;
			callback.callback = add_context;
			callback.arg = nullptr;
			error_context_stack = &callback;
			descend_raw(depth);
		});
	});
	std::vector<std::string> fields = {
		std::to_string(error->elevel),        unpack_sql_state(error->sqlerrcode),
		text_or_null(error->message),         text_or_null(error->detail),
		text_or_null(error->detail_log),      text_or_null(error->hint),
		text_or_null(error->context),         std::to_string(error->cursorpos),
		std::to_string(error->internalpos),   text_or_null(error->internalquery),
		text_or_null(error->schema_name),     text_or_null(error->table_name),
		text_or_null(error->column_name),     text_or_null(error->datatype_name),
		text_or_null(error->constraint_name), text_or_null(error->message_id),
		text_or_null(error->domain),          text_or_null(error->funcname),
		std::to_string(error->lineno),        before == State() ? "state restored" : "state not restored"};
	return mg::pg::text_datum(mg::pg::array_literal(fields));
}

// Lists the scenarios.
MG_FUNCTION(boundary_scenarios)
{
	mg::pg::RowSet rows(fcinfo);

	for (const Scenario *list : {guards, scopes})
		for (const Scenario *scenario = list; scenario->name != nullptr; scenario++)
			rows.add({scenario->name});
	return 0;
}

// Runs one scenario and says what was wrong: nothing, if all is well.
MG_FUNCTION(boundary_run)
{
	std::string name = mg::pg::text_argument(fcinfo, 0).value_or("");
	Trial trial;

	for (const Scenario *list : {guards, scopes})
		for (const Scenario *scenario = list; scenario->name != nullptr; scenario++)
			if (name == scenario->name)
			{
				State before;
				scenario->run(trial);
				trial.check(before == State(), "the state at the end is not that at the start");
			}
	return mg::pg::text_datum(trial.wrong());
}
