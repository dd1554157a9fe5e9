// By ALTER COLUMN ... TYPE text.
#include "archive/release.hpp"

#include <map>

#include "archive/rows.hpp"
#include "ledger/store.hpp"
#include "schema/reader.hpp"

namespace mg::archive {

void
release(const Losses &losses)
{
	if ((losses.types.empty() && losses.collations.empty()) || ledger::is_empty(ledger::Table::archive))
		return;
	const OwnChanges own;
	const schema::PlainSettings plain;
	const auto oids = [](const std::set<Oid> &set) {
		return pg::array_literal(std::vector<Oid>(set.begin(), set.end()));
	};
	std::map<std::string, std::string> changes; // by table
	for (const pg::Row &row : ledger::query(
			 "SELECT format('mg_archive.%I', c.relname), quote_ident(a.attname), a.atttypid = ANY ($1::oid[])"
			 " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'mg_archive'::regnamespace"
			 " AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped"
			 " AND (a.atttypid = ANY ($1::oid[]) OR a.attcollation = ANY ($2::oid[]))",
			 {oids(losses.types), oids(losses.collations)}))
	{
		std::string &list = changes[*row[0]];
		list += (list.empty() ? "" : ",") + (" ALTER COLUMN " + *row[1]) + " TYPE text COLLATE pg_catalog.\"C\" USING " +
				(row[2] == "t" ? "CASE WHEN " + *row[1] + " IS NOT NULL THEN format('%s', " + *row[1] + ") END"
							   : *row[1] + "::text");
	}
	for (const auto &[table, list] : changes)
		ledger::query(("ALTER TABLE " + table + list).c_str(), {}, pg::Plan::once);
}

} // namespace mg::archive
