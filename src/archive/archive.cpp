// Remembers what is kept while its statement runs.
#include "archive/archive.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "archive/refill.hpp"
#include "archive/release.hpp"
#include "archive/rows.hpp"
#include "ledger/store.hpp"
#include "lint/reach.hpp"
#include "pg/object.hpp"
#include "pg/storage.hpp"
#include "pg/subtransaction.hpp"

namespace mg::archive {

namespace {

struct Held
{
	int depth;
	std::vector<Kept> kept;
	std::vector<Entry> values; // that may come back when the column has its type again
};
std::vector<Held> held;

// What the script that runs may make room for: what the opposite one has destroyed.
struct Pending
{
	std::vector<Entry> entries;
};
std::optional<Pending> pending; // nothing: to be read, or no script runs

// The script, and what it fills itself: that stays so, even if a part of the transaction is undone.
struct Running
{
	int64_t run;
	std::string script;
	std::set<int64_t> own;
	std::map<int64_t, Spot> before; // what was there when it began, by entry
};
std::optional<Running> running;

std::vector<Entry> &
pending_of(const Occasion &occasion)
{
	if (!running.has_value() || running->run != occasion.run || running->script != occasion.script)
	{
		running = Running{occasion.run, occasion.script, {}, {}};
		pending.reset();
	}
	if (!pending.has_value())
	{
		pending = Pending{kept_of(occasion.migration, occasion.script == "up" ? "down" : "up")};
		for (Entry &entry : pending->entries)
		{
			entry.own = running->own.count(entry.id) > 0;
			running->before.emplace(entry.id, spot_of(entry));
		}
	}
	return pending->entries;
}

void
leave_to_script(Entry &entry)
{
	entry.own = true;
	running->own.insert(entry.id);
}

// The other columns of its table that are still to come.
std::vector<std::string>
columns_of(const std::vector<Entry> &entries, const Entry &entry)
{
	std::vector<std::string> result;

	for (const Entry &one : entries)
		if (one.kind == "column" && one.schema == entry.schema && one.source == entry.source)
			result.push_back(one.column);
	return result;
}

// Whether whole rows are still to come back: a script that writes to their table may mean to bring them itself.
bool
is_anything_left()
{
	return std::any_of(pending->entries.begin(), pending->entries.end(), [](const Entry &entry) {
		return entry.column.empty() && entry.kind != "sequence" && !entry.own;
	});
}

// What is filled when: columns at once, so that the script may write there; whole tables when they are first read, or the script ends, as it may fill them
// itself; rows of tables that were there all the time at its end.
enum class Moment
{
	made,
	read,
	end
};

// Whether the script has made what an entry was taken from: what was there before is somebody else's, whatever its name.
bool
is_new(const Entry &entry)
{
	const Spot spot = spot_of(entry);

	return OidIsValid(spot.first) && spot != running->before.at(entry.id);
}

bool
is_due(const Entry &entry, Moment moment)
{
	if (entry.own || !has_room(entry))
		return false;
	if (entry.kind == "table")
		return moment != Moment::made && is_new(entry);
	if (entry.kind == "column")
		return moment != Moment::read && is_new(entry);
	if (entry.kind == "sequence" && moment == Moment::made)
		return is_new(entry);
	return moment == Moment::end && (is_new(entry) || is_source_there(entry) || entry.kind == "sequence");
}

// Fills what is due. Rows whose foreign keys are not there yet wait for those that they refer to, at most until the end.
void
fill(const Occasion &occasion, Moment moment)
{
	for (bool goes_on = true; goes_on;)
	{
		std::optional<pg::Error> missing;

		goes_on = false;
		for (std::size_t i = 0; i < pending_of(occasion).size();)
		{
			const std::vector<Entry> entries = pending_of(occasion);
			const Entry &entry = entries[i];
			if (!is_due(entry, moment))
			{
				i++;
				continue;
			}
			std::vector<Entry> rest = entries;
			rest.erase(rest.begin() + static_cast<long>(i));
			std::optional<pg::Error> error =
				pg::try_and_keep([&] { refill(entry, occasion.run, columns_of(rest, entry)); });
			if (error.has_value() && error->data().sqlerrcode != ERRCODE_FOREIGN_KEY_VIOLATION)
				throw std::move(*error);
			pending = Pending{error.has_value() ? entries : rest};
			if (error.has_value())
			{
				missing.emplace(std::move(*error));
				i++;
			}
			else
				goes_on = true;
		}
		if (missing.has_value() && !goes_on && moment == Moment::end)
			throw std::move(*missing);
	}
}

// Of the tables that are made again, those that have rows: CREATE TABLE AS, or somebody else.
void
leave_filled(const Occasion &occasion)
{
	for (Entry &entry : pending_of(occasion))
		if (!entry.own && entry.kind == "table" && is_new(entry))
			if (const Oid table = source_of(entry);
				(pg::is_made_here(table) || pg::lock_unused(table, "statement")) && pg::has_rows(table))
				leave_to_script(entry);
}

// Those of statements that failed are nobody's any more.
void
drop_from(int depth)
{
	held.erase(std::remove_if(held.begin(), held.end(), [&](const Held &one) { return one.depth >= depth; }),
			   held.end());
}

} // namespace

void
before(int depth, Node *statement, const Occasion &occasion)
{
	Held here = {depth, {}, {}};

	drop_from(depth);
	const Losses losses = losses_of(statement);
	if (!losses.items.empty() || !losses.retyped.empty())
		keep_rows(occasion);
	for (const Loss &loss : occasion.run != 0 ? losses.retyped : std::vector<Loss>{})
	{
		std::vector<Entry> &entries = pending_of(occasion);
		for (std::size_t i = 0; i < entries.size(); i++)
			if (note_unchanged(entries[i], loss))
			{
				here.values.push_back(entries[i]);
				entries.erase(entries.begin() + static_cast<long>(i--));
			}
	}
	if (!losses.items.empty())
		here.kept = keep(losses);
	if (!here.kept.empty() || !ledger::is_empty(ledger::Table::archive))
		release(losses);
	follow(here.kept);
	if (!here.kept.empty() || !here.values.empty())
		held.push_back(std::move(here));
}

bool
can_be_hindered(const Node *statement)
{
	return IsA(statement, DropStmt) || IsA(statement, DropOwnedStmt) || IsA(statement, AlterDomainStmt) ||
		   IsA(statement, AlterTableStmt);
}

void
make_way(Node *statement)
{
	if (!ledger::is_empty(ledger::Table::archive))
		release(losses_of(statement));
}

void
after(int depth, const Occasion &occasion)
{
	const auto found = std::find_if(held.begin(), held.end(), [&](const Held &one) { return one.depth == depth; });

	if (found != held.end())
	{
		Held here = std::move(*found);
		drop_from(depth);
		confirm(here.kept, occasion);
		for (const Entry &entry : here.values)
			refill(entry, occasion.run);
	}
	if (occasion.run != 0)
		fill(occasion, Moment::made);
}

std::vector<std::string>
awaited_columns(Oid table, const Occasion &occasion)
{
	std::vector<std::string> result;

	std::vector<Oid> tree;

	for (const Entry &entry : pending_of(occasion))
	{
		if (entry.kind != "column")
			continue;
		if (tree.empty())
			tree = lint::tree_of(table);
		if (std::find(tree.begin(), tree.end(), source_of(entry)) != tree.end())
			result.push_back(entry.column);
	}
	return result;
}

void
require_kept(Oid relation, int column)
{
	const auto is_it = [&](const Kept &kept) {
		return kept.loss.relation == relation && (kept.loss.column == column || kept.moved);
	};

	for (const Held &one : held)
		if (std::any_of(one.kept.begin(), one.kept.end(), is_it))
			return;
	if (!would_be_lost(relation, column))
		return;
	throw UserError("0A000",
					"rows of " + pg::identity_of("pg_class", relation, column).value_or("a table") + " would be lost")
		.detail("What this statement takes along is not known to mg_apply().")
		.hint(
			"Drop it in a statement of its own first; or set policy setting archive to off, if nothing is to be kept.");
}

void
begin(const Occasion &occasion)
{
	pending_of(occasion);
}

bool
awaits_tables()
{
	return running.has_value() && !OwnChanges::is_there() && (!pending.has_value() || is_anything_left());
}

void
touch(Oid relation, bool is_written, bool is_inserted, const Occasion &occasion)
{
	const OwnChanges own;
	const std::vector<Oid> tree = lint::tree_of(relation);
	bool is_read = false;

	for (Entry &entry : pending_of(occasion))
	{
		if (entry.own || !entry.column.empty() || std::find(tree.begin(), tree.end(), source_of(entry)) == tree.end())
			continue;
		if (entry.kind == "table" && !is_new(entry))
			continue;
		if (entry.kind == "table" ? is_inserted : is_written)
			leave_to_script(entry);
		else
			is_read = is_read || entry.kind == "table";
	}
	if (!is_read)
		return;
	leave_filled(occasion);
	fill(occasion, Moment::read);
}

void
end_step(const std::vector<std::string> &inserted, const Occasion &occasion)
{
	leave_filled(occasion);
	std::vector<Entry> &entries = pending_of(occasion);
	std::vector<Entry> later;
	for (std::size_t i = 0; i < entries.size(); i++)
		if (std::find(inserted.begin(), inserted.end(), entries[i].source) != inserted.end())
		{
			later.push_back(entries[i]);
			entries.erase(entries.begin() + static_cast<long>(i--));
		}
	fill(occasion, Moment::read);
	std::vector<Entry> &rest = pending_of(occasion);
	rest.insert(rest.end(), later.begin(), later.end());
}

void
finish(const Occasion &occasion)
{
	leave_filled(occasion);
	fill(occasion, Moment::end);
	for (const Entry &entry : pending_of(occasion))
		if (entry.own)
			compare(entry, occasion.run);
	running.reset();
	pending.reset();
}

void
forget()
{
	held.clear();
	running.reset();
	forget_rows();
	forget_pending();
}

void
forget_pending()
{
	pending.reset();
}

} // namespace mg::archive
