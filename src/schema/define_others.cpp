// Writes schemas, types, routines and views.
#include "schema/definers.hpp"

namespace mg::schema {

namespace {

// clang-format off

constexpr Definer schemas =
	MG_GONE " SELECT 'pg_namespace'::regclass::oid, n.oid, 0, " MG_RANK_SCHEMA ", format('CREATE SCHEMA %I', n.nspname)"
	" FROM pg_namespace n WHERE" MG_IS_GONE("pg_namespace", "n.oid") " ORDER BY n.oid";

constexpr Definer enums =
	MG_GONE " SELECT 'pg_type'::regclass::oid, t.oid, 0, " MG_RANK_TYPE ","
	" format('CREATE TYPE %s AS ENUM (%s)', format_type(t.oid, NULL),"
	"  (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))"
	" FROM pg_type t WHERE" MG_IS_GONE("pg_type", "t.oid") " AND t.typtype = 'e' ORDER BY t.oid";

// NOT NULL of a domain has a name since 17. Checks are objects of their own.
constexpr Definer domains =
	MG_GONE " SELECT 'pg_type'::regclass::oid, t.oid, 0, " MG_RANK_TYPE ","
	" concat('CREATE DOMAIN ', format_type(t.oid, NULL), ' AS ', format_type(t.typbasetype, t.typtypmod),"
	"  CASE WHEN t.typcollation <> b.typcollation THEN ' COLLATE ' || t.typcollation::regcollation END,"
	"  ' DEFAULT ' || pg_get_expr(t.typdefaultbin, 'pg_type'::regclass),"
	"  CASE WHEN t.typnotnull THEN (SELECT format(' CONSTRAINT %I', k.conname) FROM pg_constraint k"
	"   WHERE k.contypid = t.oid AND k.contype = 'n') END, CASE WHEN t.typnotnull THEN ' NOT NULL' END)"
	" FROM pg_type t JOIN pg_type b ON b.oid = t.typbasetype"
	" WHERE" MG_IS_GONE("pg_type", "t.oid") " AND t.typtype = 'd' ORDER BY t.oid";

constexpr Definer composites =
	MG_GONE " SELECT 'pg_type'::regclass::oid, t.oid, 0, " MG_RANK_TYPE ","
	" format('CREATE TYPE %s AS (%s)', format_type(t.oid, NULL),"
	"  (SELECT string_agg(concat(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)),"
	"   CASE WHEN a.attcollation <> y.typcollation THEN ' COLLATE ' || a.attcollation::regcollation END), ', ' ORDER BY a.attnum)"
	"   FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))"
	" FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid"
	" WHERE" MG_IS_GONE("pg_type", "t.oid") " AND c.relkind = 'c' ORDER BY t.oid";

// A canonical function would have to be there before the type, and the type before the function.
constexpr Definer ranges =
	MG_GONE " SELECT 'pg_type'::regclass::oid, t.oid, 0, " MG_RANK_TYPE ","
	" concat('CREATE TYPE ', format_type(t.oid, NULL), ' AS RANGE (SUBTYPE = ', format_type(r.rngsubtype, NULL),"
	"  CASE WHEN NOT o.opcdefault THEN format(', SUBTYPE_OPCLASS = %I.%I', n.nspname, o.opcname) END,"
	"  CASE WHEN r.rngcollation <> s.typcollation THEN ', COLLATION = ' || r.rngcollation::regcollation END,"
	"  CASE WHEN r.rngsubdiff <> 0 THEN ', SUBTYPE_DIFF = ' || r.rngsubdiff::regproc END,"
	"  ', MULTIRANGE_TYPE_NAME = ', format_type(r.rngmultitypid, NULL), ')')"
	" FROM pg_type t JOIN pg_range r ON r.rngtypid = t.oid JOIN pg_type s ON s.oid = r.rngsubtype"
	" JOIN pg_opclass o ON o.oid = r.rngsubopc JOIN pg_namespace n ON n.oid = o.opcnamespace"
	" WHERE" MG_IS_GONE("pg_type", "t.oid") " AND r.rngcanonical = 0 ORDER BY t.oid";

constexpr Definer routines =
	MG_GONE " SELECT 'pg_proc'::regclass::oid, p.oid, 0, " MG_RANK_ROUTINE ","
	" regexp_replace(rtrim(pg_get_functiondef(p.oid), E'\\n'), '^CREATE OR REPLACE', 'CREATE')"
	" FROM pg_proc p WHERE" MG_IS_GONE("pg_proc", "p.oid") " AND p.prokind IN ('f', 'p', 'w') AND NOT EXISTS (SELECT FROM pg_depend d"
	"  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i') ORDER BY p.oid";

#define MG_VIEW_OPTIONS "' WITH (' || " MG_OPTIONS("v.reloptions", "") " || ')'"
#define MG_VIEW_QUERY "' AS' || E'\\n' || rtrim(pg_get_viewdef(v.oid), '; ')"

constexpr Definer views =
	MG_GONE " SELECT 'pg_class'::regclass::oid, v.oid, 0, " MG_RANK_VIEW ","
	" concat('CREATE VIEW ', " MG_RELATION("v.oid") ", " MG_VIEW_OPTIONS ", " MG_VIEW_QUERY ")"
	" FROM pg_class v WHERE" MG_IS_GONE("pg_class", "v.oid") " AND v.relkind = 'v' AND v.relpersistence <> 't' ORDER BY v.oid";

constexpr Definer materialized_views =
	MG_GONE " SELECT 'pg_class'::regclass::oid, v.oid, 0, " MG_RANK_MATVIEW ","
	" concat('CREATE MATERIALIZED VIEW ', " MG_RELATION("v.oid") ","
	"  (SELECT ' USING ' || quote_ident(m.amname) FROM pg_am m WHERE m.oid = v.relam AND m.amname <> 'heap'),"
	"  ' WITH (' || nullif(concat_ws(', ', " MG_OPTIONS("v.reloptions", "") ", " MG_OPTIONS("s.reloptions", "toast.") "), '') || ')',"
	"  ' TABLESPACE ' || (SELECT quote_ident(p.spcname) FROM pg_tablespace p WHERE p.oid = v.reltablespace), " MG_VIEW_QUERY ","
	"  CASE WHEN NOT v.relispopulated THEN E'\\n  WITH NO DATA' END)"
	" FROM pg_class v LEFT JOIN pg_class s ON s.oid = v.reltoastrelid"
	" WHERE" MG_IS_GONE("pg_class", "v.oid") " AND v.relkind = 'm' ORDER BY v.oid";

// clang-format on

} // namespace

void
add_other_definers(std::vector<Definer> &definers)
{
	definers.insert(definers.end(), {schemas, enums, domains, composites, ranges, routines, views, materialized_views});
}

} // namespace mg::schema
