// Reads languages, transforms, access methods, casts, conversions and collations.
#include "schema/reader.hpp"

namespace mg::schema {

namespace {

constexpr const char *languages_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_language x, pg_identify_object('pg_language'::regclass, x.oid, 0) i"
	" WHERE x.oid >= 16384 AND" MG_NOT_MEMBER("pg_language");

constexpr const char *language_sql =
	"SELECT l.oid, '', '',"
	" CASE WHEN l.lanpltrusted THEN 'true' END AS trusted,"
	" nullif(l.lanplcallfoid::regprocedure::text, '-') AS handler,"
	" nullif(l.laninline::regprocedure::text, '-') AS \"inline handler\","
	" nullif(l.lanvalidator::regprocedure::text, '-') AS validator,"
	" pg_get_userbyid(l.lanowner) AS owner," MG_ACL("l.lanacl", "'l'",
													"l.lanowner") " AS privileges"
																  " FROM pg_language l WHERE l.oid = ANY ($1::oid[])";

// Transforms and casts lie in no schema: they are where their types are.
#define MG_TYPES_IN_SCOPE(types)                                                                                  \
	" NOT EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (" types ")" \
	" AND (n.nspname LIKE 'pg\\_temp\\_%' OR n.nspname = ANY ($1::text[])))"

constexpr const char *transforms_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_transform x, pg_identify_object('pg_transform'::regclass, x.oid, 0) i"
	" WHERE x.oid >= 16384 AND" MG_TYPES_IN_SCOPE("x.trftype") " AND" MG_NOT_MEMBER("pg_transform");

constexpr const char *transform_sql = "SELECT t.oid, '', '',"
									  " nullif(t.trffromsql::regprocedure::text, '-') AS \"from sql\","
									  " nullif(t.trftosql::regprocedure::text, '-') AS \"to sql\""
									  " FROM pg_transform t WHERE t.oid = ANY ($1::oid[])";

constexpr const char *access_methods_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_am x, pg_identify_object('pg_am'::regclass, x.oid, 0) i"
	" WHERE x.oid >= 16384 AND" MG_NOT_MEMBER("pg_am");

constexpr const char *access_method_sql =
	"SELECT a.oid, '', '',"
	" CASE a.amtype WHEN 'i' THEN 'index' WHEN 't' THEN 'table' ELSE a.amtype::text END AS type,"
	" a.amhandler::regprocedure::text AS handler"
	" FROM pg_am a WHERE a.oid = ANY ($1::oid[])";

// Not the casts from ranges to their multiranges, which come with the range.
constexpr const char *casts_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_cast x, pg_identify_object('pg_cast'::regclass, x.oid, 0) i"
	" WHERE x.oid >= 16384 AND" MG_TYPES_IN_SCOPE("x.castsource, x.casttarget") " AND" MG_NOT_MEMBER(
		"pg_cast") " AND NOT EXISTS (SELECT FROM pg_range r WHERE r.rngtypid = x.castsource"
				   " AND r.rngmultitypid = x.casttarget)";

constexpr const char *cast_sql =
	"SELECT c.oid, '', '',"
	" CASE c.castmethod WHEN 'b' THEN 'without function' WHEN 'i' THEN 'with inout' END AS method,"
	" nullif(c.castfunc::regprocedure::text, '-') AS function,"
	" CASE c.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' END AS context"
	" FROM pg_cast c WHERE c.oid = ANY ($1::oid[])";

constexpr const char *conversions_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_conversion x JOIN pg_namespace n ON n.oid = x.connamespace,"
	" pg_identify_object('pg_conversion'::regclass, x.oid, 0) i"
	" WHERE" MG_IN_SCOPE " AND" MG_NOT_MEMBER("pg_conversion");

constexpr const char *conversion_sql = "SELECT c.oid, '', '',"
									   " CASE WHEN c.condefault THEN 'true' END AS \"default\","
									   " pg_encoding_to_char(c.conforencoding) AS source,"
									   " pg_encoding_to_char(c.contoencoding) AS target,"
									   " c.conproc::regprocedure::text AS function,"
									   " pg_get_userbyid(c.conowner) AS owner"
									   " FROM pg_conversion c WHERE c.oid = ANY ($1::oid[])";

// A collation of another encoding cannot be used here, and may share its name with one that can.
constexpr const char *collations_sql =
	"SELECT x.oid, i.type, i.identity FROM pg_collation x JOIN pg_namespace n ON n.oid = x.collnamespace,"
	" pg_identify_object('pg_collation'::regclass, x.oid, 0) i"
	" WHERE" MG_IN_SCOPE
	" AND" MG_NOT_MEMBER("pg_collation") " AND x.collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))";

// Never the version, which is the library's and not the schema's.
#define MG_COLLATION(locale, rules)                                                                            \
	"SELECT c.oid, '', '',"                                                                                    \
	" CASE c.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'default' END" \
	" AS provider,"                                                                                            \
	" CASE WHEN NOT c.collisdeterministic THEN 'false' END AS deterministic,"                                  \
	" coalesce(" locale ", CASE WHEN c.collcollate = c.collctype THEN c.collcollate END) AS locale,"           \
	" CASE WHEN c.collcollate <> c.collctype THEN c.collcollate END AS \"lc_collate\","                        \
	" CASE WHEN c.collcollate <> c.collctype THEN c.collctype END AS \"lc_ctype\","                            \
	" " rules " AS rules,"                                                                                     \
	" pg_get_userbyid(c.collowner) AS owner"                                                                   \
	" FROM pg_collation c WHERE c.oid = ANY ($1::oid[])"

constexpr const char *collation_15_sql = MG_COLLATION("c.colliculocale", "NULL");
constexpr const char *collation_17_sql = MG_COLLATION("c.colllocale", "c.collicurules");

} // namespace

void
add_languages(std::vector<Family> &all)
{
	all.push_back(
		{LanguageRelationId, languages_sql, {{language_sql}, {MG_COMMENTS("pg_language")}, MG_LABELS("pg_language")}});
	all.push_back({TransformRelationId, transforms_sql, {{transform_sql}, {MG_COMMENTS("pg_transform")}}});
	all.push_back({AccessMethodRelationId, access_methods_sql, {{access_method_sql}, {MG_COMMENTS("pg_am")}}});
	all.push_back({CastRelationId, casts_sql, {{cast_sql}, {MG_COMMENTS("pg_cast")}}});
	all.push_back({ConversionRelationId, conversions_sql, {{conversion_sql}, {MG_COMMENTS("pg_conversion")}}});
	all.push_back({CollationRelationId,
				   collations_sql,
				   {{collation_15_sql, 15, 15}, {collation_17_sql, 17}, {MG_COMMENTS("pg_collation")}}});
}

} // namespace mg::schema
