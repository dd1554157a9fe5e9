// Indexes that nobody needs.
#include "schema/reader.hpp"
#include "watch/check.hpp"

namespace mg::watch {

namespace {

// An index of a partitioned table has no scans of its own: those of its parts count.
constexpr Check unused = {
	"unused index",
	"WITH RECURSIVE climb (leaf, at) AS (SELECT c.oid, c.oid FROM pg_class c WHERE c.relkind = 'i' AND c.oid >= 16384"
	" UNION ALL SELECT p.leaf, h.inhparent FROM climb p JOIN pg_inherits h ON h.inhrelid = p.at),"
	" whole AS (SELECT p.at AS root, sum(pg_stat_get_numscans(p.leaf)) AS scans,"
	" sum(c.relpages)::numeric * current_setting('block_size')::numeric AS bytes FROM climb p JOIN pg_class c ON"
	" c.oid = p.leaf"
	" WHERE NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = p.at) GROUP BY p.at)"
	" SELECT " MG_INDEX_NAME ", format('%s, never scanned since %s', pg_size_pretty(w.bytes), " MG_SINCE_TEXT "),"
	" CASE WHEN " MG_SINCE " <= now() - interval '7 days' THEN false END,"
	" CASE WHEN " MG_SINCE " <= now() - interval '7 days' THEN NULL"
	" ELSE 'That is less than a week: look again later.' END"
	" FROM whole w JOIN pg_index i ON i.indexrelid = w.root JOIN pg_class c ON c.oid = w.root"
	" JOIN pg_class x ON x.oid = i.indrelid JOIN pg_namespace n ON n.oid = x.relnamespace"
	" WHERE w.scans = 0 AND w.bytes >= 1024 * 1024 AND NOT i.indisunique AND NOT i.indisexclusion AND NOT"
	" i.indisreplident"
	" AND i.indisvalid AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = w.root)"
	" AND" MG_OURS " ORDER BY w.bytes DESC, 1",
	"Ask the standbys too, which count for themselves, and think of what runs once a quarter; then DROP INDEX"
	" CONCURRENTLY.",
	Eyes::owner, true};

// The indexes with what two of them have to have in common. Places in the script that made them are no part of an expression, and
// how full a B-tree's pages are is no difference, while options of other kinds of index (BRIN's ranges, GiST's signatures) are. Of
// two alike the one with the lower place is to be kept.
#define MG_SHAPED                                                                                                      \
	"WITH all_of_it AS (SELECT i.indexrelid, i.indrelid, c.relkind, c.relam, c.relpages,"                              \
	" format('%I.%I', n.nspname, c.relname) AS name, format('%I.%I', n.nspname, x.relname) AS table_name,"             \
	" i.indnatts, i.indnkeyatts, i.indkey::int2[] AS columns, i.indclass::oid[] AS classes,"                           \
	" i.indcollation::oid[] AS collations, i.indoption::int2[] AS options,"                                            \
	" regexp_replace(coalesce(i.indexprs::text, ''), ' :(stmt_)?location -?[0-9]+', '', 'g') AS expressions,"          \
	" regexp_replace(coalesce(i.indpred::text, ''), ' :(stmt_)?location -?[0-9]+', '', 'g') AS predicate,"             \
	" CASE WHEN c.relam IN (SELECT m.oid FROM pg_am m WHERE m.amname IN ('btree', 'hash')) THEN ''"                    \
	" ELSE concat(c.reloptions, (SELECT string_agg(concat(a.attnum, a.attoptions), ' ' ORDER BY a.attnum)"             \
	" FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attoptions IS NOT NULL)) END AS manner,"                      \
	" i.indisunique, i.indisexclusion, i.indimmediate, i.indnullsnotdistinct, i.indisprimary, i.indisreplident,"       \
	" (SELECT quote_ident(k.conname) FROM pg_constraint k WHERE k.conindid = i.indexrelid"                             \
	" AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x') LIMIT 1) AS own_constraint,"                        \
	" EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) AS is_needed,"                              \
	" EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid) AS is_part"                                   \
	" FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class x ON x.oid = i.indrelid"                   \
	" JOIN pg_namespace n ON n.oid = x.relnamespace WHERE i.indisvalid AND" MG_OURS "),"                               \
	" shaped AS MATERIALIZED (SELECT a.*, NOT a.is_part AND NOT a.indisexclusion AND NOT a.indisreplident AS may_go,"  \
	" NOT a.is_part AND NOT a.indisunique AND NOT a.is_needed AND NOT a.indisreplident AND a.expressions = ''"         \
	" AND a.relam = (SELECT m.oid FROM pg_am m WHERE m.amname = 'btree') AS may_shrink, row_number() OVER (PARTITION " \
	"BY a.indrelid"                                                                                                    \
	" ORDER BY NOT a.indisunique, NOT a.indisprimary, NOT a.is_needed, NOT a.indisreplident, NOT a.is_part, "          \
	"a.indexrelid)"                                                                                                    \
	" AS place FROM all_of_it a)"
#define MG_DROP                                                                                                     \
	" CASE WHEN r.own_constraint IS NOT NULL THEN format('ALTER TABLE %s DROP CONSTRAINT %s, which needs it, once " \
	"nothing refers to it.',"                                                                                       \
	" r.table_name, r.own_constraint) WHEN r.relkind = 'I' THEN format('DROP INDEX %s;', r.name)"                   \
	" ELSE format('DROP INDEX CONCURRENTLY %s;', r.name) END"
#define MG_SIZE "pg_size_pretty(r.relpages * current_setting('block_size')::numeric)"

// The two are joined, and on one condition that the planner takes for a likely one: looking the other one up for each would take
// minutes for ten thousand indexes.
constexpr Check duplicate = {
	"duplicate index",
	MG_SHAPED
	" SELECT f.name, f.value, false, f.hint FROM (SELECT DISTINCT ON (r.indexrelid) r.name,"
	" format('the same as %s, %s', k.name, " MG_SIZE ") AS value," MG_DROP " AS hint, r.relpages"
	" FROM shaped r JOIN shaped k ON k.indrelid = r.indrelid AND k.place < r.place"
	" AND k.relam = r.relam AND k.manner = r.manner AND k.indnkeyatts = r.indnkeyatts AND k.columns = r.columns"
	" AND k.classes = r.classes AND k.collations = r.collations AND k.options = r.options"
	" AND k.expressions = r.expressions AND k.predicate = r.predicate AND (NOT r.indisunique OR k.indisunique"
	" AND k.indimmediate = r.indimmediate AND k.indnullsnotdistinct = r.indnullsnotdistinct)"
	" WHERE r.may_go ORDER BY r.indexrelid, k.place) f ORDER BY f.relpages DESC, f.name",
	""};

// Of B-trees only, which find by the first of their columns as well. What the smaller one has on top must be in the larger one.
constexpr Check overlapping = {
	"overlapping index",
	MG_SHAPED
	" SELECT f.name, f.value, true, f.hint FROM (SELECT DISTINCT ON (r.indexrelid) r.name,"
	" format('its columns are the first of %s, %s', k.name, " MG_SIZE ") AS value,"
	" 'The larger one serves the same queries, a little slower; ' || " MG_DROP " AS hint, r.relpages"
	" FROM shaped r JOIN shaped k ON k.indrelid = r.indrelid AND k.indexrelid <> r.indexrelid"
	" AND k.relam = r.relam AND k.predicate = r.predicate AND k.indnkeyatts >= r.indnkeyatts AND k.columns @>"
	" r.columns"
	" AND k.columns[0:r.indnkeyatts - 1] = r.columns[0:r.indnkeyatts - 1]"
	" AND k.classes[0:r.indnkeyatts - 1] = r.classes[0:r.indnkeyatts - 1]"
	" AND k.collations[0:r.indnkeyatts - 1] = r.collations[0:r.indnkeyatts - 1]"
	" AND k.options[0:r.indnkeyatts - 1] = r.options[0:r.indnkeyatts - 1]"
	" AND (k.indnkeyatts, k.indnatts, -k.indexrelid::bigint) > (r.indnkeyatts, r.indnatts,"
	" -r.indexrelid::bigint)"
	" AND (k.columns <> r.columns OR k.indnkeyatts <> r.indnkeyatts)"
	" WHERE r.may_shrink"
	" ORDER BY r.indexrelid, k.indisunique DESC, k.relpages, k.indexrelid) f ORDER BY f.relpages DESC, f.name",
	""};

} // namespace

void
add_indexes(std::vector<Check> &all)
{
	all.insert(all.end(), {unused, duplicate, overlapping});
}

} // namespace mg::watch
