// Reads publications and subscriptions.
#include "schema/globals.hpp"

namespace mg::schema {

namespace {

constexpr const char *publication_list_sql = "SELECT x.oid, 'publication', quote_ident(x.pubname) FROM pg_publication x"
											 " WHERE x.oid >= 16384 AND" MG_NOT_MEMBER("pg_publication");

constexpr const char *publications_sql =
	"SELECT p.oid, '', '', pg_get_userbyid(p.pubowner) AS owner, CASE WHEN p.puballtables THEN 'true' END AS"
	" \"all tables\","
	" CASE WHEN NOT (p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate) THEN"
	" concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,"
	" CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END) END AS publish,"
	" CASE WHEN p.pubviaroot THEN 'true' END AS \"publish via partition root\""
	" FROM pg_publication p WHERE p.oid = ANY ($1::oid[])";

constexpr const char *generated_columns_sql =
	"SELECT p.oid, '', '', CASE p.pubgencols WHEN 'n' THEN NULL WHEN 's' THEN 'stored' ELSE p.pubgencols::text END"
	" AS \"publish generated columns\""
	" FROM pg_publication p WHERE p.oid = ANY ($1::oid[])";

constexpr const char *published_tables_sql =
	"SELECT r.prpubid, 'tables', format('%I.%I', n.nspname, c.relname),"
	" (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a"
	" WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) AS columns,"
	" pg_get_expr(r.prqual, r.prrelid) AS \"where\""
	" FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE r.prpubid = ANY ($1::oid[])";

constexpr const char *published_schemas_sql =
	"SELECT p.pnpubid, 'schemas', quote_ident(n.nspname)"
	" FROM pg_publication_namespace p JOIN pg_namespace n ON n.oid = p.pnnspid WHERE p.pnpubid = ANY ($1::oid[])";

constexpr const char *subscription_list_sql =
	"SELECT x.oid, 'subscription', quote_ident(x.subname) FROM pg_subscription x"
	" WHERE x.subdbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())";

// Whether it is enabled and which errors it skips is its state: neither is dumped.
constexpr const char *subscriptions_sql =
	"SELECT s.oid, '', '', pg_get_userbyid(s.subowner) AS owner,"
	" (SELECT string_agg(quote_ident(p.name), ', ' ORDER BY p.name COLLATE \"C\") FROM unnest(s.subpublications) AS"
	" p (name)) AS publications,"
	" CASE WHEN s.subslotname IS NULL THEN 'none' WHEN s.subslotname <> s.subname THEN quote_ident(s.subslotname) END"
	" AS \"slot name\","
	" CASE WHEN s.subbinary THEN 'true' END AS \"binary\","
	" CASE WHEN s.subtwophasestate <> 'd' THEN 'true' END AS \"two phase\","
	" CASE WHEN s.subdisableonerr THEN 'true' END AS \"disable on error\","
	" CASE WHEN s.subsynccommit <> 'off' THEN s.subsynccommit END AS \"synchronous commit\""
	" FROM pg_subscription s WHERE s.oid = ANY ($1::oid[])";

// It was a boolean in 15.
constexpr const char *streaming_15_sql = "SELECT s.oid, '', '', CASE WHEN s.substream THEN 'on' END AS streaming"
										 " FROM pg_subscription s WHERE s.oid = ANY ($1::oid[])";

constexpr const char *streaming_sql =
	"SELECT s.oid, '', '', CASE s.substream WHEN 't' THEN 'on' WHEN 'p' THEN 'parallel' END AS streaming,"
	" CASE WHEN NOT s.subpasswordrequired THEN 'false' END AS \"password required\","
	" CASE WHEN s.subrunasowner THEN 'true' END AS \"run as owner\","
	" CASE WHEN s.suborigin <> 'any' THEN s.suborigin END AS origin"
	" FROM pg_subscription s WHERE s.oid = ANY ($1::oid[])";

constexpr const char *failover_sql = "SELECT s.oid, '', '', CASE WHEN s.subfailover THEN 'true' END AS failover"
									 " FROM pg_subscription s WHERE s.oid = ANY ($1::oid[])";

// The names in a connection string, which is either a URI or name = value with values quoted as libpq does it. A password
// in a URI may hold question marks, so that it is cut off first.
constexpr const char *connections_sql =
	"SELECT s.oid, '', '', (SELECT string_agg(DISTINCT k.name COLLATE \"C\", ', ' ORDER BY k.name COLLATE \"C\") FROM ("
	" SELECT m[1] AS name FROM regexp_matches(s.subconninfo,"
	" $$([^\\s=]+)\\s*=\\s*(?:'(?:\\\\.|[^'\\\\])*'|(?:(?:\\\\.|[^\\s\\\\'])(?:\\\\.|[^\\s\\\\])*)?)$$, 'g') m"
	" WHERE u.rest IS NULL"
	" UNION ALL SELECT m[1] FROM regexp_matches(substring(u.rest FROM '^[^?]*[?](.*)$'), '([^=&]+)=[^&]*', 'g') m"
	" UNION ALL SELECT unnest(ARRAY[CASE WHEN u.login IS NOT NULL THEN 'user' END,"
	" CASE WHEN u.login ~ ':' THEN 'password' END, CASE WHEN u.rest ~ '^[^/?]' THEN 'host' END,"
	" CASE WHEN u.rest ~ '^[^/?]*:[0-9]+(,|/|[?]|$)' THEN 'port' END, CASE WHEN u.rest ~ '^[^/?]*/[^?]' THEN 'dbname' "
	"END])"
	") k WHERE k.name ~ '^[a-z_]+$') AS \"connection option names\""
	" FROM pg_subscription s CROSS JOIN LATERAL (SELECT"
	" substring(s.subconninfo FROM '^postgres(?:ql)?://([^@/]*)@') AS login,"
	" substring(s.subconninfo FROM '^postgres(?:ql)?://(?:[^@/]*@)?(.*)$') AS rest) u WHERE s.oid = ANY ($1::oid[])";

} // namespace

void
add_replication(std::vector<Family> &all)
{
	all.push_back({PublicationRelationId,
				   publication_list_sql,
				   {{publications_sql},
					{generated_columns_sql, 18},
					{published_tables_sql},
					{published_schemas_sql},
					{MG_COMMENTS("pg_publication")},
					MG_LABELS("pg_publication")}});
	all.push_back({SubscriptionRelationId,
				   subscription_list_sql,
				   {{subscriptions_sql},
					{streaming_15_sql, 0, 15},
					{streaming_sql, 16},
					{failover_sql, 17},
					{connections_sql},
					{MG_COMMENTS("pg_subscription")},
					{MG_SHARED_LABELS("pg_subscription")}}});
}

} // namespace mg::schema
