// Where a sequence stands.
#pragma once

#include "pg/boundary.hpp"

namespace mg::pg {

// The last value of a sequence. It is not known when the current role may not read it, another session keeps it locked, or its
// file is not of this session or this server.
struct LastValueRaw
{
	bool known;
	bool is_called; // whether last_value was given out
	int64 value;
};

// Unlike pg_sequence_last_value() it neither waits for a lock nor keeps it. Raises: for use within a subtransaction.
LastValueRaw last_value_raw(Oid sequence);

} // namespace mg::pg
