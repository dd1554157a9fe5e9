// Tables: how much is written to them, and what VACUUM and ANALYZE have left undone.
#include "schema/reader.hpp"
#include "watch/check.hpp"

namespace mg::watch {

namespace {

constexpr Check activity = {
	"activity",
	"SELECT s.name, format('%s rows written (%s inserted, %s updated, %s deleted), %s sequential and %s index scans',"
	" s.inserted + s.updated + s.deleted, s.inserted, s.updated, s.deleted, s.scans, s.lookups), true, NULL FROM ("
	" SELECT " MG_TABLE_NAME " AS name, pg_stat_get_tuples_inserted(x.oid) AS inserted,"
	" pg_stat_get_tuples_updated(x.oid) AS updated, pg_stat_get_tuples_deleted(x.oid) AS deleted,"
	" pg_stat_get_numscans(x.oid) AS scans, (SELECT coalesce(sum(pg_stat_get_numscans(i.indexrelid)), 0)"
	" FROM pg_index i WHERE i.indrelid = x.oid) AS lookups" MG_RELATIONS " AND x.relkind IN ('r', 'm')) s"
	" WHERE s.inserted + s.updated + s.deleted > 0 ORDER BY s.inserted + s.updated + s.deleted DESC, s.name"
	" LIMIT 10",
	"", Eyes::owner, true};

// What it takes to estimate a size from statistics: columns, how many of them have any, and the bytes of a row's data.
#define MG_WIDTH                                                                                                     \
	"SELECT count(*) AS columns, count(st.starelid) AS known,"                                                       \
	" coalesce(sum((1 - st.stanullfrac) * st.stawidth), 0)::numeric AS width,"                                       \
	" coalesce(bool_or(st.stanullfrac > 0), false) AS has_nulls, bool_or(a.atttypid = 'name'::regtype) AS has_names" \
	" FROM pg_attribute a"
#define MG_TABLE_FILLFACTOR \
	" coalesce(substring(array_to_string(x.reloptions, ' ') FROM 'fillfactor=([0-9]+)')::numeric, 100)"
#define MG_INDEX_FILLFACTOR \
	" coalesce(substring(array_to_string(c.reloptions, ' ') FROM 'fillfactor=([0-9]+)')::numeric, 90)"
#define MG_PAGE "current_setting('block_size')::numeric"
// From how much on unused room is told.
#define MG_BLOATED " (s.pages - s.needed) * " MG_PAGE " >= 10 * 1024 * 1024 AND (s.pages - s.needed) >= 0.3 * s.pages"
#define MG_BLOAT                                                                                                      \
	" format('about %s of %s are not used (%s %%), by estimate', pg_size_pretty((s.pages - s.needed) * " MG_PAGE ")," \
	" pg_size_pretty(s.pages * " MG_PAGE "), round(100 * (s.pages - s.needed) / s.pages))"

// Pages that the rows need: headers are 24 bytes for a page, 23 for a row with a bit for each column if there are NULLs, and 4 for
// the pointer to it; rows begin at multiples of 8. That of the next column's alignment is left out.
constexpr Check table_bloat = {
	"table bloat",
	"SELECT b.object, b.value, b.ok, b.hint FROM (SELECT s.name AS object," MG_BLOAT
	" AS value, false AS ok, NULL AS hint,"
	" s.pages - s.needed AS waste FROM ("
	" SELECT " MG_TABLE_NAME " AS name, x.relpages::numeric AS pages, w.columns = w.known AS is_known,"
	" ceil(x.reltuples::numeric / greatest(1, floor((" MG_PAGE " - 24) *" MG_TABLE_FILLFACTOR
	" / 100 / (4 + 8 * ceil((23 + CASE WHEN w.has_nulls THEN (w.columns + 7) / 8 ELSE 0 END) / 8.0) + 8 *"
	" ceil(w.width / 8)))))"
	" AS needed FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace CROSS "
	"JOIN LATERAL (" MG_WIDTH " LEFT JOIN pg_statistic st ON st.starelid = a.attrelid "
	"AND st.staattnum = a.attnum AND NOT st.stainherit"
	" WHERE a.attrelid = x.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v') w"
	" WHERE x.relkind IN ('r', 'm') AND x.reltuples >= 0"
	" AND x.relpages * " MG_PAGE " >= 10 * 1024 * 1024 AND" MG_OURS ") s"
	" WHERE s.is_known AND" MG_BLOATED " UNION ALL SELECT NULL, format('%s of 10 MB or more without "
	"statistics of each column', count(*)), NULL,"
	" 'ANALYZE them: without statistics there is no estimate.', "
	"NULL" MG_RELATIONS " AND x.relkind IN ('r', 'm')"
	" AND x.relpages * " MG_PAGE " >= 10 * 1024 * 1024 AND EXISTS (SELECT FROM pg_attribute a "
	"WHERE a.attrelid = x.oid"
	" AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v' AND NOT EXISTS (SELECT FROM pg_statistic"
	" st"
	" WHERE st.starelid = a.attrelid AND st.staattnum = a.attnum AND NOT st.stainherit)) HAVING count(*) > 0) b"
	" ORDER BY b.waste DESC NULLS LAST",
	"pgstattuple counts exactly. New rows will use the room; to give it back: VACUUM FULL (keeps everybody out "
	"meanwhile) or pg_repack."};

// A page has 40 bytes of headers, an entry 8 (16 with NULLs) and 4 for the pointer to it. The server stores equal keys once, so
// that an index may need less than this. Columns of type name are stored shorter than statistics say: no estimate.
constexpr Check index_bloat = {
	"index bloat",
	"SELECT s.name," MG_BLOAT
	", false, format('REINDEX INDEX CONCURRENTLY %s; builds it anew; pgstattuple counts exactly.', s.name) FROM ("
	" SELECT " MG_INDEX_NAME " AS name, c.relpages::numeric AS pages,"
	" 1 + ceil(c.reltuples::numeric / greatest(1, floor((" MG_PAGE " - 40) *" MG_INDEX_FILLFACTOR
	" / 100 / (4 + CASE WHEN w.has_nulls THEN 16 ELSE 8 END + 8 * ceil(w.width / 8)))))"
	" AS needed, w.columns = w.known AND NOT w.has_names AS is_known FROM pg_index i"
	" JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class x ON x.oid = i.indrelid"
	" JOIN pg_namespace n ON n.oid = x.relnamespace CROSS JOIN LATERAL (" MG_WIDTH
	" LEFT JOIN pg_statistic st ON NOT st.stainherit"
	" AND st.starelid = CASE WHEN i.indkey[a.attnum - 1] = 0 THEN i.indexrelid ELSE i.indrelid END"
	" AND st.staattnum = CASE WHEN i.indkey[a.attnum - 1] = 0 THEN a.attnum ELSE i.indkey[a.attnum - 1] END"
	" WHERE a.attrelid = i.indexrelid AND a.attnum > 0) w"
	" WHERE c.relkind = 'i' AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree')"
	" AND i.indisvalid AND c.reltuples >= 0 AND c.relpages * " MG_PAGE " >= 10 * 1024 * 1024 AND" MG_OURS
	") s WHERE s.is_known AND" MG_BLOATED " ORDER BY s.pages - s.needed DESC",
	""};

constexpr Check dead_rows = {
	"dead rows",
	"SELECT s.name, format('%s dead rows, %s %% of all, %s', s.dead, s.dead * 100 / (s.dead + s.living),"
	" coalesce('last vacuumed ' || to_char(s.vacuumed, 'YYYY-MM-DD HH24:MI'), 'not vacuumed since ' || " MG_SINCE_TEXT
	")),"
	" false, CASE WHEN s.is_off THEN 'Autovacuum is off for it: ALTER TABLE ' || s.name || ' RESET"
	" (autovacuum_enabled), and VACUUM it.'"
	" WHEN NOT current_setting('autovacuum')::bool THEN 'Set autovacuum = on, and VACUUM it.' END FROM ("
	" SELECT " MG_TABLE_NAME
	" AS name, pg_stat_get_dead_tuples(x.oid) AS dead, pg_stat_get_live_tuples(x.oid) AS living,"
	" greatest(pg_stat_get_last_vacuum_time(x.oid), pg_stat_get_last_autovacuum_time(x.oid)) AS vacuumed,"
	" EXISTS (SELECT FROM pg_options_to_table(x.reloptions) o WHERE o.option_name = 'autovacuum_enabled'"
	" AND NOT o.option_value::bool) AS is_off" MG_RELATIONS " AND x.relkind IN ('r', 'm')) s"
	" WHERE s.dead >= 10000 AND s.dead >= 0.2 * (s.dead + s.living) ORDER BY s.dead DESC, s.name",
	"VACUUM it. If they stay, something can still see them: transactions, prepared transactions and replication"
	" slots here.",
	Eyes::owner, true};

// Autovacuum does not analyze partitioned tables. Small tables are left out, as autovacuum does.
constexpr Check never_analyzed = {
	"never analyzed",
	"WITH RECURSIVE part (root, oid) AS (SELECT x.oid, x.oid" MG_RELATIONS " AND x.relkind IN ('r', 'm', 'p')"
	" AND NOT EXISTS (SELECT FROM pg_statistic st WHERE st.starelid = x.oid)"
	" AND pg_stat_get_last_analyze_time(x.oid) IS NULL AND pg_stat_get_last_autoanalyze_time(x.oid) IS NULL"
	" UNION SELECT p.root, h.inhrelid FROM part p JOIN pg_class c ON c.oid = p.oid AND c.relkind = 'p'"
	" JOIN pg_inherits h ON h.inhparent = p.oid)"
	" SELECT s.name, format('about %s rows%s', s.living, CASE s.relkind WHEN 'p' THEN ' in all partitions' ELSE"
	" '' END), false,"
	" 'ANALYZE ' || s.name || ';' || CASE s.relkind WHEN 'p' THEN ' by hand and again now and then: autovacuum"
	" looks at the partitions"
	" only.' ELSE ' without statistics the planner guesses.' END FROM ("
	" SELECT " MG_TABLE_NAME " AS name, x.relkind,"
	" sum(greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0)) AS living, sum(c.relpages) AS pages"
	" FROM part p JOIN pg_class x ON x.oid = p.root JOIN pg_namespace n ON n.oid = x.relnamespace JOIN pg_class"
	" c ON c.oid = p.oid"
	" GROUP BY x.oid, n.nspname, x.relname, x.relkind) s WHERE s.living >= 1000 OR s.pages >= 20 ORDER BY"
	" s.living DESC, s.name",
	""};

} // namespace

void
add_tables(std::vector<Check> &all)
{
	all.insert(all.end(), {activity, table_bloat, index_bloat, dead_rows, never_analyzed});
}

} // namespace mg::watch
