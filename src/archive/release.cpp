// Copies them into other tables.
#include "archive/release.hpp"

#include <string>
#include <vector>

#include "archive/keep.hpp"
#include "archive/rows.hpp"
#include "ledger/store.hpp"
#include "pg/storage.hpp"
#include "schema/reader.hpp"

namespace mg::archive {

namespace {

std::string
literal(const std::set<Oid> &oids)
{
	return pg::array_literal(std::vector<Oid>(oids.begin(), oids.end()));
}

// Another table has them as text, and its name. No ALTER TABLE, which would call event triggers of others as the owner of the ledger.
void
replace(Oid table, const std::string &name, const Losses &losses)
{
	std::vector<int> stay;
	std::vector<std::string> texts;
	std::string names, values;

	for (const pg::Row &row :
		 ledger::query("SELECT quote_ident(a.attname), a.atttypid = ANY ($2::oid[]), a.attcollation = ANY ($3::oid[]),"
					   " a.attnum, a.attname FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0"
					   " AND NOT a.attisdropped ORDER BY a.attnum",
					   {std::to_string(table), literal(losses.types), literal(losses.collations)}))
	{
		/* A row with a NULL in it IS NOT NULL no more than it IS NULL. */
		const bool is_text = row[1] == "t" || row[2] == "t";
		if (is_text)
			texts.push_back(*row[4]);
		else
			stay.push_back(std::stoi(*row[3]));
		names += (names.empty() ? "" : ", ") + *row[0];
		values +=
			(values.empty() ? "" : ", ") +
			(row[1] == "t" ? "CASE WHEN " + *row[0] + " IS DISTINCT FROM NULL THEN format('%s', " + *row[0] + ") END"
						   : *row[0] + (is_text ? "::text COLLATE pg_catalog.\"C\"" : ""));
	}
	const Oid schema = pg::guarded([] { return get_namespace_oid("mg_archive", false); });
	const Oid made = pg::make_with(table, stay, texts, schema, "mg replaced", ledger::place().owner);
	run_beside(table, "INSERT INTO mg_archive.\"mg replaced\" (" + names + ") SELECT " + values + " FROM kept");
	pg::drop_made(table);
	pg::guarded([&] {
		RenameRelationInternal(made, name.c_str(), true, false);
		CommandCounterIncrement();
	});
}

} // namespace

void
release(const Losses &losses)
{
	if ((losses.types.empty() && losses.collations.empty()))
		return;
	const OwnChanges own;
	const schema::PlainSettings plain;
	for (const pg::Row &row : ledger::query(
			 "SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = 'mg_archive'::regnamespace"
			 " AND c.relkind = 'r' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0"
			 "  AND NOT a.attisdropped AND (a.atttypid = ANY ($1::oid[]) OR a.attcollation = ANY ($2::oid[])))",
			 {literal(losses.types), literal(losses.collations)}))
		replace(static_cast<Oid>(std::stoul(*row[0])), *row[1], losses);
}

} // namespace mg::archive
