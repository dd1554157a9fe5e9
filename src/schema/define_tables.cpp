// Writes tables, columns and sequences.
#include "schema/definers.hpp"

namespace mg::schema {

namespace {

// clang-format off

#define MG_SEQUENCE_OPTIONS(q) \
	"format('START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', " q ".seqstart, " q ".seqincrement, " \
	q ".seqmin, " q ".seqmax, " q ".seqcache, CASE WHEN " q ".seqcycle THEN ' CYCLE' ELSE '' END)"

// The sequence of an identity column; a partition may use its parent's (17).
#define MG_IDENTITY \
	"(SELECT format('SEQUENCE NAME %s %s', " MG_RELATION("q.seqrelid") ", " MG_SEQUENCE_OPTIONS("q") ")" \
	" FROM pg_depend e JOIN pg_sequence q ON q.seqrelid = e.objid WHERE e.classid = 'pg_class'::regclass" \
	" AND e.refclassid = 'pg_class'::regclass AND e.refobjid = a.attrelid AND e.refobjsubid = a.attnum" \
	" AND e.deptype = 'i')"

// Name and type of a column.
#define MG_COLUMN_TYPE \
	"concat(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))," \
	" CASE a.attcompression WHEN 'p' THEN ' COMPRESSION pglz' WHEN 'l' THEN ' COMPRESSION lz4' END," \
	" CASE WHEN a.attcollation <> 0 AND a.attcollation <> y.typcollation THEN ' COLLATE ' || a.attcollation::regcollation END)"

// What follows them. NOT NULL has a name since 18; one that is inherited comes from the parent, but a partition is made alone and attached.
#define MG_COLUMN_QUALIFIERS \
	"concat(CASE WHEN a.attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) %s', pg_get_expr(d.adbin, d.adrelid)," \
	"   CASE a.attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END)" \
	"  WHEN a.attidentity <> '' THEN format(' GENERATED %s AS IDENTITY (', CASE a.attidentity WHEN 'a' THEN 'ALWAYS'" \
	"   ELSE 'BY DEFAULT' END) || " MG_IDENTITY " || ')'" \
	"  ELSE ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END," \
	" CASE WHEN current_setting('server_version_num')::int < 180000 THEN CASE WHEN a.attnotnull THEN ' NOT NULL' END" \
	"  ELSE (SELECT format(' CONSTRAINT %I NOT NULL%s', k.conname, CASE WHEN k.connoinherit THEN ' NO INHERIT' END)" \
	"   FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]" \
	"   AND k.convalidated AND (k.conislocal OR t.relispartition)) END)"

#define MG_COLUMN_TABLES \
	" JOIN pg_type y ON y.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"

constexpr Definer tables =
	MG_GONE " SELECT 'pg_class'::regclass::oid, t.oid, 0, " MG_RANK_TABLE ","
	" concat('CREATE ', CASE t.relpersistence WHEN 'u' THEN 'UNLOGGED ' END, 'TABLE ', " MG_RELATION("t.oid") ","
	"  CASE WHEN t.reloftype <> 0 THEN ' OF ' || format_type(t.reloftype, NULL) ||"
	"    coalesce(' (' || (SELECT string_agg(format('%I WITH OPTIONS%s', a.attname, q.qualifiers), ', ' ORDER BY a.attnum)"
	"     FROM pg_attribute a" MG_COLUMN_TABLES ", LATERAL (SELECT " MG_COLUMN_QUALIFIERS " AS qualifiers) q"
	"     WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND q.qualifiers <> '') || ')', '')"
	"   ELSE E' (' || coalesce((SELECT string_agg(E'\\n\\t' || " MG_COLUMN_TYPE " || " MG_COLUMN_QUALIFIERS ", ',' ORDER BY a.attnum)"
	"     FROM pg_attribute a" MG_COLUMN_TABLES " WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped"
	"     AND (a.attislocal OR t.relispartition)) || E'\\n', '') || ')' END,"
	"  CASE WHEN NOT t.relispartition THEN ' INHERITS (' || (SELECT string_agg(" MG_RELATION("h.inhparent") ", ', ' ORDER BY h.inhseqno)"
	"    FROM pg_inherits h WHERE h.inhrelid = t.oid) || ')' END,"
	"  CASE WHEN t.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(t.oid) END,"
	"  (SELECT ' USING ' || quote_ident(m.amname) FROM pg_am m WHERE m.oid = t.relam AND m.amname <> 'heap'),"
	"  ' WITH (' || nullif(concat_ws(', ', " MG_OPTIONS("t.reloptions", "") ", " MG_OPTIONS("s.reloptions", "toast.") "), '') || ')',"
	"  ' TABLESPACE ' || (SELECT quote_ident(p.spcname) FROM pg_tablespace p WHERE p.oid = t.reltablespace))"
	" FROM pg_class t LEFT JOIN pg_class s ON s.oid = t.reltoastrelid"
	" WHERE" MG_IS_GONE("pg_class", "t.oid") " AND t.relkind IN ('r', 'p') AND t.relpersistence <> 't' ORDER BY t.oid";

// What is read has its rows first: before checks that are not valid for all of them, keys and indexes.
constexpr Definer rows =
	MG_GONE " SELECT 'pg_class'::regclass::oid, t.oid, 0, " MG_RANK_ROWS ", format('SELECT FROM %s WHERE false', " MG_RELATION("t.oid") ")"
	" FROM pg_class t WHERE" MG_IS_GONE("pg_class", "t.oid") " AND t.relkind = 'r' AND t.relpersistence <> 't' ORDER BY t.oid";

// A column that is gone with its parent's comes with it, too.
constexpr Definer columns =
	MG_GONE " SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum, " MG_RANK_COLUMN ","
	" CASE WHEN a.attinhcount > 0 THEN '' ELSE"
	"  format('ALTER TABLE %s ADD COLUMN %s', " MG_RELATION("a.attrelid") ", " MG_COLUMN_TYPE " || " MG_COLUMN_QUALIFIERS ") END"
	" FROM gone o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum = o.sub JOIN pg_class t ON t.oid = a.attrelid" MG_COLUMN_TABLES
	" WHERE o.class = 'pg_class'::regclass AND o.sub > 0 AND t.relkind IN ('r', 'p') AND t.relpersistence <> 't'"
	" AND (a.attinhcount = 0 OR NOT a.attislocal) AND NOT" MG_IS_GONE("pg_class", "t.oid") " ORDER BY a.attrelid, a.attnum";

// What a child has otherwise than its parents.
constexpr Definer inherited_columns =
	MG_GONE " SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum, " MG_RANK_DEFAULT ","
	" format('ALTER TABLE ONLY %s ALTER COLUMN %I %s', " MG_RELATION("a.attrelid") ", a.attname, w.change)"
	" FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid"
	" LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
	" CROSS JOIN LATERAL (SELECT bool_or(p.attnotnull) AS not_null, min(pg_get_expr(e.adbin, e.adrelid)) AS expression"
	"  FROM pg_inherits h JOIN pg_attribute p ON p.attrelid = h.inhparent AND p.attname = a.attname"
	"  LEFT JOIN pg_attrdef e ON e.adrelid = p.attrelid AND e.adnum = p.attnum WHERE h.inhrelid = a.attrelid) above"
	" CROSS JOIN LATERAL (SELECT CASE WHEN d.adbin IS NULL THEN 'DROP DEFAULT'"
	"   ELSE 'SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END AS change"
	"   WHERE pg_get_expr(d.adbin, d.adrelid) IS DISTINCT FROM above.expression AND a.attgenerated = ''"
	"  UNION ALL SELECT 'SET NOT NULL' WHERE a.attnotnull AND NOT above.not_null"
	"   AND current_setting('server_version_num')::int < 180000) w"
	" WHERE" MG_COLUMN_IS_GONE("a") " AND a.attnum > 0 AND NOT a.attisdropped AND a.attinhcount > 0"
	" AND NOT (a.attislocal OR t.relispartition AND" MG_IS_GONE("pg_class", "t.oid") ") AND t.relkind IN ('r', 'p')"
	" ORDER BY a.attrelid, a.attnum";

constexpr Definer column_settings =
	MG_GONE " SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum,"
	" CASE WHEN a.attinhcount > 0 AND NOT" MG_IS_GONE("pg_class", "t.oid") " THEN " MG_RANK_DEFAULT " ELSE " MG_RANK_SAME " END,"
	" format('ALTER TABLE ONLY %s ALTER COLUMN %I %s', " MG_RELATION("a.attrelid") ", a.attname, w.change)"
	" FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_type y ON y.oid = a.atttypid"
	" CROSS JOIN LATERAL (SELECT 'SET STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'"
	"   WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END AS change WHERE a.attstorage <> y.typstorage"
	"  UNION ALL SELECT format('SET STATISTICS %s', a.attstattarget) WHERE a.attstattarget >= 0"
	"  UNION ALL SELECT 'SET (' || " MG_OPTIONS("(SELECT array_agg(p) FROM unnest(a.attoptions) p WHERE p !~ '^pg_attver=')", "") " || ')') w"
	" WHERE" MG_COLUMN_IS_GONE("a") " AND a.attnum > 0 AND NOT a.attisdropped AND t.relkind IN ('r', 'p', 'm') AND w.change <> ''"
	" ORDER BY a.attrelid, a.attnum";

// The sequence of an identity column is logged as its table is, unless told otherwise.
constexpr Definer identity_settings =
	MG_GONE " SELECT 'pg_class'::regclass::oid, e.refobjid, e.refobjsubid, " MG_RANK_SAME ","
	" format('ALTER SEQUENCE %s SET %s', " MG_RELATION("s.oid") ", CASE s.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END)"
	" FROM pg_class s JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = s.oid"
	" AND e.refclassid = 'pg_class'::regclass AND e.deptype = 'i' JOIN pg_class t ON t.oid = e.refobjid"
	" WHERE" MG_IS_GONE("pg_class", "s.oid") " AND s.relkind = 'S' AND s.relpersistence <> t.relpersistence ORDER BY s.oid";

constexpr Definer table_settings =
	MG_GONE " SELECT 'pg_class'::regclass::oid, t.oid, 0, " MG_RANK_SAME ","
	" format('ALTER TABLE ONLY %s REPLICA IDENTITY %s', " MG_RELATION("t.oid") ", CASE t.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)"
	" FROM pg_class t WHERE" MG_IS_GONE("pg_class", "t.oid") " AND t.relkind IN ('r', 'p') AND t.relreplident IN ('f', 'n') ORDER BY t.oid";

// A partition is attached when it has its rows, keys and indexes: those that fit the parent's become parts of these.
constexpr Definer attachments =
	MG_GONE " SELECT 'pg_class'::regclass::oid, t.oid, 0, " MG_RANK_ATTACH ","
	" format('ALTER TABLE ONLY %s ATTACH PARTITION %s %s', " MG_RELATION("h.inhparent") ", " MG_RELATION("t.oid")
	", pg_get_expr(t.relpartbound, t.oid))"
	" FROM pg_class t JOIN pg_inherits h ON h.inhrelid = t.oid"
	" WHERE" MG_IS_GONE("pg_class", "t.oid") " AND t.relkind IN ('r', 'p') AND t.relispartition ORDER BY t.oid";

constexpr Definer row_security =
	MG_GONE " SELECT 'pg_class'::regclass::oid, t.oid, 0, " MG_RANK_POLICY ","
	" format('ALTER TABLE %s %s ROW LEVEL SECURITY', " MG_RELATION("t.oid") ", w.word)"
	" FROM pg_class t CROSS JOIN LATERAL (SELECT 'ENABLE' AS word WHERE t.relrowsecurity"
	"  UNION ALL SELECT 'FORCE' WHERE t.relforcerowsecurity) w"
	" WHERE" MG_IS_GONE("pg_class", "t.oid") " AND t.relkind IN ('r', 'p') ORDER BY t.oid";

constexpr Definer defaults =
	MG_GONE " SELECT 'pg_attrdef'::regclass::oid, d.oid, 0, CASE t.relkind WHEN 'v' THEN " MG_RANK_RULE " ELSE " MG_RANK_DEFAULT " END,"
	" format('ALTER %s %s ALTER COLUMN %I SET DEFAULT %s', CASE t.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE ONLY' END, " MG_RELATION("t.oid")
	", a.attname, pg_get_expr(d.adbin, d.adrelid))"
	" FROM pg_attrdef d JOIN pg_class t ON t.oid = d.adrelid JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum"
	" WHERE" MG_IS_GONE("pg_attrdef", "d.oid") " AND a.attgenerated = '' AND t.relkind IN ('r', 'p', 'v')"
	" AND (t.relkind = 'v' OR NOT" MG_COLUMN_IS_GONE("a") ") ORDER BY d.oid";

constexpr Definer sequences =
	MG_GONE " SELECT 'pg_class'::regclass::oid, s.oid, 0, " MG_RANK_SEQUENCE ","
	" concat('CREATE ', CASE s.relpersistence WHEN 'u' THEN 'UNLOGGED ' END, 'SEQUENCE ', " MG_RELATION("s.oid") ","
	"  ' AS ', format_type(q.seqtypid, NULL), ' ', " MG_SEQUENCE_OPTIONS("q") ")"
	" FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid"
	" WHERE" MG_IS_GONE("pg_class", "s.oid") " AND s.relpersistence <> 't' AND NOT EXISTS (SELECT FROM pg_depend e"
	"  WHERE e.classid = 'pg_class'::regclass AND e.objid = s.oid AND e.deptype = 'i') ORDER BY s.oid";

constexpr Definer owned_sequences =
	MG_GONE " SELECT 'pg_class'::regclass::oid, s.oid, 0, " MG_RANK_OWNED_BY ","
	" format('ALTER SEQUENCE %s OWNED BY %s.%I', " MG_RELATION("s.oid") ", " MG_RELATION("a.attrelid") ", a.attname)"
	" FROM pg_class s JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = s.oid"
	" AND e.refclassid = 'pg_class'::regclass AND e.deptype = 'a'"
	" JOIN pg_attribute a ON a.attrelid = e.refobjid AND a.attnum = e.refobjsubid"
	" WHERE" MG_IS_GONE("pg_class", "s.oid") " AND s.relkind = 'S' ORDER BY s.oid";

// clang-format on

} // namespace

void
add_table_definers(std::vector<Definer> &definers)
{
	definers.insert(definers.end(), {sequences, owned_sequences, tables, rows, columns, inherited_columns, column_settings,
									 identity_settings, table_settings, attachments, row_security, defaults});
}

} // namespace mg::schema
