// Reads tables, views, materialized views, foreign tables and sequences.
#include "schema/relation.hpp"
#include "schema/relation_parts.hpp"

namespace mg::schema {

namespace {

// Of the sequence of an identity column the column tells. find_relations() says the same.
constexpr const char *list_sql =
	"SELECT x.oid, CASE x.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'"
	" WHEN 'S' THEN 'sequence' ELSE 'table' END, " MG_NAME(
		"x.relname") " FROM pg_class x JOIN pg_namespace n ON n.oid = x.relnamespace"
					 " WHERE x.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND x.relpersistence <> 't' AND" MG_IN_SCOPE
					 " AND" MG_NOT_MEMBER(
						 "pg_class") " AND (x.relkind <> 'S' OR NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid ="
									 " 'pg_class'::regclass AND i.objid = x.oid AND i.refclassid = 'pg_class'::regclass"
									 " AND i.deptype = 'i'))";

// A partitioned table has an access method only if it was given one, for its partitions (since 17).
constexpr const char *rarities_sql =
	"SELECT c.oid, '', '',"
	" CASE WHEN c.relam <> 0 AND (c.relam <> 2 OR c.relkind = 'p') AND c.relkind <> 'S' THEN"
	" (SELECT quote_ident(a.amname) FROM pg_am a WHERE a.oid = c.relam) END AS \"access method\","
	" CASE WHEN c.reltablespace <> 0 THEN"
	" (SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = c.reltablespace) END AS tablespace,"
	" CASE WHEN c.reloptions IS NOT NULL OR t.reloptions IS NOT NULL THEN"
	" (SELECT string_agg(o.line, ', ' ORDER BY o.line COLLATE \"C\") FROM (SELECT unnest(c.reloptions) AS line"
	" UNION ALL SELECT 'toast.' || unnest(t.reloptions)) o) END AS options,"
	" CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS \"partition key\","
	" CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS \"partition bound\","
	" CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS \"of type\","
	" CASE WHEN c.relkind = 'm' THEN (SELECT string_agg(quote_ident(e.extname), ', ' ORDER BY e.extname COLLATE \"C\")"
	" FROM pg_depend p JOIN pg_extension e ON e.oid = p.refobjid WHERE p.classid = 'pg_class'::regclass"
	" AND p.objid = c.oid AND p.objsubid = 0 AND p.refclassid = 'pg_extension'::regclass AND p.deptype = 'x')"
	" END AS \"depends on extension\"," MG_ACL(
		"c.relacl", "CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::\"char\"",
		"c.relowner") " AS privileges"
					  " FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid AND t.reloptions IS NOT NULL"
					  " WHERE c.oid = " MG_BATCH;

// The order of parents is that of the columns. A partition that is still being detached belongs to its table no more.
constexpr const char *parents_sql =
	"SELECT c.oid, '', '',"
	" CASE WHEN c.relispartition THEN max(format('%I.%I', n.nspname, p.relname)"
	" || CASE WHEN i.inhdetachpending THEN ' (detach pending)' ELSE '' END) END AS \"partition of\","
	" CASE WHEN NOT c.relispartition THEN string_agg(format('%I.%I', n.nspname, p.relname), ', ' ORDER BY i.inhseqno)"
	" END AS inherits"
	" FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent"
	" JOIN pg_namespace n ON n.oid = p.relnamespace WHERE i.inhrelid = " MG_BATCH " GROUP BY c.oid";

constexpr const char *foreign_tables_sql =
	"SELECT f.ftrelid, '', '', quote_ident(s.srvname) AS server,"
	" (SELECT string_agg(quote_ident(o.option_name) || ' ' || quote_literal(o.option_value), ', ' ORDER BY"
	" o.option_name COLLATE \"C\") FROM pg_options_to_table(f.ftoptions) o) AS options"
	" FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = " MG_BATCH;

// Usual bounds are those of CREATE SEQUENCE without any: from 1 up or from -1 down to the end of the type.
constexpr const char *sequences_sql =
	"SELECT s.seqrelid, '', '',"
	" CASE WHEN s.seqtypid <> 'bigint'::regtype THEN format_type(s.seqtypid, NULL) END AS \"type\","
	" CASE WHEN s.seqstart <> CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END THEN s.seqstart END"
	" AS \"start\","
	" CASE WHEN s.seqincrement <> 1 THEN s.seqincrement END AS increment,"
	" CASE WHEN s.seqmin <> CASE WHEN s.seqincrement > 0 THEN 1 ELSE -l.largest - 1 END THEN s.seqmin END AS minimum,"
	" CASE WHEN s.seqmax <> CASE WHEN s.seqincrement > 0 THEN l.largest ELSE -1 END THEN s.seqmax END AS maximum,"
	" CASE WHEN s.seqcache <> 1 THEN s.seqcache END AS \"cache\","
	" CASE WHEN s.seqcycle THEN 'true' END AS \"cycle\","
	" (SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname) FROM pg_depend d JOIN pg_class c ON c.oid = "
	"d.refobjid"
	" JOIN pg_namespace n ON n.oid = c.relnamespace"
	" JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
	" WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.objsubid = 0"
	" AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype = 'a') AS \"owned by\""
	" FROM pg_sequence s CROSS JOIN LATERAL (SELECT CASE s.seqtypid WHEN 'smallint'::regtype THEN 32767"
	" WHEN 'integer'::regtype THEN 2147483647 ELSE 9223372036854775807 END AS largest) l"
	" WHERE s.seqrelid = " MG_BATCH;

std::vector<Reader>
readers()
{
	std::vector<Reader> list = {when(need_relation_rarities, rarities_sql), when(need_parents, parents_sql),
								when(need_foreign_tables, foreign_tables_sql), when(need_sequences, sequences_sql),
								MG_LABELS("pg_class")};

	add_part_readers(list);
	return list;
}

} // namespace

void
add_relations(std::vector<Family> &all)
{
	all.push_back({RelationRelationId, list_sql, readers(), read_parts, false, find_relations});
}

} // namespace mg::schema
