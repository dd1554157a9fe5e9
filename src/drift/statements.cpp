// Looks statements up in the captured log.
#include "drift/statements.hpp"

#include <algorithm>

#include "ledger/store.hpp"

namespace mg::drift {

std::vector<Statement>
statements_since(uint64_t xid, const std::vector<std::string> &identities)
{
	std::vector<Statement> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT s.at, s.login_role, s.application, coalesce(s.statement, s.tag), s.identity, s.migration,"
			 " ARRAY(SELECT o ->> 'identity' FROM jsonb_array_elements(s.objects) o)"
			 " FROM mg.statement s WHERE s.installation = (SELECT c.installation FROM mg.current c)"
			 " AND s.id >= $1::bigint * $2::bigint AND s.run IS NULL AND s.origin <> 'gap'"
			 " AND s.tag NOT IN ('TRUNCATE TABLE', 'CLUSTER', 'REINDEX', 'VACUUM', 'REFRESH MATERIALIZED VIEW')"
			 " AND (s.identity = ANY ($3::text[]) OR EXISTS (SELECT FROM jsonb_array_elements(s.objects) o"
			 " WHERE o ->> 'identity' = ANY ($3::text[]))) ORDER BY s.at DESC, s.id DESC LIMIT 10000",
			 {std::to_string(xid), std::to_string(ledger::ids_per_transaction), pg::array_literal(identities)}))
		result.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3].value_or(""),
						  row[4].value_or(""), row[5].value_or(""), pg::array_items(row[6].value_or("{}"))});
	return result;
}

std::optional<Statement>
newest_statement(uint64_t xid, const std::vector<std::string> &identities)
{
	std::vector<Statement> found = statements_since(xid, identities);

	return found.empty() ? std::nullopt : std::optional<Statement>(found.front());
}

bool
has_statements_of(const std::string &migration)
{
	/* A statement carries the name of a migration that is registered. The upper end has the planner use the index. */
	return ledger::query_cell(
			   "SELECT 1 FROM mg.statement s WHERE s.installation = (SELECT c.installation FROM mg.current c)"
			   " AND s.id BETWEEN (SELECT min(r.id) FROM mg.registration r WHERE r.migration = $1"
			   " AND r.installation = (SELECT n.installation FROM mg.current n)) AND 9223372036854775807"
			   " AND s.migration = $1 AND s.run IS NULL LIMIT 1",
			   {migration})
		.has_value();
}

} // namespace mg::drift
