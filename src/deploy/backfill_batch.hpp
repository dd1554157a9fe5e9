// The statements of a backfill, run as the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "deploy/backfill_targets.hpp"

namespace mg::deploy {

// A part of a target. Where rows cannot be compared as wholes in the order of the index, `after` may be without its last values: then it is
// behind all that begin with the rest, and the range ends with those that have all but the last of `after`.
struct Range
{
	KeyValues after; // empty: from the first on
	KeyValues up_to; // included
	int64_t first_page = 0;
	int64_t end_page = 0; // not included
};

// A target as SQL names it.
class Statements
{
public:
	Statements(const Subject &subject, const script::Backfill &order, const Target &target);

	// Plans the whole UPDATE, so that what is wrong with it, or not allowed, is raised.
	void check() const;
	// The greatest key; empty if there is no row.
	KeyValues greatest() const;
	// The key of the row that is so many behind, in the range from there to the target's last; nothing if there are not so many.
	std::optional<KeyValues> bound(const KeyValues &after, int64_t count) const;
	// Gives the number of rows changed.
	int64_t update(const Range &range) const;

private:
	std::string columns() const;
	std::string order_by(bool backwards) const;
	std::string within(const Range &range) const;
	std::string side_of(const KeyValues &values, bool beyond) const;
	std::string stepwise(const Range &range) const;
	std::string compared(const KeyColumn &key, const std::string &sign, const std::string &value) const;
	std::string column(const KeyColumn &key) const;

	const Target &target_;
	const std::string reference_;
	std::string from_;   // ONLY schema.table AS name
	std::string update_; // UPDATE ... SET ... WHERE (...)
};

} // namespace mg::deploy
