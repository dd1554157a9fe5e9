// Remembers what is kept while its statement runs.
#include "archive/archive.hpp"

#include <algorithm>
#include <optional>

#include "archive/refill.hpp"
#include "archive/rows.hpp"
#include "lint/reach.hpp"
#include "pg/object.hpp"
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
	int64_t run;
	std::string script;
	std::vector<Entry> entries;
};
std::optional<Pending> pending;

std::vector<Entry> &
pending_of(const Occasion &occasion)
{
	if (!pending.has_value() || pending->run != occasion.run || pending->script != occasion.script)
		pending = Pending{occasion.run, occasion.script,
						  kept_of(occasion.migration, occasion.script == "up" ? "down" : "up")};
	return pending->entries;
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

// Fills what there is room for. Rows whose foreign keys are not there yet wait for those that they refer to.
void
fill(const Occasion &occasion, bool at_end)
{
	for (bool goes_on = true; goes_on;)
	{
		std::optional<pg::Error> missing;

		goes_on = false;
		for (std::size_t i = 0; i < pending_of(occasion).size();)
		{
			const std::vector<Entry> entries = pending_of(occasion);
			const Entry &entry = entries[i];
			if (!has_room(entry, at_end))
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
			pending = Pending{occasion.run, occasion.script, error.has_value() ? entries : rest};
			if (error.has_value())
			{
				missing.emplace(std::move(*error));
				i++;
			}
			else
				goes_on = true;
		}
		if (missing.has_value() && !goes_on)
			throw std::move(*missing);
	}
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
	for (const Loss &loss : losses.retyped)
	{
		std::vector<Entry> &entries = pending_of(occasion);
		for (std::size_t i = 0; i < entries.size(); i++)
			if (note_unchanged(entries[i], loss))
			{
				here.values.push_back(entries[i]);
				entries.erase(entries.begin() + static_cast<long>(i--));
			}
	}
	if (!losses.items.empty() || !losses.types.empty() || !losses.collations.empty())
		here.kept = keep(losses);
	if (!here.kept.empty() || !here.values.empty())
		held.push_back(std::move(here));
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
	fill(occasion, false);
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
finish(const Occasion &occasion)
{
	fill(occasion, true);
}

void
forget()
{
	held.clear();
	forget_rows();
	forget_pending();
}

void
forget_pending()
{
	pending.reset();
}

} // namespace mg::archive
