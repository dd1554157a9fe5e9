// Reads schemas, default privileges, event triggers and extensions.
#include "schema/catalog.hpp"
#include "schema/globals.hpp"

namespace mg::schema {

namespace {

// The schema public is everybody's: it is told of like any other.
constexpr const char *schema_list_sql =
	"SELECT x.oid, 'schema', quote_ident(x.nspname) FROM pg_namespace x"
	" WHERE (x.oid >= 16384 OR x.nspname = 'public') AND x.nspname !~ '^pg_(toast|temp_|toast_temp_)'"
	" AND x.nspname NOT IN ('pg_catalog', 'information_schema', 'mg_archive') AND x.nspname <> ALL ($1::text[])"
	" AND" MG_NOT_MEMBER("pg_namespace");

constexpr const char *schemas_sql = "SELECT x.oid, '', '', pg_get_userbyid(x.nspowner) AS owner," MG_ACL(
	"x.nspacl", "'n'", "x.nspowner") " AS privileges"
									 " FROM pg_namespace x WHERE x.oid = ANY ($1::oid[]) AND x.nspname <> 'public'";

// As initdb leaves it: owned by whoever owns the database, usable by everybody. pg_dump takes no other start for it either.
#define MG_PUBLIC_ACL "coalesce(x.nspacl, acldefault('n', x.nspowner))"
#define MG_PUBLIC_START "acldefault('n', x.nspowner) || makeaclitem(0, x.nspowner, 'USAGE', false)"

constexpr const char *public_sql =
	"SELECT x.oid, '', '',"
	" CASE WHEN x.nspowner <> 'pg_database_owner'::regrole THEN pg_get_userbyid(x.nspowner) END AS owner,"
	" CASE WHEN" MG_ACL_DIFFERS(MG_PUBLIC_ACL, MG_PUBLIC_START) "THEN" MG_PRIVILEGES(
		MG_PUBLIC_ACL,
		"x.nspowner") "END AS privileges FROM pg_namespace x WHERE x.oid = ANY ($1::oid[]) AND x.nspname = 'public'";

constexpr const char *schema_comments_sql =
	"SELECT x.oid, '', '', CASE WHEN x.nspname <> 'public' THEN d.description"
	" WHEN d.description IS DISTINCT FROM 'standard public schema' THEN coalesce(d.description, '') END AS comment"
	" FROM pg_namespace x LEFT JOIN pg_description d ON d.classoid = 'pg_namespace'::regclass AND d.objoid = x.oid"
	" WHERE x.oid = ANY ($1::oid[])";

constexpr const char *default_list_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_default_acl x LEFT JOIN pg_namespace n ON n.oid = x.defaclnamespace"
	" CROSS JOIN LATERAL pg_identify_object('pg_default_acl'::regclass, x.oid, 0) i"
	" WHERE (n.oid IS NULL OR n.nspname <> ALL ($1::text[]))";

// Those of a schema are added to those of all schemas, which replace the server's own: what they start from is nothing,
// as with the privileges of a column.
constexpr const char *defaults_sql =
	"SELECT x.oid, '', ''," MG_ACL("x.defaclacl",
								   "(CASE WHEN x.defaclnamespace <> 0 THEN 'c' WHEN x.defaclobjtype = 'S' THEN 's' "
								   "ELSE x.defaclobjtype END)::\"char\"",
								   "x.defaclrole") " AS privileges FROM pg_default_acl x WHERE x.oid = ANY ($1::oid[])";

constexpr const char *event_trigger_list_sql =
	"SELECT x.oid, 'event trigger', quote_ident(x.evtname) FROM pg_event_trigger x"
	" WHERE x.oid >= 16384 AND" MG_NOT_MEMBER("pg_event_trigger");

constexpr const char *event_triggers_sql =
	"SELECT t.oid, '', '', pg_get_userbyid(t.evtowner) AS owner, t.evtevent AS event,"
	" t.evtfoid::regprocedure AS function,"
	" (SELECT string_agg(quote_literal(g.tag), ', ' ORDER BY g.tag COLLATE \"C\") FROM unnest(t.evttags) g (tag)) AS "
	"tags,"
	" CASE t.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled"
	" FROM pg_event_trigger t WHERE t.oid = ANY ($1::oid[])";

// Of no schema, whichever its objects are in.
constexpr const char *extension_list_sql =
	"SELECT x.oid, 'extension', quote_ident(x.extname) FROM pg_extension x WHERE x.oid >= 16384";

// Nobody owns an extension after a restore but the role that restored.
constexpr const char *extensions_sql =
	"SELECT x.oid, '', '', x.extversion AS version, x.extnamespace::regnamespace AS schema"
	" FROM pg_extension x WHERE x.oid = ANY ($1::oid[])";

// What an extension's script made, and what else was put in. A definition changes if somebody replaces the object by hand.
// Of this extension's own there is nothing to tell: its version says it.
constexpr const char *members_sql =
	"SELECT d.refobjid, 'members', o.type || ' ' || o.identity,"
	" encode(sha256(convert_to(CASE d.classid"
	" WHEN 'pg_proc'::regclass THEN (SELECT CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE"
	" (SELECT concat_ws(' ', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn,"
	" a.aggminvtransfn, a.aggmfinalfn, format_type(a.aggtranstype, NULL), a.agginitval)"
	" FROM pg_aggregate a WHERE a.aggfnoid = p.oid) END FROM pg_proc p WHERE p.oid = d.objid)"
	" WHEN 'pg_class'::regclass THEN (SELECT concat_ws(E'\\n', (SELECT string_agg(c.option, ', ' ORDER BY c.option"
	" COLLATE \"C\") FROM unnest(c.reloptions) c (option)),"
	" CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) WHEN c.relkind IN ('r', 'p', 'f') THEN"
	" (SELECT string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),"
	" CASE WHEN a.attnotnull THEN 'NOT NULL' END, nullif(a.attidentity, ''), nullif(a.attgenerated, ''),"
	" pg_get_expr(f.adbin, f.adrelid)), E'\\n' ORDER BY a.attnum) FROM pg_attribute a"
	" LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum"
	" WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) END,"
	" (SELECT string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), E'\\n' ORDER BY k.conname COLLATE \"C\")"
	" FROM pg_constraint k WHERE k.conrelid = c.oid),"
	" (SELECT string_agg(i.line, E'\\n' ORDER BY i.line COLLATE \"C\") FROM (SELECT pg_get_indexdef(i.indexrelid) AS "
	"line"
	" FROM pg_index i WHERE i.indrelid = c.oid) i)) FROM pg_class c WHERE c.oid = d.objid AND c.relkind <> 'S')"
	" END, getdatabaseencoding())), 'hex') AS definition"
	" FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid"
	" CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o"
	" WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.refobjid = ANY ($1::oid[])"
	" AND e.extname <> 'migration_governance'"
	// Types that come with a table, a range or another type are members since 17 only.
	" AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = "
	"t.typrelid"
	" WHERE t.oid = d.objid AND (t.typtype = 'm' OR c.relkind <> 'c' OR (t.typcategory = 'A' AND t.typelem <> 0))))";

// What lies on an extension's tables: nobody else tells of it.
#define MG_ON_MEMBERS(relation)                                                                           \
	" JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = " relation " AND d.objsubid = 0" \
	" AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.refobjid = ANY ($1::oid[])"   \
	" JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_class c ON c.oid = d.objid"                       \
	" JOIN pg_namespace n ON n.oid = c.relnamespace"

constexpr const char *member_policies_sql =
	"SELECT d.refobjid, 'members', format('policy %I on %I.%I', p.polname, n.nspname, c.relname),"
	" CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'"
	" END AS command,"
	" CASE WHEN NOT p.polpermissive THEN 'true' END AS restrictive,"
	" CASE WHEN p.polroles <> '{0}' THEN (SELECT string_agg(quote_ident(a.rolname), ', ' ORDER BY"
	" a.rolname COLLATE \"C\") FROM pg_authid a WHERE a.oid = ANY (p.polroles)) END AS roles,"
	" pg_get_expr(p.polqual, p.polrelid) AS \"using\", pg_get_expr(p.polwithcheck, p.polrelid) AS \"check\""
	" FROM pg_policy p" MG_ON_MEMBERS("p.polrelid");

constexpr const char *member_security_sql =
	"SELECT d.refobjid, 'members', o.type || ' ' || o.identity,"
	" concat_ws(', ', CASE WHEN c.relrowsecurity THEN 'enabled' END, CASE WHEN c.relforcerowsecurity THEN 'forced' END)"
	" AS \"row security\" FROM pg_class x" MG_ON_MEMBERS(
		"x.oid") " CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) o WHERE c.relrowsecurity OR "
				 "c.relforcerowsecurity";

// The triggers that guard the ledger are its own.
constexpr const char *member_triggers_sql =
	"SELECT d.refobjid, 'members', format('trigger %I on %I.%I', t.tgname, n.nspname, c.relname),"
	" pg_get_triggerdef(t.oid) AS definition, CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'"
	" WHEN 'A' THEN 'always' END AS enabled"
	" FROM pg_trigger t" MG_ON_MEMBERS("t.tgrelid") " WHERE NOT t.tgisinternal AND (e.extname <> "
													"'migration_governance' OR t.tgfoid <> 'mg_guard'::regproc)";

constexpr const char *member_rules_sql =
	"SELECT d.refobjid, 'members', format('rule %I on %I.%I', r.rulename, n.nspname, c.relname),"
	" pg_get_ruledef(r.oid) AS definition, CASE r.ev_enabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'"
	" WHEN 'A' THEN 'always' END AS enabled"
	" FROM pg_rewrite r" MG_ON_MEMBERS("r.ev_class") " WHERE r.ev_type <> '1'";

// What was granted is found once and not again for every member.
// Those on this extension's own members are who holds which right, as mg_grant_right() has it on record: none of the schema.
constexpr const char *member_privileges_sql =
	"WITH o AS MATERIALIZED (SELECT o.* FROM"
	MG_REGRANTED("= ANY (ARRAY(SELECT m.objid FROM pg_depend m WHERE m.refclassid = 'pg_extension'::regclass"
				 " AND m.refobjid = ANY ($1::oid[]) AND m.classid = 'pg_class'::regclass AND m.deptype = 'e'))")
	"o) SELECT d.refobjid, 'members', i.type || ' ' || i.identity," MG_PRIVILEGES("o.acl", "o.owner") "AS privileges"
	" FROM pg_depend d JOIN o ON o.classid = d.classid AND o.objid = d.objid"
	" CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, o.objsubid) i"
	" JOIN pg_extension e ON e.oid = d.refobjid"
	" WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.refobjid = ANY ($1::oid[])"
	" AND e.extname <> 'migration_governance'";

constexpr const char *member_labels_sql =
	"SELECT d.refobjid, 'members', i.type || ' ' || i.identity,"
	" string_agg(l.provider || ': ' || l.label, ', ' ORDER BY l.provider COLLATE \"C\") AS \"security label\""
	" FROM pg_depend d JOIN pg_seclabel l ON l.classoid = d.classid AND l.objoid = d.objid"
	" CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) i"
	" WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.refobjid = ANY ($1::oid[])"
	" GROUP BY d.refobjid, i.type, i.identity";

// What there is to read about a relation that belongs to an extension.
unsigned
member_needs_raw(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	unsigned needs = 0;

	if (!HeapTupleIsValid(tuple))
		return needs;
	auto *row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
	if (row->relrowsecurity || row->relforcerowsecurity)
		needs |= need_row_security;
	if (row->relhastriggers)
		needs |= need_triggers;
	if (row->relhasrules && row->relkind != RELKIND_MATVIEW)
		scan_raw(RewriteRelationId, RewriteRelRulenameIndexId, Anum_pg_rewrite_ev_class, {&relation, 1},
				 [&](HeapTuple rule, TupleDesc) {
					 if (reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(rule))->ev_type != '1')
						 needs |= need_rules;
				 });
	ReleaseSysCache(tuple);
	return needs;
}

// Sees what there is to read about the members of extensions.
void
read_members(Album &album)
{
	const std::vector<Oid> extensions = oids_of(album);

	if (has_rows(PolicyRelationId))
		album.has |= need_policies;
	for (Oid extension : extensions)
		pg::guarded([&] {
			scan_dependants_raw(ExtensionRelationId, extension, [&](Form_pg_depend row) {
				if (row->classid == RelationRelationId && row->deptype == DEPENDENCY_EXTENSION)
					album.has |= member_needs_raw(row->objid);
			});
		});
}

} // namespace

void
add_namespaces(std::vector<Family> &all)
{
	all.push_back({NamespaceRelationId,
				   schema_list_sql,
				   {{schemas_sql}, {public_sql}, {schema_comments_sql}, MG_LABELS("pg_namespace")}});
	all.push_back({DefaultAclRelationId, default_list_sql, {{defaults_sql}}});
	all.push_back({EventTriggerRelationId,
				   event_trigger_list_sql,
				   {{event_triggers_sql}, {MG_COMMENTS("pg_event_trigger")}, MG_LABELS("pg_event_trigger")}});
	all.push_back({ExtensionRelationId,
				   extension_list_sql,
				   {{extensions_sql},
					{MG_COMMENTS("pg_extension")},
					{members_sql},
					when(need_policies, member_policies_sql),
					when(need_row_security, member_security_sql),
					when(need_triggers, member_triggers_sql),
					when(need_rules, member_rules_sql),
					{member_privileges_sql},
					when(need_labels, member_labels_sql)},
				   read_members});
}

} // namespace mg::schema
