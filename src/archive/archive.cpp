// Remembers what is kept while its statement runs.
#include "archive/archive.hpp"

#include <algorithm>
#include <optional>

#include "archive/refill.hpp"

namespace mg::archive {

namespace {

struct Held
{
	int depth;
	std::vector<Kept> kept;
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
		pending = Pending{occasion.run, occasion.script, kept_of(occasion.migration, occasion.script == "up" ? "down" : "up")};
	return pending->entries;
}

void
fill(const Occasion &occasion, bool at_end)
{
	std::vector<Entry> &entries = pending_of(occasion);

	for (std::size_t i = 0; i < entries.size();)
	{
		if (!has_room(entries[i], at_end))
		{
			i++;
			continue;
		}
		const Entry entry = entries[i];
		entries.erase(entries.begin() + static_cast<long>(i));
		refill(entry, occasion.run);
	}
}

// Those of statements that failed are nobody's any more.
void
drop_from(int depth)
{
	held.erase(std::remove_if(held.begin(), held.end(), [&](const Held &one) { return one.depth >= depth; }), held.end());
}

} // namespace

void
before(int depth, Node *statement)
{
	drop_from(depth);
	const Losses losses = losses_of(statement);
	if (losses.items.empty())
		return;
	if (std::vector<Kept> kept = keep(losses); !kept.empty())
		held.push_back({depth, std::move(kept)});
}

void
after(int depth, const Occasion &occasion)
{
	const auto found = std::find_if(held.begin(), held.end(), [&](const Held &one) { return one.depth == depth; });

	if (found != held.end())
	{
		std::vector<Kept> kept = std::move(found->kept);
		drop_from(depth);
		confirm(kept, occasion);
	}
	fill(occasion, false);
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
	forget_pending();
}

void
forget_pending()
{
	pending.reset();
}

} // namespace mg::archive
