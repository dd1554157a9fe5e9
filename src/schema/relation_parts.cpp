// Reads triggers, rules and policies.
#include "schema/relation_parts.hpp"

namespace mg::schema {

namespace {

#define MG_ENABLED \
	" CASE enabled.state WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END"

// Of a trigger that a partition has from its partitioned table only a state of its own counts, as for pg_dump.
constexpr const char *triggers_sql =
	"SELECT t.tgrelid, 'triggers', quote_ident(t.tgname),"
	" CASE WHEN t.tgparentid = 0 THEN pg_get_triggerdef(t.oid) END AS definition,"
	" CASE WHEN t.tgparentid <> 0 OR t.tgenabled <> 'O' THEN" MG_ENABLED " END AS enabled,"
	" (SELECT string_agg(quote_ident(e.extname), ', ' ORDER BY e.extname COLLATE \"C\") FROM pg_depend p"
	" JOIN pg_extension e ON e.oid = p.refobjid WHERE p.classid = 'pg_trigger'::regclass AND p.objid = t.oid"
	" AND p.refclassid = 'pg_extension'::regclass AND p.deptype = 'x') AS \"depends on extension\","
	" d.description AS comment"
	" FROM pg_trigger t CROSS JOIN LATERAL (SELECT t.tgenabled) enabled (state)"
	" LEFT JOIN pg_trigger u ON u.oid = t.tgparentid"
	" LEFT JOIN pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_trigger'::regclass AND d.objsubid = 0"
	" WHERE t.tgrelid = " MG_BATCH " AND NOT t.tgisinternal AND (t.tgparentid = 0 OR t.tgenabled <> u.tgenabled)";

// A constraint whose own triggers are off is not enforced, although its definition says nothing of it. pg_dump is silent.
constexpr const char *constraint_triggers_sql =
	"SELECT g.tgrelid, '', '', string_agg(g.line, ', ' ORDER BY g.line COLLATE \"C\") AS \"constraint triggers\""
	" FROM (SELECT DISTINCT t.tgrelid, format('%I on %I.%I ', k.conname, n.nspname, c.relname) ||" MG_ENABLED " AS line"
	" FROM pg_trigger t CROSS JOIN LATERAL (SELECT t.tgenabled) enabled (state)"
	" JOIN pg_constraint k ON k.oid = t.tgconstraint JOIN pg_class c ON c.oid = k.conrelid"
	" JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE t.tgrelid = " MG_BATCH " AND t.tgisinternal AND t.tgenabled <> 'O') g GROUP BY g.tgrelid";

// The rule that makes a relation a view is the view's definition.
constexpr const char *rules_sql =
	"SELECT r.ev_class, 'rules', quote_ident(r.rulename), pg_get_ruledef(r.oid) AS definition,"
	" CASE WHEN r.ev_enabled <> 'O' THEN" MG_ENABLED " END AS enabled, d.description AS comment"
	" FROM pg_rewrite r CROSS JOIN LATERAL (SELECT r.ev_enabled) enabled (state)"
	" LEFT JOIN pg_description d ON d.objoid = r.oid AND d.classoid = 'pg_rewrite'::regclass AND d.objsubid = 0"
	" WHERE r.ev_class = " MG_BATCH " AND r.ev_type <> '1'";

// The usual policy is FOR ALL TO PUBLIC.
constexpr const char *policies_sql =
	"SELECT p.polrelid, 'policies', quote_ident(p.polname),"
	" CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'"
	" END AS command,"
	" CASE WHEN NOT p.polpermissive THEN 'true' END AS restrictive,"
	" CASE WHEN p.polroles <> '{0}' THEN (SELECT string_agg(quote_ident(a.rolname), ', ' ORDER BY"
	" a.rolname COLLATE \"C\") FROM pg_authid a WHERE a.oid = ANY (p.polroles)) END AS roles,"
	" pg_get_expr(p.polqual, p.polrelid) AS \"using\", pg_get_expr(p.polwithcheck, p.polrelid) AS \"check\","
	" d.description AS comment"
	" FROM pg_policy p"
	" LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass AND d.objsubid = 0"
	" WHERE p.polrelid = " MG_BATCH;

} // namespace

void
add_part_readers(std::vector<Reader> &readers)
{
	readers.push_back(when(need_triggers, triggers_sql));
	readers.push_back(when(need_constraint_triggers, constraint_triggers_sql));
	readers.push_back(when(need_rules, rules_sql));
	readers.push_back(when(need_policies, policies_sql));
}

} // namespace mg::schema
