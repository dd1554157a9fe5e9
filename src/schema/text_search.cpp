// Reads text search parsers, templates, dictionaries and configurations.
#include "schema/reader.hpp"

namespace mg::schema {

namespace {

#define MG_TEXT_SEARCH(catalog, schema)                                                            \
	"SELECT x.oid, i.type, i.identity FROM " catalog " x JOIN pg_namespace n ON n.oid = x." schema \
	", pg_identify_object('" catalog "'::regclass, x.oid, 0) i WHERE" MG_IN_SCOPE " AND" MG_NOT_MEMBER(catalog)

constexpr const char *parsers_sql = MG_TEXT_SEARCH("pg_ts_parser", "prsnamespace");
constexpr const char *templates_sql = MG_TEXT_SEARCH("pg_ts_template", "tmplnamespace");
constexpr const char *dictionaries_sql = MG_TEXT_SEARCH("pg_ts_dict", "dictnamespace");
constexpr const char *configurations_sql = MG_TEXT_SEARCH("pg_ts_config", "cfgnamespace");

constexpr const char *parser_sql = "SELECT p.oid, '', '',"
								   " p.prsstart::regprocedure::text AS start,"
								   " p.prstoken::regprocedure::text AS \"get token\","
								   " p.prsend::regprocedure::text AS \"end\","
								   " nullif(p.prsheadline::regprocedure::text, '-') AS headline,"
								   " p.prslextype::regprocedure::text AS \"token types\""
								   " FROM pg_ts_parser p WHERE p.oid = ANY ($1::oid[])";

constexpr const char *template_sql = "SELECT t.oid, '', '',"
									 " nullif(t.tmplinit::regprocedure::text, '-') AS init,"
									 " t.tmpllexize::regprocedure::text AS lexize"
									 " FROM pg_ts_template t WHERE t.oid = ANY ($1::oid[])";

constexpr const char *dictionary_sql =
	"SELECT d.oid, '', '',"
	" format('%I.%I', n.nspname, t.tmplname) AS template,"
	" d.dictinitoption AS options,"
	" pg_get_userbyid(d.dictowner) AS owner"
	" FROM pg_ts_dict d JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace n ON n.oid = t.tmplnamespace"
	" WHERE d.oid = ANY ($1::oid[])";

constexpr const char *configuration_sql =
	"SELECT c.oid, '', '',"
	" format('%I.%I', n.nspname, p.prsname) AS parser,"
	" pg_get_userbyid(c.cfgowner) AS owner"
	" FROM pg_ts_config c JOIN pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_namespace n ON n.oid = p.prsnamespace"
	" WHERE c.oid = ANY ($1::oid[])";

// A token that the parser no longer knows keeps its number.
constexpr const char *mapping_sql =
	"SELECT m.mapcfg, 'mappings', coalesce(quote_ident(t.alias), m.maptokentype::text),"
	" string_agg(format('%I.%I', n.nspname, d.dictname), ', ' ORDER BY m.mapseqno) AS dictionaries"
	" FROM pg_ts_config c JOIN pg_ts_config_map m ON m.mapcfg = c.oid"
	" JOIN pg_ts_dict d ON d.oid = m.mapdict JOIN pg_namespace n ON n.oid = d.dictnamespace"
	" LEFT JOIN LATERAL ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype"
	" WHERE c.oid = ANY ($1::oid[]) GROUP BY m.mapcfg, m.maptokentype, t.alias";

} // namespace

void
add_text_search(std::vector<Family> &all)
{
	all.push_back({TSParserRelationId, parsers_sql, {{parser_sql}, {MG_COMMENTS("pg_ts_parser")}}});
	all.push_back({TSTemplateRelationId, templates_sql, {{template_sql}, {MG_COMMENTS("pg_ts_template")}}});
	all.push_back({TSDictionaryRelationId, dictionaries_sql, {{dictionary_sql}, {MG_COMMENTS("pg_ts_dict")}}});
	all.push_back(
		{TSConfigRelationId, configurations_sql, {{configuration_sql}, {mapping_sql}, {MG_COMMENTS("pg_ts_config")}}});
}

} // namespace mg::schema
