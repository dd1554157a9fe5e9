// Small trials of src/pg/ that run inside a backend, each with a name.
#pragma once

#include <string>

#include "pg/boundary.hpp"

namespace mg::boundary {

// Collects what was not as it should be.
class Trial
{
public:
	void check(bool fine, const char *what)
	{
		if (!fine)
			wrong_ += (wrong_.empty() ? "" : "; ") + std::string(what);
	}
	const std::string &wrong() const { return wrong_; }

private:
	std::string wrong_;
};

// What every way out of a guard or scope must leave as it was.
class State
{
public:
	State();
	bool operator==(const State &other) const;

private:
	sigjmp_buf *handler_;
	ErrorContextCallback *callbacks_;
	MemoryContext memory_;
	ResourceOwner owner_;
	int nest_level_;
	Oid role_;
	int security_;
	int witnesses_;
};

struct Scenario
{
	const char *name;
	void (*run)(Trial &);
};

// The scenarios of guards.cpp and scopes.cpp, each list ended by a name that is nullptr.
extern const Scenario guards[];
extern const Scenario scopes[];

} // namespace mg::boundary
