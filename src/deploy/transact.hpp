// The transactions of which a deployment is made.
#pragma once

#include "pg/procedure.hpp"

namespace mg::deploy {

// Does fn in a transaction of its own, which begins here and is committed at its end. What fn raises, or COMMIT does, goes on after
// everything is undone, and the next transaction has begun. No query may run outside of one of these: what it leaves behind when it
// raises only goes with a subtransaction.
template <typename Fn>
void
transact(Fn &&fn)
{
	pg::ensure_snapshot();
	auto try_it = [&] {
		try
		{
			return pg::try_and_keep(fn);
		}
		catch (...)
		{
			pg::commit_and_go_on();
			throw;
		}
	};
	std::optional<pg::Error> error = try_it();
	pg::commit_and_go_on();
	if (error.has_value())
		throw std::move(*error);
}

} // namespace mg::deploy
