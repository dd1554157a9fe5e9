// Questions to the server that it may answer by raising an error.
#pragma once

#include <optional>

#include "pg/subtransaction.hpp"

namespace mg::lint {

// Gives what fn gives, or `otherwise` where it raises because something is not there. What fn gives is plain data.
template <typename Fn>
auto
ask(std::invoke_result_t<Fn &> otherwise, Fn &&fn) -> std::invoke_result_t<Fn &>
{
	auto result = otherwise;
	std::optional<pg::Error> error = pg::try_and_undo([&] { result = pg::guarded(fn); });

	return error.has_value() ? otherwise : result;
}

} // namespace mg::lint
