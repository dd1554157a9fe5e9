// A memory context that C++ owns.
#pragma once

#include "pg/boundary.hpp"

namespace mg::pg {

// Creates a child of the current context; everything allocated in it goes with the object.
class MemoryScope
{
public:
	explicit MemoryScope(const char *name)
		: context_(guarded(
			  [&] { return AllocSetContextCreateInternal(CurrentMemoryContext, name, ALLOCSET_DEFAULT_SIZES); }))
	{
	}
	~MemoryScope() { MemoryContextDelete(context_); }
	MemoryScope(const MemoryScope &) = delete;
	MemoryScope &operator=(const MemoryScope &) = delete;

	MemoryContext get() const noexcept { return context_; }

private:
	MemoryContext context_;
};

} // namespace mg::pg
