// Keeps mg.object.
#include "drift/expected.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "drift/roles.hpp"
#include "drift/statements.hpp"
#include "ledger/store.hpp"
#include "pg/memory.hpp"
#include "policy/policy.hpp"
#include "schema/snapshot.hpp"

namespace mg::drift {

namespace {

using Key = std::pair<Oid, Oid>;

constexpr Key role_names = {AuthIdRelationId, InvalidOid};

// Lets the extension write its own table in a transaction that a script has made read-only at its end.
class WritableScope
{
public:
	WritableScope() : before_(XactReadOnly) { XactReadOnly = false; }
	~WritableScope() { XactReadOnly = before_; }
	WritableScope(const WritableScope &) = delete;
	WritableScope &operator=(const WritableScope &) = delete;

private:
	bool before_;
};

std::set<Key>
keys_of(const std::vector<schema::Address> &addresses)
{
	std::set<Key> result;

	for (const schema::Address &address : addresses)
		result.insert({address.catalog, address.oid});
	return result;
}

uint64_t
sum_of(const schema::Versions &versions, const Key &key)
{
	const schema::Version *version = schema::find(versions, key.first, key.second);
	return version != nullptr ? version->sum : 0;
}

using Pictures = std::map<Key, Picture>;

// Gives what is different from those of `before`.
std::vector<Alteration>
write_units(const std::vector<schema::Unit> &units, const schema::Versions &versions, std::optional<int64_t> run,
			const Pictures &before = {})
{
	std::vector<Alteration> result;

	schema::read(units, [&](const schema::Unit &unit, const Picture &picture) {
		const Key key = {unit.catalog, unit.oid};
		write_row(unit, schema::to_json(picture), sum_of(versions, key), run);
		if (auto old = before.find(key); old != before.end())
			if (std::vector<Deviation> found = deviations(&old->second, &picture); !found.empty())
				result.push_back({unit.catalog, unit.oid, std::move(found)});
	});
	return result;
}

// What is expected so far of units that a run has not made.
Pictures
pictures_before(const std::vector<schema::Unit> &units, const std::set<Key> &made)
{
	std::vector<schema::Address> old;
	Pictures result;

	for (const schema::Unit &unit : units)
		if (made.count({unit.catalog, unit.oid}) == 0)
			old.push_back({unit.catalog, unit.oid});
	if (old.empty())
		return result;
	for (const Expected &expected : find_rows(old, Wanted::all))
		if (!expected.definition.empty() && Key(expected.catalog, expected.oid) != role_names)
			result.emplace(Key(expected.catalog, expected.oid), picture_of(expected));
	return result;
}

// The names of roles are part of the text of everything that has an owner.
void
write_role_names(std::optional<int64_t> run)
{
	schema::Unit names = {AuthIdRelationId, InvalidOid, "role names", "role names"};

	write_row(names, "{}", sum_of(schema::versions_of({names}), {names.catalog, names.oid}), run);
}

// What a run did to roles, unless somebody else had changed them before.
RoleChange
roles_between(const schema::Versions &before, const schema::Versions &after, Snapshot snapshot)
{
	const uint64_t sum = sum_of(before, role_names);

	if (sum == sum_of(after, role_names))
		return RoleChange::none;
	for (const Expected &expected : find_rows({{role_names.first, role_names.second}}, Wanted::sums))
		if (expected.versions != sum)
			return RoleChange::unknown;
	return has_renamed_roles(snapshot) ? RoleChange::renamed : RoleChange::other;
}

void
add_others(std::vector<schema::Unit> &units, const std::vector<schema::Unit> &all)
{
	std::set<Key> known;

	for (const schema::Unit &unit : units)
		known.insert({unit.catalog, unit.oid});
	for (const schema::Unit &unit : all)
		if (known.count({unit.catalog, unit.oid}) == 0)
			units.push_back(unit);
}

std::vector<schema::Address>
addresses_of(const std::vector<schema::Unit> &units)
{
	std::vector<schema::Address> result;

	for (const schema::Unit &unit : units)
		result.push_back({unit.catalog, unit.oid});
	return result;
}

// Objects whose rows were not the expected ones when the run began. Theirs is the state that it left all the same, but
// not without a word.
void
warn_of_earlier_drift(const std::vector<Expected> &changed)
{
	std::string list;

	/* Some statements write catalog rows and change nothing. */
	for (const Expected &expected : changed)
		if (newest_statement(expected.xid, {expected.identity}).has_value())
			list += (list.empty() ? "" : ", ") + expected.type + " " + expected.identity;
	if (list.empty())
		return;
	pg::report(
		WARNING,
		UserError("01000", "objects of this migration had been changed outside migrations before")
			.detail("They are expected from now on as they are: " + list + ".")
			.hint("mg_drift_report() before a migration shows such changes; mg.statements tells whose they are."));
}

// Whether a run that makes such an object may change others that it does not name. An operator class, say, adds to its family.
bool
stays_alone(Oid catalog)
{
	return catalog == RelationRelationId || catalog == TypeRelationId || catalog == ProcedureRelationId;
}

// The units that a run may have changed: first those that it names, `named` of them, then those that depend on them.
std::vector<schema::Unit>
changed_units(const schema::Scope &scope, const std::vector<schema::Address> &touched, const std::set<Key> &made,
			  size_t &named)
{
	std::vector<schema::Unit> units = schema::units_of(scope, touched);
	std::set<Key> known = keys_of(addresses_of(units));
	std::vector<schema::Address> alone;
	std::vector<schema::Address> others;

	named = units.size();
	for (const schema::Address &address : touched)
		if (stays_alone(address.catalog) && made.count({address.catalog, address.oid}) != 0)
			alone.push_back(address);
		else
			others.push_back(address);
	for (schema::Unit &unit : schema::dependants_of(scope, others, alone))
		if (known.insert({unit.catalog, unit.oid}).second)
			units.push_back(std::move(unit));
	return units;
}

// What is expected of those units whose rows were not the recorded ones when the run began; without definitions.
std::vector<Expected>
drifted_before(const std::vector<schema::Unit> &units, const std::set<Key> &made, Snapshot before)
{
	std::vector<schema::Unit> old;
	std::vector<Expected> result;

	for (const schema::Unit &unit : units)
		if (made.count({unit.catalog, unit.oid}) == 0)
			old.push_back(unit);
	if (old.empty())
		return result;

	schema::Versions versions = schema::versions_of(old, before);
	for (Expected &expected : find_rows(addresses_of(old), Wanted::sums))
		if (const schema::Version *version = schema::find(versions, expected.catalog, expected.oid);
			version != nullptr && version->sum != expected.versions)
			result.push_back(std::move(expected));
	return result;
}

// What a run touched and is a unit no more: dropped, given to an extension or moved out of scope.
std::vector<schema::Address>
gone(const std::vector<schema::Address> &touched, const std::vector<schema::Unit> &units, const std::set<Key> &made)
{
	std::set<Key> there = keys_of(addresses_of(units));
	std::vector<schema::Address> result;

	for (const schema::Address &address : touched)
		if (Key key{address.catalog, address.oid};
			key != role_names && schema::has_units(address.catalog) && there.count(key) == 0 && made.count(key) == 0)
			result.push_back(address);
	return result;
}

} // namespace

schema::Scope
scope()
{
	schema::Scope result;

	result.ignored_schemas = policy::ignored_schemas();
	result.cluster = policy::value_of("drift_scope") == "cluster";
	return result;
}

std::vector<Alteration>
take(const Change &change)
{
	schema::Scope here = scope();
	std::vector<schema::Address> touched = change.touched;
	RoleChange roles = RoleChange::none;

	if (change.incomplete)
	{
		schema::Versions before = schema::versions(change.before);
		schema::Versions after = schema::versions();
		touched = schema::changed_between(before, after);
		roles = roles_between(before, after, change.before);
	}
	if (touched.empty())
		return {};

	WritableScope writable;
	pg::SqlScope sql;
	size_t named_count = 0;
	const std::set<Key> made = keys_of(change.made);
	std::vector<schema::Unit> units = changed_units(here, touched, made, named_count);
	const std::vector<schema::Unit> touched_units = {units.begin(), units.begin() + named_count};
	const std::set<Key> named = keys_of(addresses_of(touched_units));
	const Pictures before = pictures_before(touched_units, made);
	if (roles == RoleChange::renamed)
		add_others(units, schema::units(here));

	/* A dependant that somebody changed by hand before stays different; what the run itself named is taken as it is. */
	std::vector<Expected> overwritten;
	std::set<Key> different;
	for (Expected &expected : drifted_before(units, made, change.before))
		if (Key key{expected.catalog, expected.oid}; named.count(key) != 0)
			overwritten.push_back(std::move(expected));
		else
			different.insert(key);
	units.erase(std::remove_if(units.begin(), units.end(),
							   [&](const schema::Unit &unit) {
								   return different.count({unit.catalog, unit.oid}) != 0;
							   }),
				units.end());

	remove_rows(gone(touched, units, made));
	std::vector<Alteration> result = write_units(units, schema::versions_of(units), change.run, before);
	if (roles == RoleChange::other || roles == RoleChange::renamed)
		write_role_names(change.run);
	warn_of_earlier_drift(overwritten);
	return result;
}

void
take_all(std::optional<int64_t> run)
{
	remove_all_rows();
	write_units(schema::units(scope()), schema::versions(), run);
	write_role_names(run);
}

void
take_units(const std::vector<schema::Unit> &units, const std::vector<schema::Address> &gone)
{
	WritableScope writable;

	remove_rows(gone);
	write_units(units, schema::versions_of(units), std::nullopt);
}

void
warn_of_drift(const std::vector<schema::Unit> &units)
{
	warn_of_earlier_drift(drifted_before(units, {}, nullptr));
}

void
take_role_names()
{
	write_role_names(std::nullopt);
}

void
take_picture(const schema::Unit &unit, const Picture &picture)
{
	/* No sum is 0: it will be looked at. */
	write_row(unit, schema::to_json(picture), 0, std::nullopt);
}

} // namespace mg::drift
