// Writes constraints, indexes, statistics, rules, triggers, policies and publications of tables.
#include "schema/definers.hpp"

namespace mg::schema {

namespace {

// clang-format off

// What is inherited comes with the parent's; but a partition that is attached must have the parent's checks before.
constexpr Definer checks =
	MG_GONE " SELECT 'pg_constraint'::regclass::oid, k.oid, 0, CASE WHEN k.contypid <> 0 THEN " MG_RANK_DOMAIN_CHECK " ELSE " MG_RANK_CHECK " END,"
	" CASE WHEN k.contypid <> 0 THEN format('ALTER DOMAIN %s ADD CONSTRAINT %I %s', format_type(k.contypid, NULL), k.conname, pg_get_constraintdef(k.oid))"
	"  WHEN k.conislocal OR t.relispartition AND" MG_IS_GONE("pg_class", "t.oid")
	"  THEN format('ALTER TABLE %s ADD CONSTRAINT %I %s', " MG_RELATION("t.oid") ", k.conname, pg_get_constraintdef(k.oid)) ELSE '' END"
	" FROM pg_constraint k LEFT JOIN pg_class t ON t.oid = k.conrelid"
	" WHERE" MG_IS_GONE("pg_constraint", "k.oid") " AND k.contype IN ('c', 'n') AND (k.contypid <> 0 OR t.relkind IN ('r', 'p')) ORDER BY k.oid";

constexpr Definer keys =
	MG_GONE " SELECT 'pg_constraint'::regclass::oid, k.oid, 0, " MG_RANK_KEY ","
	" format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s', " MG_RELATION("k.conrelid") ", k.conname, pg_get_constraintdef(k.oid))"
	" FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid"
	" WHERE" MG_IS_GONE("pg_constraint", "k.oid") " AND k.contype IN ('p', 'u', 'x') AND i.indisvalid ORDER BY k.oid";

// That of a partition comes with the partitioned table's.
constexpr Definer foreign_keys =
	MG_GONE " SELECT 'pg_constraint'::regclass::oid, k.oid, 0, " MG_RANK_FOREIGN_KEY ","
	" CASE WHEN k.conparentid <> 0 THEN '' ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', " MG_RELATION("k.conrelid") ", k.conname,"
	"  pg_get_constraintdef(k.oid)) END"
	" FROM pg_constraint k WHERE" MG_IS_GONE("pg_constraint", "k.oid") " AND k.contype = 'f' AND NOT EXISTS (SELECT FROM pg_trigger g"
	"  WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O') ORDER BY k.oid";

// Is the index of a key.
#define MG_OF_CONSTRAINT(index) \
	" EXISTS (SELECT FROM pg_depend k WHERE k.classid = 'pg_class'::regclass AND k.objid = " index \
	" AND k.refclassid = 'pg_constraint'::regclass AND k.deptype = 'i')"

constexpr Definer indexes =
	MG_GONE " SELECT 'pg_class'::regclass::oid, i.indexrelid, 0, " MG_RANK_INDEX ", pg_get_indexdef(i.indexrelid)"
	" FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid"
	" WHERE" MG_IS_GONE("pg_class", "i.indexrelid") " AND i.indisvalid AND t.relkind <> 't' AND NOT" MG_OF_CONSTRAINT("i.indexrelid") " ORDER BY i.indexrelid";

constexpr Definer index_settings =
	MG_GONE " SELECT 'pg_class'::regclass::oid, i.indexrelid, 0, " MG_RANK_SAME ", w.sql"
	" FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
	" CROSS JOIN LATERAL (SELECT " MG_RELATION("c.oid") " AS name, " MG_RELATION("i.indrelid") " AS of_table) r"
	" CROSS JOIN LATERAL (SELECT format('ALTER INDEX %s SET (%s)', r.name, " MG_OPTIONS("c.reloptions", "") ") AS sql"
	"   WHERE c.reloptions IS NOT NULL AND " MG_OF_CONSTRAINT("c.oid")
	"  UNION ALL SELECT format('ALTER INDEX %s SET TABLESPACE %I', r.name, (SELECT p.spcname FROM pg_tablespace p WHERE p.oid = c.reltablespace))"
	"   WHERE c.reltablespace <> 0"
	"  UNION ALL SELECT format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', r.name, a.attnum, a.attstattarget)"
	"   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0"
	"  UNION ALL SELECT format('ALTER TABLE %s CLUSTER ON %I', r.of_table, c.relname) WHERE i.indisclustered"
	"  UNION ALL SELECT format('ALTER TABLE ONLY %s REPLICA IDENTITY USING INDEX %I', r.of_table, c.relname) WHERE i.indisreplident) w"
	" WHERE" MG_IS_GONE("pg_class", "i.indexrelid") " ORDER BY i.indexrelid";

// Those of a partition that is attached find their place by themselves.
constexpr Definer index_attachments =
	MG_GONE " SELECT 'pg_class'::regclass::oid, i.indexrelid, 0, " MG_RANK_ATTACH_INDEX ","
	" format('ALTER INDEX %s ATTACH PARTITION %s', " MG_RELATION("h.inhparent") ", " MG_RELATION("i.indexrelid") ")"
	" FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid"
	" WHERE" MG_IS_GONE("pg_class", "i.indexrelid") " AND NOT" MG_IS_GONE("pg_class", "i.indrelid") " ORDER BY i.indexrelid";

constexpr Definer statistics =
	MG_GONE " SELECT 'pg_statistic_ext'::regclass::oid, s.oid, 0, w.rank, w.sql FROM pg_statistic_ext s"
	" CROSS JOIN LATERAL (SELECT " MG_RANK_STATISTICS " AS rank, pg_get_statisticsobjdef(s.oid) AS sql"
	"  UNION ALL SELECT " MG_RANK_SAME ", format('ALTER STATISTICS %I.%I SET STATISTICS %s', n.nspname, s.stxname, s.stxstattarget)"
	"   FROM pg_namespace n WHERE n.oid = s.stxnamespace AND s.stxstattarget >= 0) w"
	" WHERE" MG_IS_GONE("pg_statistic_ext", "s.oid") " ORDER BY s.oid, w.rank DESC";

constexpr Definer rules =
	MG_GONE " SELECT 'pg_rewrite'::regclass::oid, r.oid, 0, w.rank, w.sql FROM pg_rewrite r"
	" CROSS JOIN LATERAL (SELECT " MG_RANK_RULE " AS rank, rtrim(pg_get_ruledef(r.oid), ';') AS sql"
	"  UNION ALL SELECT " MG_RANK_SAME ", format('ALTER TABLE %s %s RULE %I', " MG_RELATION("r.ev_class") ", " MG_STATE("r.ev_enabled") ", r.rulename)"
	"   WHERE r.ev_enabled <> 'O') w"
	" WHERE" MG_IS_GONE("pg_rewrite", "r.oid") " AND r.ev_type <> '1' ORDER BY r.oid, w.rank DESC";

// That of a partition comes with the partitioned table's, but may be in another state.
constexpr Definer triggers =
	MG_GONE " SELECT 'pg_trigger'::regclass::oid, g.oid, 0, " MG_RANK_TRIGGER ","
	" CASE WHEN g.tgparentid = 0 THEN pg_get_triggerdef(g.oid) ELSE '' END"
	" FROM pg_trigger g WHERE" MG_IS_GONE("pg_trigger", "g.oid") " AND NOT g.tgisinternal ORDER BY g.oid";

constexpr Definer trigger_states =
	MG_GONE " SELECT 'pg_trigger'::regclass::oid, g.oid, 0, " MG_RANK_FOREIGN_KEY ","
	" format('ALTER TABLE ONLY %s %s TRIGGER %I', " MG_RELATION("g.tgrelid") ", " MG_STATE("g.tgenabled") ", g.tgname)"
	" FROM pg_trigger g LEFT JOIN pg_trigger p ON p.oid = g.tgparentid"
	" WHERE" MG_IS_GONE("pg_trigger", "g.oid") " AND NOT g.tgisinternal AND g.tgenabled <> coalesce(p.tgenabled, 'O') ORDER BY g.oid";

constexpr Definer policies =
	MG_GONE " SELECT 'pg_policy'::regclass::oid, p.oid, 0, " MG_RANK_POLICY ","
	" concat(format('CREATE POLICY %I ON %s', p.polname, " MG_RELATION("p.polrelid") "),"
	"  CASE WHEN NOT p.polpermissive THEN ' AS RESTRICTIVE' END,"
	"  CASE p.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT' WHEN 'w' THEN ' FOR UPDATE' WHEN 'd' THEN ' FOR DELETE' END,"
	"  ' TO ' || (SELECT string_agg(CASE r.oid WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.oid)) END, ', ' ORDER BY r.place)"
	"   FROM unnest(p.polroles) WITH ORDINALITY r (oid, place)),"
	"  ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')"
	" FROM pg_policy p WHERE" MG_IS_GONE("pg_policy", "p.oid") " ORDER BY p.oid";

constexpr Definer published_tables =
	MG_GONE " SELECT 'pg_publication_rel'::regclass::oid, r.oid, 0, " MG_RANK_PUBLICATION ","
	" concat(format('ALTER PUBLICATION %I ADD TABLE ONLY %s', p.pubname, " MG_RELATION("r.prrelid") "),"
	"  ' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a"
	"   WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) || ')',"
	"  ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')')"
	" FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid"
	" WHERE" MG_IS_GONE("pg_publication_rel", "r.oid") " ORDER BY r.oid";

constexpr Definer published_schemas =
	MG_GONE " SELECT 'pg_publication_namespace'::regclass::oid, r.oid, 0, " MG_RANK_PUBLICATION ","
	" format('ALTER PUBLICATION %I ADD TABLES IN SCHEMA %I', p.pubname, n.nspname)"
	" FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = r.pnpubid JOIN pg_namespace n ON n.oid = r.pnnspid"
	" WHERE" MG_IS_GONE("pg_publication_namespace", "r.oid") " ORDER BY r.oid";

// clang-format on

} // namespace

void
add_part_definers(std::vector<Definer> &definers)
{
	definers.insert(definers.end(), {checks, keys, foreign_keys, indexes, index_settings, index_attachments, statistics,
									 rules, triggers, trigger_states, policies, published_tables, published_schemas});
}

} // namespace mg::schema
