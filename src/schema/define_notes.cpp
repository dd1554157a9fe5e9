// Writes owners, privileges, comments and security labels.
#include "schema/definers.hpp"

namespace mg::schema {

namespace {

// clang-format off

constexpr Definer owners =
	MG_GONE " SELECT o.class, o.oid, 0, " MG_RANK_SAME ", format('ALTER %s OWNER TO %I', o.what, pg_get_userbyid(o.owner)) FROM ("
	"SELECT 'pg_class'::regclass::oid AS class, c.oid, c.relowner AS owner,"
	"  CASE c.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || " MG_RELATION("c.oid") " AS what"
	"  FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS (SELECT FROM pg_depend d"
	"   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i')"
	" UNION ALL SELECT 'pg_type'::regclass, t.oid, t.typowner, CASE t.typtype WHEN 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END || format_type(t.oid, NULL)"
	"  FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c'"
	" UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.proowner, 'ROUTINE ' || p.oid::regprocedure FROM pg_proc p WHERE p.prokind <> 'a'"
	" UNION ALL SELECT 'pg_namespace'::regclass, n.oid, n.nspowner, format('SCHEMA %I', n.nspname) FROM pg_namespace n"
	" UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid, s.stxowner, format('STATISTICS %I.%I', n.nspname, s.stxname)"
	"  FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace) o"
	" WHERE EXISTS (SELECT FROM gone g WHERE g.class = o.class AND g.oid = o.oid AND g.sub = 0) ORDER BY o.class, o.oid";

// They go when the extension does.
constexpr Definer extensions =
	MG_GONE " SELECT d.classid, d.objid, 0, " MG_RANK_SAME ", format('ALTER %s DEPENDS ON EXTENSION %I', CASE d.classid"
	"  WHEN 'pg_proc'::regclass THEN 'ROUTINE ' || d.objid::regprocedure"
	"  WHEN 'pg_trigger'::regclass THEN (SELECT format('TRIGGER %I ON %s', t.tgname, " MG_RELATION("t.tgrelid") ") FROM pg_trigger t WHERE t.oid = d.objid)"
	"  ELSE (SELECT CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW ' ELSE 'INDEX ' END || " MG_RELATION("c.oid") " FROM pg_class c WHERE c.oid = d.objid) END, e.extname)"
	" FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid"
	" WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x'"
	" AND EXISTS (SELECT FROM gone g WHERE g.class = d.classid AND g.oid = d.objid AND g.sub = 0) ORDER BY d.classid, d.objid, e.extname";

#define MG_GRANTEE(oid) "CASE " oid " WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(" oid ")) END"

// Takes away what is granted by default, today or when the script runs, and grants what was. A grant of another role than the owner's is
// made by that role, after those that let it.
constexpr Definer privileges =
	MG_GONE " SELECT o.class, o.oid, o.sub, " MG_RANK_PRIVILEGES ", w.sql FROM ("
	"SELECT 'pg_class'::regclass::oid AS class, c.oid, 0 AS sub, c.relacl AS acl, c.relowner AS owner, '' AS columns,"
	"  CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END AS kind,"
	"  CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || " MG_RELATION("c.oid") " AS what"
	"  FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND" MG_IS_GONE("pg_class", "c.oid")
	" UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum, a.attacl, c.relowner, format(' (%I)', a.attname), 'c', 'TABLE ' || " MG_RELATION("c.oid")
	"  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped"
	"  AND c.relkind IN ('r', 'p', 'v', 'm') AND" MG_COLUMN_IS_GONE("a")
	" UNION ALL SELECT 'pg_type'::regclass, t.oid, 0, t.typacl, t.typowner, '', 'T', 'TYPE ' || format_type(t.oid, NULL)"
	"  FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND" MG_IS_GONE("pg_type", "t.oid")
	" UNION ALL SELECT 'pg_proc'::regclass, p.oid, 0, p.proacl, p.proowner, '', 'f', 'ROUTINE ' || p.oid::regprocedure"
	"  FROM pg_proc p WHERE" MG_IS_GONE("pg_proc", "p.oid")
	" UNION ALL SELECT 'pg_namespace'::regclass, n.oid, 0, n.nspacl, n.nspowner, '', 'n', format('SCHEMA %I', n.nspname)"
	"  FROM pg_namespace n WHERE" MG_IS_GONE("pg_namespace", "n.oid") ") o"
	" CROSS JOIN LATERAL ("
	"SELECT 0 AS part, 0::bigint AS place, format('REVOKE ALL ON %s FROM %s', o.what, string_agg(r.name, ', ' ORDER BY r.name)) AS sql"
	"  FROM (SELECT 'PUBLIC' AS name UNION SELECT quote_ident(pg_get_userbyid(o.owner))"
	"   UNION SELECT quote_ident(pg_get_userbyid(e.grantee)) FROM pg_default_acl f, aclexplode(f.defaclacl) e"
	"   WHERE f.defaclobjtype = CASE o.kind WHEN 's' THEN 'S' ELSE o.kind END::\"char\" AND e.grantee <> 0) r WHERE o.kind <> 'c' HAVING count(*) > 0"
	" UNION ALL SELECT CASE e.grantor WHEN o.owner THEN 1 ELSE 2 END, min(e.place),"
	"  format(CASE e.grantor WHEN o.owner THEN '%1$s' ELSE"
	"   'DO $grant$ DECLARE me text := current_user; BEGIN SET LOCAL ROLE %2$I; %1$s; PERFORM pg_catalog.set_config(''role'', me, true); END $grant$' END,"
	"   format('GRANT %s ON %s TO %s%s', string_agg(e.privilege_type || o.columns, ', ' ORDER BY e.place), o.what, " MG_GRANTEE("e.grantee") ","
	"    CASE WHEN e.is_grantable THEN ' WITH GRANT OPTION' END), pg_get_userbyid(e.grantor))"
	"  FROM aclexplode(coalesce(o.acl, acldefault(o.kind::\"char\", o.owner))) WITH ORDINALITY e (grantor, grantee, privilege_type, is_grantable, place)"
	"  GROUP BY e.grantor, e.grantee, e.is_grantable) w"
	" WHERE o.acl IS NOT NULL OR EXISTS (SELECT FROM pg_default_acl f WHERE f.defaclobjtype = CASE o.kind WHEN 's' THEN 'S' ELSE o.kind END::\"char\")"
	" ORDER BY o.class, o.oid, o.sub, w.part, w.place";

#define MG_NOTED \
	"CASE WHEN i.type LIKE '%column' THEN 'COLUMN' WHEN i.type LIKE '%constraint' THEN 'CONSTRAINT'" \
	" WHEN i.type = 'statistics object' THEN 'STATISTICS' ELSE upper(i.type) END," \
	" CASE i.type WHEN 'domain constraint' THEN (SELECT format('%I ON DOMAIN %s', k.conname, format_type(k.contypid, NULL))" \
	" FROM pg_constraint k WHERE k.oid = d.objoid) ELSE i.identity END"

#define MG_NOTED_IS_GONE(d) \
	" EXISTS (SELECT FROM gone g WHERE g.class = " d ".classoid AND g.oid = " d ".objoid AND g.sub IN (0, " d ".objsubid))"

constexpr Definer comments =
	MG_GONE " SELECT d.classoid, d.objoid, d.objsubid, " MG_RANK_COMMENT ", format('COMMENT ON %s %s IS %L', " MG_NOTED ", d.description)"
	" FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i"
	" WHERE" MG_NOTED_IS_GONE("d") " ORDER BY d.classoid, d.objoid, d.objsubid";

constexpr Definer labels =
	MG_GONE " SELECT d.classoid, d.objoid, d.objsubid, " MG_RANK_COMMENT ","
	" format('SECURITY LABEL FOR %s ON %s %s IS %L', quote_ident(d.provider), " MG_NOTED ", d.label)"
	" FROM pg_seclabel d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i"
	" WHERE" MG_NOTED_IS_GONE("d") " ORDER BY d.classoid, d.objoid, d.objsubid, d.provider";

// clang-format on

} // namespace

void
add_note_definers(std::vector<Definer> &definers)
{
	definers.insert(definers.end(), {owners, extensions, privileges, comments, labels});
}

} // namespace mg::schema
