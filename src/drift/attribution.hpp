// Tells which captured statement made a difference.
#pragma once

#include "drift/compare.hpp"
#include "drift/statements.hpp"

namespace mg::drift {

// The statements on record that may have made these differences, newest first.
std::vector<Statement> statements_about(const std::vector<Drift> &drifts);

// The statement that most likely made a difference, the newest of the best kind: it touched that very object or part; it
// touched the object and says the part's name; it touched the object; it touched what the definition names. nullptr if none did.
const Statement *find_statement(const std::vector<Statement> &statements, const Drift &drift,
								const Deviation &deviation);

} // namespace mg::drift
