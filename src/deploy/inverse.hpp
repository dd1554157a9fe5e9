// How to undo without a down script: by dropping what was made.
#pragma once

#include <optional>
#include <string>

#include "capture/run.hpp"
#include "script/script.hpp"

namespace mg::deploy {

// The statement that drops an object; nothing for one that goes along with another, or that is not dropped by its name.
std::optional<std::string> drop_statement(const capture::RunObject &object);

// Drops it as the caller, within a run; tells whether it is gone. What keeps it from being dropped is no error: something else may go first.
bool drop_one(const capture::RunObject &object, capture::Run &run);

// Tells whether what a statement is about is not there: then it has nothing to undo.
bool is_missing(const ErrorData &error);
void note_skipped(const script::Statement &statement, const pg::Error &error);

} // namespace mg::deploy
