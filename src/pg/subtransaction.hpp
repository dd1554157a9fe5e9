// Work that is undone whatever comes of it.
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

} // namespace detail

// Runs fn in a subtransaction that is always rolled back. A server error that fn raises is given back; C++ exceptions go on.
// A cancelled query is not given back but goes on, since somebody asked for the end.
template <typename Fn>
std::optional<Error>
try_and_undo(Fn &&fn)
{
	detail::Outside outside = guarded([] { return detail::begin_raw(); });
	std::optional<Error> failure;

	try
	{
		fn();
	}
	catch (Error &error)
	{
		failure.emplace(std::move(error));
	}
	catch (...)
	{
		guarded([&] { detail::undo_raw(outside); });
		throw;
	}
	guarded([&] { detail::undo_raw(outside); });
	if (failure.has_value() && failure->data().sqlerrcode == ERRCODE_QUERY_CANCELED)
		throw std::move(*failure);
	return failure;
}

} // namespace mg::pg
