// Gathers what the linter judges, and says what it found.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lint/lint.hpp"
#include "lint/risk.hpp"
#include "migrate/migration.hpp"
#include "migrate/runner.hpp"
#include "pg/query.hpp"

namespace mg::migrate {

// What findings are wanted for.
enum class Wanted
{
	all,
	disk, // and what they write
	risk  // only those that the risk class may depend on
};

// Findings by the severities of the policy, with their estimates; of a migration on top of the pending ones that it requires.
// What asks for an approval is added to `sensitive`, if that is wanted.
lint::Findings findings_of(const script::Script &script, Wanted wanted = Wanted::all,
						   std::vector<lint::Sensitive> *sensitive = nullptr);
lint::Findings findings_of(const Migration &migration, Wanted wanted = Wanted::all,
						   std::vector<lint::Sensitive> *sensitive = nullptr);

// What asks for a security approval in a down script, which runs when its up script has run. Rows and tables that it deletes are its
// migration's own in most cases, and ask for none.
std::vector<lint::Sensitive> sensitive_back(const Migration &migration);

// The newest rehearsal of its scripts.
std::optional<ledger::Receipt> receipt_of(const Migration &migration);

// The risk class of a migration, with its receipt taken into account if that is fresh.
lint::RiskReport risk_of(const Migration &migration, const lint::Findings &findings,
						 const std::optional<ledger::Receipt> &receipt);

// The risk class of a rollback.
lint::RiskReport risk_of_down(const lint::Findings &findings);

// The risk class of a migration for answers and records.
struct Judged
{
	std::string risk;
	int findings = 0; // errors and warnings that are not ignored
	Finding evidence; // the reasons
};
Judged judged(const lint::Findings &findings, const lint::RiskReport &report);
// Nothing when the linter cannot tell, which is no reason not to go on: it is reported as a warning.
std::optional<Judged> judge(const Migration &migration);

// Rows: rule, severity, line, col, statement, object, lock_mode, blocks, work, rows, bytes, estimate, basis, message, hint, steps, breaks,
// link, ignored. Raises what parsing raises, and MG004 for a name that nobody knows.
using RowSink = std::function<void(const pg::Row &)>;
void lint_script(const std::string &script, const RowSink &each);
void lint_migration(const std::string &name, const RowSink &each);

// One row: risk, backward_compatible, reasons, breaks; of a registered migration, or of scripts.
pg::Row risk_of_migration(const std::string &name);
pg::Row risk_of_scripts(const std::string &up, const std::optional<std::string> &down);

// Rows: statement (from 1 on), object, lock_mode; of tables, materialized views and foreign tables.
std::vector<pg::Row> lint_locks(const std::string &text);

// Rows: rule, rule_group, severity, summary, why, safe_way, since, until, breaks, loses, link.
std::vector<pg::Row> lint_rules();

} // namespace mg::migrate
