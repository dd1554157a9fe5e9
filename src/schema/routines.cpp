// Reads functions, procedures, aggregates and window functions.
#include "schema/reader.hpp"

namespace mg::schema {

namespace {

// Not the constructors that a range type brings along.
constexpr const char *list_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_proc x JOIN pg_namespace n ON n.oid = x.pronamespace,"
	" pg_identify_object('pg_proc'::regclass, x.oid, 0) i"
	" WHERE" MG_IN_SCOPE " AND" MG_NOT_MEMBER(
		"pg_proc") " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = x.oid"
				   " AND d.deptype = 'i')";

// What functions and aggregates have in common.
constexpr const char *routine_sql =
	"SELECT r.oid, '', '',"
	" nullif(pg_get_function_arguments(r.oid), '') AS arguments,"
	" CASE r.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END AS parallel,"
	" pg_get_userbyid(r.proowner) AS owner," MG_ACL("r.proacl", "'f'",
													"r.proowner") " AS privileges"
																  " FROM pg_proc r WHERE r.oid = ANY ($1::oid[])";

// Usual are the values that CREATE FUNCTION takes when it is not told. Settings are quoted since a search_path has commas too.
constexpr const char *function_sql =
	"SELECT p.oid, '', '',"
	" pg_get_function_result(p.oid) AS result,"
	" quote_ident(l.lanname) AS language,"
	" CASE WHEN p.probin IS NULL THEN coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) END AS body,"
	" p.probin AS \"object file\","
	" CASE WHEN p.probin IS NOT NULL THEN p.prosrc END AS symbol,"
	" CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' END AS volatility,"
	" CASE WHEN p.prokind = 'w' THEN 'true' END AS \"window\","
	" CASE WHEN p.proisstrict THEN 'true' END AS strict,"
	" CASE WHEN p.prosecdef THEN 'true' END AS \"security definer\","
	" CASE WHEN p.proleakproof THEN 'true' END AS leakproof,"
	" CASE WHEN p.procost <> CASE WHEN l.lanname IN ('internal', 'c') THEN 1 ELSE 100 END THEN p.procost END AS cost,"
	" CASE WHEN p.proretset AND p.prorows NOT IN (0, 1000) THEN p.prorows END AS rows,"
	" nullif(p.prosupport::regprocedure::text, '-') AS \"support function\","
	" (SELECT string_agg(format('%s = %L', split_part(s, '=', 1)," MG_SETTING(
		"s") "), ', '"
			 " ORDER BY s COLLATE \"C\") FROM unnest(p.proconfig) s) AS settings,"
			 " (SELECT string_agg(format_type(t, NULL), ', ' ORDER BY place)"
			 " FROM unnest(p.protrftypes) WITH ORDINALITY u (t, place)) AS transforms"
			 " FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.oid = ANY ($1::oid[]) AND p.prokind <> "
			 "'a'";

constexpr const char *aggregate_sql =
	"SELECT p.oid, '', '',"
	" CASE WHEN a.aggkind = 'h' THEN 'true' END AS hypothetical,"
	" a.aggtransfn::regprocedure::text AS \"state function\","
	" format_type(a.aggtranstype, NULL) AS \"state type\","
	" nullif(a.aggtransspace, 0) AS \"state space\","
	" a.agginitval AS \"initial condition\","
	" nullif(a.aggfinalfn::regprocedure::text, '-') AS \"final function\","
	" CASE WHEN a.aggfinalextra THEN 'true' END AS \"final function extra\","
	" CASE WHEN a.aggfinalmodify <> u.modify THEN CASE a.aggfinalmodify WHEN 'r' THEN 'read only'"
	" WHEN 's' THEN 'shareable' ELSE 'read write' END END AS \"final function modify\","
	" nullif(a.aggcombinefn::regprocedure::text, '-') AS \"combine function\","
	" nullif(a.aggserialfn::regprocedure::text, '-') AS \"serial function\","
	" nullif(a.aggdeserialfn::regprocedure::text, '-') AS \"deserial function\","
	" nullif(a.aggmtransfn::regprocedure::text, '-') AS \"moving state function\","
	" nullif(a.aggminvtransfn::regprocedure::text, '-') AS \"moving inverse function\","
	" CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END AS \"moving state type\","
	" nullif(a.aggmtransspace, 0) AS \"moving state space\","
	" a.aggminitval AS \"moving initial condition\","
	" nullif(a.aggmfinalfn::regprocedure::text, '-') AS \"moving final function\","
	" CASE WHEN a.aggmfinalextra THEN 'true' END AS \"moving final function extra\","
	" CASE WHEN a.aggmtransfn <> 0 AND a.aggmfinalmodify <> u.modify THEN CASE a.aggmfinalmodify WHEN 'r' THEN"
	" 'read only' WHEN 's' THEN 'shareable' ELSE 'read write' END END AS \"moving final function modify\","
	" CASE WHEN a.aggsortop <> 0 THEN a.aggsortop::regoperator::text END AS \"sort operator\""
	" FROM pg_proc p JOIN pg_aggregate a ON a.aggfnoid = p.oid,"
	" LATERAL (SELECT CASE a.aggkind WHEN 'n' THEN 'r'::\"char\" ELSE 'w'::\"char\" END AS modify) u"
	" WHERE p.oid = ANY ($1::oid[])";

constexpr const char *extension_sql =
	"SELECT d.objid, '', '', string_agg(quote_ident(e.extname), ', ' ORDER BY e.extname COLLATE \"C\")"
	" AS \"depends on extension\" FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid"
	" WHERE d.classid = 'pg_proc'::regclass AND d.objid = ANY ($1::oid[])"
	" AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x' GROUP BY d.objid";

} // namespace

void
add_routines(std::vector<Family> &all)
{
	all.push_back({ProcedureRelationId,
				   list_sql,
				   {{routine_sql},
					{function_sql},
					{aggregate_sql},
					{extension_sql},
					{MG_COMMENTS("pg_proc")},
					MG_LABELS("pg_proc")}});
}

} // namespace mg::schema
