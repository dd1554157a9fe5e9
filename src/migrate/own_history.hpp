// History tables of the team's own, which the scripts of its migrations look into and write themselves into.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "ledger/store.hpp"

namespace mg::migrate {

// A history table by its name, which is also that of the view in schema mg with its columns.
struct HistoryKind
{
	const char *name;
	const char *key; // the column that says which migration a row is about
	const char *columns;
};
inline constexpr std::array<HistoryKind, 2> history_kinds = {{
	{"migrations_history", "migration_name",
	 "id, migration_name, applied_at, applied_by, execution_time, checksum, rollback_applied, rollback_at, metadata"},
	{"schema_migrations", "version", "version, description, applied_at"},
}};

// What scripts without a name are called while they are rehearsed.
constexpr const char *unnamed_script = "rehearsed script";

// Makes the view of a kind in a schema, as the caller, for some roles; gives its name and created or kept. Raises 42501 for who does not
// own the database, 42P07 when something else has the name, and what CREATE VIEW, CREATE TRIGGER and GRANT raise.
pg::Row make_history_view(const std::string &schema, const std::string &kind, const std::vector<std::string> &roles);

// Gives a role what its migrations need on all such views that are the caller's, or takes it away.
void share_history_views(const std::string &role, bool given);

// What the trigger on such views does: nothing but to note what a script says of its own migration. Raises 55000 for anything else.
// Gives the row that counts as written.
Datum keep_history(TriggerData *trigger);

// Notes for those views that the running migration is listed in them, or not, whatever the ledger says; and forgets all notes. A note that
// an error or a rehearsal undoes is gone by itself.
void note_listed(const std::string &migration, bool listed);
void forget_listed();

} // namespace mg::migrate
