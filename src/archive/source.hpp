// What is known of a table, column or sequence before it goes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archive/losses.hpp"
#include "script/discard.hpp"

namespace mg::archive {

struct Source
{
	std::string schema;
	std::string name;
	std::string column; // or empty
	std::string
		details; // JSON: whose it was, who could read it, what its columns were; of a sequence, how far it has counted
	double rows; // as the planner has it; -1: it does not know
	int64_t bytes; // without indexes; of a column, what a copy of it with its key takes, about
};

// Describes what would be lost. False when there is nothing to be kept of it: temporary, generated, of the server's or the extension's own.
bool describe(const Loss &loss, Source &source);

// Its name as SQL has it, without the column.
std::string quoted_name(const Source &source);

struct Column
{
	int number;
	std::string quoted;
	std::string name;
};
// The columns that tell the rows of a table apart, by an index that is none of these columns', or none; and the columns that hold its values, `generated`
// among them.
std::vector<Column> key_of(Oid table, const std::vector<int> &without);
std::vector<Column> columns_of(Oid table, int generated);

// The directives -- mg:discard that are about the statement that runs, while this is there.
class DiscardScope
{
public:
	explicit DiscardScope(std::vector<script::Discard> discards);
	~DiscardScope();
	DiscardScope(const DiscardScope &) = delete;
	DiscardScope &operator=(const DiscardScope &) = delete;

private:
	std::vector<script::Discard> before_;
};
// The reason that one of them gives, or nothing.
std::optional<std::string> discarded(const Source &source);

// Whether policy says that it is never to be kept.
bool is_never_kept(const Source &source);

// Raises MG410 for more than policy lets be kept: moved, or copied. And why it would; empty: it would not.
std::string refusal_of(int64_t bytes, bool is_copied);
void require_room(const Source &source, int64_t bytes, bool is_copied);

} // namespace mg::archive
