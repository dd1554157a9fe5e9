// Asks the server's generator.
#include "pg/chance.hpp"

#include "pg/server.hpp"

extern "C" {
#include "common/pg_prng.h"
}

namespace mg::pg {

double
chance() noexcept
{
	return pg_prng_double(&pg_global_prng_state);
}

} // namespace mg::pg
