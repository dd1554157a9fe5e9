// Writes the ledger out and reads it in.
#include "migrate/transfer.hpp"

#include "ledger/seal.hpp"
#include "pg/session.hpp"

namespace mg::migrate {

namespace {

constexpr const char *tables[] = {"installation", "script",    "registration", "run",      "statement",
								  "policy_event", "rehearsal", "environment",  "approval", "evidence",
								  "alert",        "journal",   "archive",      "seal"};

Datum
jsonb_datum(const std::string &text)
{
	return pg::guarded([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.c_str())); });
}

} // namespace

Datum
export_ledger()
{
	std::string sql = "SELECT jsonb_build_object('format', 1";

	for (const char *table : tables)
		sql += std::string(", '") + table + "', (SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.id), '[]') FROM mg." +
			   table + " t)";
	sql += ")";
	return jsonb_datum(ledger::query(sql.c_str(), {}, pg::Plan::once).front()[0].value_or("{}"));
}

pg::Row
import_ledger(Datum dump)
{
	pg::require_database_owner("import a ledger");
	std::string text = pg::guarded([&] {
		Jsonb *json = DatumGetJsonbP(dump);
		return JsonbToCString(nullptr, &json->root, VARSIZE(json));
	});

	if (ledger::query_cell("SELECT $1::jsonb->>'format'", {text}) != "1")
		throw UserError("22023", "this is not an export of a ledger").hint("mg_import() takes what mg_export() gives.");

	long long taken = 0;
	for (const char *table : tables)
	{
		std::string sql = std::string("WITH taken AS (INSERT INTO mg.") + table +
						  " SELECT t.* FROM jsonb_populate_recordset(NULL::mg." + table + ", $1::jsonb->'" + table +
						  "') t WHERE t.installation <> (SELECT installation FROM mg.current)" +
						  " ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM taken";
		taken += std::stoll(ledger::query(sql.c_str(), {text}, pg::Plan::once).front()[0].value_or("0"));
	}
	for (const ledger::Check &check : ledger::check())
		if (!check.ok)
			throw UserError("MG302", "the imported ledger does not fit its seals")
				.detail(check.name + " " + check.object + ": expected " + check.expected + ", got " + check.actual +
						".")
				.hint("Nothing was imported.");
	std::string seals = ledger::query_cell("SELECT count(*) FROM mg.seal").value_or("0");
	return {std::to_string(taken), seals};
}

} // namespace mg::migrate
