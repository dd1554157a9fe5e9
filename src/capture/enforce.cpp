// Judges schema changes outside migrations.
#include "capture/enforce.hpp"

#include <algorithm>
#include <optional>

#include <boost/algorithm/string/case_conv.hpp>

#include "capture/alert.hpp"
#include "capture/capture.hpp"
#include "capture/reach.hpp"
#include "capture/run.hpp"
#include "capture/settings.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "ledger/history.hpp"
#include "ledger/store.hpp"
#include "pg/latest.hpp"
#include "pg/text.hpp"
#include "policy/break_glass.hpp"
#include "policy/environment.hpp"
#include "policy/lists.hpp"
#include "policy/policy.hpp"
#include "policy/rights.hpp"
#include "script/kind.hpp"
#include "script/script.hpp"
#include "script/tokens.hpp"

extern "C" {
#include "replication/logicalworker.h"
}

namespace mg::capture {

namespace {

// What the policy says here. Every statement asks, so it is kept: whoever changes the policy or the environment has the server throw it
// away in all sessions, by the callback below.
struct Rules
{
	bool keeps = false; // what is destroyed
	Level level = level_off;
	bool is_waiting = false; // restored from elsewhere: an owner has not confirmed it here
	bool is_cluster = false;
	bool has_gates = false;
	const Convention *naming = nullptr;
	std::string environment;
	std::vector<std::string> schemas; // empty: all but `ignored`
	std::vector<std::string> ignored;
	std::vector<std::string> exempt;
};
std::optional<Rules> kept;
bool is_fresh = false;
uint64 news = 0; // how often something has changed
pg_uuid_t rules_of;
Oid watched[2] = {InvalidOid, InvalidOid};

void
relation_changed(Datum, Oid relation)
{
	if (relation != InvalidOid && relation != watched[0] && relation != watched[1])
		return;
	is_fresh = false;
	news++;
}

// Only where the rules have been read, which a statement that is enforced says.
const Rules &
rules()
{
	return *kept;
}

bool
contains(const std::vector<std::string> &list, const char *name)
{
	return std::any_of(list.begin(), list.end(), [&](const std::string &item) { return item == name; });
}

Level
level_of(const std::string &word)
{
	return word == "block" ? level_block : word == "warn" ? level_warn : word == "record" ? level_record : level_off;
}

const char *
word_of(int level)
{
	return level == level_block ? "block" : level == level_warn ? "warn" : level == level_record ? "record" : "off";
}

Rules
read_rules()
{
	pg::LatestScope latest;
	Rules result;

	policy::forget_values();
	result.level = level_of(policy::value_of("enforcement"));
	result.keeps = policy::is_on("archive_outside");
	if (result.level == level_off)
		return result;
	/* A dump is restored with the policy in it, and must not stop itself. */
	result.is_waiting = ledger::query_cell("SELECT NOT EXISTS (SELECT FROM mg.environment e, mg.current c WHERE "
										   "e.installation = c.installation) AND NOT EXISTS (SELECT FROM "
										   "mg.policy_event p, mg.current c WHERE p.installation = c.installation"
										   " AND p.setting = 'enforcement')") == "t";
	result.naming = &policy::naming();
	result.environment = policy::environment().name;
	result.schemas = policy::names("enforced_schemas");
	result.ignored = policy::ignored_schemas();
	result.exempt = policy::names("exempt_roles");
	result.is_cluster = policy::value_of("drift_scope") == "cluster";
	result.has_gates =
		std::any_of(policy::settings.begin(), policy::settings.end(), [](const policy::Setting &setting) {
			return setting.is_gate && policy::value_of(setting.name) != setting.fallback;
		});
	return result;
}

// Tells whether tables can be read without waiting for a lock.
bool
can_read(const ledger::Place &place, std::initializer_list<ledger::Table> tables)
{
	for (ledger::Table table : tables)
		if (!pg::guarded([&] { return ConditionalLockRelationOid(place.of(table), AccessShareLock); }))
			return false;
	return true;
}

// The rules as they are now; while somebody keeps them locked, as they were when they were last read, or nullptr.
const Rules *
rules_now()
{
	static bool is_registered = false;
	/* In the middle of a transaction nothing but a lock would bring the news of other sessions. */
	const ledger::Place *place = pg::guarded([] {
		AcceptInvalidationMessages();
		return ledger::find_raw();
	});

	if (!is_registered)
	{
		pg::guarded([] { CacheRegisterRelcacheCallback(relation_changed, 0); });
		is_registered = true;
	}
	if (place == nullptr)
		return ledger::is_busy() && kept.has_value() ? &*kept : nullptr;
	if (is_fresh && memcmp(&rules_of, &place->installation, sizeof(rules_of)) == 0)
		return &*kept;

	const ledger::Place where = *place;
	if (!can_read(where, {ledger::Table::policy_event, ledger::Table::environment}))
	{
		pg::guarded([] {
			ereport(LOG, (errmsg("migration_governance: could not read the policy: it is locked"), errhidestmt(true)));
		});
		return kept.has_value() ? &*kept : nullptr;
	}
	watched[0] = where.of(ledger::Table::policy_event);
	watched[1] = where.of(ledger::Table::environment);
	/* Taken before reading: what changes meanwhile must win. */
	const uint64 before = news;
	kept = read_rules();
	rules_of = where.installation;
	is_fresh = news == before;
	return &*kept;
}

bool own_statements = false;

// Tells whether enforcement is none of this session's or this moment's business, whatever the policy says.
bool
stands_aside()
{
	return own_statements || !IsUnderPostmaster || IsBinaryUpgrade || creating_extension || is_silent() ||
		   is_running() || IsLogicalWorker();
}

const char *
login_role()
{
	return pg::guarded([]() -> const char * {
		Oid login = GetAuthenticatedUserId();
		return OidIsValid(login) ? GetUserNameFromId(login, true) : nullptr;
	});
}

Level
level_here()
{
	if (stands_aside())
		return level_off;
	const Rules *now = rules_now();
	if (now == nullptr || now->level == level_off || now->is_waiting)
		return level_off;
	const char *login = login_role();
	return login != nullptr && contains(now->exempt, login) ? level_off : now->level;
}

// The extension's schema guards itself.
bool
is_enforced_schema(const char *schema)
{
	if (strcmp(schema, "mg") == 0 || strcmp(schema, "mg_archive") == 0 || strcmp(schema, "information_schema") == 0 || strcmp(schema, "pg_catalog") == 0 ||
		strncmp(schema, "pg_toast", 8) == 0 || strncmp(schema, "pg_temp", 7) == 0)
		return false;
	return rules().schemas.empty() ? !contains(rules().ignored, schema) : contains(rules().schemas, schema);
}

// What policy has something against, by the tree alone; nullptr when there is nothing, or it does not tell.
const char *
offence_of(const ReachRaw &reach)
{
	ListCell *cell;
	ListCell *object;

	switch (reach.span)
	{
		case Span::upkeep:
		case Span::unknown:
		case Span::nothing:
			return nullptr;
		case Span::schemas:
			forboth(cell, reach.schemas, object, reach.objects)
			{
				if (is_enforced_schema(static_cast<const char *>(lfirst(cell))))
					return static_cast<const char *>(lfirst(object));
			}
			return nullptr;
		case Span::database:
			return rules().schemas.empty() ? "the database" : nullptr;
		case Span::anything:
			return "any schema";
		case Span::protection:
			return "an event trigger";
		case Span::shared:
			foreach (cell, reach.roles)
				if (contains(rules().exempt, static_cast<const char *>(lfirst(cell))))
					return "a role that enforcement is not about";
			return rules().is_cluster ? "the whole server" : nullptr;
	}
	return nullptr;
}

void
note(FrameRaw *frame, const char *type, const char *identity)
{
	if (frame->offence == nullptr)
		frame->offence = MemoryContextStrdup(
			frame->memory, psprintf("%s %s", type != nullptr ? type : "object", identity != nullptr ? identity : "?"));
}

// The exact text, with secrets taken out; nothing when it is not known.
pg::Cell
statement_of(const FrameRaw *frame)
{
	const char *exact = pg::guarded([&] { return text_of_raw(frame); });

	return exact != nullptr ? pg::Cell(exact) : pg::Cell();
}

// The tokens of a statement but for CONCURRENTLY, IF EXISTS and IF NOT EXISTS: a migration says CREATE INDEX IF NOT EXISTS of the index that
// is built with CONCURRENTLY beside it.
std::vector<std::string>
essence_of(const std::string &statement)
{
	const std::vector<script::Token> tokens = script::tokens_of(statement);
	std::vector<std::string> result;
	auto is_word = [&](std::size_t place, const char *word) {
		return place < tokens.size() && tokens[place].word == word;
	};

	for (std::size_t i = 0; i < tokens.size(); i++)
	{
		const script::Token &token = tokens[i];

		if (is_word(i, "if") && is_word(i + 1, "exists"))
			i++;
		else if (is_word(i, "if") && is_word(i + 1, "not") && is_word(i + 2, "exists"))
			i += 2;
		else if (!is_word(i, "concurrently"))
			result.push_back(token.is_string      ? "'" + token.value
							 : token.word.empty() ? statement.substr(token.start, token.end - token.start)
												  : token.word);
	}
	return result;
}

bool
has_statement(const std::string &checksum, const std::vector<std::string> &essence)
{
	const script::Script script("up", ledger::read_script(checksum).body);

	return std::any_of(script.statements().begin(), script.statements().end(), [&](const script::Statement &one) {
		return essence_of(std::string(script.text_of(one))) == essence;
	});
}

// Tells whether the statement is one of the registered migration that migration_governance.migration names, and who runs it may apply it.
// Where there are gates, only what mg_apply() cannot run may go around them.
bool
is_of_migration(const FrameRaw *frame)
{
	const std::string name = claimed_migration();
	const pg::Cell statement = statement_of(frame);

	if (name.empty() || !statement.has_value())
		return false;
	const script::Refusal refusal = pg::guarded([&] { return script::refusal_raw(frame->tree); });
	/* What a migration can run has to pass its gates. */
	if (rules().has_gates && (refusal.reason == nullptr || refusal.deployable))
		return false;
	const std::optional<ledger::Registration> registered = ledger::find_registration(name);
	if (!registered.has_value() || !policy::holds_right("apply"))
		return false;
	const std::vector<std::string> essence = essence_of(*statement);
	return has_statement(registered->up, essence) ||
		   (registered->down.has_value() && has_statement(*registered->down, essence));
}

// Tells whether policy lets pass what it has something against.
bool
is_let_through(const FrameRaw *frame)
{
	const ledger::Place *place = pg::guarded([] { return ledger::find_raw(); });
	pg::LatestScope latest;

	if (place == nullptr)
		throw UserError("55P03", "whether policy lets this statement run cannot be told while the ledger is locked")
			.hint("Try again when the lock on the tables of schema mg is gone.");
	const ledger::Place where = *place;
	if (!can_read(where, {ledger::Table::evidence, ledger::Table::registration, ledger::Table::script}))
		return false;
	return policy::is_glass_broken() || is_of_migration(frame);
}

// A name for the statement as a migration, in the convention in force.
std::string
suggested_name(const FrameRaw *frame)
{
	const std::string tag = boost::algorithm::to_lower_copy(std::string(GetCommandTagName(frame->tag)));
	const std::string verb = tag.substr(0, tag.find(' '));
	const std::string kind = is_migration_kind(verb) ? verb : "fix";
	const std::string what = pg::excerpt(frame->offence, 60);
	const bool says_kind = rules().naming->shape == NameShape::typed_timestamp && kind == verb;
	const bool is_readable = can_read(ledger::place(), {ledger::Table::registration});
	const std::string name = next_name(
		*rules().naming, kind, says_kind ? what : verb + " " + what, is_readable ? ledger::newest_version() : "",
		ledger::query_cell("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS')").value_or(""));
	std::string free = name;

	for (int i = 2; is_readable && ledger::find_registration(free).has_value(); i++)
		free = name + "_" + std::to_string(i);
	return free;
}

// A dollar quote around a statement that has none of that tag in it.
std::string
dollar_quoted(const std::string &statement)
{
	std::string tag = "$up$";

	while (statement.find(tag) != std::string::npos)
		tag.insert(tag.size() - 1, "_");
	return tag + statement + tag;
}

std::string
proper_way(const FrameRaw *frame, const pg::Cell &statement)
{
	const std::string name = "'" + suggested_name(frame) + "'";
	const std::string registering =
		"SELECT mg_register(" + name + ", " + dollar_quoted(statement.value_or("...")) + ");";
	const script::Refusal refusal = pg::guarded([&] { return script::refusal_raw(frame->tree); });
	const std::string way =
		refusal.reason == nullptr ? "Make it a migration: " + registering + " SELECT mg_apply(" + name + ");"
		: refusal.deployable      ? "Make it a migration: " + registering + " CALL mg_deploy(" + name + ");"
								  : "Register it, name it and run it again: " + registering +
								   " SET migration_governance.migration = " + name + ";";

	return way + " In an emergency, who has the right break_glass says why: SELECT mg_break_glass('...').";
}

std::string
here()
{
	return rules().environment.empty() ? "this database" : "environment \"" + rules().environment + "\"";
}

std::string
who()
{
	const char *login = login_role();

	return "\"" + std::string(login != nullptr ? login : "?") + "\"";
}

std::string
what(const FrameRaw *frame)
{
	return std::string(GetCommandTagName(frame->tag)) + " on " + frame->offence;
}

ledger::Alert
alert_of(const FrameRaw *frame, const pg::Cell &statement)
{
	const bool is_blocked = frame->level == level_block;
	ledger::Alert alert;

	alert.kind = "change outside migrations";
	alert.severity = is_blocked ? "high" : "warning";
	alert.message = what(frame) + " by " + who() + " outside migrations" + (is_blocked ? ", refused" : "");
	alert.details = JsonObject()
						.text("tag", GetCommandTagName(frame->tag))
						.text("object", frame->offence)
						.json("statement", statement.has_value() ? json_quote(*statement) : "null")
						.text("enforcement", word_of(frame->level))
						.boolean("refused", is_blocked)
						.json("environment", rules().environment.empty() ? "null" : json_quote(rules().environment))
						.str();
	return alert;
}

[[noreturn]] void
refuse(const FrameRaw *frame)
{
	const pg::Cell statement = statement_of(frame);

	keep_alert_apart(alert_of(frame, statement));
	throw UserError("MG409", "schema changes outside migrations are not allowed in " + here())
		.detail(what(frame) + " by " + who() + ": " + pg::excerpt(statement.value_or("(text not known)"), 500))
		.hint(proper_way(frame, statement));
}

void
admonish(const FrameRaw *frame)
{
	const pg::Cell statement = statement_of(frame);

	keep_alert(alert_of(frame, statement));
	if (frame->level == level_warn)
		pg::report(WARNING, UserError("01000", "schema change outside migrations in " + here())
								.detail(what(frame) + " by " + who() + ".")
								.hint(proper_way(frame, statement)));
}

} // namespace

bool
can_ask_archive()
{
	const ledger::Place *place = pg::guarded([] { return ledger::find_raw(); });

	return place != nullptr && can_read(ledger::Place(*place), {ledger::Table::archive});
}

bool
keeps_outside()
{
	const Rules *now = stands_aside() ? nullptr : rules_now();

	return now != nullptr && now->keeps;
}

OwnStatements::OwnStatements() : before_(own_statements)
{
	own_statements = true;
}

OwnStatements::~OwnStatements()
{
	own_statements = before_;
}

void
enforce_start(FrameRaw *frame)
{
	frame->level = level_here();
	if (frame->level == level_off)
		return;

	const ReachRaw reach = pg::guarded([&] { return reach_raw(frame->tree); });
	if (reach.span == Span::upkeep)
	{
		frame->level = level_off;
		return;
	}
	frame->untold = reach.span == Span::unknown;
	/* Before the hook, this is a call of an event trigger, whose memory goes before the statement ends. */
	const char *offence = offence_of(reach);
	frame->offence = offence != nullptr
						 ? pg::guarded([&] { return MemoryContextStrdup(frame->memory, offence); })
						 : nullptr;
	/* What a standby cannot do is the server's to say. */
	if (frame->level != level_block || frame->offence == nullptr || RecoveryInProgress())
		return;
	if (!is_let_through(frame))
		refuse(frame);
	frame->level = level_off;
}

void
enforce_touched_raw(FrameRaw *frame, ObjectAddress address, const char *schema, const char *type, const char *identity)
{
	if (frame->level == level_off || frame->offence != nullptr ||
		(type != nullptr && strcmp(type, "large object") == 0))
		return;
	if (address.classId == NamespaceRelationId)
		schema = get_namespace_name(address.objectId);
	else if (schema == nullptr)
		schema = schema_of_part_raw(address);
	if (schema != nullptr ? is_enforced_schema(schema) : rules().schemas.empty())
		note(frame, type, identity);
}

void
enforce_dropped_raw(FrameRaw *frame, const char *schema, const char *type, const char *identity, const char *first_name,
					bool named)
{
	if (frame->level == level_off || frame->offence != nullptr ||
		(type != nullptr && strcmp(type, "large object") == 0))
		return;
	const bool stands_on_table = type != nullptr && (strcmp(type, "trigger") == 0 || strcmp(type, "rule") == 0 ||
													 strcmp(type, "policy") == 0 || strcmp(type, "default value") == 0);
	if (schema == nullptr && (stands_on_table || (type != nullptr && strcmp(type, "schema") == 0)))
		schema = first_name;
	if (schema != nullptr ? is_enforced_schema(schema) : named && rules().schemas.empty())
		note(frame, type, identity);
}

void
enforce_end(FrameRaw *frame)
{
	if (frame->level == level_off || ledger::is_busy() || pg::guarded([] { return ledger::find_raw(); }) == nullptr)
		return;
	/* A superuser can switch event triggers off (from 17 on), and other extensions keep them from being called. */
	if (frame->offence == nullptr && frame->untold && !frame->started && command_tag_event_trigger_ok(frame->tag))
		frame->offence = "objects that no event trigger was told of";
	if (frame->offence == nullptr || is_let_through(frame))
		return;
	if (frame->level == level_block)
		refuse(frame);
	admonish(frame);
}

std::vector<pg::Row>
enforcement_status()
{
	const Rules *now = rules_now();
	std::vector<pg::Row> rows;

	if (now == nullptr)
		return rows;
	const bool is_loaded = ledger::query_cell("SELECT current_setting('shared_preload_libraries') || ', ' || "
											  "current_setting('session_preload_libraries') ~ "
											  "'(^|[/, \"])migration_governance'") == "t";
	std::string value = word_of(now->level);
	pg::Cell hint;
	if (now->level != level_off)
		value += now->schemas.empty() ? (now->ignored.empty() ? std::string(" in all schemas")
															  : " in all schemas but " + policy::joined(now->ignored))
									  : " in " + policy::joined(now->schemas);
	if (now->level != level_off && !now->exempt.empty())
		value += ", not for " + policy::joined(now->exempt);
	if (now->level != level_off && now->is_waiting)
		hint = "This policy was restored with the ledger: it is enforced once an owner calls mg_set_environment().";
	else if (now->level != level_off && !is_loaded)
		hint =
			"A session's first statement is not seen if it is one of event triggers, roles or settings, REASSIGN OWNED "
			"or EXPLAIN ANALYZE CREATE TABLE AS: preload the library (README, capture modes).";
	rows.push_back({"enforcement", value, hint.has_value() ? "f" : "t", hint});

	std::string broken;
	for (const pg::Row &glass : policy::broken_glasses())
		broken += (broken.empty() ? "" : "; ") + glass[0].value_or("") + " until " + glass[1].value_or("") + ": " +
				  glass[2].value_or("");
	rows.push_back({"broken glass", broken.empty() ? "none" : broken, broken.empty() ? "t" : "f",
					broken.empty() ? pg::Cell() : pg::Cell("mg_break_glass_report() lists what is done meanwhile.")});
	return rows;
}

} // namespace mg::capture
