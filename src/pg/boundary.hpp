// The one place where a PostgreSQL error becomes a C++ exception and back.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "core/error.hpp"
#include "pg/server.hpp"

namespace mg::pg {

// A server error travelling through C++ frames with everything it carries: SQLSTATE, detail, hint, context, cursor.
// It owns a memory context of its own, so unwinding that deletes other contexts cannot free it underneath itself.
class Error final : public std::exception
{
public:
	struct Parts
	{
		MemoryContext owner = nullptr;
		ErrorData *edata = nullptr;
		MemoryContextCallback *callback = nullptr; // room for raising the error again without asking for memory
	};

	explicit Error(Parts parts) noexcept : parts_(parts) {}
	Error(Error &&other) noexcept : parts_(std::exchange(other.parts_, Parts{})) {}
	Error(const Error &) = delete;
	Error &operator=(const Error &) = delete;
	Error &operator=(Error &&) = delete;
	~Error() override;

	const char *what() const noexcept override { return parts_.edata->message != nullptr ? parts_.edata->message : ""; }
	const ErrorData &data() const noexcept { return *parts_.edata; }

	// Gives the error up to the caller, who raises it.
	Parts release() noexcept { return std::exchange(parts_, Parts{}); }

private:
	Parts parts_;
};

namespace detail {

Error take_error();

// Puts the server's error stack back however a guard is left: return, server error or C++ exception.
class StackRestorer
{
public:
	StackRestorer() noexcept : handler_(PG_exception_stack), callbacks_(error_context_stack) {}
	~StackRestorer() { restore(); }
	StackRestorer(const StackRestorer &) = delete;
	StackRestorer &operator=(const StackRestorer &) = delete;

	void restore() const noexcept
	{
		PG_exception_stack = handler_;
		error_context_stack = callbacks_;
	}

private:
	sigjmp_buf *handler_;
	ErrorContextCallback *callbacks_;
};

// What a catch clause may keep for the raise that follows it: plain memory only.
struct Failure
{
	Error::Parts server;
	char sqlstate[6] = {0};
	const char *message = nullptr;
	const char *detail = nullptr;
	const char *hint = nullptr;
	const char *context = nullptr;

	void keep(const char *state, const char *text) noexcept;
	void keep(const UserError &error) noexcept;
};

[[noreturn]] void raise(const Failure &failure);

} // namespace detail

// Calls fn, which may ereport(ERROR); a server error comes back as pg::Error.
// Inside fn keep only trivially destructible locals: a longjmp runs no destructor. Results leave by return only.
template <typename Fn>
auto
guarded(Fn &&fn) -> std::invoke_result_t<Fn &>
{
	using Result = std::invoke_result_t<Fn &>;
	static_assert(std::is_trivially_destructible_v<std::remove_reference_t<Fn>>, "capture by reference only");
	static_assert(std::is_void_v<Result> || std::is_trivially_destructible_v<Result>,
				  "return plain data and convert it outside the guard");

	const detail::StackRestorer restorer;
	MemoryContext const outer_context = CurrentMemoryContext;
	sigjmp_buf here;

	if (sigsetjmp(here, 0) != 0)
	{
		restorer.restore();
		MemoryContextSwitchTo(outer_context);
		throw detail::take_error();
	}
	PG_exception_stack = &here;
	return fn();
}

// Runs what the server calls (function, hook, event trigger, worker); whatever body throws leaves as one ereport(ERROR).
template <typename Fn>
auto
enter(Fn &&body) -> std::invoke_result_t<Fn &>
{
	detail::Failure failure;

	try
	{
		return body();
	}
	catch (Error &error)
	{
		failure.server = error.release();
	}
	catch (const UserError &error)
	{
		failure.keep(error);
	}
	catch (const std::bad_alloc &)
	{
		failure.keep("53200", "out of memory");
	}
	catch (const std::exception &error)
	{
		failure.keep("XX000", error.what());
	}
	catch (...)
	{
		failure.keep("XX000", "unrecognized C++ exception");
	}
	/* Every C++ object is gone by now: the longjmp below skips nothing. */
	detail::raise(failure);
}

// Runs body, which may raise, and then cleanup in any case; a raised error goes on afterwards. Both hold plain data only.
// Not PG_TRY/PG_FINALLY: its flag draws -Wclobbered from g++ once it is inlined.
template <typename Body, typename Cleanup>
void
finally_raw(Body &&body, Cleanup &&cleanup)
{
	sigjmp_buf *const handler = PG_exception_stack;
	ErrorContextCallback *const callbacks = error_context_stack;
	sigjmp_buf here;

	if (sigsetjmp(here, 0) != 0)
	{
		PG_exception_stack = handler;
		error_context_stack = callbacks;
		cleanup();
		PG_RE_THROW();
	}
	PG_exception_stack = &here;
	body();
	PG_exception_stack = handler;
	error_context_stack = callbacks;
	cleanup();
}

// Runs body and tells whether it went without an error, which is forgotten. Only for what holds nothing but memory
// (the scanner, the raw parser): any other error must end its subtransaction.
template <typename Body>
bool
succeeds_raw(Body &&body)
{
	MemoryContext const outer_context = CurrentMemoryContext;
	volatile bool fine = true;

	PG_TRY();
	{
		body();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(outer_context);
		FlushErrorState();
		fine = false;
	}
	PG_END_TRY();
	return fine;
}

// Reports a NOTICE or WARNING (elevel) to the client; detail and hint may be empty.
void report(int elevel, const UserError &message);

} // namespace mg::pg

#define MG_FUNCTION(name)                                          \
	static Datum name##_body(FunctionCallInfo fcinfo);             \
	extern "C" {                                                   \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                      \
	PG_FUNCTION_INFO_V1(name);                                     \
	Datum name(PG_FUNCTION_ARGS)                                   \
	{                                                              \
		return mg::pg::enter([&] { return name##_body(fcinfo); }); \
	}                                                              \
	}                                                              \
	static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
