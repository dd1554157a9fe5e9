// The parse trees of a text.
#pragma once

#include <string>

#include "pg/memory.hpp"

namespace mg::lint {

// They live as long as this. Raises what the parser raises.
class Trees
{
public:
	explicit Trees(std::string source) : memory_("migration_governance lint"), text_(std::move(source))
	{
		trees_ = pg::guarded([&] {
			MemoryContext outer = MemoryContextSwitchTo(memory_.get());
			List *found = raw_parser(text_.c_str(), RAW_PARSE_DEFAULT);
			MemoryContextSwitchTo(outer);
			return found;
		});
	}

	size_t size() const { return static_cast<size_t>(list_length(trees_)); }
	const Node *operator[](size_t i) const
	{
		return static_cast<RawStmt *>(list_nth(trees_, static_cast<int>(i)))->stmt;
	}

private:
	pg::MemoryScope memory_;
	const std::string text_;
	List *trees_;
};

} // namespace mg::lint
