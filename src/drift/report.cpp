// Compares what is expected with what is there.
#include "drift/report.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <tuple>

#include <boost/algorithm/string/find.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include "core/json.hpp"
#include "core/text.hpp"
#include "drift/expected.hpp"
#include "drift/statements.hpp"
#include "ledger/store.hpp"
#include "pg/session.hpp"
#include "schema/snapshot.hpp"

namespace mg::drift {

namespace {

using Key = std::pair<Oid, Oid>;

// How far back a transaction id of 32 bits tells anything.
constexpr uint64_t xid_horizon = 1ULL << 31;

// One object that differs.
struct Drift
{
	std::vector<Deviation> deviations;
	std::string identity; // of the object itself, as expected or else as it is
	std::string was;      // the other name, of a renamed object
	uint64_t xid = 0;     // since when it may have been changed
	std::optional<schema::Unit> unit;
	std::optional<schema::Address> gone;
	Picture expected; // empty parts where there is none
	Picture actual;
};

Picture
picture_of(const Expected &expected)
{
	Datum json =
		pg::guarded([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(expected.definition.c_str())); });
	return schema::from_json(expected.type, expected.identity, json);
}

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

std::vector<Drift>
find_drift()
{
	schema::Scope here = scope();
	std::optional<std::vector<schema::Address>> some = suspects(here);

	if (!some.has_value())
		return Comparison(here, load_all(), schema::units(here)).run();
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
	std::vector<Expected> expected = load(wanted);
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

// Identities under which the captured log may know an object, the most telling first.
std::vector<std::string>
names_of(const Drift &drift, const Deviation &deviation)
{
	std::vector<std::string> names = {deviation.identity};

	for (const std::string &name : {drift.identity, drift.was})
		if (!name.empty() && name != deviation.identity)
			names.push_back(name);
	return names;
}

// The last word of an identity that a statement would contain: the column of s.t.c, the trigger of "x on s.t".
std::string
own_name(const Deviation &deviation)
{
	std::string name = deviation.identity.substr(0, deviation.identity.find(" on "));
	std::string::size_type dot = name.rfind('.');
	return dot == std::string::npos ? name : name.substr(dot + 1);
}

// Tells whether a text has a name in it, as a word of its own and in any case.
bool
has_word(const std::string &text, const std::string &name)
{
	auto is_inside = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; };

	for (auto rest = boost::make_iterator_range(text); !name.empty();)
	{
		auto found = boost::algorithm::ifind_first(rest, name);
		if (found.empty())
			return false;
		if ((found.begin() == text.begin() || !is_inside(*(found.begin() - 1))) &&
			(found.end() == text.end() || !is_inside(*found.end())))
			return true;
		rest = boost::make_iterator_range(found.end(), text.end());
	}
	return false;
}

bool
touches(const Statement &statement, const std::string &name)
{
	return statement.identity == name ||
		   std::find(statement.identities.begin(), statement.identities.end(), name) != statement.identities.end();
}

// A column, trigger, ... of the object: s.t.c or "x on s.t".
bool
touches_part(const Statement &statement, const std::string &object)
{
	return boost::algorithm::starts_with(statement.identity, object + ".") ||
		   boost::algorithm::ends_with(statement.identity, " on " + object);
}

// A definition changes when something that it names is renamed: tells whether it names what the statement touched.
bool
is_named_in(const Deviation &deviation, const Statement &statement)
{
	std::string object = statement.identity;

	/* Of a column s.t.c a definition may name the table only. */
	if (std::count(object.begin(), object.end(), '.') > 1)
		object.resize(object.rfind('.'));
	for (const std::optional<std::string> &text : {deviation.expected, deviation.actual})
		if (text.has_value() && has_word(*text, object))
			return true;
	return false;
}

// The statement that most likely made a difference, the newest of the best kind: it touched that very object or part; it
// touched the object and says the part's name; it touched the object; it touched what the definition names.
const Statement *
find_statement(const std::vector<Statement> &statements, const Drift &drift, const Deviation &deviation)
{
	std::vector<std::string> names = names_of(drift, deviation);
	std::string word = own_name(deviation);
	const Statement *on_object = nullptr;
	const Statement *elsewhere = nullptr;

	for (const Statement &statement : statements)
	{
		if (touches(statement, names.front()))
			return &statement;
		for (const std::string &name : names)
			if (touches(statement, name) || touches_part(statement, name))
			{
				if (has_word(statement.text, word))
					return &statement;
				if (on_object == nullptr)
					on_object = &statement;
			}
		/* Mostly something was renamed. */
		if (is_named_in(deviation, statement) &&
			(elsewhere == nullptr || (!has_word(elsewhere->text, "rename") && has_word(statement.text, "rename"))))
			elsewhere = &statement;
	}
	return on_object != nullptr ? on_object : elsewhere;
}

std::vector<pg::Row>
rows_of(std::vector<Drift> drifts, bool attribute)
{
	std::vector<pg::Row> rows;
	std::vector<std::string> names;
	std::vector<Statement> statements;
	uint64_t since = UINT64_MAX;

	for (const Drift &drift : drifts)
	{
		since = std::min(since, drift.xid);
		for (const Deviation &deviation : drift.deviations)
			for (const std::string &name : names_of(drift, deviation))
				names.push_back(name);
	}
	if (attribute && !names.empty())
	{
		std::sort(names.begin(), names.end());
		names.erase(std::unique(names.begin(), names.end()), names.end());
		statements = statements_since(since, names);
	}
	std::sort(drifts.begin(), drifts.end(), [](const Drift &a, const Drift &b) {
		return std::tie(a.deviations.front().type, a.identity) < std::tie(b.deviations.front().type, b.identity);
	});
	for (const Drift &drift : drifts)
		for (const Deviation &d : drift.deviations)
		{
			const Statement *statement = attribute ? find_statement(statements, drift, d) : nullptr;
			pg::Row row = {d.kind,     d.type,  d.identity, d.property.empty() ? pg::Cell() : pg::Cell(d.property),
						   d.expected, d.actual};
			if (statement != nullptr)
				row.insert(row.end(), {statement->at, statement->by, statement->application, statement->text});
			else
				row.insert(row.end(), {std::nullopt, std::nullopt, std::nullopt,
									   attribute ? pg::Cell("(not seen by capture)") : pg::Cell()});
			rows.push_back(std::move(row));
		}
	return rows;
}

} // namespace

