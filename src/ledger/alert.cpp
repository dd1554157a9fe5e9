// Writes alerts and sends them.
#include "ledger/alert.hpp"

#include <map>

#include "core/json.hpp"
#include "pg/notify.hpp"
#include "pg/text.hpp"

namespace mg::ledger {

namespace {

constexpr const char *channel = "mg_alerts";

// What a NOTIFY says: no details, and a message as long as there is room for it.
std::string
payload_of(std::map<std::string, pg::Cell> &fields, int64_t id)
{
	const std::string database = query_cell("SELECT current_database()").value_or("");

	for (size_t room = pg::payload_limit / 2;; room /= 2)
	{
		JsonObject json;
		json.text("id", std::to_string(id))
			.text("at", fields["at"].value_or(""))
			.text("kind", fields["kind"].value_or(""))
			.text("severity", fields["severity"].value_or(""));
		const pg::Cell &migration = fields["migration"];
		json.json("migration", migration.has_value() ? json_quote(pg::excerpt(*migration, room)) : "null")
			.text("message", pg::excerpt(fields["message"].value_or(""), room))
			.text("by", fields["login_role"].value_or(""))
			.text("database", database);
		if (json.str().size() < pg::payload_limit)
			return json.str();
	}
}

} // namespace

Fields
alert_fields(const Alert &alert, const Fields &session, int64_t from_now_us)
{
	Fields fields = {{"at", pg::guarded([&] { return timestamptz_to_str(GetCurrentTimestamp() + from_now_us); })},
					 {"kind", alert.kind},
					 {"severity", alert.severity},
					 {"migration", alert.migration.empty() ? pg::Cell() : pg::Cell(alert.migration)},
					 {"message", alert.message},
					 {"details", alert.details}};

	fields.insert(fields.end(), session.begin(), session.end());
	return fields;
}

void
append_alert(const Fields &fields)
{
	const int64_t id = append(Table::alert, fields);
	std::map<std::string, pg::Cell> by_name(fields.begin(), fields.end());

	pg::notify_at_commit(channel, payload_of(by_name, id));
}

void
alert(const Alert &alert)
{
	Fields session;

	if (XactReadOnly || RecoveryInProgress())
		return;
	add_session(session);
	append_alert(alert_fields(alert, session));
}

void
alert_changes(const std::string &kind, const std::vector<State> &states)
{
	std::map<std::string, std::string> last;

	if (XactReadOnly || RecoveryInProgress())
		return;
	for (const pg::Row &row : query("SELECT DISTINCT ON (a.migration) a.migration, a.details ->> 'fingerprint'"
									" FROM mg.alert a WHERE a.kind = $1 AND a.details ? 'fingerprint'"
									" AND a.installation = (SELECT installation FROM mg.current)"
									" ORDER BY a.migration, a.at DESC, a.id DESC",
									{kind}))
		last[row[0].value_or("")] = row[1].value_or("");
	for (const State &state : states)
	{
		if (last[state.alert.migration] == state.fingerprint)
			continue;
		const Place &where = place();
		if (!pg::guarded([&] { return lock_for_insert_raw(where, Table::alert); }))
			return;
		Alert one = state.alert;
		one.details =
			query_cell("SELECT $1::jsonb || jsonb_build_object('fingerprint', $2)", {one.details, state.fingerprint})
				.value_or("{}");
		alert(one);
	}
}

} // namespace mg::ledger
