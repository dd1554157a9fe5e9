// Checks migrations before anything runs, and keeps them.
#include "migrate/migration.hpp"

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/split.hpp>

#include "capture/run.hpp"
#include "core/json.hpp"
#include "migrate/adopt.hpp"
#include "pg/latest.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"
#include "schema/sweep.hpp"
#include "script/steps.hpp"

namespace mg::migrate {

namespace {

std::optional<script::Script>
parse(const char *what, const std::optional<std::string> &body)
{
	if (!body.has_value())
		return std::nullopt;
	if (trim(without_bom(*body)).empty())
		throw UserError("22023", std::string(what) + " script is empty")
			.hint(std::string(what) == "up"
					  ? "Hand in the text of the migration; a comment is enough for one that does nothing."
					  : "Leave the argument out, or NULL, when there is none.");
	script::Script script(what, *body);
	script.require_no_secret();
	return script;
}

std::optional<script::Script>
kept(const char *what, const std::optional<std::string> &checksum)
{
	if (!checksum.has_value())
		return std::nullopt;
	return read_kept_script(what, *checksum);
}

std::optional<std::string>
checksum_of(const std::optional<script::Script> &script)
{
	return script.has_value() ? std::optional<std::string>(script->checksum()) : std::nullopt;
}

// Requirements come from the argument, else from the header "-- Requires: a, b".
std::vector<std::string>
requirements_of(const Request &request, const script::Script &up)
{
	if (request.requirements.has_value())
		return *request.requirements;

	std::vector<std::string> result;
	std::vector<std::string> parts;
	std::string list = header_value(up.headers(), "requires").value_or("");
	boost::algorithm::split(parts, list, boost::algorithm::is_any_of(",\n"));
	for (const std::string &part : parts)
		if (!trim(part).empty())
			result.emplace_back(trim(part));
	return result;
}

// Shortens a line to where it begins to differ from another, so that the difference is in what is left.
std::string
excerpt_at_difference(std::string_view line, std::string_view other)
{
	constexpr std::size_t lead = 40;
	std::size_t same = 0;

	while (same < line.size() && same < other.size() && line[same] == other[same])
		same++;
	if (same <= lead)
		return pg::excerpt(line, 120);
	std::size_t start = pg::character_start(line, same - lead);
	return "..." + pg::excerpt(line.substr(start), 120);
}

} // namespace

script::Script
read_kept_script(const char *what, const std::string &checksum)
{
	std::string body = ledger::read_script(checksum).body;

	if (script::checksum_of(body) != checksum)
		throw UserError("MG301",
						"the " + std::string(what) + " script in the ledger is not the one with checksum " + checksum)
			.hint("Somebody has changed it: SELECT * FROM mg_verify() tells what else.");
	return script::Script(what, body);
}

Migration
Migration::from_request(const Request &request)
{
	Migration migration(request.name, *parse("up", request.up));

	migration.down = parse("down", request.down);
	migration.verify = parse("verify", request.verify);
	migration.precondition = parse("precondition", request.precondition);
	migration.requirements = requirements_of(request, migration.up);
	return migration;
}

Migration
Migration::registered(const std::string &name, const char *hint)
{
	std::optional<ledger::Registration> known = ledger::find_registration(name);

	if (!known.has_value())
		throw UserError("MG004", "migration \"" + name + "\" is not registered").hint(hint);
	return from_ledger(*known);
}

Migration
Migration::from_ledger(const ledger::Registration &registration)
{
	Migration migration(registration.migration, read_kept_script("up", registration.up));

	migration.down = kept("down", registration.down);
	migration.verify = kept("verify", registration.verify);
	migration.precondition = kept("precondition", registration.precondition);
	migration.requirements = registration.requirements;
	return migration;
}

void
Migration::require_runnable() const
{
	up.require_runnable();
	for (const std::optional<script::Script> *script : {&down, &verify, &precondition})
		if (script->has_value())
			(*script)->require_runnable();
}

void
Migration::require_deployable() const
{
	script::steps_of(up);
	if (down.has_value())
		script::steps_of(*down);
	for (const std::optional<script::Script> *script : {&verify, &precondition})
		if (script->has_value())
			(*script)->require_runnable();
}

bool
Migration::is_same_as(const ledger::Registration &registration) const
{
	return registration.up == up.checksum() && registration.down == checksum_of(down) &&
		   registration.verify == checksum_of(verify) && registration.precondition == checksum_of(precondition) &&
		   registration.requirements == requirements;
}

std::string
Migration::headers_json() const
{
	JsonObject json;

	for (const Header &header : up.headers())
		json.text(header.key, header.value);
	return json.str();
}

ledger::Fields
Migration::registration_fields() const
{
	ledger::Fields fields = {{"migration", name},
							 {"version", version_of(policy::naming(), name)},
							 {"sort_key", sort_key_of(version_of(policy::naming(), name))},
							 {"up", up.checksum()},
							 {"down", checksum_of(down)},
							 {"verify", checksum_of(verify)},
							 {"precondition", checksum_of(precondition)},
							 {"requires", pg::array_literal(requirements)},
							 {"headers", headers_json()}};
	ledger::add_session(fields);
	return fields;
}

std::vector<std::pair<ledger::Table, ledger::Fields>>
Migration::records() const
{
	std::vector<std::pair<ledger::Table, ledger::Fields>> result;
	auto add = [&](const script::Script &script) {
		result.emplace_back(ledger::Table::script,
							ledger::Fields{{"checksum", script.checksum()},
										   {"token_hash", script.token_hash()},
										   {"algorithm", std::to_string(script::checksum_algorithm)},
										   {"body", script.body()}});
	};

	add(up);
	for (const std::optional<script::Script> *script : {&down, &verify, &precondition})
		if (script->has_value())
			add(**script);
	result.emplace_back(ledger::Table::registration, registration_fields());
	return result;
}

Kept
Migration::keep() const
{
	std::optional<ledger::Registration> known = ledger::find_registration(name);

	if (known.has_value() && is_same_as(*known))
		return Kept::unchanged;
	for (const auto &[table, fields] : records())
		if (table == ledger::Table::script)
			ledger::keep_script(*fields[0].second, fields[1].second.value_or(""), script::checksum_algorithm,
								*fields[3].second);
		else
			ledger::append(table, fields);
	return known.has_value() ? Kept::changed : Kept::is_new;
}

void
require_writable()
{
	if (RecoveryInProgress())
		throw UserError("25006", "cannot run a migration during recovery").hint("Run it on the primary server.");
	if (XactReadOnly)
		throw UserError("25006", "cannot run a migration in a read-only transaction");
	if (capture::is_running())
		throw UserError("55000", "a migration cannot run inside a migration")
			.hint("Name the other migration in the argument \"requires\" instead.");
	ledger::place();
}

void
require_fresh_registration(const std::string &name)
{
	auto newest = [&] {
		return ledger::query_cell(
			"SELECT r.hash FROM mg.registration r WHERE r.migration = $1 ORDER BY r.at DESC, r.id DESC LIMIT 1",
			{name});
	};

	if (!pg::guarded([] { return IsolationUsesXactSnapshot(); }))
		return;
	const pg::Cell seen = newest();
	pg::LatestScope latest;
	if (newest() != seen)
		throw UserError("40001", "could not serialize access to the ledger: migration \"" + name +
									 "\" was registered anew since this transaction began")
			.hint("Run it again in a new transaction, or under READ COMMITTED.");
}

void
check_name_and_version(const std::string &name)
{
	policy::require_name(name);

	const Convention &convention = policy::naming();
	std::string version = version_of(convention, name);
	if (version.empty())
		return;

	for (const std::string &other : ledger::others_with_version(sort_key_of(version), name))
	{
		if (ledger::is_applied(other))
			throw UserError("MG002", "version " + version + " is taken by migration \"" + other + "\"")
				.detail("Two migrations with one version have no order.")
				.hint("Give \"" + name + "\" the next free version.");
		pg::report(WARNING,
				   UserError("01000", "version " + version + " is also that of pending migration \"" + other + "\""));
	}
	std::string newest = ledger::newest_applied_version();
	if (newest.empty())
		return;
	if (compare_versions(version, newest) < 0)
		pg::report(WARNING, UserError("01000", "migration \"" + name + "\" is out of order")
								.detail("Version " + newest + " is applied already."));
	else if (gap_after(convention, newest, version) > 0)
		pg::report(NOTICE, UserError("00000", "there is a gap between version " + newest + " and version " + version));
}

void
check_requirements(const Migration &migration, bool applied, const std::set<std::string> &assumed)
{
	if (migration.requirements.empty())
		return;

	Requirements all = ledger::all_requirements();
	all[migration.name] = migration.requirements;
	if (std::optional<std::vector<std::string>> cycle = find_cycle(all, migration.name))
		throw UserError("MG005", "migration \"" + migration.name + "\" requires migrations in a circle")
			.detail("The circle is: " + boost::algorithm::join(*cycle, " requires ") + ".");

	for (const std::string &required : migration.requirements)
	{
		if (assumed.count(required) != 0 || ledger::is_applied(required))
			continue;
		if (!ledger::find_registration(required).has_value())
			throw UserError("MG004",
							"migration \"" + migration.name + "\" requires \"" + required + "\", which is not known")
				.hint("Register or apply \"" + required + "\" first, or correct its name.");
		if (!applied)
			continue;

		/* Follow the chain of what is not applied to its end, which is where to begin. */
		std::vector<std::string> chain = {migration.name, required};
		for (bool more = true; more;)
		{
			more = false;
			for (const std::string &next : all[chain.back()])
				if (!ledger::is_applied(next))
				{
					chain.push_back(next);
					more = true;
					break;
				}
		}
		throw UserError("MG006",
						"migration \"" + migration.name + "\" requires \"" + required + "\", which is not applied")
			.detail("Not applied yet: " + boost::algorithm::join(chain, " requires ") + ".")
			.hint("Apply \"" + chain.back() + "\" first.");
	}
}

bool
is_same_text(const Migration &migration, const std::string &checksum)
{
	std::string own = migration.up.checksum();
	if (own == checksum)
		return true;

	ledger::Kept before = ledger::read_script(checksum);
	/* Another tool's table does not have the file: it has the text of its statements, or none, until one is registered. */
	if (before.token_hash == migration.up.token_hash() && is_adopted(migration.name))
		return true;
	if (before.body == script_of_adopted(migration.name) && is_adopted(migration.name))
	{
		std::optional<ledger::Registration> known = ledger::find_registration(migration.name);
		return !known.has_value() || known->up == checksum || is_same_text(migration, known->up);
	}
	std::string detail;
	std::optional<Difference> difference = first_difference(before.body, migration.up.body());
	std::string line = std::to_string(difference.has_value() ? difference->line : 1);
	if (before.token_hash == migration.up.token_hash())
		detail = "Only comments or spacing differ, first in line " + line + ".";
	else if (difference.has_value())
		detail = "Line " + line + " was: " + excerpt_at_difference(difference->ours, difference->theirs) +
				 "\nand is now: " + excerpt_at_difference(difference->theirs, difference->ours);
	detail += "\nApplied with checksum " + checksum + ",\nhanded in with checksum " + own + ".";
	throw UserError("MG003", "migration \"" + migration.name + "\" is applied with another text")
		.detail(detail)
		.hint(
			"A migration that is applied does not change: put the change into a new one, or roll this one back first.");
}

} // namespace mg::migrate
