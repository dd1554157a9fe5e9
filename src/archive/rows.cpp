// Counts by table, then looks at those with many.
#include "archive/rows.hpp"

#include <map>
#include <vector>

#include "pg/changed_rows.hpp"
#include "policy/policy.hpp"

namespace mg::archive {

namespace {

// What has changed since a snapshot was taken.
struct Span
{
	Snapshot before;
	std::map<Oid, uint64_t> changed;
	SubTransactionId kept_in; // none: not kept yet
};
std::vector<Span> spans; // of the statement of the script that runs; the last one is open

bool are_own = false;

void
let_go()
{
	std::vector<Span> old;

	old.swap(spans);
	for (const Span &span : old)
		pg::let_go(span.before);
}

} // namespace

OwnChanges::OwnChanges() : before_(are_own)
{
	are_own = true;
}

OwnChanges::~OwnChanges()
{
	are_own = before_;
}

bool
OwnChanges::is_there()
{
	return are_own;
}

RowsWatch::~RowsWatch()
{
	try
	{
		let_go();
	}
	catch (const pg::Error &)
	{
		/* They go with the transaction. */
	}
}

void
RowsWatch::next()
{
	let_go();
	spans.push_back({pg::take_snapshot(), {}, InvalidSubTransactionId});
}

void
RowsWatch::skip()
{
	let_go();
}

void
rows_changed(Oid table, uint64_t count)
{
	if (!spans.empty() && !are_own)
		spans.back().changed[table] += count;
}

void
keep_rows(const Occasion &occasion)
{
	if (spans.empty())
		return;
	const auto least = static_cast<uint64_t>(policy::number("archive_rows"));
	bool has_kept = false;
	for (Span &span : spans)
	{
		if (span.kept_in != InvalidSubTransactionId || span.changed.empty())
			continue;
		for (const auto &[table, count] : span.changed)
			if (count >= least)
				keep_changed(table, count, span.before, occasion);
		span.kept_in = GetCurrentSubTransactionId();
		has_kept = true;
	}
	if (has_kept)
		spans.push_back({pg::take_snapshot(), {}, InvalidSubTransactionId});
}

void
keep_rows_again(SubTransactionId failed)
{
	for (Span &span : spans)
		if (span.kept_in >= failed)
			span.kept_in = InvalidSubTransactionId;
}

void
forget_rows()
{
	spans.clear();
}

} // namespace mg::archive
