// Goes through the items of a migration, and takes signatures.
#include "report/checklist.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "migrate/approvals.hpp"
#include "pg/session.hpp"
#include "policy/lists.hpp"
#include "policy/rights.hpp"
#include "report/ticks.hpp"

namespace mg::report {

namespace {

// Who has signed an item of these scripts since they were last rolled back.
Tick
signature(const Subject &subject, const std::string &item)
{
	const std::vector<pg::Row> rows = ledger::query(
		"SELECT string_agg(DISTINCT e.login_role, ', '), max(e.at)::timestamptz(0)::text,"
		" (array_agg(e.note ORDER BY e.at DESC, e.id DESC))[1] FROM mg.evidence e WHERE e.kind = 'signature' AND "
		"e.subject = $1 AND e.body->>'item' = $2 AND e.body->>'checksum' = $3 AND e.installation = (SELECT installation"
		" FROM mg.current) AND NOT EXISTS (SELECT FROM mg.run r WHERE r.migration = $1 AND r.outcome = 'rolled back'"
		" AND r.at > e.at)",
		{subject.migration.name, item, subject.bundle});
	const pg::Row &row = rows.front();

	if (!row[0].has_value())
		return {false, "", ""};
	return {true, *row[0], "signed at " + row[1].value_or("") + (row[2].has_value() ? ": " + *row[2] : "")};
}

// The right apply, or to approve of anything.
void
require_signer()
{
	if (policy::holds_right("apply") || policy::holds_right("approve:promotion"))
		return;
	for (const std::string &kind : policy::approval_kinds())
		if (policy::holds_right("approve:" + kind))
			return;
	throw UserError("42501", "permission denied to sign")
		.detail("This needs the right apply or approve:KIND, or a member of pg_database_owner or a superuser, as the "
				"user that logged in.")
		.hint("An owner of the database gives it: mg_grant_right(role_name, 'apply').");
}

const Item &
find_item(const std::string &id)
{
	std::vector<std::string> signable;
	auto found = std::find_if(items().begin(), items().end(), [&](const Item &item) { return item.id == id; });

	if (found != items().end() && found->tick == nullptr)
		return *found;
	for (const Item &item : items())
		if (item.tick == nullptr)
			signable.emplace_back(item.id);
	throw UserError("22023", found == items().end() ? "\"" + id + "\" is no item of a checklist"
													: "\"" + id + "\" is ticked by the database, and by nobody else")
		.hint("Items to sign are: " + policy::joined(signable) + ".");
}

} // namespace

std::vector<pg::Row>
checklist(const std::string &name)
{
	const migrate::Migration migration = migrate::Migration::registered(name);
	Subject subject(migration);
	std::vector<pg::Row> rows;
	auto some = [](const std::string &words) { return words.empty() ? pg::Cell() : pg::Cell(words); };

	for (const Item &item : items())
	{
		const Tick tick = item.tick != nullptr ? item.tick(subject) : signature(subject, item.id);
		rows.push_back({item.stage, item.id, item.task,
						tick.done.has_value() ? pg::Cell(*tick.done ? "t" : "f") : pg::Cell(), some(tick.by),
						some(tick.evidence)});
	}
	return rows;
}

void
sign(const std::string &name, const std::string &id, const std::string &note)
{
	require_signer();
	pg::require_recording("sign");
	const Item &item = find_item(id);
	const migrate::Migration migration = migrate::Migration::registered(name);

	if (item.stage == std::string("post") && !ledger::is_applied(name))
		throw UserError("MG406", "migration \"" + name + "\" is not applied")
			.detail("\"" + id + "\" is of what comes after it.")
			.hint("Sign it when it is.");
	ledger::append_evidence("signature", name,
							JsonObject().text("item", id).text("checksum", migrate::bundle_of(migration)).str(), note);
}

} // namespace mg::report
