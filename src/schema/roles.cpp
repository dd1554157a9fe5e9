// Reads what all databases share: roles, tablespaces and privileges on settings. Never passwords.
#include "schema/globals.hpp"

namespace mg::schema {

namespace {

// The role that initdb made is of interest once somebody did something to it.
constexpr const char *role_list_sql =
	"SELECT x.oid, 'role', quote_ident(x.rolname) FROM pg_authid x"
	" WHERE (x.oid >= 16384 OR (x.oid = 10 AND (x.rolconnlimit <> -1 OR x.rolvaliduntil IS NOT NULL"
	" OR NOT (x.rolsuper AND x.rolinherit AND x.rolcreaterole AND x.rolcreatedb AND x.rolcanlogin AND x.rolreplication"
	" AND x.rolbypassrls)"
	" OR EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setrole = 10 AND s.setdatabase = 0)"
	" OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = 10)"
	" OR EXISTS (SELECT FROM pg_shdescription d WHERE d.classoid = 'pg_authid'::regclass AND d.objoid = 10)"
	" OR EXISTS (SELECT FROM pg_shseclabel l WHERE l.classoid = 'pg_authid'::regclass AND l.objoid = 10))))";

// What CREATE ROLE gives without a word is usual. The end of validity is told in UTC whatever the session's zone.
constexpr const char *roles_sql =
	"SELECT r.oid, '', '', CASE WHEN r.rolsuper THEN 'true' END AS superuser,"
	" CASE WHEN NOT r.rolinherit THEN 'false' END AS \"inherit\","
	" CASE WHEN r.rolcreaterole THEN 'true' END AS \"create role\","
	" CASE WHEN r.rolcreatedb THEN 'true' END AS \"create database\","
	" CASE WHEN r.rolcanlogin THEN 'true' END AS login,"
	" CASE WHEN r.rolreplication THEN 'true' END AS replication,"
	" CASE WHEN r.rolbypassrls THEN 'true' END AS \"bypass row security\","
	" CASE WHEN r.rolconnlimit <> -1 THEN r.rolconnlimit END AS \"connection limit\","
	" CASE WHEN isfinite(r.rolvaliduntil) THEN to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
	" || ' UTC' ELSE r.rolvaliduntil::text END AS \"valid until\""
	" FROM pg_authid r WHERE r.oid = ANY ($1::oid[])";

constexpr const char *settings_sql = "SELECT s.setrole, 'settings', split_part(g.line, '=', 1)," MG_SETTING(
	"g.line") "AS value"
			  " FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) g (line)"
			  " WHERE s.setrole = ANY ($1::oid[]) AND s.setdatabase = 0";

// Before 16 nothing depends on who granted a membership.
constexpr const char *memberships_15_sql = "SELECT m.member, 'memberships', quote_ident(pg_get_userbyid(m.roleid)),"
										   " CASE WHEN m.admin_option THEN 'true' END AS admin"
										   " FROM pg_auth_members m WHERE m.member = ANY ($1::oid[])";

// Each grantor's grant stands for itself.
constexpr const char *memberships_sql =
	"SELECT m.member, 'memberships', quote_ident(pg_get_userbyid(m.roleid)) ||"
	" CASE WHEN m.grantor <> 10 THEN ' granted by ' || quote_ident(pg_get_userbyid(m.grantor)) ELSE '' END,"
	" CASE WHEN m.admin_option THEN 'true' END AS admin, CASE WHEN NOT m.inherit_option THEN 'false' END AS "
	"\"inherit\","
	" CASE WHEN NOT m.set_option THEN 'false' END AS \"set\""
	" FROM pg_auth_members m WHERE m.member = ANY ($1::oid[])";

constexpr const char *tablespace_list_sql =
	"SELECT x.oid, 'tablespace', quote_ident(x.spcname) FROM pg_tablespace x WHERE x.oid >= 16384";

// One without a location of its own lies within the server's directory, by its OID.
constexpr const char *tablespaces_sql =
	"SELECT t.oid, '', '', pg_get_userbyid(t.spcowner) AS owner,"
	" CASE WHEN l.location !~ '^pg_tblspc/' THEN nullif(l.location, '') END AS location,"
	" (SELECT string_agg(o.line, ', ' ORDER BY o.line COLLATE \"C\") FROM unnest(t.spcoptions) o (line)) AS "
	"options," MG_ACL("t.spcacl", "'t'",
					  "t.spcowner") " AS privileges"
									" FROM pg_tablespace t CROSS JOIN LATERAL pg_tablespace_location(t.oid) l "
									"(location) WHERE t.oid = ANY ($1::oid[])";

constexpr const char *parameter_list_sql =
	"SELECT x.oid, 'parameter ACL', x.parname FROM pg_parameter_acl x WHERE x.oid >= 16384";

constexpr const char *parameters_sql = "SELECT p.oid, '', ''," MG_ACL(
	"p.paracl", "'p'", "10::oid") " AS privileges"
								  " FROM pg_parameter_acl p WHERE p.oid = ANY ($1::oid[])";

} // namespace

void
add_roles(std::vector<Family> &all)
{
	all.push_back({AuthIdRelationId,
				   role_list_sql,
				   {{roles_sql},
					{settings_sql},
					{memberships_15_sql, 0, 15},
					{memberships_sql, 16},
					{MG_SHARED_COMMENTS("pg_authid")},
					{MG_SHARED_LABELS("pg_authid")}},
				   nullptr,
				   true});
	all.push_back({TableSpaceRelationId,
				   tablespace_list_sql,
				   {{tablespaces_sql}, {MG_SHARED_COMMENTS("pg_tablespace")}, {MG_SHARED_LABELS("pg_tablespace")}},
				   nullptr,
				   true});
	all.push_back({ParameterAclRelationId, parameter_list_sql, {{parameters_sql}}, nullptr, true});
}

} // namespace mg::schema