std::vector<pg::Row>
report()
{
	ledger::place();
	return rows_of(find_drift(), true);
}

namespace {

// A member of a jsonb object that is an object itself; nullptr when it is not there.
Jsonb *
member_of(Jsonb *object, const std::string &key)
{
	return pg::guarded([&]() -> Jsonb * {
		JsonbValue *value =
			getKeyJsonValueFromContainer(&object->root, key.data(), static_cast<int>(key.size()), nullptr);
		return value != nullptr && value->type == jbvBinary ? JsonbValueToJsonb(value) : nullptr;
	});
}

std::vector<std::string>
keys_of(Jsonb *object)
{
	std::vector<std::string> result;
	JsonbIterator *iterator = pg::guarded([&] { return JsonbIteratorInit(&object->root); });
	JsonbValue value;

	for (;;)
	{
		JsonbIteratorToken token = pg::guarded([&] { return JsonbIteratorNext(&iterator, &value, true); });
		if (token == WJB_DONE)
			return result;
		if (token == WJB_KEY)
			result.emplace_back(value.val.string.val, value.val.string.len);
	}
}

void
require_snapshot(Jsonb *whole)
{
	bool fine = pg::guarded([&] { return JB_ROOT_IS_OBJECT(whole); });
	Jsonb *about = fine ? member_of(whole, "about") : nullptr;
	if (about == nullptr || member_of(whole, "objects") == nullptr)
		throw UserError("22023", "this is not a snapshot").hint("Take one with mg_snapshot() in the other database.");

	std::string server = pg::guarded([&] {
		JsonbValue *value = getKeyJsonValueFromContainer(&about->root, "server", 6, nullptr);
		return value != nullptr && value->type == jbvNumeric
				   ? DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)))
				   : pstrdup("unknown");
	});
	if (server != std::to_string(PG_VERSION_NUM / 10000))
		throw UserError("22023", "the snapshot was taken on PostgreSQL " + server + ", this is " + PG_MAJORVERSION)
			.detail("Each major writes definitions in its own way.");
}

