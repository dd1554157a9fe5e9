// Asks the C library, where it has a function for it.
#include "pg/heap.hpp"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace mg::pg {

void
return_free_memory()
{
#ifdef __GLIBC__
	(void)malloc_trim(0);
#endif
}

} // namespace mg::pg
