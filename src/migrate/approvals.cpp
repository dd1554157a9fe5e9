// Writes and reads approvals and other evidence.
#include "migrate/approvals.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/text.hpp"
#include "migrate/migrate.hpp"
#include "migrate/surroundings.hpp"
#include "pg/session.hpp"
#include "policy/environment.hpp"
#include "policy/lists.hpp"
#include "policy/policy.hpp"
#include "policy/rights.hpp"

namespace mg::migrate {

namespace {

std::string
checksum_in(const std::optional<script::Script> &script)
{
	return script.has_value() ? script->checksum() : "";
}

// Raises MG408 for who registered these very scripts, whichever role was set.
void
require_another_author(const std::string &name, const std::string &up)
{
	const pg::Cell own = ledger::query_cell(
		"SELECT min(r.at)::timestamptz(0)::text FROM mg.registration r WHERE r.migration = $1 AND r.up = $2"
		" AND r.login_role = $3",
		{name, up, pg::login_role()});

	if (own.has_value())
		throw UserError("MG408", "nobody approves of a migration of their own")
			.detail("You registered \"" + name + "\" at " + *own + ".")
			.hint("Somebody else has to look at it.");
}

pg::Cell
member(const std::string &attestation, const char *name)
{
	return ledger::query_cell("SELECT $1::jsonb ->> $2", {attestation, std::string(name)});
}

std::string
hash_of(const std::string &attestation)
{
	return ledger::query_cell("SELECT encode(sha256(convert_to(($1::jsonb - 'hash')::text, 'UTF8')), 'hex')",
							  {attestation})
		.value_or("");
}

} // namespace

std::string
bundle_of(const Migration &migration)
{
	JsonArray parts;

	parts.text(migration.up.checksum());
	for (const std::optional<script::Script> *script : {&migration.down, &migration.verify, &migration.precondition})
		parts.text(checksum_in(*script));
	for (const std::string &required : migration.requirements)
		parts.text(required);
	return script::checksum_of(parts.str());
}

std::vector<policy::Approval>
approvals_of(const std::string &migration, const std::string &bundle)
{
	const int lifetime = policy::seconds("approval_lifetime");
	std::vector<policy::Approval> result;
	/* Who holds the right no longer has no say any more, whenever he approved. */
	auto holds = [](const std::string &kind, const std::string &role) {
		const Oid oid = pg::guarded([&] { return get_role_oid(role.c_str(), true); });
		return OidIsValid(oid) && policy::holds_right("approve:" + kind, oid);
	};

	for (const pg::Row &row : ledger::query(
			 "SELECT x.kind, x.login_role FROM (SELECT DISTINCT ON (a.kind, a.login_role) a.* FROM mg.approval a"
			 " WHERE a.migration = $1 AND a.checksum = $2 AND a.installation = (SELECT installation FROM mg.current)"
			 " ORDER BY a.kind, a.login_role, a.at DESC, a.id DESC) x"
			 " WHERE x.given AND ($3::float8 < 0 OR x.at > clock_timestamp() - $3::float8 * interval '1 second')"
			 " AND NOT EXISTS (SELECT FROM mg.registration r WHERE r.migration = $1 AND r.login_role = x.login_role"
			 " AND r.up = (SELECT n.up FROM mg.newest_registration n WHERE n.migration = $1))"
			 " ORDER BY 1, 2",
			 {migration, bundle, std::to_string(lifetime)}))
		if (holds(row[0].value_or(""), row[1].value_or("")))
			result.push_back({row[0].value_or(""), row[1].value_or("")});
	return result;
}

std::vector<policy::Promotion>
promotions_of(const std::string &migration, const std::string &bundle)
{
	std::vector<policy::Promotion> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT e.body->>'environment', e.body->>'applied_at' FROM mg.evidence e WHERE e.kind = 'attestation'"
			 " AND e.subject = $1 AND e.body->>'checksum' = $2 AND e.installation = (SELECT installation FROM "
			 "mg.current) ORDER BY e.at, e.id",
			 {migration, bundle}))
		result.push_back({row[0].value_or(""), row[1].value_or("")});
	return result;
}

void
approve(const std::string &name, const std::string &kind, const std::string &note, bool given)
{
	const std::vector<std::string> &kinds = policy::approval_kinds();

	if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
		throw UserError("22023", "\"" + kind + "\" is no kind of approval")
			.hint("Kinds are: " + policy::joined(kinds) + ".");
	policy::require_right("approve:" + kind, given ? "approve" : "take an approval back");
	pg::require_recording("approve");
	const Migration migration = Migration::registered(name);
	if (given)
		require_another_author(name, migration.up.checksum());

	ledger::Fields fields = {{"migration", name},
							 {"kind", kind},
							 {"given", given ? "t" : "f"},
							 {"checksum", bundle_of(migration)},
							 {"note", note.empty() ? pg::Cell() : pg::Cell(note)}};
	ledger::add_session(fields);
	ledger::append(ledger::Table::approval, fields);
}

