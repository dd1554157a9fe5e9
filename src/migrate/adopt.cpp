// Records what history tables of other tools say is applied.
#include "migrate/adopt.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <boost/algorithm/string/predicate.hpp>

#include "core/json.hpp"
#include "core/text.hpp"
#include "ledger/seal.hpp"
#include "migrate/locks.hpp"
#include "migrate/migration.hpp"
#include "pg/session.hpp"
#include "pg/subtransaction.hpp"
#include "policy/policy.hpp"

namespace mg::migrate {

namespace {

constexpr const char *no_time = "the table does not say when";

// What one row takes is given back with it: a table may have a hundred thousand.
class RowMemory
{
public:
	RowMemory() : scope_("migration_governance adoption"), before_(MemoryContextSwitchTo(scope_.get())) {}
	~RowMemory() { MemoryContextSwitchTo(before_); }
	RowMemory(const RowMemory &) = delete;
	RowMemory &operator=(const RowMemory &) = delete;

private:
	pg::MemoryScope scope_;
	MemoryContext before_;
};

// What the ledger knows before.
struct Known
{
	struct Last
	{
		bool applied;
		std::string at;
	};
	std::map<std::string, Last> runs;
	std::map<std::string, std::string> registered;           // name, checksum of its up script
	std::map<std::string, std::set<std::string>> by_version; // sort key, names
};

Known
known_now()
{
	Known known;

	for (const pg::Row &row :
		 ledger::query("SELECT l.migration, l.outcome = 'applied', to_char(l.at AT TIME ZONE 'UTC',"
					   " 'YYYY-MM-DD HH24:MI:SS.US') || '+00' FROM mg.last_run l"))
		known.runs[*row[0]] = {row[1] == "t", row[2].value_or("")};
	for (const pg::Row &row : ledger::query("SELECT n.migration, n.up, n.sort_key FROM mg.newest_registration n"))
	{
		known.registered[*row[0]] = *row[1];
		known.by_version[row[2].value_or("")].insert(*row[0]);
		/* It may have been registered before the convention was agreed. */
		for (const Convention &convention : conventions)
			if (std::string version = version_of(convention, *row[0]); !version.empty())
				known.by_version[sort_key_of(version)].insert(*row[0]);
	}
	known.by_version.erase("");
	return known;
}

// Makes a name out of a version and words, as the conventions have it.
std::string
name_of(const std::string &version, const std::string &description)
{
	constexpr std::size_t most = 120;
	std::string words;

	for (char c : description.substr(0, most))
		if (is_letter(c) || is_digit(c))
			words += to_lower(c);
		else if (!words.empty() && words.back() != '_')
			words += '_';
	while (!words.empty() && words.back() == '_')
		words.pop_back();
	return words.empty() || version.empty() ? version : version + "_" + words;
}

// The name by which a row is known here: that of the table without the suffix of a file, or that of the one migration of this version.
std::string
choose_name(const Entry &entry, const Known &known)
{
	if (!entry.name.empty())
	{
		std::string name(trim(entry.name));
		if (boost::algorithm::iends_with(name, ".sql"))
			name.resize(name.size() - strlen(".sql"));
		return name;
	}
	auto found = known.by_version.find(sort_key_of(entry.version));
	if (!entry.version.empty() && found != known.by_version.end() && found->second.size() == 1)
		return *found->second.begin();
	return name_of(std::string(trim(entry.version)), entry.description);
}

// The script of a row that has one, if it can be kept.
std::optional<script::Script>
script_of(const Entry &entry, std::string &why)
{
	std::optional<script::Script> script;

	if (trim(entry.script).empty() || trim(entry.script) == ";")
		return std::nullopt;
	try
	{
		std::optional<pg::Error> error = pg::try_and_undo([&] {
			script.emplace("up", entry.script);
			script->require_no_secret();
		});
		if (!error.has_value())
			return script;
		why = std::string("its text is left out: ") + error->what();
	}
	catch (const UserError &error)
	{
		why = std::string("its text is left out: ") + error.what();
	}
	return std::nullopt;
}

// Records the rows of one table, oldest first.
class Adoption
{
public:
	explicit Adoption(HistoryTable table)
		: table_(std::move(table)), known_(known_now()), convention_(policy::naming()), free_(*find_convention("free")),
		  server_(pg::server_version())
	{
		std::vector<pg::Row> now =
			ledger::query("SELECT to_char($1::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00'",
						  {ledger::next_run_time()});
		now_ = now[0][0].value_or("");
		ledger::add_session(session_);
		empty_tokens_ = script::Script("up", script_of_adopted("x")).token_hash();
	}

	void run(const std::function<void(const pg::Row &row)> &sink)
	{
		std::map<std::string, std::size_t> last;

		for (std::size_t i = 0; i < table_.entries.size(); i++)
		{
			Entry &entry = table_.entries[i];
			entry.name = choose_name(entry, known_);
			if (entry.skip.empty())
				last[entry.name] = i;
		}
		std::string before;
		for (std::size_t i = 0; i < table_.entries.size(); i++)
		{
			Entry &entry = table_.entries[i];
			RowMemory memory;
			pg::guarded([] { CHECK_FOR_INTERRUPTS(); });
			std::string note;
			const std::string at = time_of(entry, before, note);
			if (auto same = last.find(entry.name); entry.skip.empty() && same != last.end() && same->second != i)
				entry.skip = "another row of that name comes later";
			const char *status = judge(entry, at);
			if (status == adopted)
			{
				record(entry, at, note);
				before = at;
			}
			else
				note = entry.skip;
			const std::string &shown = status == adopted ? at : entry.at;
			sink({entry.name, status, shown.empty() ? pg::Cell() : pg::Cell(shown),
				  note.empty() ? pg::Cell() : pg::Cell(note)});
		}
		report();
	}

private:
	static constexpr const char *adopted = "adopted";

