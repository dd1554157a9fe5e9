// Reads operators, and the operator classes and families that indexes use.
#include "schema/reader.hpp"

namespace mg::schema {

namespace {

// An operator without a function was only named by another one; it comes back with that.
constexpr const char *operators_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_operator x JOIN pg_namespace n ON n.oid = x.oprnamespace,"
	" pg_identify_object('pg_operator'::regclass, x.oid, 0) i"
	" WHERE" MG_IN_SCOPE " AND" MG_NOT_MEMBER("pg_operator") " AND x.oprcode <> 0";

constexpr const char *operator_sql = "SELECT o.oid, '', '',"
									 " o.oprcode::regprocedure::text AS function,"
									 " CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator::text END AS commutator,"
									 " CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator::text END AS negator,"
									 " nullif(o.oprrest::regprocedure::text, '-') AS \"restriction function\","
									 " nullif(o.oprjoin::regprocedure::text, '-') AS \"join function\","
									 " CASE WHEN o.oprcanhash THEN 'true' END AS hashes,"
									 " CASE WHEN o.oprcanmerge THEN 'true' END AS merges,"
									 " pg_get_userbyid(o.oprowner) AS owner"
									 " FROM pg_operator o WHERE o.oid = ANY ($1::oid[])";

constexpr const char *families_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_opfamily x JOIN pg_namespace n ON n.oid = x.opfnamespace,"
	" pg_identify_object('pg_opfamily'::regclass, x.oid, 0) i"
	" WHERE" MG_IN_SCOPE " AND" MG_NOT_MEMBER("pg_opfamily");

constexpr const char *family_sql = "SELECT f.oid, '', '', pg_get_userbyid(f.opfowner) AS owner"
								   " FROM pg_opfamily f WHERE f.oid = ANY ($1::oid[])";

constexpr const char *classes_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_opclass x JOIN pg_namespace n ON n.oid = x.opcnamespace,"
	" pg_identify_object('pg_opclass'::regclass, x.oid, 0) i"
	" WHERE" MG_IN_SCOPE " AND" MG_NOT_MEMBER("pg_opclass");

constexpr const char *class_sql =
	"SELECT c.oid, '', '',"
	" CASE WHEN c.opcdefault THEN 'true' END AS \"default\","
	" format_type(c.opcintype, NULL) AS type,"
	" format('%I.%I', n.nspname, f.opfname) AS family,"
	" CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END AS storage,"
	" pg_get_userbyid(c.opcowner) AS owner"
	" FROM pg_opclass c JOIN pg_opfamily f ON f.oid = c.opcfamily JOIN pg_namespace n ON n.oid = f.opfnamespace"
	" WHERE c.oid = ANY ($1::oid[])";

// An operator or function that a class cannot do without belongs to the class, any other one to the family.
#define MG_OPERATOR                                                                                             \
	" 'operators', format('%s (%s, %s)', o.amopstrategy, format_type(o.amoplefttype, NULL),"                    \
	" format_type(o.amoprighttype, NULL)), o.amopopr::regoperator::text AS operator,"                           \
	" CASE WHEN o.amopsortfamily <> 0 THEN (SELECT i.identity FROM pg_identify_object('pg_opfamily'::regclass," \
	" o.amopsortfamily, 0) i) END AS \"order by\""
#define MG_SUPPORT                                                                          \
	" 'functions', format('%s (%s, %s)', o.amprocnum, format_type(o.amproclefttype, NULL)," \
	" format_type(o.amprocrighttype, NULL)), o.amproc::regprocedure::text AS function"
#define MG_IN_CLASS(catalog)                   \
	" pg_depend d WHERE d.classid = '" catalog \
	"'::regclass AND d.objid = o.oid AND d.refclassid = 'pg_opclass'::regclass"

constexpr const char *class_operators_sql =
	"SELECT d.refobjid," MG_OPERATOR " FROM pg_amop o," MG_IN_CLASS("pg_amop") " AND d.refobjid = ANY ($1::oid[])";
constexpr const char *class_functions_sql =
	"SELECT d.refobjid," MG_SUPPORT " FROM pg_amproc o," MG_IN_CLASS("pg_amproc") " AND d.refobjid = ANY ($1::oid[])";
constexpr const char *family_operators_sql =
	"SELECT o.amopfamily," MG_OPERATOR " FROM pg_amop o WHERE o.amopfamily = ANY ($1::oid[])"
	" AND NOT EXISTS (SELECT FROM" MG_IN_CLASS("pg_amop") ")";
constexpr const char *family_functions_sql =
	"SELECT o.amprocfamily," MG_SUPPORT " FROM pg_amproc o WHERE o.amprocfamily = ANY ($1::oid[])"
	" AND NOT EXISTS (SELECT FROM" MG_IN_CLASS("pg_amproc") ")";

} // namespace

void
add_operators(std::vector<Family> &all)
{
	all.push_back({OperatorRelationId, operators_sql, {{operator_sql}, {MG_COMMENTS("pg_operator")}}});
	all.push_back({OperatorFamilyRelationId,
				   families_sql,
				   {{family_sql}, {family_operators_sql}, {family_functions_sql}, {MG_COMMENTS("pg_opfamily")}}});
	all.push_back({OperatorClassRelationId,
				   classes_sql,
				   {{class_sql}, {class_operators_sql}, {class_functions_sql}, {MG_COMMENTS("pg_opclass")}}});
}

} // namespace mg::schema
