// Reads migrations out of the ledger.
#include "ledger/history.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "ledger/scan.hpp"
#include "pg/memory.hpp"

namespace mg::ledger {

namespace {

std::vector<std::string>
first_column(const std::vector<pg::Row> &rows)
{
	std::vector<std::string> result;

	for (const pg::Row &row : rows)
		result.push_back(row[0].value_or(""));
	return result;
}

// The newest row of a migration as text, in plain memory so that it may cross a guard.
constexpr int most_columns = 6;
struct NewestRaw
{
	bool found;
	TimestampTz at;
	int64 id;
	const char *cells[most_columns]; // nullptr for NULL
};

// Of the rows with this migration those count whose first cell is one of `words`, or all.
template <size_t count>
NewestRaw
newest_raw(const Place &where, Table table, const char *index, const char *migration,
		   const char *const (&columns)[count], std::initializer_list<const char *> words = {})
{
	static_assert(count <= most_columns);
	NewestRaw newest = {};
	ScanKeyData key;
	Relation relation = table_open(where.of(table), AccessShareLock);
	TupleDesc desc = RelationGetDescr(relation);
	AttrNumber numbers[count];
	const AttrNumber at = column_raw(relation, "at");
	const AttrNumber id = column_raw(relation, "id");
	auto text = [&](HeapTuple row, int column) {
		Oid output;
		bool is_varlena;
		bool is_null;
		Datum value = cell_raw(relation, row, numbers[column], &is_null);
		if (is_null)
			return static_cast<char *>(nullptr);
		getTypeOutputInfo(TupleDescAttr(desc, numbers[column] - 1)->atttypid, &output, &is_varlena);
		return OidOutputFunctionCall(output, value);
	};

	for (size_t i = 0; i < count; i++)
		numbers[i] = column_raw(relation, columns[i]);
	ScanKeyInit(&key, column_raw(relation, "migration"), BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(migration));
	scan_raw(relation, get_relname_relid(index, where.schema), GetTransactionSnapshot(), 1, &key, [&](HeapTuple row) {
		const TimestampTz time = DatumGetTimestampTz(cell_raw(relation, row, at));
		const int64 number = DatumGetInt64(cell_raw(relation, row, id));

		if (newest.found && std::pair(time, number) < std::pair(newest.at, newest.id))
			return;
		const char *first = text(row, 0);
		if (words.size() > 0 &&
			std::none_of(words.begin(), words.end(), [&](const char *word) { return strcmp(word, first) == 0; }))
			return;
		newest = {true, time, number, {first}};
		for (size_t i = 1; i < count; i++)
			newest.cells[i] = text(row, static_cast<int>(i));
	});
	table_close(relation, AccessShareLock);
	return newest;
}

// When the newest run was, by the index's end; before all time if there was none.
TimestampTz
newest_run_time_raw(const Place &where)
{
	TimestampTz newest = DT_NOBEGIN;
	Relation runs = table_open(where.of(Table::run), AccessShareLock);
	const AttrNumber at = column_raw(runs, "at");
	const Oid key = get_relname_relid("run_at", where.schema);
	auto look = [&](HeapTuple run) {
		const TimestampTz time = DatumGetTimestampTz(cell_raw(runs, run, at));
		newest = Max(newest, time);
	};

	if (!OidIsValid(key) || IgnoreSystemIndexes)
		scan_raw(runs, InvalidOid, GetTransactionSnapshot(), 0, nullptr, look);
	else
	{
		Snapshot snapshot = RegisterSnapshot(GetTransactionSnapshot());
		Relation index = index_open(key, AccessShareLock);
		SysScanDesc scan = systable_beginscan_ordered(runs, index, snapshot, 0, nullptr);
		if (HeapTuple run = systable_getnext_ordered(scan, BackwardScanDirection))
			look(run);
		systable_endscan_ordered(scan);
		index_close(index, AccessShareLock);
		UnregisterSnapshot(snapshot);
	}
	table_close(runs, AccessShareLock);
	return newest;
}

// Its cells, or nothing.
template <typename Find>
std::optional<pg::Row>
newest_row(Find find)
{
	pg::MemoryScope memory("migration_governance newest");
	NewestRaw newest = pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		NewestRaw found = find();
		MemoryContextSwitchTo(before);
		return found;
	});
	pg::Row row;

	if (!newest.found)
		return std::nullopt;
	for (const char *cell : newest.cells)
		row.push_back(cell != nullptr ? pg::Cell(cell) : pg::Cell());
	return row;
}

bool
has_script_raw(const Place &where, const char *checksum)
{
	bool found = false;
	ScanKeyData key;
	Relation scripts = table_open(where.of(Table::script), AccessShareLock);

	ScanKeyInit(&key, column_raw(scripts, "checksum"), BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(checksum));
	scan_raw(scripts, get_relname_relid("script_checksum", where.schema), GetTransactionSnapshot(), 1, &key,
			 [&](HeapTuple) { found = true; });
	table_close(scripts, AccessShareLock);
	return found;
}

} // namespace

