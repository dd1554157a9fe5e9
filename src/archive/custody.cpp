// Restores, holds and purges, each on record.
#include "archive/custody.hpp"

#include "archive/diff.hpp"
#include "archive/keep.hpp"
#include "archive/refill.hpp"
#include "core/json.hpp"
#include "ledger/store.hpp"
#include "pg/kept_rows.hpp"
#include "pg/storage.hpp"
#include "policy/rights.hpp"

namespace mg::archive {

namespace {

constexpr const char *right = "archive";

Entry
find(int64_t id)
{
	std::optional<Entry> entry = entry_of(id);

	if (!entry.has_value())
		throw UserError("22023", "there is no archive " + std::to_string(id))
			.hint("SELECT id, source FROM mg.archives tells which there are.");
	return std::move(*entry);
}

// Who could not read the source when it was kept shall not read it here: neither who acts, as a function of somebody else may have the rights of its
// owner, nor who has logged in.
void
require_reader(const Entry &entry)
{
	const Oid actor = pg::guarded([] { return GetUserId(); });
	const Oid person = pg::guarded([] { return GetSessionUserId(); });

	if (!could_read(entry, actor) ||
		(!pg::guarded([&] { return is_member_of_role(person, actor); }) && !could_read(entry, person)))
		throw UserError("42501", "archive " + std::to_string(entry.id) + " is not yours to read")
			.detail("You had no right to read all of " + entry.schema + "." + entry.source + " when it was kept.");
}

void
put_on_record(const std::string &kind, int64_t id, const std::string &body, const std::string &reason = "")
{
	ledger::append_evidence(kind, std::to_string(id), body, reason);
}

// Its columns, without the marks.
std::string
columns_sql(Oid archive)
{
	return ledger::query_cell(
			   "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE"
			   " attrelid = $1::oid AND attnum > 0 AND NOT attisdropped AND attname <> ALL ($2::text[])",
			   {std::to_string(archive), pg::array_literal(std::vector<std::string>{after_mark, match_mark})})
		.value_or("");
}

Restored
restore_into(const Entry &entry, const std::string &into)
{
	const Oid archive = table_of(entry);
	if (!OidIsValid(archive))
		throw no_rows(entry);

	const Oid caller = pg::guarded([] { return GetUserId(); });
	struct Place
	{
		Oid table;
		const char *name;
	};
	const Place place = pg::guarded([&] {
		RangeVar *named = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(into.c_str())));
		const Oid table = RangeVarGetRelid(named, NoLock, true);
		const Oid schema = OidIsValid(table) ? get_rel_namespace(table) : RangeVarGetCreationNamespace(named);
		return Place{table, quote_qualified_identifier(get_namespace_name(schema), named->relname)};
	});
	const std::string name = place.name;
	const std::string sql = OidIsValid(place.table)
								? insert_sql(archive, place.table, name, false)
								: "CREATE TABLE " + name + " AS SELECT " + columns_sql(archive) + " FROM kept";
	if (sql.empty())
		throw UserError("22023", "table " + name + " has no column of archive " + std::to_string(entry.id));
	return {name, static_cast<int64_t>(pg::run_over(archive, caller, InvalidOid, sql).rows), 0};
}

} // namespace

Restored
restore(int64_t id, const std::optional<std::string> &into)
{
	policy::require_right(right, "restore archives");
	const Entry entry = find(id);
	require_reader(entry);

	if (into.has_value())
	{
		Restored result = restore_into(entry, *into);
		put_on_record("archive read", id, JsonObject().text("into", result.into).number("rows", result.rows).str());
		return result;
	}
	if (!has_room(entry))
		throw no_room(entry);
	const Refilled done = refill(entry, 0);
	return {entry.schema + "." + entry.source, done.rows, done.conflicts};
}

std::vector<pg::Row>
differences(int64_t id, int64_t most)
{
	policy::require_right(right, "read archives");
	const Entry entry = find(id);
	require_reader(entry);
	return diff(entry, most);
}

std::vector<pg::Row>
purge()
{
	policy::require_right(right, "purge archives");
	std::vector<pg::Row> result;

	for (const pg::Row &row :
		 ledger::query("SELECT a.id, a.source, a.bytes, a.relation FROM mg.archives a WHERE a.expires <= now()"
					   " AND a.state NOT IN ('purged', 'held') ORDER BY a.id"))
	{
		const Entry entry = find(std::stoll(*row[0]));
		if (const Oid table = table_of(entry); OidIsValid(table))
			pg::drop_made(table);
		put_on_record("archive purged", entry.id, "{}");
		result.push_back({row[0], row[1], row[2]});
	}
	return result;
}

void
hold(int64_t id, const std::string &reason)
{
	policy::require_right(right, "hold archives");
	put_on_record("archive held", find(id).id, "{}", reason);
}

void
release(int64_t id, const std::string &reason)
{
	policy::require_right(right, "release archives");
	put_on_record("archive released", find(id).id, "{}", reason);
}

} // namespace mg::archive
