// What a migration or its way back destroys is kept first, and comes back when the opposite makes room for it again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "archive/keep.hpp"

namespace mg::archive {

// Called around each statement of a run; `depth` counts the statements that it is nested in. An error in between leaves nothing behind.
void before(int depth, Node *statement, const Occasion &occasion);
void after(int depth, const Occasion &occasion);

// Before a statement of which nothing is kept: what was kept earlier does not hinder it.
void make_way(Node *statement);
bool can_be_hindered(const Node *statement);

// The columns of a table that come back once they are made again.
std::vector<std::string> awaited_columns(Oid table, const Occasion &occasion);

// Raises 0A000 when a table or a column (0: all of it) that is about to go has rows and is not kept: a way to lose them that losses_of() does not
// know.
void require_kept(Oid relation, int column);

// At the beginning of a script, or of a step of it.
void begin(const Occasion &occasion);

// Whether a script of this session waits for whole rows to come back. Cheap.
bool awaits_tables();
// Before a query of it: it reads a relation, or writes to it. What is read has its rows first, and what the script fills itself is left to it.
void touch(Oid relation, bool is_written, bool is_inserted, const Occasion &occasion);

// At the end of a step of it, which commits: tables that were made in it have their rows, but for those that a later statement (`inserted`) will fill.
void end_step(const std::vector<std::string> &inserted, const Occasion &occasion);

// At the end of a script: the rest comes back too. What the script has filled itself is compared with what was kept.
void finish(const Occasion &occasion);

// What a transaction, or a part of it that failed, leaves behind in this process.
void forget();
void forget_pending();

} // namespace mg::archive