// Compares the units of one part of a snapshot, objects or cluster.
void
compare_part(Jsonb *part, const std::vector<schema::Unit> &units, std::vector<Drift> &result)
{
	std::set<std::pair<std::string, std::string>> seen;
	std::map<std::string, Jsonb *> types;

	for (const std::string &type : keys_of(part))
		types[type] = member_of(part, type);
	schema::read(units, [&](const schema::Unit &unit, const Picture &picture) {
		auto type = types.find(unit.type);
		Jsonb *there =
			type != types.end() && type->second != nullptr ? member_of(type->second, unit.identity) : nullptr;
		std::vector<Deviation> found;
		if (there == nullptr)
			found = deviations(nullptr, &picture);
		else
		{
			Picture wanted = schema::from_json(unit.type, unit.identity, JsonbPGetDatum(there));
			found = deviations(&wanted, &picture);
			pg::guarded([&] { pfree(there); });
		}
		seen.insert({unit.type, unit.identity});
		if (!found.empty())
			result.push_back({std::move(found), unit.identity, "", 0, unit, std::nullopt, {}, {}});
	});
	for (const auto &[type, members] : types)
		for (const std::string &identity : members != nullptr ? keys_of(members) : std::vector<std::string>())
			if (seen.count({type, identity}) == 0)
			{
				Picture wanted{type, identity, {}};
				result.push_back({deviations(&wanted, nullptr), identity, "", 0, std::nullopt, std::nullopt, {}, {}});
			}
}

} // namespace

std::vector<pg::Row>
report(Datum snapshot)
{
	auto *whole = pg::guarded([&] { return DatumGetJsonbP(snapshot); });
	std::vector<Drift> drifts;

	ledger::place();
	require_snapshot(whole);
	schema::Scope here = scope();
	Jsonb *cluster = member_of(whole, "cluster");
	here.cluster = cluster != nullptr;
	std::vector<schema::Unit> units = schema::units(here);
	auto middle = std::stable_partition(units.begin(), units.end(),
										[](const schema::Unit &unit) { return !schema::is_cluster(unit); });
	std::vector<schema::Unit> shared(middle, units.end());
	units.erase(middle, units.end());
	compare_part(member_of(whole, "objects"), units, drifts);
	if (cluster != nullptr)
		compare_part(cluster, shared, drifts);
	return rows_of(std::move(drifts), false);
}

namespace {

// What was expected, but with the parts of this identity as they are.
Picture
with_part(const Drift &drift, const std::string &identity)
{
	Picture result{drift.expected.type, drift.expected.identity, {}};
	auto is_it = [&](const Picture &picture, const Part &part) { return title_of(picture, part).second == identity; };

	for (const Part &part : drift.expected.parts)
		if (!is_it(drift.expected, part))
			result.parts.push_back(part);
	for (const Part &part : drift.actual.parts)
		if (is_it(drift.actual, part))
			result.parts.push_back(part);
	result.sort();
	return result;
}

std::string
json_of(const Deviation &deviation)
{
	JsonObject object;

	object.text("kind", deviation.kind).text("type", deviation.type).text("identity", deviation.identity);
	if (!deviation.property.empty())
		object.text("property", deviation.property);
	return object.str();
}

// Takes one object's state, or only that of a part of it; gives the number of differences that are gone by that.
int
accept_one(const Drift &drift, const std::string &identity, JsonArray &accepted)
{
	bool whole = drift.identity == identity || drift.was == identity;
	int count = 0;

	for (const Deviation &deviation : drift.deviations)
		if (whole || deviation.identity == identity)
		{
			accepted.json(json_of(deviation));
			count++;
		}
	if (count == 0)
		return 0;
	if (!drift.unit.has_value())
		take_units({}, {*drift.gone});
	else if (whole || drift.expected.parts.empty())
		take_units({*drift.unit}, {});
	else
		take_picture(*drift.unit, with_part(drift, identity));
	return count;
}

} // namespace

int
accept(const std::string &reason, const std::optional<std::string> &identity)
{
	pg::require_database_owner("accept drift");
	if (XactReadOnly || RecoveryInProgress())
		throw UserError("25006", "cannot accept drift in a read-only transaction");
	if (trim(reason).empty())
		throw UserError("22023", "accepting drift needs a reason");

	JsonArray accepted;
	int count = 0;
	for (const Drift &drift : find_drift())
		if (identity.has_value())
			count += accept_one(drift, *identity, accepted);
		else
			for (const Deviation &deviation : drift.deviations)
			{
				accepted.json(json_of(deviation));
				count++;
			}
	if (identity.has_value() && count == 0)
		throw UserError("MG201", "nothing of \"" + *identity + "\" differs from what is expected")
			.hint("SELECT object_type, identity FROM mg_drift_report() tells what does.");
	if (!identity.has_value())
		take_all(std::nullopt);

	ledger::Fields fields = {{"setting", std::string("accept_drift")}, {"value", accepted.str()}, {"reason", reason}};
	ledger::add_session(fields);
	ledger::append(ledger::Table::policy_event, fields);
	return count;
}

} // namespace mg::drift
