// The settings of the policy: what a team may decide, and what holds until it does.
#pragma once

#include <array>
#include <optional>
#include <string>

namespace mg::policy {

// What a value looks like.
enum class Form
{
	text,
	choice,   // one of `choices`
	number,   // a whole one, from 0 on
	duration, // 100ms, 5min
	limit,    // a duration in seconds, or empty for none
	size      // 64MB
};

struct Setting
{
	const char *name;
	const char *fallback;
	const char *meaning;
	Form form = Form::text;
	const char *choices = "";
	bool is_gate = false; // what differs from the fallback holds migrations back
};

inline constexpr const char *on_or_off = "off, on";

inline constexpr std::array<Setting, 54> settings = {{
	{"naming", "free", "naming convention of migrations: free, sequence, timestamp, typed_timestamp or date_sequence"},
	{"required_tables", "", "tables that mg_verify() must find, schema-qualified and separated by commas"},
	{"ignored_schemas", "",
	 "schemas that snapshots, drift reports, mg_health() and the checks of mg_verify() leave out, separated by commas: "
	 "a "
	 "platform's own"},
	{"drift_scope", "database",
	 "what snapshots and drift reports look at: database, or cluster with roles and tablespaces", Form::choice,
	 "database, cluster"},
	{"lint_small_table", "1MB", "the linter does not warn of what goes through a table up to this size", Form::size},
	{"lint_severity", "",
	 "severities of the linter's rules or groups of rules that differ from its own: drop-column=error, T=warning"},
	{"rehearsal_lock_timeout", "100ms", "how long a rehearsal waits for a lock, before it holds any", Form::duration},
	{"rehearsal_max_size", "1GB", "a rehearsal does not read or write a table from end to end that is larger",
	 Form::size},
	{"rehearsal_count_size", "64MB",
	 "tables up to this size are counted and compared by a rehearsal; of larger ones it gives the planner's estimate",
	 Form::size},
	{"rehearsal_outside", "refuse",
	 "what a rehearsal does with functions and statements that reach out of the database, which nothing undoes: refuse "
	 "or allow",
	 Form::choice, "refuse, allow"},
	{"rollback_budget", "5min", "how long the way back may take in a rehearsal", Form::duration},

	{"required_headers", "",
	 "header comments that the up script must have, separated by commas: author, ticket, description, date, ...",
	 Form::text, "", true},
	{"ticket_pattern", "",
	 "regular expression that the header comment Ticket must match as a whole; empty: none is asked for", Form::text,
	 "", true},
	{"require_down", "off", "whether a migration needs a down script", Form::choice, on_or_off, true},
	{"require_verify", "off", "whether a migration needs verification queries", Form::choice, on_or_off, true},
	{"require_rehearsal", "off",
	 "whether a migration needs a fresh receipt of mg_rehearse() that says restores, within rollback_budget",
	 Form::choice, on_or_off, true},
	{"lint_gate", "off", "findings of the linter that hold a migration back: error, or warning with errors",
	 Form::choice, "off, error, warning", true},
	{"required_approvals", "",
	 "kinds of approval that are asked for, separated by commas: review of every migration above unreviewed_risk, "
	 "architecture of high-risk ones, security and retention of those whose statements touch that",
	 Form::text, "", true},
	{"unreviewed_risk", "none", "the highest risk class that needs no review: none, safe, controlled or high-risk",
	 Form::choice, "none, safe, controlled, high-risk"},
	{"approval_quorum", "1", "how many people have to give each kind of approval", Form::number},
	{"approval_lifetime", "", "how long an approval counts; empty: until the scripts change", Form::limit},
	{"security_schemas", "auth", "schemas whose objects need a security approval to be changed, separated by commas"},
	{"security_roles", "public, anon",
	 "roles that nothing is granted to without a security approval, separated by commas; public is everybody"},
	{"promoted_from", "",
	 "environment in which the same scripts must have been applied and verified: mg_attest() there, "
	 "mg_accept_attestation() here",
	 Form::text, "", true},
	{"maintenance_window", "",
	 "when migrations may run: Mon-Fri 22:00-06:00 Europe/Berlin; Sat-Sun 00:00-24:00 UTC; empty: always", Form::text,
	 "", true},
	{"freeze", "", "when none may run: 2026-12-20 00:00 to 2027-01-04 00:00 Europe/Berlin; more of them behind ;",
	 Form::text, "", true},
	{"backup_max_age", "", "how old the newest backup on record by mg_record_backup() may be; empty: none is asked for",
	 Form::limit, "", true},
	{"restore_point", "off",
	 "whether a named restore point is made before each run, for recovery to that point; only superusers and who may "
	 "call "
	 "pg_create_restore_point() can",
	 Form::choice, on_or_off},
	{"require_no_drift", "off", "whether the schema must be what the ledger says before a migration runs", Form::choice,
	 on_or_off, true},
	{"longest_transaction", "",
	 "a migration does not begin while a transaction of another session is older; empty: any may be", Form::limit, "",
	 true},
	{"replica_lag", "", "a migration does not begin while a replica is further behind; empty: any may be", Form::limit,
	 "", true},
	{"require_disk", "off", "whether there must be room for what the linter says a migration writes", Form::choice,
	 on_or_off, true},
	{"require_reason", "off", "whether a rollback needs a reason", Form::choice, on_or_off, true},
	{"rollback_gates", "",
	 "gates that hold for rollbacks too, separated by commas: maintenance_window, freeze, backup_max_age, ..."},

	{"archive", "on", "whether what a migration destroys is kept in schema mg_archive first", Form::choice, on_or_off},
	{"archive_outside", "off",
	 "whether what DROP, TRUNCATE and ALTER TABLE destroy outside migrations is kept too", Form::choice, on_or_off},
	{"archive_retention", "90d", "how long it is kept before mg_purge_archives() drops it; empty: until somebody drops it",
	 Form::limit},
	{"archive_rows", "1000", "how many rows one statement deletes or updates before these are kept too", Form::number},
	{"archive_limit", "100GB",
	 "how large a table may be that is kept by moving it; above, a script must say -- mg:discard table reason", Form::size},
	{"archive_copy_limit", "1GB", "likewise for what has to be copied while its table is locked: columns, values, rows",
	 Form::size},
	{"never_archived", "",
	 "tables and columns that are never kept, separated by commas: those whose deletion is a duty, such as public.users.email"},

	{"enforcement", "off",
	 "what becomes of schema changes outside migrations: off, record (with an alert), warn or block", Form::choice,
	 "off, record, warn, block"},
	{"enforced_schemas", "", "schemas that enforcement is about, separated by commas; empty: all but ignored_schemas"},
	{"exempt_roles", "", "roles that enforcement is not about, separated by commas: a platform's own"},
	{"alert_after", "30s", "a run that takes longer is an alert", Form::duration},
	{"alarm_after", "30min", "a run that takes longer is an alert of high severity", Form::duration},
	{"wait_for_transactions", "",
	 "how long a deployment waits for older transactions before a statement with CONCURRENTLY, which it then leaves; "
	 "empty: "
	 "as long as they take",
	 Form::limit},
	{"end_blockers", "",
	 "sessions that keep a deployment waiting and have been idle in a transaction, or running it, for longer are "
	 "ended, with "
	 "the rights of whoever deploys; empty: none",
	 Form::limit},
	{"backfill_batch_time", "20ms", "how long a batch of a backfill is meant to take", Form::duration},
	{"backfill_rest", "50",
	 "how long a backfill rests after each batch while other sessions keep all processors at work, in hundredths of "
	 "the batch's time; less while they keep fewer; 0: never",
	 Form::number},
	{"backfill_replica_lag", "10s", "a backfill waits while a replica is further behind; empty: it does not",
	 Form::limit},
	{"backfill_dead_rows", "50",
	 "a backfill runs VACUUM when so many rows in a hundred were changed since the last one; 0: only at its end",
	 Form::number},
	{"backfill_triggers", "on",
	 "whether triggers fire for the rows that a backfill changes, those of foreign keys too; off needs the right to "
	 "set "
	 "session_replication_role",
	 Form::choice, on_or_off},
	{"production", "production", "environments in which a rollback is an alert, separated by commas"},
}};

// By its name; raises 22023 for one that is none, with those that are.
const Setting &find(const std::string &name);

// Raises 22023 when the setting cannot have the value.
void require_value(const Setting &setting, const std::string &value);

// Milliseconds, seconds of a limit, or kilobytes; nothing if the value is none of these.
std::optional<int> number_in(const std::string &value, Form form);

} // namespace mg::policy
