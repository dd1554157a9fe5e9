// What can go wrong below an entry, by name, and objects that must not outlive it.
#pragma once

#include <string>

#include "pg/boundary.hpp"

namespace mg::boundary {

// Counts itself: one that a longjmp skipped stays alive, and so does its heap memory.
class Witness
{
public:
	Witness() : text_(200, 'w')
	{
		alive++;
		made++;
	}
	~Witness() { alive--; }
	Witness(const Witness &) = delete;
	Witness &operator=(const Witness &) = delete;

	static int alive;
	static int64 made;

private:
	std::string text_;
};

// The failures that come by themselves, as opposed to those that wait for somebody; ended by nullptr.
extern const char *const repeatable[];

// Fails in the way that is called `kind` below frames with objects in them; returns for "none".
void fail(const std::string &kind);

// The same without any memory of its own, for when there is none.
void fail_bare(const char *kind);

// Fails in the way that the setting boundary.ENTRY names, if it names one.
void fail_if_armed(const char *entry);

// Raises an error with every field set.
[[noreturn]] void raise_full_raw();

// Runs body, which may raise, in a subtransaction that ends as body does; gives the error, or nullptr.
template <typename Body>
ErrorData *
caught_raw(Body &&body)
{
	MemoryContext const memory = CurrentMemoryContext;
	ResourceOwner const owner = CurrentResourceOwner;
	ErrorData *volatile error = nullptr;

	BeginInternalSubTransaction(nullptr);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		body();
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
	CurrentResourceOwner = owner;
	return error;
}

} // namespace mg::boundary
