// Work that is undone when it fails, or whatever comes of it.
#pragma once

#include <optional>

#include "pg/boundary.hpp"

namespace mg::pg {

namespace detail {

// Where a subtransaction was begun from; both must be put back by hand afterwards.
struct Outside
{
	MemoryContext memory;
	ResourceOwner owner;
};

inline Outside
begin_raw()
{
	Outside outside = {CurrentMemoryContext, CurrentResourceOwner};

	BeginInternalSubTransaction(nullptr);
	MemoryContextSwitchTo(outside.memory);
	return outside;
}

inline void
undo_raw(const Outside &outside)
{
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(outside.memory);
	CurrentResourceOwner = outside.owner;
}

inline void
keep_raw(const Outside &outside)
{
	ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(outside.memory);
	CurrentResourceOwner = outside.owner;
}

// Runs fn in a subtransaction, which is undone unless fn comes to its end and `keep` is set. A server error that fn raises is given back;
// C++ exceptions go on.
template <typename Fn>
std::optional<Error>
in_subtransaction(Fn &&fn, bool keep)
{
	const Outside outside = guarded([] { return begin_raw(); });
	std::optional<Error> failure;

	try
	{
		fn();
		if (keep)
		{
			guarded([&] { keep_raw(outside); });
			return std::nullopt;
		}
	}
	catch (Error &error)
	{
		failure.emplace(std::move(error));
	}
	catch (...)
	{
		guarded([&] { undo_raw(outside); });
		throw;
	}
	guarded([&] { undo_raw(outside); });
	return failure;
}

} // namespace detail

// Runs fn in a subtransaction that is always rolled back. A server error that fn raises is given back; C++ exceptions go on.
// A cancelled query is not given back but goes on, since somebody asked for the end.
template <typename Fn>
std::optional<Error>
try_and_undo(Fn &&fn)
{
	std::optional<Error> failure = detail::in_subtransaction(fn, false);

	if (failure.has_value() && failure->data().sqlerrcode == ERRCODE_QUERY_CANCELED)
		throw std::move(*failure);
	return failure;
}

// The same, but what fn has done is kept when it comes to its end; a cancelled query is given back too.
template <typename Fn>
std::optional<Error>
try_and_keep(Fn &&fn)
{
	return detail::in_subtransaction(fn, true);
}

} // namespace mg::pg
