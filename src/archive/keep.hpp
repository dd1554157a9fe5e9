// Keeps what a statement is about to destroy, in tables of schema mg_archive.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/losses.hpp"

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
	Oid table;        // in mg_archive; none for a sequence
	std::string name; // of that
	std::string schema;
	std::string source;           // name of the table or sequence
	std::string column;           // or empty
	std::string details;          // JSON: what is worth knowing of the source
	std::vector<std::string> key; // its columns; empty: whole rows are kept
	int64_t rows;                 // -1: moved and not counted
	double about;                 // rows, as the planner has it
	int64_t bytes;
	bool moved;    // the files themselves, not a copy
	Oid files;     // moved: those that the source was given instead
	bool in_place; // TRUNCATE keeps them
};

// Columns of an archive of values: what the new type made of them, and whether that is still so.
inline constexpr const char *after_mark = "mg after";
inline constexpr const char *match_mark = "mg unchanged";

// SQL that tells which row of a table `t` is one of its archive `a`.
std::string same_row(Oid archive, const std::vector<std::string> &key);

// Whether a table, or a column of it, has what keep() would keep.
bool would_be_lost(Oid relation, int column);

// SQL for a sum over those columns of a row of a table that its archive has.
std::string row_sum(Oid archive, const std::string &table);

// Takes the locks that the statement takes, and moves or copies. What is empty, temporary or made in this transaction is left out. Archives
// that are there already have text where they had a type that goes.
std::vector<Kept> keep(const Losses &losses);

// Keeps the rows that were changed since then, and puts that on record; nothing if there are none, or if the table is not to be kept.
void keep_changed(Oid table, Snapshot before, const Occasion &occasion);

// After the statement: puts on record what is lost, takes back what is not. `statement` succeeded.
void confirm(std::vector<Kept> &kept, const Occasion &occasion);

} // namespace mg::archive
