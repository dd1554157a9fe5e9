// How to undo without a down script: by dropping what was made.
#pragma once

#include <optional>
#include <string>

#include "capture/run.hpp"
#include "script/script.hpp"

namespace mg::deploy {

// The statement that drops an object; nothing for one that goes along with another, or that is not dropped by its name.
std::optional<std::string> drop_statement(const capture::RunObject &object);

// Drops it as the caller, within a run; tells whether it is gone. That something stands on it is no error, since that may go next; any other
// trouble is given back. Raises only what is gone at the next try, and that the query was cancelled.
bool drop_one(const capture::RunObject &object, capture::Run &run, std::optional<pg::Error> &trouble);

// Tells whether what a statement is about is not there: then it has nothing to undo.
bool is_missing(const ErrorData &error);
void note_skipped(const script::Statement &statement, const pg::Error &error);

} // namespace mg::deploy