	std::string time_of(const Entry &entry, const std::string &before, std::string &note) const
	{
		if (entry.at.empty())
		{
			note = no_time;
			return before.empty() ? now_ : before;
		}
		if (entry.at > now_)
		{
			note = "the table has a time to come: " + entry.at;
			return now_;
		}
		return entry.at;
	}

	const char *judge(Entry &entry, const std::string &at)
	{
		static constexpr const char *skipped = "skipped";

		if (!entry.skip.empty())
			return skipped;
		if (std::optional<std::string> reason = check_name(free_, entry.name))
		{
			entry.skip = *reason;
			return skipped;
		}
		auto run = known_.runs.find(entry.name);
		if (run == known_.runs.end())
			return adopted;
		if (run->second.applied)
			return "known already";
		if (!entry.at.empty() && at > run->second.at)
			return adopted;
		entry.skip = "rolled back since, at " + run->second.at;
		return skipped;
	}

	void record(const Entry &entry, const std::string &at, std::string &note)
	{
		std::string checksum;

		if (auto known = known_.registered.find(entry.name); known != known_.registered.end())
			checksum = known->second;
		else
			checksum = register_entry(entry, note);

		ledger::Fields fields = {
			{"at", at},
			{"migration", entry.name},
			{"action", std::string("adopt")},
			{"outcome", std::string("applied")},
			{"reason", "adopted from " + table_.name + (entry.by.empty() ? "" : ": applied by " + entry.by)},
			{"checksum", checksum},
			{"started_at", at},
			{"duration_us", std::to_string(entry.duration_us)},
			{"statements", std::string("0")},
			{"rows", std::string("0")},
			{"timings", std::string("[]")},
			{"objects", std::string("[]")},
			{"locks", std::string("[]")},
			{"rewrites", std::string("[]")},
			{"evidence", JsonArray()
							 .json(JsonObject()
									   .number("line", 0)
									   .text("query", "adopted from " + table_.name)
									   .text("status", "shown")
									   .text("actual", note.empty() ? "the row as it was found" : note)
									   .json("rows", "[" + entry.row + "]")
									   .str())
							 .str()},
			{"server_version", server_}};
		fields.insert(fields.end(), session_.begin(), session_.end());
		ledger::append(ledger::Table::run, fields);
		if (check_name(convention_, entry.name).has_value() && ++misfits_ <= most_named)
			misfit_ += (misfit_.empty() ? "" : ", ") + entry.name;
		count_++;
	}

	// Keeps the script and the registration; gives the script's checksum.
	std::string register_entry(const Entry &entry, std::string &note)
	{
		std::string why;
		std::optional<script::Script> script = script_of(entry, why);
		const std::string body = script.has_value() ? script->body() : script_of_adopted(entry.name);
		const std::string checksum = script::checksum_of(body);
		JsonObject headers;
		std::string version = version_of(convention_, entry.name);

		if (!why.empty())
			note += (note.empty() ? "" : "; ") + why;
		if (version.empty())
			version = trim(entry.version);
		bool described = false;
		if (script.has_value())
			for (const Header &header : script->headers())
			{
				headers.text(header.key, header.value);
				described = described || header.key == "description";
			}
		if (!described && !entry.description.empty())
			headers.text("description", entry.description);
		ledger::keep_script(checksum, script.has_value() ? script->token_hash() : empty_tokens_,
							script::checksum_algorithm, body);
		ledger::Fields fields = {{"migration", entry.name},          {"version", version},
								 {"sort_key", sort_key_of(version)}, {"up", checksum},
								 {"requires", std::string("{}")},    {"headers", headers.str()}};
		fields.insert(fields.end(), session_.begin(), session_.end());
		ledger::append(ledger::Table::registration, fields);
		return checksum;
	}

	void report() const
	{
		if (misfits_ > 0)
			pg::report(NOTICE, UserError("00000", std::to_string(misfits_) +
													  (misfits_ == 1 ? " adopted name does" : " adopted names do") +
													  " not fit the naming convention " + std::string(convention_.name))
								   .detail("Such as: " + misfit_ + "."));
		if (count_ == 0)
			pg::report(NOTICE, UserError("00000", "nothing in " + table_.name + " is new"));
	}

	static constexpr int most_named = 3;
	HistoryTable table_;
	const Known known_;
	const Convention &convention_;
	const Convention &free_;
	const std::string server_;
	std::string now_;
	std::string empty_tokens_;
	ledger::Fields session_;
	int count_ = 0;
	int misfits_ = 0;
	std::string misfit_; // the first few
};

} // namespace

std::string
script_of_adopted(const std::string &name)
{
	return "-- Migration: " + name + "\n-- Adopted: it was applied before; the history table does not have its text.\n";
}

bool
is_adopted(const std::string &migration)
{
	return ledger::query_cell("SELECT r.action = 'adopt' FROM mg.last_run l JOIN mg.run r"
							  " ON r.installation = l.installation AND r.id = l.run"
							  " WHERE l.migration = $1 AND l.outcome = 'applied'",
							  {migration}) == "t";
}

void
adopt_history(Oid table, const std::function<void(const pg::Row &row)> &sink)
{
	pg::require_database_owner("adopt a history");
	require_writable();
	HistoryTable history = read_history(table);
	take_run_lock();
	ledger::seal();
	Adoption(std::move(history)).run(sink);
}

} // namespace mg::migrate
