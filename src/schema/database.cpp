// Reads this database and its settings, and privileges on objects of the system.
#include "schema/globals.hpp"

namespace mg::schema {

namespace {

// Without its name: databases are compared.
constexpr const char *list_sql = "SELECT x.oid, 'database', 'current database' FROM pg_database x"
								 " WHERE x.datname = current_database()";

// Versions of collations are their host's.
constexpr const char *database_sql =
	"SELECT x.oid, '', '', pg_get_userbyid(x.datdba) AS owner, pg_encoding_to_char(x.encoding) AS encoding,"
	" x.datcollate AS \"collate\", x.datctype AS \"ctype\","
	" CASE x.datlocprovider WHEN 'c' THEN NULL WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE x.datlocprovider::text"
	" END AS \"locale provider\","
	" (SELECT quote_ident(t.spcname) FROM pg_tablespace t WHERE t.oid = x.dattablespace AND t.spcname <> 'pg_default')"
	" AS tablespace,"
	" CASE WHEN x.datconnlimit <> -1 THEN x.datconnlimit END AS \"connection limit\","
	" CASE WHEN NOT x.datallowconn THEN 'false' END AS \"allow connections\","
	" CASE WHEN x.datistemplate THEN 'true' END AS \"is template\"," MG_ACL(
		"x.datacl", "'d'", "x.datdba") " AS privileges"
									   " FROM pg_database x WHERE x.oid = ANY ($1::oid[])";

constexpr const char *locale_15_sql =
	"SELECT x.oid, '', '', x.daticulocale AS locale FROM pg_database x WHERE x.oid = ANY ($1::oid[])";
constexpr const char *locale_sql =
	"SELECT x.oid, '', '', x.datlocale AS locale FROM pg_database x WHERE x.oid = ANY ($1::oid[])";
constexpr const char *icu_rules_sql =
	"SELECT x.oid, '', '', x.daticurules AS \"icu rules\" FROM pg_database x WHERE x.oid = ANY ($1::oid[])";

constexpr const char *settings_sql = "SELECT s.setdatabase, 'settings', split_part(g.line, '=', 1)," MG_SETTING(
	"g.line") "AS value"
			  " FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) g (line)"
			  " WHERE s.setdatabase = ANY ($1::oid[]) AND s.setrole = 0";

constexpr const char *role_settings_sql =
	"SELECT s.setdatabase, 'role settings', format('%I %s', pg_get_userbyid(s.setrole), split_part(g.line, '=', "
	"1))," MG_SETTING("g.line") "AS value"
								" FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) g (line)"
								" WHERE s.setdatabase = ANY ($1::oid[]) AND s.setrole <> 0";

// Of the system only pg_catalog, and languages and the like, which have no schema: as pg_dump does.
constexpr const char *system_privileges_sql =
	"SELECT x.oid, 'system privileges', i.type || ' ' || i.identity," MG_PRIVILEGES(
		"o.acl", "o.owner") "AS privileges"
							" FROM pg_database x CROSS JOIN" MG_REGRANTED(
								"< 16384") "o"
										   " CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, o.objsubid) i"
										   " WHERE x.oid = ANY ($1::oid[]) AND o.objid < 16384 AND o.schema IN (0, "
										   "'pg_catalog'::regnamespace)";

} // namespace

void
add_database(std::vector<Family> &all)
{
	all.push_back({DatabaseRelationId,
				   list_sql,
				   {{database_sql},
					{locale_15_sql, 15, 16},
					{locale_sql, 17},
					{icu_rules_sql, 16},
					{settings_sql},
					{role_settings_sql},
					{system_privileges_sql},
					{MG_SHARED_COMMENTS("pg_database")},
					{MG_SHARED_LABELS("pg_database")}}});
}

} // namespace mg::schema
