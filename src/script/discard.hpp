// -- mg:discard table reason: what a statement destroys is not to be kept.
#pragma once

#include <string>
#include <vector>

#include "script/script.hpp"

namespace mg::script {

struct Discard
{
	std::vector<std::string> name; // [schema.]table[.column]
	std::string reason;
	int statement; // the number of the one it is about; -1: all of them
};

// Those of a script. Raises 22023 for one without a name or without a reason.
std::vector<Discard> discards_of(const Script &script);

// Those that are about a statement, by its number.
std::vector<Discard> discards_at(std::size_t number, const std::vector<Discard> &discards);

// The words by which people refer to one: public.log, because of ...
std::string words_of(const Discard &discard);

} // namespace mg::script
