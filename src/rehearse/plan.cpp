// Reads a receipt and asks how large tables are.
#include "rehearse/plan.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <boost/algorithm/string/join.hpp>

#include "archive/account.hpp"
#include "ledger/history.hpp"
#include "lint/trees.hpp"
#include "migrate/conflicts.hpp"
#include "migrate/migration.hpp"
#include "migrate/outlook.hpp"
#include "migrate/pace.hpp"
#include "pg/subtransaction.hpp"
#include "pg/text.hpp"
#include "rehearse/observer.hpp"
#include "rehearse/words.hpp"

namespace mg::rehearse {

namespace {

// Of all tables, or of those whose names are in $1.
constexpr const char *sizes_sql =
	"WITH RECURSIVE tables AS (SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c"
	" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384"
	" AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema', 'mg', "
	"'mg_archive')"
	" AND ($1::text[] IS NULL OR format('%I.%I', n.nspname, c.relname) = ANY ($1::text[]))),"
	" parts AS (SELECT t.name, t.oid FROM tables t UNION SELECT p.name, i.inhrelid FROM parts p"
	" JOIN pg_inherits i ON i.inhparent = p.oid)"
	" SELECT coalesce(jsonb_object_agg(x.name, x.bytes), '{}') FROM"
	" (SELECT p.name, sum(coalesce(pg_table_size(p.oid), 0))::bigint AS bytes FROM parts p GROUP BY p.name) x";

using Sizes = std::map<std::string, int64_t>;

std::string
sizes_of(const pg::Cell &names)
{
	return *pg::query_cell_as(BOOTSTRAP_SUPERUSERID, sizes_sql, {names});
}

// Reads what sizes() writes.
Sizes
read_sizes(const std::string &json)
{
	Sizes result;

	if (*ledger::query("SELECT jsonb_typeof($1::jsonb)", {json})[0][0] != "object")
		throw UserError("22023", "the sizes are no JSON object")
			.hint("mg_sizes() gives those of the database that it runs in.");
	for (const pg::Row &row : ledger::query("SELECT key, jsonb_typeof(value), trunc(CASE jsonb_typeof(value)"
											" WHEN 'number' THEN value::numeric END) FROM jsonb_each($1::jsonb)",
											{json}))
	{
		const double bytes = row[1] == "number" ? std::stod(*row[2]) : -1;
		if (bytes < 0 || bytes > 1e18)
			throw UserError("22023", "the size of " + pg::excerpt(*row[0], 200) + " is no number of bytes");
		result[*row[0]] = static_cast<int64_t>(bytes);
	}
	return result;
}

struct Receipt
{
	std::string installation;
	std::string id;
	std::string at;
	std::string verdict;
	pg::Cell stale;
	bool own; // of this database
};

// One statement, as the receipt has it.
struct Recorded
{
	int64_t duration_us;
	std::vector<std::pair<std::string, std::string>> locks; // relation and mode, strongest first
	std::vector<std::string> rewritten;
	pg::Cell table;
	std::string why;
	int64_t bytes;
	std::string note; // how it was rehearsed in another way than it is deployed
	bool partial;     // not at all, or on a sample
};

std::optional<Receipt>
find_receipt(const migrate::Migration &migration, const std::string &phase)
{
	const pg::Cell down = migration.down.has_value() ? pg::Cell(migration.down->checksum()) : pg::Cell();
	std::vector<pg::Row> rows =
		ledger::query("SELECT r.installation, r.id, r.at::timestamptz(0), r.verdict, r.stale, r.installation = (SELECT "
					  "installation FROM mg.current)"
					  " FROM mg.rehearsals r WHERE r.checksum = $1 AND r.down_checksum IS NOT DISTINCT FROM $2"
					  " AND r.steps->0->>'phase' = $3 ORDER BY r.at DESC, r.id DESC LIMIT 1",
					  {migration.up.checksum(), down, phase});

	if (rows.empty())
		return std::nullopt;
	return Receipt{*rows[0][0], *rows[0][1], *rows[0][2], *rows[0][3], rows[0][4], rows[0][5] == "t"};
}

std::vector<Recorded>
recorded_steps(const Receipt &receipt)
{
	std::vector<Recorded> result;

	for (const pg::Row &row :
		 ledger::query("SELECT s->>'duration_us', ARRAY(SELECT jsonb_array_elements(s->'locks')->>'relation'),"
					   " ARRAY(SELECT jsonb_array_elements(s->'locks')->>'mode'),"
					   " ARRAY(SELECT jsonb_array_elements_text(s->'rewritten')), s->>'table', s->>'why', s->>'bytes', "
					   "s->>'note',"
					   " s->>'partial'"
					   " FROM mg.rehearsal r, jsonb_array_elements(r.steps) WITH ORDINALITY AS e (s, n)"
					   " WHERE r.installation = $1::uuid AND r.id = $2::bigint ORDER BY n",
					   {receipt.installation, receipt.id}))
	{
		Recorded step = {std::stoll(*row[0]),      {},
						 pg::array_items(*row[3]), row[4],
						 row[5].value_or(""),      std::stoll(row[6].value_or("0")),
						 row[7].value_or(""),      row[8].has_value()};
		std::vector<std::string> relations = pg::array_items(*row[1]);
		std::vector<std::string> modes = pg::array_items(*row[2]);
		for (size_t i = 0; i < relations.size(); i++)
			step.locks.emplace_back(relations[i], modes[i]);
		result.push_back(std::move(step));
	}
	return result;
}

// How long a statement would take, and how that is known.
struct Estimate
{
	std::optional<int64_t> us;
	std::string basis;
};

Estimate
estimate_of(const Recorded &step, const std::optional<int64_t> &bytes, const migrate::Pace &past)
{
	double us = static_cast<double>(step.duration_us);
	std::string basis = "measured in the rehearsal";

	if (step.partial)
		return {std::nullopt, "no estimate"};
	if (step.table.has_value() && !bytes.has_value())
		return {std::nullopt, "no estimate, since the size of " + *step.table + " is not known"};
	if (step.table.has_value() && *bytes > std::max(step.bytes, migrate::telling_bytes))
	{
		if (step.bytes >= migrate::telling_bytes)
		{
			us *= static_cast<double>(*bytes) / static_cast<double>(step.bytes);
			basis = time_of(step.duration_us) + " for " + size_of(step.bytes) + " in the rehearsal";
		}
		else if (past.bytes_per_us > 0)
		{
			us = std::max(us, static_cast<double>(*bytes) / past.bytes_per_us);
			basis = "as fast as other tables were gone through in rehearsals here, " +
					size_of(static_cast<int64_t>(past.bytes_per_us * 1e6)) + "/s";
		}
		else
			return {std::nullopt,
					"no estimate, since " + size_of(step.bytes) + " in the rehearsal are too little to tell"};
	}
	if (past.runs > 0)
	{
		us *= past.factor;
		basis += ", times " + std::to_string(std::lround(past.factor * 100) / 100.0).substr(0, 4) + " as in " +
				 count_of(past.runs, "earlier run");
	}
	return {std::llround(us), basis};
}

// Who is in the way of the locks of a step right now.
std::vector<Blocker>
blockers_now(const Recorded &step)
{
	std::map<Oid, Lock> locks;

	for (const auto &[relation, mode] : step.locks)
	{
		pg::Cell oid = pg::query_cell_as(BOOTSTRAP_SUPERUSERID, "SELECT to_regclass($1)::oid", {relation});
		for (LOCKMODE number = 1; number <= MaxLockMode; number++)
			if (oid.has_value() && mode == GetLockmodeName(DEFAULT_LOCKMETHOD, number))
				locks.emplace(static_cast<Oid>(std::stoul(*oid)), Lock{number, 0, 0, 0});
	}
	return locks.empty() ? std::vector<Blocker>() : blockers_of(locks);
}

pg::Row
row_of(const Recorded &step, const Estimate &estimate, const std::vector<Blocker> &blockers,
	   const std::optional<int64_t> &bytes)
{
	std::vector<std::string> notes;

	if (step.table.has_value())
		notes.push_back("goes through " + *step.table +
						(bytes.has_value() ? " (" + size_of(*bytes) + ")" : std::string()) + ": " + step.why);
	if (!step.rewritten.empty())
		notes.push_back("rewrites " + boost::algorithm::join(step.rewritten, ", "));
	for (size_t i = 1; i < step.locks.size(); i++)
		notes.push_back("also " + step.locks[i].second + " on " + step.locks[i].first);
	for (const Blocker &blocker : blockers)
		notes.push_back("would queue behind " + blocker.text + " on " + blocker.relation);
	if (!step.note.empty())
		notes.push_back(step.note);
	notes.push_back(estimate.basis);

	pg::Cell time = estimate.us.has_value() ? pg::Cell(std::to_string(*estimate.us) + " microseconds") : pg::Cell();
	const bool locks = !step.locks.empty();
	return {locks ? pg::Cell(step.locks[0].second) : pg::Cell(), locks ? pg::Cell(step.locks[0].first) : step.table,
			step.rewritten.empty() ? "f" : "t", std::move(time), boost::algorithm::join(notes, "; ")};
}

// The same by the linter, where no rehearsal has seen it.
pg::Row
row_of(const migrate::Outlook &outlook, const script::Statement &statement)
{
	const bool runs = statement.refusal.empty() || statement.deployable;
	std::vector<std::string> notes = {runs ? "not rehearsed: by the linter" : "cannot run: " + statement.refusal};

	if (statement.alone)
		notes.emplace_back("mg_deploy() runs it by itself");
	if (statement.refusal.empty())
		notes.insert(notes.end(), outlook.notes.begin(), outlook.notes.end());
	if (outlook.duration.has_value())
		notes.push_back(outlook.duration->basis);
	return {outlook.lock_mode, outlook.object, outlook.rewrites ? "t" : "f",
			outlook.duration.has_value() ? pg::Cell(std::to_string(outlook.duration->us) + " microseconds")
										 : pg::Cell(),
			boost::algorithm::join(notes, "; ")};
}

// What would be kept of what the statement destroys.
struct Keeping
{
	std::vector<std::string> notes;
	int64_t disk = 0; // for copies
};

Keeping
keeping_of(const script::Script &script, std::size_t number)
{
	Keeping result;
	std::vector<archive::Estimate> estimates;

	/* What a statement of the script itself has yet to make, the catalogs do not have. */
	if (pg::try_and_undo([&] {
			const lint::Trees trees{std::string(script.text_of(script.statements()[number]))};
			if (trees.size() == 1)
				estimates = archive::estimates_of(const_cast<Node *>(trees[0]),
												  script::discards_at(number, script::discards_of(script)));
		}).has_value())
		return result;
	for (const archive::Estimate &estimate : estimates)
	{
		if (estimate.discarded.has_value())
		{
			result.notes.push_back("does not keep what is lost of " + estimate.source + ": " + *estimate.discarded);
			continue;
		}
		result.notes.push_back(std::string(estimate.is_copied ? "copies " : "moves ") + estimate.source + " (about " +
							   size_of(estimate.bytes) + ") to mg_archive" +
							   (estimate.refusal.empty() ? "" : ": too large, refused unless -- mg:discard says so"));
		result.disk += estimate.is_copied ? estimate.bytes : 0;
	}
	return result;
}

void
report_receipt(const std::string &name, bool applied, const std::optional<Receipt> &receipt)
{
	if (!receipt.has_value())
		pg::report(NOTICE,
				   UserError("00000", applied ? "migration \"" + name + "\" has not been rehearsed since it was applied"
											  : "migration \"" + name + "\" has not been rehearsed")
					   .hint("mg_rehearse() finds its locks, rewrites and times."));
	else if (receipt->stale.has_value())
		pg::report(NOTICE,
				   UserError("00000", "the rehearsal of migration \"" + name + "\" is stale: " + *receipt->stale)
					   .detail("It was at " + receipt->at + (receipt->own ? "" : ", in another database") +
							   ", and said: " + receipt->verdict + ".")
					   .hint("Rehearse it again with mg_rehearse()."));
}

} // namespace

std::string
sizes()
{
	return sizes_of(std::nullopt);
}

std::vector<pg::Row>
plan(const std::string &name, const std::optional<std::string> &sizes)
{
	std::optional<ledger::Registration> known = ledger::find_registration(name);
	std::vector<pg::Row> rows;

	if (!known.has_value())
		throw UserError("MG004", "migration \"" + name + "\" is not registered")
			.hint("Register it with mg_register().");
	const std::optional<Sizes> elsewhere = sizes.has_value() ? std::optional(read_sizes(*sizes)) : std::nullopt;
	migrate::Migration migration = migrate::Migration::from_ledger(*known);
	const bool applied = ledger::is_applied(name);
	if (applied && !migration.down.has_value())
	{
		pg::report(NOTICE, UserError("00000", "migration \"" + name + "\" is applied and has no down script"));
		return rows;
	}
	const script::Script &script = applied ? *migration.down : migration.up;
	std::optional<Receipt> receipt = find_receipt(migration, script.what());
	report_receipt(name, applied, receipt);

	std::vector<Recorded> recorded = receipt.has_value() ? recorded_steps(*receipt) : std::vector<Recorded>();
	std::vector<std::string> tables;
	for (const Recorded &step : recorded)
		if (step.table.has_value())
			tables.push_back(*step.table);
	const Sizes here = elsewhere.has_value() ? *elsewhere : read_sizes(sizes_of(pg::array_literal(tables)));
	const migrate::Pace past = migrate::pace();

	const std::vector<migrate::Outlook> outlooks =
		migrate::outlook_of(script, applied ? migrate::findings_of(script, migrate::Wanted::disk)
											: migrate::findings_of(migration, migrate::Wanted::disk));
	const auto conflicts = applied ? std::map<size_t, std::vector<std::string>>() : migrate::conflicts_of(migration);

	size_t number = 0;
	for (size_t i = 0; i < script.statements().size(); i++)
	{
		const script::Statement &statement = script.statements()[i];
		if (statement.control)
			continue;
		pg::Row row = {std::to_string(number + 1),
					   statement.secret ? statement.tag : pg::excerpt(script.text_of(statement), 200)};
		pg::Row more;
		if (number < recorded.size())
		{
			const Recorded &step = recorded[number];
			auto size = step.table.has_value() ? here.find(*step.table) : here.end();
			std::optional<int64_t> bytes = size != here.end() ? std::optional(size->second) : std::nullopt;
			more = row_of(step, estimate_of(step, bytes, past),
						  elsewhere.has_value() ? std::vector<Blocker>() : blockers_now(step), bytes);
		}
		else
			more = row_of(outlooks[i], statement);
		row.insert(row.end(), more.begin(), more.end());
		const Keeping keeping = keeping_of(script, i);
		for (const std::string &note : keeping.notes)
			row[6] = row[6].value_or("") + (row[6].has_value() ? "; " : "") + note;
		const int64_t disk = outlooks[i].disk + keeping.disk;
		auto conflict = conflicts.find(i);
		row.insert(row.end(), {disk > 0 ? pg::Cell(std::to_string(disk)) : pg::Cell(), outlooks[i].risk,
							   conflict != conflicts.end() ? pg::Cell(boost::algorithm::join(conflict->second, "; "))
														   : pg::Cell()});
		rows.push_back(std::move(row));
		number++;
	}
	return rows;
}

} // namespace mg::rehearse
