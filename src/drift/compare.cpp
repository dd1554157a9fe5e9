// Finds what must be looked at and compares it.
#include "drift/compare.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "drift/expected.hpp"
#include "schema/snapshot.hpp"

namespace mg::drift {

namespace {

using Key = std::pair<Oid, Oid>;

// How far back a transaction id of 32 bits tells anything.
constexpr uint64_t xid_horizon = 1ULL << 31;

// Tells whether something recorded lies in a schema that is left out by now.
bool
is_ignored(const schema::Scope &scope, const Expected &expected)
{
	for (const std::string &schema : scope.ignored_schemas)
	{
		std::string quoted = pg::guarded([&] { return quote_identifier(schema.c_str()); });
		if (expected.identity.rfind(quoted + ".", 0) == 0 || (expected.type == "schema" && expected.identity == quoted))
			return true;
	}
	return !scope.cluster && schema::is_cluster({expected.catalog, expected.oid, {}, {}});
}

// What must be looked at: pairs of what is expected and what is there.
class Comparison
{
public:
	Comparison(const schema::Scope &scope, std::vector<Expected> expected, std::vector<schema::Unit> live)
		: scope_(scope), expected_(std::move(expected)), live_(std::move(live))
	{
		for (size_t i = 0; i < expected_.size(); i++)
		{
			if (expected_[i].own)
				by_oid_[{expected_[i].catalog, expected_[i].oid}] = i;
			by_name_[{expected_[i].type, expected_[i].identity}] = i;
		}
	}

	std::vector<Drift> run()
	{
		std::vector<Drift> result;
		std::vector<schema::Unit> strangers;

		/* By OID first: what was renamed is still the same. */
		std::vector<schema::Unit> known;
		for (const schema::Unit &unit : live_)
			(by_oid_.count({unit.catalog, unit.oid}) != 0 ? known : strangers).push_back(unit);
		schema::read(known, [&](const schema::Unit &unit, const Picture &picture) {
			compare(by_oid_.at({unit.catalog, unit.oid}), unit, picture, result);
		});
		schema::read(strangers, [&](const schema::Unit &unit, const Picture &picture) {
			auto found = by_name_.find({unit.type, unit.identity});
			if (found != by_name_.end() && used_.count(found->second) == 0)
				compare(found->second, unit, picture, result);
			else
				result.push_back(
					{deviations(nullptr, &picture), unit.identity, "", 0, unit, std::nullopt, {}, picture});
		});
		for (size_t i = 0; i < expected_.size(); i++)
			if (used_.count(i) == 0 && !is_ignored(scope_, expected_[i]) && expected_[i].type != "role names")
			{
				Picture picture = picture_of(expected_[i]);
				result.push_back({deviations(&picture, nullptr),
								  expected_[i].identity,
								  "",
								  expected_[i].xid,
								  std::nullopt,
								  schema::Address{expected_[i].catalog, expected_[i].oid},
								  picture,
								  {}});
			}
		return result;
	}

private:
	void compare(size_t index, const schema::Unit &unit, const Picture &picture, std::vector<Drift> &result)
	{
		const Expected &expected = expected_[index];
		Picture wanted = picture_of(expected);

		used_.insert(index);
		std::vector<Deviation> found = deviations(&wanted, &picture);
		if (!found.empty())
			result.push_back({std::move(found), expected.identity,
							  expected.identity == unit.identity ? "" : unit.identity, expected.xid, unit, std::nullopt,
							  wanted, picture});
	}

	const schema::Scope &scope_;
	std::vector<Expected> expected_;
	std::vector<schema::Unit> live_;
	std::map<Key, size_t> by_oid_;
	std::map<std::pair<std::string, std::string>, size_t> by_name_;
	std::set<size_t> used_;
};

// Objects whose catalog rows are not those that were recorded; nothing when every object must be looked at.
std::optional<std::vector<schema::Address>>
suspects(const schema::Scope &scope)
{
	std::vector<schema::Address> result;
	Recorded then = recorded();
	uint64_t now = pg::guarded([] { return U64FromFullTransactionId(ReadNextFullTransactionId()); });

	if (!then.own || (!then.versions.empty() && now - then.oldest_xid >= xid_horizon))
		return std::nullopt;
	/* Both are sorted. */
	schema::Versions live = schema::versions();
	auto l = live.begin();
	auto t = then.versions.begin();
	auto key = [](const schema::Version &version) { return Key(version.catalog, version.oid); };
	while (l != live.end() || t != then.versions.end())
	{
		bool only_live = t == then.versions.end() || (l != live.end() && key(*l) < key(*t));
		bool only_then = !only_live && (l == live.end() || key(*t) < key(*l));
		Key which = only_live ? key(*l) : key(*t);
		bool differs = only_live || only_then || l->sum != t->sum;
		if (!only_then)
			++l;
		if (!only_live)
			++t;
		if (!differs)
			continue;
		if (which == Key(AuthIdRelationId, InvalidOid))
			return std::nullopt;
		if (scope.cluster || which.first == DatabaseRelationId || !IsSharedRelation(which.first))
			result.push_back({which.first, which.second});
	}
	return result;
}

} // namespace

std::vector<Drift>
find_drift()
{
	schema::Scope here = scope();
	std::optional<std::vector<schema::Address>> some = suspects(here);

	if (!some.has_value())
		return Comparison(here, find_all_rows(), schema::units(here)).run();
	if (some->empty())
		return {};

	std::vector<schema::Unit> live = schema::units_of(here, *some);
	std::set<Key> known;
	std::vector<schema::Address> wanted = *some;
	for (const schema::Unit &unit : live)
	{
		known.insert({unit.catalog, unit.oid});
		wanted.push_back({unit.catalog, unit.oid});
	}
	for (const schema::Unit &unit : schema::dependants_of(here, *some))
		if (known.insert({unit.catalog, unit.oid}).second)
		{
			live.push_back(unit);
			wanted.push_back({unit.catalog, unit.oid});
		}
	/* Live objects that are out of scope are not missing. */
	std::vector<Expected> expected = find_rows(wanted, Wanted::all);
	schema::Scope all;
	all.cluster = true;
	std::set<Key> there;
	for (const schema::Unit &unit : schema::units_of(all, wanted))
		there.insert({unit.catalog, unit.oid});
	expected.erase(std::remove_if(expected.begin(), expected.end(),
								  [&](const Expected &e) {
									  Key key{e.catalog, e.oid};
									  return there.count(key) != 0 && known.count(key) == 0;
								  }),
				   expected.end());
	return Comparison(here, std::move(expected), std::move(live)).run();
}

} // namespace mg::drift
