// What the linter has to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pg/boundary.hpp"

namespace mg::lint {

enum class Severity
{
	info,
	warning,
	error
};

const char *word_of(Severity severity);

struct Rule;

struct Finding
{
	const Rule *rule = nullptr;
	Severity severity = Severity::warning;
	int line = 0;
	int column = 0;
	std::string statement; // shortened, without secrets
	std::string object;    // schema-qualified and quoted
	LOCKMODE lock = NoLock;
	std::string message;
	std::string hint; // the safe way, written out for this object
	int64_t bytes = 0;
	double rows = -1; // below 0: nobody knows
};

} // namespace mg::lint
