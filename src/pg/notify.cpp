// Keeps notifications until the transaction commits.
#include "pg/notify.hpp"

namespace mg::pg {

namespace {

struct Pending
{
	MemoryContextCallback callback;
	Pending *next;
	const char *channel;
	char payload[FLEXIBLE_ARRAY_MEMBER];
};

// The newest first. Each lives in the memory of its subtransaction, whose end takes it off the list: at once when it is undone, else
// with the transaction.
Pending *pending = nullptr;
bool is_registered = false;

void
forget(void *item)
{
	for (Pending **link = &pending; *link != nullptr; link = &(*link)->next)
		if (*link == item)
		{
			*link = (*link)->next;
			return;
		}
}

void
send_raw(Pending *item)
{
	if (item == nullptr)
		return;
	check_stack_depth();
	send_raw(item->next);
	Async_Notify(item->channel, item->payload);
}

void
at_end(XactEvent event, void *)
{
	if (event == XACT_EVENT_PRE_COMMIT)
		send_raw(pending);
}

} // namespace

void
notify_at_commit(const char *channel, const std::string &payload)
{
	const char *text = payload.c_str();

	guarded([&] {
		if (!is_registered)
		{
			RegisterXactCallback(at_end, nullptr);
			is_registered = true;
		}
		const size_t length = strlen(text);
		auto *item =
			static_cast<Pending *>(MemoryContextAlloc(CurTransactionContext, offsetof(Pending, payload) + length + 1));
		item->channel = channel;
		memcpy(item->payload, text, length + 1);
		item->callback.func = forget;
		item->callback.arg = item;
		item->next = pending;
		pending = item;
		MemoryContextRegisterResetCallback(CurTransactionContext, &item->callback);
	});
}

void
emit_message(const char *prefix, const std::string &message)
{
	if (!XLogLogicalInfoActive())
		return;
	guarded([&] {
#if PG_VERSION_NUM >= 170000
		LogLogicalMessage(prefix, message.data(), message.size(), true, false);
#else
		LogLogicalMessage(prefix, message.data(), message.size(), true);
#endif
	});
}

} // namespace mg::pg
