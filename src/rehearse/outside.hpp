// What a script does that no rollback takes back, seen when it is about to happen.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::rehearse {

// A function, and what of it stays.
struct Effect
{
	std::string object;
	std::string what;
};

// Watches the functions that this session is about to call, until it goes out of scope. With `refuse` those that reach out of the
// database are not called but raise 0A000. At most one at a time.
//
// Knows the server's own functions and some extensions by name, and languages that are not trusted. What another extension's C
// functions do, nobody knows.
class OutsideWatch
{
public:
	explicit OutsideWatch(bool refuse);
	~OutsideWatch();
	OutsideWatch(const OutsideWatch &) = delete;
	OutsideWatch &operator=(const OutsideWatch &) = delete;

	// What was called, each once.
	std::vector<Effect> seen() const;
	// What was not called, even if the script caught the error.
	std::optional<Effect> refused() const;
};

// Whether a procedural language is one that only superusers may write functions in.
bool is_untrusted_raw(Oid language);

} // namespace mg::rehearse