std::optional<Registration>
find_registration(const std::string &migration)
{
	const Place where = place();
	std::optional<pg::Row> found = newest_row([&] {
		return newest_raw(where, Table::registration, "registration_migration", migration.c_str(),
						  {"migration", "up", "down", "verify", "precondition", "requires"});
	});

	if (!found.has_value())
		return std::nullopt;
	pg::Row &row = *found;
	return Registration{*row[0], *row[1], row[2], row[3], row[4], pg::array_items(*row[5])};
}

std::optional<LastRun>
find_last_run(const std::string &migration)
{
	const Place where = place();
	std::optional<pg::Row> found = newest_row([&] {
		return newest_raw(where, Table::run, "run_migration", migration.c_str(),
						  {"outcome", "installation", "id", "checksum"}, {"applied", "rolled back"});
	});

	if (!found.has_value())
		return std::nullopt;
	pg::Row &row = *found;
	return LastRun{*row[1], std::stoll(*row[2]), *row[0] == "applied", row[3].value_or("")};
}

bool
is_applied(const std::string &migration)
{
	std::optional<LastRun> run = find_last_run(migration);
	return run.has_value() && run->applied;
}

std::optional<Receipt>
newest_receipt(const std::string &checksum, const std::optional<std::string> &down_checksum)
{
	/* Most migrations were never rehearsed here, and the view costs more to ask. */
	if (is_empty(Table::rehearsal) ||
		!query_cell("SELECT 1 FROM mg.rehearsal r WHERE r.checksum = $1 LIMIT 1", {checksum}).has_value())
		return std::nullopt;
	std::vector<pg::Row> rows = query(
		"SELECT r.id, r.installation, r.verdict, r.at::timestamptz(0), nullif(r.stale, 'the scripts have changed'), "
		"(SELECT h.down_us FROM mg.rehearsal h WHERE h.installation = r.installation AND h.id = r.id) "
		"FROM mg.rehearsals r"
		" WHERE r.checksum = $1 AND r.down_checksum IS NOT DISTINCT FROM $2 ORDER BY r.at DESC, r.id DESC LIMIT 1",
		{checksum, down_checksum});

	if (rows.empty())
		return std::nullopt;
	const std::optional<int64_t> down_us =
		rows[0][5].has_value() ? std::optional<int64_t>(std::stoll(*rows[0][5])) : std::nullopt;
	return Receipt{std::stoll(*rows[0][0]), *rows[0][1], *rows[0][2], *rows[0][3], rows[0][4], down_us};
}

std::vector<std::string>
applied_migrations()
{
	return first_column(query("SELECT migration FROM mg.applied ORDER BY at DESC, run DESC"));
}

std::vector<std::string>
pending_migrations()
{
	return first_column(query("SELECT migration FROM mg.status WHERE status IN ('pending', 'failed')"));
}

std::vector<std::string>
applied_after(const std::string &migration)
{
	return first_column(query("SELECT a.migration FROM mg.applied a, mg.applied b WHERE b.migration = $1"
							  " AND (a.at, a.run) > (b.at, b.run) ORDER BY a.at DESC, a.run DESC",
							  {migration}));
}

Kept
read_script(const std::string &checksum)
{
	std::vector<pg::Row> rows = query("SELECT body, token_hash FROM mg.script WHERE checksum = $1 LIMIT 1", {checksum});
	if (rows.empty())
		throw UserError("MG301", "the script with checksum " + checksum + " is not in the ledger")
			.hint("SELECT * FROM mg_verify() tells what else is missing.");
	return {rows.front()[0].value_or(""), rows.front()[1].value_or("")};
}

void
keep_script(const std::string &checksum, const std::string &token_hash, int algorithm, const std::string &body)
{
	const Place where = place();

	if (pg::guarded([&] { return has_script_raw(where, checksum.c_str()); }))
		return;
	append(
		Table::script,
		{{"checksum", checksum}, {"token_hash", token_hash}, {"algorithm", std::to_string(algorithm)}, {"body", body}});
}

Requirements
all_requirements()
{
	Requirements result;

	for (const pg::Row &row : query("SELECT migration, requires FROM mg.newest_registration WHERE requires <> '{}'"))
		result[*row[0]] = pg::array_items(*row[1]);
	return result;
}

std::vector<std::string>
others_with_version(const std::string &sort_key, const std::string &migration)
{
	return first_column(query("SELECT DISTINCT migration FROM mg.registration WHERE sort_key = $1 AND migration <> $2",
							  {sort_key, migration}));
}

std::string
newest_applied_version()
{
	return query_cell("SELECT version FROM mg.applied ORDER BY sort_key DESC LIMIT 1").value_or("");
}

std::string
newest_version()
{
	return query_cell("SELECT version FROM mg.registration ORDER BY sort_key DESC LIMIT 1").value_or("");
}

std::string
next_run_time()
{
	const Place where = place();

	return pg::guarded([&] {
		const TimestampTz now = GetCurrentTimestamp();
		const TimestampTz newest = newest_run_time_raw(where);
		return timestamptz_to_str(now > newest ? now : newest + 1);
	});
}

} // namespace mg::ledger
