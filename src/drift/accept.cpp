// Takes differences as they are.
#include "drift/accept.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/text.hpp"
#include "drift/attribution.hpp"
#include "drift/expected.hpp"
#include "ledger/store.hpp"
#include "pg/session.hpp"

namespace mg::drift {

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

// What differs, and nothing else of it, by statements that carry a migration's name.
std::vector<Drift>
attributed_drifts(const std::string &migration)
{
	if (!has_statements_of(migration))
		return {};

	std::vector<Drift> drifts = find_drift();
	const std::vector<Statement> statements = statements_about(drifts);
	drifts.erase(std::remove_if(drifts.begin(), drifts.end(),
								[&](const Drift &drift) {
									return !std::all_of(
										drift.deviations.begin(), drift.deviations.end(),
										[&](const Deviation &deviation) {
											const Statement *statement = find_statement(statements, drift, deviation);
											return statement != nullptr && statement->migration == migration;
										});
								}),
				 drifts.end());
	return drifts;
}

} // namespace

int
accept(const std::string &reason, const std::optional<std::string> &identity)
{
	pg::require_database_owner("accept drift");
	pg::require_recording("accept drift");
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
	else if (find_drift().empty())
		take_role_names();

	ledger::Fields fields = {{"setting", std::string("accept_drift")}, {"value", accepted.str()}, {"reason", reason}};
	ledger::add_session(fields);
	ledger::append(ledger::Table::policy_event, fields);
	return count;
}

void
take_attributed(const std::string &migration)
{
	std::vector<schema::Unit> units;
	std::vector<schema::Address> gone;
	std::string list;
	for (const Drift &drift : attributed_drifts(migration))
	{
		for (const Deviation &deviation : drift.deviations)
			list += (list.empty() ? "" : ", ") + deviation.type + " " + deviation.identity;
		if (drift.unit.has_value())
			units.push_back(*drift.unit);
		else
			gone.push_back(*drift.gone);
	}
	if (list.empty())
		return;
	take_units(units, gone);
	pg::report(NOTICE, UserError("00000", "what was done before in the name of migration \"" + migration +
											  "\" is expected from now on")
						   .detail("Done outside its run: " + list + "."));
}

std::vector<Deviation>
attributed(const std::string &migration)
{
	std::vector<Deviation> result;

	for (const Drift &drift : attributed_drifts(migration))
		result.insert(result.end(), drift.deviations.begin(), drift.deviations.end());
	return result;
}

} // namespace mg::drift
