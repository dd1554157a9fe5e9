// Questions to the server that it may answer by raising an error, or by calling what users wrote.
#pragma once

#include <optional>

#include "pg/subtransaction.hpp"

namespace mg::lint {

// While it lives, the session calls no function in SQL or a procedural language: the server's parser and planner call some to read the
// literals of a domain, or to work out what is constant. Such a call raises an error, so this is for use within a subtransaction.
class CallGuard
{
public:
	CallGuard();
	~CallGuard();
	CallGuard(const CallGuard &) = delete;
	CallGuard &operator=(const CallGuard &) = delete;

private:
	bool is_outermost_;
};

// Lets the rest of the subtransaction raise an error rather than wait for a lock.
void refuse_waits_raw();
// Has names looked for in a setting of search_path for the rest of the subtransaction.
void set_path_raw(const char *path);

// Gives what fn gives, or `otherwise` where it raises because something is not there, or would call what a user wrote. What fn gives is
// plain data.
template <typename Fn>
auto
ask(std::invoke_result_t<Fn &> otherwise, Fn &&fn) -> std::invoke_result_t<Fn &>
{
	const CallGuard calls;
	auto result = otherwise;
	std::optional<pg::Error> error = pg::try_and_undo([&] { result = pg::guarded(fn); });

	return error.has_value() ? otherwise : result;
}

} // namespace mg::lint
