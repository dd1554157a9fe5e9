// Crosses between server errors and C++ exceptions.
#include "pg/boundary.hpp"

#include <new>

namespace mg::pg {

Error::~Error()
{
	if (parts_.owner != nullptr)
		MemoryContextDelete(parts_.owner);
}

// Copying can itself fail, for want of memory only; then that is the exception, so that C++ frames unwind in any case.
Error
detail::take_error()
{
	const StackRestorer restorer;
	MemoryContext const before = CurrentMemoryContext;
	MemoryContext volatile owner = nullptr;
	sigjmp_buf here;

	if (sigsetjmp(here, 0) != 0)
	{
		restorer.restore();
		MemoryContextSwitchTo(before);
		FlushErrorState();
		if (owner != nullptr)
			MemoryContextDelete(owner);
		throw std::bad_alloc();
	}
	PG_exception_stack = &here;
	owner = AllocSetContextCreate(TopMemoryContext, "migration_governance error", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(owner);
	Error::Parts parts;
	parts.owner = owner;
	parts.callback = static_cast<MemoryContextCallback *>(palloc0(sizeof(MemoryContextCallback)));
	parts.edata = CopyErrorData();
	MemoryContextSwitchTo(before);
	FlushErrorState();
	return Error(parts);
}

namespace {

// Copies text without raising; for want of memory the text is lost, not the error.
const char *
copy_text(const char *text, size_t length) noexcept
{
	if (length == 0)
		return nullptr;
	auto *copy =
		static_cast<char *>(MemoryContextAllocExtended(ErrorContext, length + 1, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE));
	if (copy == nullptr)
		return "out of memory";
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

void
delete_context(void *context)
{
	MemoryContextDelete(static_cast<MemoryContext>(context));
}

// Raises a server error again; our copy goes when ErrorContext is reset, once the error has been dealt with.
[[noreturn]] void
raise_again(Error::Parts parts)
{
	parts.callback->func = delete_context;
	parts.callback->arg = parts.owner;
	MemoryContextRegisterResetCallback(ErrorContext, parts.callback);
	ReThrowError(parts.edata);
	pg_unreachable();
}

} // namespace

void
detail::Failure::keep(const char *state, const char *text) noexcept
{
	memcpy(sqlstate, state, 5);
	message = copy_text(text, strlen(text));
}

void
detail::Failure::keep(const UserError &error) noexcept
{
	keep(error.sqlstate().size() == 5 ? error.sqlstate().c_str() : "XX000", error.what());
	detail = copy_text(error.detail().data(), error.detail().size());
	hint = copy_text(error.hint().data(), error.hint().size());
	context = copy_text(error.context().data(), error.context().size());
}

void
detail::raise(const Failure &failure)
{
	if (failure.server.edata != nullptr)
		raise_again(failure.server);

	const char *s = failure.sqlstate;
	ereport(ERROR, (errcode(MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4])),
					errmsg_internal("%s", failure.message != nullptr ? failure.message : "unknown error"),
					failure.detail != nullptr ? errdetail_internal("%s", failure.detail) : 0,
					failure.hint != nullptr ? errhint("%s", failure.hint) : 0,
					failure.context != nullptr ? errcontext_msg("%s", failure.context) : 0));
	pg_unreachable();
}

void
report(int elevel, const UserError &message)
{
	guarded([&] {
		const char *s = message.sqlstate().c_str();
		ereport(elevel, (errcode(MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4])), errmsg_internal("%s", message.what()),
						 message.detail().empty() ? 0 : errdetail_internal("%s", message.detail().c_str()),
						 message.hint().empty() ? 0 : errhint("%s", message.hint().c_str())));
	});
}

} // namespace mg::pg
