// Reads foreign-data wrappers, servers and user mappings. Of options that may hold a secret only the names.
#include "schema/reader.hpp"

namespace mg::schema {

namespace {

#define MG_OPTION_NAMES(options)                                                                \
	"(SELECT string_agg(quote_ident(o.option_name), ', ' ORDER BY o.option_name COLLATE \"C\")" \
	" FROM pg_options_to_table(" options ") o)"

constexpr const char *wrapper_list_sql =
	"SELECT x.oid, 'foreign-data wrapper', quote_ident(x.fdwname) FROM pg_foreign_data_wrapper x"
	" WHERE x.oid >= 16384 AND" MG_NOT_MEMBER("pg_foreign_data_wrapper");

constexpr const char *wrappers_sql =
	"SELECT w.oid, '', '', pg_get_userbyid(w.fdwowner) AS owner,"
	" CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc END AS \"handler\","
	" CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc END AS \"validator\","
	" (SELECT string_agg(quote_ident(o.option_name) || ' ' || quote_literal(o.option_value), ', '"
	" ORDER BY o.option_name COLLATE \"C\") FROM pg_options_to_table(w.fdwoptions) o) AS options," MG_ACL(
		"w.fdwacl", "'F'", "w.fdwowner") " AS privileges"
										 " FROM pg_foreign_data_wrapper w WHERE w.oid = ANY ($1::oid[])";

constexpr const char *server_list_sql = "SELECT x.oid, 'server', quote_ident(x.srvname) FROM pg_foreign_server x"
										" WHERE x.oid >= 16384 AND" MG_NOT_MEMBER("pg_foreign_server");

constexpr const char *servers_sql =
	"SELECT s.oid, '', '', pg_get_userbyid(s.srvowner) AS owner,"
	" (SELECT quote_ident(w.fdwname) FROM pg_foreign_data_wrapper w WHERE w.oid = s.srvfdw) AS \"foreign-data "
	"wrapper\","
	" s.srvtype AS \"type\", s.srvversion AS version, " MG_OPTION_NAMES("s.srvoptions") " AS \"option names\"," MG_ACL(
		"s.srvacl", "'S'", "s.srvowner") " AS privileges"
										 " FROM pg_foreign_server s WHERE s.oid = ANY ($1::oid[])";

constexpr const char *mapping_list_sql =
	"SELECT x.oid, 'user mapping', format('%s on server %I', CASE WHEN x.umuser = 0 THEN 'public' ELSE"
	" quote_ident(pg_get_userbyid(x.umuser)) END, s.srvname)"
	" FROM pg_user_mapping x JOIN pg_foreign_server s ON s.oid = x.umserver WHERE x.oid >= 16384";

constexpr const char *mappings_sql =
	"SELECT m.oid, '', '', " MG_OPTION_NAMES("m.umoptions") " AS \"option names\""
															" FROM pg_user_mapping m WHERE m.oid = ANY ($1::oid[])";

} // namespace

void
add_foreign(std::vector<Family> &all)
{
	all.push_back(
		{ForeignDataWrapperRelationId, wrapper_list_sql, {{wrappers_sql}, {MG_COMMENTS("pg_foreign_data_wrapper")}}});
	all.push_back({ForeignServerRelationId, server_list_sql, {{servers_sql}, {MG_COMMENTS("pg_foreign_server")}}});
	all.push_back({UserMappingRelationId, mapping_list_sql, {{mappings_sql}}});
}

} // namespace mg::schema
