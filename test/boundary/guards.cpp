// Trials of guarded(), enter(), finally_raw(), succeeds_raw() and report().
#include "boundary/scenarios.hpp"

#include <cstring>
#include <optional>
#include <stdexcept>
#include <vector>

#include "boundary/failures.hpp"
#include "pg/memory.hpp"
#include "pg/subtransaction.hpp"

namespace mg::boundary {

namespace {

bool
is_full(const ErrorData &error)
{
	return strcmp(unpack_sql_state(error.sqlerrcode), "BD001") == 0 &&
		   strcmp(error.message, "a server error, 100% %s") == 0 && strcmp(error.detail, "Its detail, 100% %s.") == 0 &&
		   strcmp(error.hint, "Its hint, 100% %s.") == 0 && error.cursorpos == 8;
}

extern "C" void
add_nothing(void *)
{
}

void
value_comes_back(Trial &trial)
{
	State before;
	int value = pg::guarded([] { return 42; });

	trial.check(value == 42, "the value is another");
	trial.check(before == State(), "the error stack is not restored");
}

void
server_error_becomes_exception(Trial &trial)
{
	State before;
	bool caught = false;

	try
	{
		Witness witness;
		pg::guarded([] {
			ErrorContextCallback callback = {error_context_stack, add_nothing, nullptr};
			error_context_stack = &callback;
			MemoryContextSwitchTo(TopMemoryContext);
			raise_full_raw();
		});
	}
	catch (const pg::Error &error)
	{
		caught = true;
		trial.check(is_full(error.data()), "a field of the error is lost");
		trial.check(strcmp(error.what(), error.data().message) == 0, "what() is another text");
		trial.check(before == State(), "the state is not restored in the handler");
	}
	trial.check(caught, "no exception came");
}

void
exception_leaves_guard(Trial &trial)
{
	State before;
	int caught = 0;

	for (int i = 0; i < 3; i++)
		try
		{
			pg::guarded([&] {
				if (i == 0)
					throw UserError("BD002", "within a guard");
				if (i == 1)
					throw std::bad_alloc();
				throw 42;
			});
		}
		catch (...)
		{
			caught++;
			trial.check(before == State(), "the state is not restored");
		}
	trial.check(caught == 3, "an exception was lost");
	try
	{
		pg::guarded([] { raise_full_raw(); });
	}
	catch (const pg::Error &error)
	{
		trial.check(is_full(error.data()), "the guard after them does not work");
	}
}

void
guards_nest(Trial &trial)
{
	State before;
	int order = 0;

	try
	{
		pg::guarded([&] {
			try
			{
				pg::guarded([] { raise_full_raw(); });
			}
			catch (const pg::Error &)
			{
				order = order * 10 + 1;
			}
			try
			{
				pg::guarded([] { elog(ERROR, "second"); });
			}
			catch (const pg::Error &)
			{
				order = order * 10 + 2;
			}
			elog(ERROR, "third");
		});
	}
	catch (const pg::Error &error)
	{
		order = order * 10 + 3;
		trial.check(strcmp(error.what(), "third") == 0, "the outer guard has another error");
	}
	trial.check(order == 123, "the handlers ran in another order");
	trial.check(before == State(), "the state is not restored");
}

void
entries_nest(Trial &trial)
{
	int handlers = 0;

	try
	{
		pg::guarded([&] {
			pg::enter([&] {
				Witness outer;
				try
				{
					pg::guarded(
						[] { pg::enter([] { throw UserError("BD002", "from the inner entry").hint("A hint."); }); });
				}
				catch (const pg::Error &)
				{
					handlers++;
					throw;
				}
			});
		});
	}
	catch (const pg::Error &error)
	{
		handlers++;
		trial.check(strcmp(error.what(), "from the inner entry") == 0 && strcmp(error.data().hint, "A hint.") == 0 &&
						strcmp(unpack_sql_state(error.data().sqlerrcode), "BD002") == 0,
					"a field of the error is lost");
	}
	trial.check(handlers == 2, "a handler did not run");
}

// More errors than the server's own stack holds.
void
errors_live_side_by_side(Trial &trial)
{
	std::vector<pg::Error> errors;

	for (int i = 0; i < 50; i++)
		try
		{
			pg::guarded([&] { elog(ERROR, "error %d", i); });
		}
		catch (pg::Error &error)
		{
			errors.push_back(std::move(error));
		}
	for (int i = 0; i < 50; i++)
		trial.check(errors[i].what() == "error " + std::to_string(i), "an error has another's text");
}

void
error_outlives_contexts(Trial &trial)
{
	try
	{
		pg::MemoryScope outer("boundary outer");
		pg::MemoryScope inner("boundary inner");
		pg::guarded([&] {
			MemoryContextSwitchTo(inner.get());
			raise_full_raw();
		});
	}
	catch (const pg::Error &error)
	{
		trial.check(is_full(error.data()), "a field of the error is lost");
	}
}

struct FailsInDestructor
{
	~FailsInDestructor()
	{
		try
		{
			pg::guarded([] { elog(ERROR, "while unwinding"); });
		}
		catch (const pg::Error &)
		{
			seen = true;
		}
	}
	bool &seen;
};

void
destructor_handles_its_own_error(Trial &trial)
{
	bool seen = false;

	try
	{
		FailsInDestructor object{seen};
		pg::guarded([] { raise_full_raw(); });
	}
	catch (const pg::Error &error)
	{
		trial.check(is_full(error.data()), "the first error is lost");
	}
	trial.check(seen, "the destructor did not run");
}

void
handler_fails(Trial &trial)
{
	bool caught = false;

	try
	{
		try
		{
			pg::guarded([] { raise_full_raw(); });
		}
		catch (const pg::Error &)
		{
			Witness witness;
			pg::guarded([] { elog(ERROR, "in the handler"); });
		}
	}
	catch (const pg::Error &error)
	{
		caught = strcmp(error.what(), "in the handler") == 0;
	}
	trial.check(caught, "the second error did not come");
}

void
first_error_goes_on(Trial &trial)
{
	bool caught = false;

	try
	{
		try
		{
			pg::guarded([] { raise_full_raw(); });
		}
		catch (const pg::Error &)
		{
			try
			{
				pg::guarded([] { elog(ERROR, "in the handler"); });
			}
			catch (const pg::Error &)
			{
			}
			throw;
		}
	}
	catch (const pg::Error &error)
	{
		caught = is_full(error.data());
	}
	trial.check(caught, "the first error is lost");
}

void
error_moves(Trial &trial)
{
	std::optional<pg::Error> kept;
	bool caught = false;

	try
	{
		pg::guarded([] { raise_full_raw(); });
	}
	catch (pg::Error &error)
	{
		kept.emplace(std::move(error));
	}
	try
	{
		throw std::move(*kept);
	}
	catch (const pg::Error &error)
	{
		caught = is_full(error.data());
	}
	trial.check(caught, "the error is lost");
}

void
finally_after_success(Trial &trial)
{
	State before;
	int order = 0;

	pg::finally_raw([&] { order = order * 10 + 1; },
					[&] {
						order = order * 10 + 2;
						trial.check(before == State(), "the state is not restored before the cleanup");
					});
	trial.check(order == 12, "body and cleanup did not run once each");
}

// The counters are volatile because they are read after a longjmp.
void
finally_after_error(Trial &trial)
{
	volatile int order = 0;
	volatile bool restored = true;
	bool caught = false;

	try
	{
		pg::guarded([&] {
			sigjmp_buf *const handler = PG_exception_stack;
			ErrorContextCallback *const callbacks = error_context_stack;
			pg::finally_raw(
				[&] {
					ErrorContextCallback callback = {error_context_stack, add_nothing, nullptr};
					error_context_stack = &callback;
					pg::finally_raw([] { raise_full_raw(); }, [&] { order = order * 10 + 1; });
				},
				[&] {
					order = order * 10 + 2;
					restored = PG_exception_stack == handler && error_context_stack == callbacks;
				});
			order = order * 10 + 3;
		});
	}
	catch (const pg::Error &error)
	{
		caught = is_full(error.data());
	}
	trial.check(caught, "the error is lost");
	trial.check(order == 12, "the cleanups did not run once each, from within");
	trial.check(restored, "the state is not restored before the cleanup");
}

void
cleanup_fails(Trial &trial)
{
	volatile int cleanups = 0;
	int caught = 0;

	for (int i = 0; i < 2; i++)
		try
		{
			pg::guarded([&] {
				pg::finally_raw(
					[&] {
						if (i == 1)
							raise_full_raw();
					},
					[&] {
						cleanups = cleanups + 1;
						elog(ERROR, "in the cleanup");
					});
			});
		}
		catch (const pg::Error &error)
		{
			caught += strcmp(error.what(), "in the cleanup") == 0 ? 1 : 0;
		}
	trial.check(caught == 2, "the cleanup's error did not come");
	trial.check(cleanups == 2, "a cleanup ran twice");
}

void
success_is_told(Trial &trial)
{
	State before;

	trial.check(pg::guarded([] { return pg::succeeds_raw([] {}); }), "success is not told");
	/* The server's stack of errors holds five. */
	for (int i = 0; i < 20; i++)
		trial.check(!pg::guarded([] {
			return pg::succeeds_raw([] {
				MemoryContextSwitchTo(TopMemoryContext);
				raise_full_raw();
			});
		}),
					"failure is not told");
	trial.check(before == State(), "the state is not restored");
}

void
success_is_told_within_error(Trial &trial)
{
	bool caught = false;

	try
	{
		pg::guarded([] {
			if (!pg::succeeds_raw([] { elog(ERROR, "forgotten"); }))
				raise_full_raw();
		});
	}
	catch (const pg::Error &error)
	{
		caught = is_full(error.data());
	}
	trial.check(caught, "another error came");
}

void
report_warns_and_raises(Trial &trial)
{
	bool caught = false;

	pg::report(DEBUG1, UserError("01000", "of no interest").detail("A detail.").hint("A hint."));
	try
	{
		pg::report(ERROR, UserError("BD005", "reported, 100% %s").detail("A detail.").hint("A hint."));
	}
	catch (const pg::Error &error)
	{
		caught = strcmp(unpack_sql_state(error.data().sqlerrcode), "BD005") == 0 &&
				 strcmp(error.what(), "reported, 100% %s") == 0 && strcmp(error.data().detail, "A detail.") == 0 &&
				 strcmp(error.data().hint, "A hint.") == 0;
	}
	trial.check(caught, "an error is not reported as it is");
}

} // namespace

const Scenario guards[] = {{"a guard gives its value back", value_comes_back},
						   {"a server error becomes an exception", server_error_becomes_exception},
						   {"a C++ exception leaves a guard", exception_leaves_guard},
						   {"guards nest", guards_nest},
						   {"entries nest", entries_nest},
						   {"fifty errors live side by side", errors_live_side_by_side},
						   {"an error outlives the contexts it was raised in", error_outlives_contexts},
						   {"a destructor handles an error of its own", destructor_handles_its_own_error},
						   {"an error in a handler replaces the first", handler_fails},
						   {"an error goes on after another was handled", first_error_goes_on},
						   {"an error can be moved and thrown again", error_moves},
						   {"finally_raw after success", finally_after_success},
						   {"finally_raw after an error, nested", finally_after_error},
						   {"finally_raw with an error in the cleanup", cleanup_fails},
						   {"succeeds_raw tells success and failure", success_is_told},
						   {"an error after one that succeeds_raw forgot", success_is_told_within_error},
						   {"report warns and raises", report_warns_and_raises},
						   {nullptr, nullptr}};

} // namespace mg::boundary
