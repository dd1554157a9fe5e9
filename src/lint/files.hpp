// How large a table's files are, without opening or locking the table.
#pragma once

#include "pg/server.hpp"

namespace mg::lint {

// As pg_table_size() counts: all forks of a table or materialized view, its TOAST table, and the index of that. For one that was
// dropped meanwhile, 0. Takes its row of pg_class. Raises.
int64 table_files_raw(Form_pg_class table);

// All forks of a table's indexes. Raises.
int64 index_files_raw(Oid table);

} // namespace mg::lint
