// A migration as a caller hands it in or as the ledger keeps it, with its scripts parsed.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/history.hpp"
#include "script/script.hpp"

namespace mg::migrate {

// The arguments of mg_apply and mg_register, as they came.
struct Request
{
	std::string name;
	std::optional<std::string> up;
	std::optional<std::string> down;
	std::optional<std::string> verify;
	std::optional<std::string> precondition;
	std::optional<std::vector<std::string>> requirements;
};

// What the ledger knew of a migration before it was kept.
enum class Kept
{
	unchanged, // all of it
	changed,   // other scripts
	is_new     // nothing
};

// A migration whose scripts have been parsed.
class Migration
{
public:
	// Parses what the caller handed in; raises what Script raises, 22023 for an empty script, MG007 for a secret.
	static Migration from_request(const Request &request);
	// Reads a registered one.
	static Migration from_ledger(const ledger::Registration &registration);
	// By its name; raises MG004, with a hint, when nobody registered it.
	static Migration registered(const std::string &name, const char *hint = "Register it with mg_register().");

	std::string name;
	script::Script up;
	std::optional<script::Script> down;
	std::optional<script::Script> verify;
	std::optional<script::Script> precondition;
	std::vector<std::string> requirements;

	// Keeps the scripts and a registration in the ledger, unless they are there already.
	Kept keep() const;

	// The records that keep() writes, for a background worker.
	std::vector<std::pair<ledger::Table, ledger::Fields>> records() const;

	// Raises 0A000 when mg_apply cannot run one of its scripts.
	void require_runnable() const;

	// The same for mg_deploy.
	void require_deployable() const;

	bool is_same_as(const ledger::Registration &registration) const;
	std::string headers_json() const;

private:
	Migration(std::string migration_name, script::Script up_script)
		: name(std::move(migration_name)), up(std::move(up_script))
	{
	}
	ledger::Fields registration_fields() const;
};

// Reads a script by its checksum; raises MG301 when its text is not there or not what the checksum says.
script::Script read_kept_script(const char *what, const std::string &checksum);

// Raises unless this session may change the schema now: 25006 read-only or standby, 55000 inside another migration.
void require_writable();

// Raises 40001 when the transaction's snapshot is older than the newest registration of that name.
void require_fresh_registration(const std::string &name);

// Raises MG001 and MG002 for a name that does not fit or whose version another migration has taken; reports gaps and
// names out of order.
void check_name_and_version(const std::string &name);

// Raises MG004 for a requirement that is not known, MG005 for a circle, and, with `applied`, MG006 for one that is not
// applied yet, nor among those `assumed` to be.
void check_requirements(const Migration &migration, bool applied, const std::set<std::string> &assumed = {});

// Raises MG003 when an applied migration is handed in with another text; gives true when it is the same one.
bool is_same_text(const Migration &migration, const std::string &checksum);

} // namespace mg::migrate
