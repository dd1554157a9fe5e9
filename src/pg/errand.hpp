// One statement at top level of a background worker that is like this session: the same user and role, the same settings, the same
// preloaded libraries. It is where statements run that no transaction block can have, while this session waits without a snapshot.
#pragma once

#include <optional>
#include <string>

#include "pg/settings.hpp"

namespace mg::pg {

class Errand
{
public:
	// Starts the worker, with these settings besides the session's own; `cargo` is what the worker's begin() gets. Raises 55000 where
	// no worker can be this session's user, 53400 when no worker slot is free.
	Errand(const std::string &sql, const Settings &settings, const std::string &cargo);
	// Ends the worker if it still runs, and waits for its end.
	~Errand();
	Errand(const Errand &) = delete;
	Errand &operator=(const Errand &) = delete;

	// Waits until the worker has ended, at most so long; tells whether it has. Passes its notices on. A cancelled query is raised at once.
	bool wait(int milliseconds);

	// Its process, or 0 before it has one and after it has ended.
	int pid() const;

	// After its end: what the worker's statement raised, with a line of context more if there is one, or nothing.
	std::optional<Error> failure(const std::string &context = "");

private:
	struct State;
	State *state_;
};

// The body of the worker. It runs no statement that `allowed` does not allow; `begin` comes before the statement, within a transaction.
// Both are plain server code and may raise.
using ErrandAllowed = bool (*)(Node *tree);
using ErrandBegin = void (*)(const char *cargo);
void errand_body_raw(Datum argument, ErrandAllowed allowed, ErrandBegin begin);

} // namespace mg::pg
