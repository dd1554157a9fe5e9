// Reads types: enumerations, domains, ranges, base and composite types, shells.
#include "schema/reader.hpp"

namespace mg::schema {

namespace {

// Not what comes with another object: row types of tables, array types, multiranges.
constexpr const char *list_sql =
	"SELECT x.oid, CASE x.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, i.identity"
	" FROM pg_type x JOIN pg_namespace n ON n.oid = x.typnamespace,"
	" pg_identify_object('pg_type'::regclass, x.oid, 0) i"
	" WHERE" MG_IN_SCOPE
	" AND" MG_NOT_MEMBER("pg_type") " AND x.typtype <> 'm'"
									" AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = x.typelem AND "
									"e.typarray = x.oid)"
									" AND (x.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = x.typrelid"
									" AND c.relkind = 'c'))";

constexpr const char *type_sql =
	"SELECT t.oid, '', '',"
	" CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'r' THEN 'range' WHEN 'b' THEN 'base' WHEN 'c' THEN 'composite'"
	" WHEN 'p' THEN 'shell' END AS form,"
	" coalesce(pg_get_expr(t.typdefaultbin, 'pg_type'::regclass), quote_literal(t.typdefault)) AS \"default\","
	" pg_get_userbyid(t.typowner) AS owner," MG_ACL("t.typacl", "'T'",
													"t.typowner") " AS privileges"
																  " FROM pg_type t WHERE t.oid = ANY ($1::oid[])";

// The order of labels is a number that means nothing by itself.
constexpr const char *enum_sql =
	"SELECT e.enumtypid, '', '', string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) AS labels"
	" FROM pg_enum e WHERE e.enumtypid = ANY ($1::oid[]) GROUP BY e.enumtypid";

constexpr const char *domain_sql =
	"SELECT t.oid, '', '',"
	" format_type(t.typbasetype, t.typtypmod) AS type,"
	" CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text END AS collation,"
	" CASE WHEN t.typnotnull THEN 'true' END AS \"not null\""
	" FROM pg_type t JOIN pg_type b ON b.oid = t.typbasetype WHERE t.oid = ANY ($1::oid[]) AND t.typtype = 'd'";

constexpr const char *constraint_sql =
	"SELECT k.contypid, 'constraints', quote_ident(k.conname), pg_get_constraintdef(k.oid) AS definition,"
	" obj_description(k.oid, 'pg_constraint') AS comment"
	" FROM pg_constraint k WHERE k.contypid = ANY ($1::oid[]) AND k.contype = 'c'";

// Before 18 pg_dump keeps neither the name nor the comment.
constexpr const char *not_null_sql =
	"SELECT t.oid, '', '',"
	" CASE WHEN k.conname <> t.typname || '_not_null' THEN quote_ident(k.conname) END AS \"not null constraint\","
	" obj_description(k.oid, 'pg_constraint') AS \"not null comment\""
	" FROM pg_type t JOIN pg_constraint k ON k.contypid = t.oid"
	" WHERE k.contypid = ANY ($1::oid[]) AND k.contype = 'n'";

// The multirange type's name is given in any case, as it does not follow when the range is renamed.
constexpr const char *range_sql =
	"SELECT r.rngtypid, '', '',"
	" format_type(r.rngsubtype, NULL) AS subtype,"
	" CASE WHEN NOT o.opcdefault THEN format('%I.%I', n.nspname, o.opcname) END AS \"operator class\","
	" CASE WHEN r.rngcollation <> s.typcollation THEN r.rngcollation::regcollation::text END AS collation,"
	" nullif(r.rngcanonical::regprocedure::text, '-') AS canonical,"
	" nullif(r.rngsubdiff::regprocedure::text, '-') AS \"subtype diff\","
	" format_type(r.rngmultitypid, NULL) AS \"multirange type\""
	" FROM pg_range r JOIN pg_type s ON s.oid = r.rngsubtype JOIN pg_opclass o ON o.oid = r.rngsubopc"
	" JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE r.rngtypid = ANY ($1::oid[])";

constexpr const char *base_sql =
	"SELECT t.oid, '', '',"
	" t.typinput::regprocedure::text AS input,"
	" t.typoutput::regprocedure::text AS output,"
	" nullif(t.typreceive::regprocedure::text, '-') AS receive,"
	" nullif(t.typsend::regprocedure::text, '-') AS send,"
	" nullif(t.typmodin::regprocedure::text, '-') AS \"type modifier input\","
	" nullif(t.typmodout::regprocedure::text, '-') AS \"type modifier output\","
	" nullif(t.typanalyze::regprocedure::text, '-') AS analyze,"
	" nullif(t.typsubscript::regprocedure::text, '-') AS subscript,"
	" CASE t.typlen WHEN -1 THEN NULL WHEN -2 THEN 'cstring' ELSE t.typlen::text END AS \"internal length\","
	" CASE WHEN t.typbyval THEN 'true' END AS \"passed by value\","
	" CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'd' THEN 'double' END AS alignment,"
	" CASE t.typstorage WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' WHEN 'm' THEN 'main' END AS storage,"
	" CASE WHEN t.typcategory <> 'U' THEN t.typcategory::text END AS category,"
	" CASE WHEN t.typispreferred THEN 'true' END AS preferred,"
	" CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END AS element,"
	" CASE WHEN t.typdelim <> ',' THEN t.typdelim::text END AS delimiter,"
	" CASE WHEN t.typcollation <> 0 THEN 'true' END AS collatable"
	" FROM pg_type t WHERE t.oid = ANY ($1::oid[]) AND t.typtype = 'b'";

// Positions count what is there: dropped attributes leave numbers behind that a restored type has not.
constexpr const char *attribute_sql =
	"SELECT t.oid, 'attributes', quote_ident(a.attname),"
	" format_type(a.atttypid, a.atttypmod) AS type,"
	" CASE WHEN a.attcollation <> b.typcollation THEN a.attcollation::regcollation::text END AS collation,"
	" row_number() OVER (PARTITION BY t.oid ORDER BY a.attnum) AS position,"
	" col_description(a.attrelid, a.attnum) AS comment"
	" FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid JOIN pg_type b ON b.oid = a.atttypid"
	" WHERE t.oid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped";

} // namespace

void
add_types(std::vector<Family> &all)
{
	all.push_back({TypeRelationId,
				   list_sql,
				   {{type_sql},
					{enum_sql},
					{domain_sql},
					{constraint_sql},
					{not_null_sql, 18},
					{range_sql},
					{base_sql},
					{attribute_sql},
					{MG_COMMENTS("pg_type")},
					MG_LABELS("pg_type")}});
}

} // namespace mg::schema
