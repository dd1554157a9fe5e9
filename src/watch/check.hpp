// What mg_health() looks at: one check an aspect, most of them a query each.
#pragma once

#include <vector>

#include "pg/query.hpp"

namespace mg::watch {

// Whose rights a query has. Catalogs and statistics of this database are the owner's to read, for whoever may call mg_health().
enum class Eyes
{
	owner,
	caller
};

// Columns of `sql`: object, value, ok (NULL where it cannot be told), hint (NULL for `hint`); what matters most comes first.
// $1::text[] are the schemas that policy leaves out. It reads catalogs and statistics only, so that it waits for no table.
struct Check
{
	const char *aspect;
	const char *sql;
	const char *hint; // for what is not well
	Eyes eyes = Eyes::owner;
	bool is_counted_here = false; // by the server for itself, so that a standby does not know
};

// Each file of this room adds its own.
void add_server(std::vector<Check> &all);
void add_tables(std::vector<Check> &all);
void add_indexes(std::vector<Check> &all);

// Rows object, value, ok, hint of the sequences that are running out.
std::vector<pg::Row> sequences(const pg::Cell &ignored_schemas);

// When the server began to count what it counts of this database. A crash loses the counts, and the time of their reset with them;
// then it is that of the server's own counts.
#define MG_SINCE                                                                                          \
	"(SELECT coalesce(pg_stat_get_db_stat_reset_time(d.oid), (SELECT least(a.stats_reset, b.stats_reset," \
	" w.stats_reset) FROM pg_stat_archiver a, pg_stat_bgwriter b, pg_stat_wal w)) FROM pg_database d"     \
	" WHERE d.datname = current_database())"
#define MG_SINCE_TEXT "coalesce(to_char(" MG_SINCE ", 'YYYY-MM-DD HH24:MI'), 'an unknown time')"

// Tables `x` of users in schema `n` that are looked at. Whoever uses these includes schema/reader.hpp.
#define MG_OURS " x.relpersistence <> 't' AND" MG_IN_SCOPE " AND" MG_NOT_MEMBER("pg_class")
#define MG_RELATIONS " FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace WHERE" MG_OURS
#define MG_TABLE_NAME "format('%I.%I', n.nspname, x.relname)"
#define MG_INDEX_NAME "format('%I.%I', n.nspname, c.relname)"

} // namespace mg::watch
