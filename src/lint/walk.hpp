// Takes statements apart and keeps the model up to date.
#pragma once

#include <functional>

#include "lint/action.hpp"

namespace mg::lint {

// Calls `look` with each action of a statement, the model being as it is before the action, and then lets the model know.
// What would do nothing (IF NOT EXISTS on what is there, SET NOT NULL on what is not null) is no action.
void walk(const Node *statement, Model &model, const std::function<void(Action &)> &look);

} // namespace mg::lint
