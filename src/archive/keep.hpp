// Keeps what a statement is about to destroy, in tables of schema mg_archive.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archive/source.hpp"

namespace mg::archive {

// For whom something is kept.
struct Occasion
{
	int64_t run;
	std::string migration;
	std::string script; // up or down
	std::string tag;    // of the statement
};

// One loss, and where it is kept.
struct Kept
{
	int64_t id; // of its record
	Loss loss;
	Source source;
	Oid table;                         // in mg_archive; none for a sequence, or when it was discarded
	std::string name;                  // of that
	std::optional<std::string> reason; // why it was discarded
	std::vector<std::string> key;      // its columns; empty: whole rows are kept
	int64_t rows;                      // -1: moved and not counted
	bool moved;                        // the files themselves, not a copy
	Oid files;                         // moved: those that the source was given instead
	bool in_place;                     // TRUNCATE keeps them
	bool is_text;                      // columns of types that go are kept as text
};

// Columns of an archive of values: what the new type made of them, and whether that is still so.
inline constexpr const char *after_mark = "mg after";
inline constexpr const char *match_mark = "mg unchanged";

// SQL that tells which row of a table `t` is one of its archive `a`.
std::string same_row(Oid archive, const std::vector<std::string> &key);

// Whether a table, or a column of it, has what keep() would keep.
bool would_be_lost(Oid relation, int column);

// SQL for the hashes of those columns of a row of table `t` that its archive has, in their order; and for whether those that table still has are what
// `kept` says.
std::string row_hashes(Oid archive, Oid table);
std::string same_hashes(Oid archive, Oid table);

// Runs SQL on an archive in which "kept" stands for the rows of a table of somebody else: a query of that table itself would run functions of its
// indexes with the rights of the ledger's owner, which reads it.
void run_beside(Oid table, const std::string &sql);

// Takes the locks that the statement takes, and moves or copies. What is empty, temporary or made in this transaction is left out. Raises MG410 for
// what is larger than policy lets be kept.
std::vector<Kept> keep(const Losses &losses);

// Of rows that a statement changes in WITH, the server does not tell how many.
constexpr uint64_t uncounted = PG_INT32_MAX;

// Keeps the rows that were changed since then, no more than so many, and puts that on record; nothing if there are none, or if the table is not to be kept.
void keep_changed(Oid table, uint64_t count, Snapshot before, const Occasion &occasion);

// After release(): tables that were replaced.
void follow(std::vector<Kept> &kept);

// After the statement: puts on record what is lost, takes back what is not. `statement` succeeded.
void confirm(std::vector<Kept> &kept, const Occasion &occasion);

} // namespace mg::archive
