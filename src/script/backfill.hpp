// -- mg:backfill batch_size=5000 pause=100ms: an UPDATE that mg_deploy runs in batches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "script/script.hpp"

namespace mg::script {

// UPDATE table SET set_clause WHERE where_clause, as it is written.
struct Backfill
{
	std::string table;
	std::string set_clause;
	std::string where_clause; // empty: none
	std::optional<int> batch_size;
	std::optional<int64_t> pause_ms; // after each batch
};

// What the directive at a statement asks for; nothing where there is none. Raises 22023 for one that cannot be read or that stands at anything
// but an UPDATE, and 0A000 for an UPDATE that cannot run in batches: with FROM, WITH, RETURNING, WHERE CURRENT OF, ONLY or an alias.
std::optional<Backfill> backfill_of(const Script &script, const Statement &statement);

// Raises what backfill_of() raises for any statement, and 22023 for a directive that stands at none.
void require_backfills(const Script &script);

// Raises 22023 or 42601 unless the texts make one such UPDATE, each in its own place: the clauses may then stand in parentheses, behind one
// another and before more text.
void require_backfill(const std::string &table, const std::string &set_clause, const std::string &where_clause);

// The columns that a SET clause writes, each once.
std::vector<std::string> assigned_columns(const std::string &set_clause);

// The rows that a rehearsal updates.
constexpr int sample_rows = 1000;

// The UPDATE on a sample: of the rows that it is about, or, to read no more than these, of the first rows of the table.
std::string sample_of(const Backfill &backfill, bool of_first_rows);

} // namespace mg::script
