// Reports what is different, also from another database's snapshot.
#include "drift/report.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "drift/attribution.hpp"
#include "drift/compare.hpp"
#include "drift/expected.hpp"
#include "ledger/store.hpp"
#include "schema/snapshot.hpp"

namespace mg::drift {

namespace {

std::vector<pg::Row>
rows_of(std::vector<Drift> drifts, bool attribute)
{
	std::vector<pg::Row> rows;
	std::vector<Statement> statements;

	if (attribute)
		statements = statements_about(drifts);
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

} // namespace mg::drift