int
approvals_needed(const Migration &migration)
{
	Surroundings surroundings(migration, policy::Action::apply, "");
	const std::vector<policy::Approval> given = surroundings.approvals();
	const int quorum = std::max(policy::number("approval_quorum"), 1);
	int missing = 0;

	for (const policy::Wanted &wanted : policy::approvals_wanted(surroundings))
	{
		const auto there = static_cast<int>(std::count_if(
			given.begin(), given.end(), [&](const policy::Approval &one) { return one.kind == wanted.kind; }));
		missing += std::max(0, quorum - there);
	}
	return missing;
}

std::string
attest(const std::string &name)
{
	const policy::Environment here = policy::environment();
	const std::optional<ledger::LastRun> last = ledger::find_last_run(name);

	if (here.name.empty() || !here.is_confirmed)
		throw UserError("55000", "nobody has said which environment this is")
			.detail(here.doubt)
			.hint("Say it with mg_set_environment().");
	if (!last.has_value() || !last->applied)
		throw UserError("MG406", "migration \"" + name + "\" is not applied")
			.hint("SELECT migration, status FROM mg.status tells what is.");
	for (const pg::Row &check : verify(name))
		if (check[3] == "f")
			throw UserError("MG402", "verification of migration \"" + name + "\" fails")
				.detail(check[1].value_or("") + " of " + check[2].value_or("?") + ": expected " +
						check[4].value_or("") + ", got " + check[5].value_or("") + ".")
				.hint("SELECT * FROM mg_verify() tells all of it.");

	const Migration migration = Migration::registered(name);
	const std::vector<pg::Row> facts = ledger::query(
		"SELECT r.at::text, r.login_role, r.id::text, clock_timestamp()::text, current_database() FROM mg.run r"
		" WHERE r.installation = $1::uuid AND r.id = $2::int8",
		{last->installation, std::to_string(last->id)});
	std::string attestation =
		JsonObject()
			.text("migration", name)
			.text("checksum", bundle_of(migration))
			.text("up", migration.up.checksum())
			.text("environment", here.name)
			.text("applied_at", facts[0][0].value_or(""))
			.text("applied_by", facts[0][1].value_or(""))
			.text("run", facts[0][2].value_or(""))
			.text("verified_at", facts[0][3].value_or(""))
			.text("database", facts[0][4].value_or(""))
			.text("system_identifier", std::to_string(pg::guarded([] { return GetSystemIdentifier(); })))
			.text("database_oid", std::to_string(MyDatabaseId))
			.text("attested_by", pg::login_role())
			.str();
	return *ledger::query_cell("SELECT ($1::jsonb || jsonb_build_object('hash', $2))::text",
							   {attestation, hash_of(attestation)});
}

void
accept_attestation(const std::string &attestation)
{
	policy::require_right("approve:promotion", "accept an attestation");
	pg::require_recording("accept an attestation");
	const bool is_object = ledger::query_cell("SELECT jsonb_typeof($1::jsonb) = 'object'", {attestation}) == "t";
	const std::string hash = is_object ? member(attestation, "hash").value_or("") : "";

	if (hash.empty() || hash != hash_of(attestation))
		throw UserError("22023", "this is no attestation, or not as mg_attest() gave it")
			.hint("Hand in the whole line that mg_attest() gives in the other environment.");
	const std::string name = member(attestation, "migration").value_or("");
	const std::string from = member(attestation, "environment").value_or("");
	const bool is_own =
		member(attestation, "system_identifier") == std::to_string(pg::guarded([] { return GetSystemIdentifier(); })) &&
		member(attestation, "database_oid") == std::to_string(MyDatabaseId);
	if (is_own || from == policy::environment().name)
		throw UserError("22023", "the attestation is of this environment").detail("It is of \"" + from + "\".");
	ledger::append_evidence("attestation", name, attestation);
}

void
record_backup(const std::string &label, const std::string &location, const pg::Cell &taken_at)
{
	policy::require_right("policy", "put a backup on record");
	pg::require_recording("put a backup on record");
	if (trim(label).empty())
		throw UserError("22023", "a backup needs a label");
	const std::vector<pg::Row> moment = ledger::query("SELECT to_jsonb(x.at) #>> '{}', x.at > clock_timestamp() + "
													  "interval '1 minute' FROM (SELECT coalesce($1::timestamptz, "
													  "clock_timestamp()) AS at) x",
													  {taken_at});
	if (moment[0][1] == "t")
		throw UserError("22023", "a backup cannot have been taken at " + moment[0][0].value_or(""));
	ledger::append_evidence("backup", label,
							JsonObject().text("location", location).text("taken_at", *moment[0][0]).str());
}

} // namespace mg::migrate
