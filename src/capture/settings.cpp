// Defines the extension's settings.
#include "capture/settings.hpp"

namespace mg::capture {

namespace {

// Values of settings live in plain variables, as the server wants them.
char *migration = nullptr;
bool protect_ledger = true;
int log_level = LOG;

constexpr config_enum_entry log_levels[] = {
	{"debug5", DEBUG5, false}, {"debug4", DEBUG4, false}, {"debug3", DEBUG3, false}, {"debug2", DEBUG2, false},
	{"debug1", DEBUG1, false}, {"debug", DEBUG2, true},   {"log", LOG, false},       {nullptr, 0, false}};

// Looks a name up in the registrations, by index, without privileges and without waiting for a lock.
bool
is_registered_raw(const ledger::Place &place, const char *name)
{
	if (!ConditionalLockRelationOid(place.of(ledger::Table::registration), AccessShareLock))
		return false;
	Relation table = table_open(place.of(ledger::Table::registration), NoLock);
	Oid index = get_relname_relid("registration_migration", place.schema);
	AttrNumber column = get_attnum(RelationGetRelid(table), "migration");
	ScanKeyData key;

	ScanKeyEntryInitialize(&key, 0, column, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ,
						   CStringGetTextDatum(name));
	SysScanDesc scan = systable_beginscan(table, index, OidIsValid(index), nullptr, 1, &key);
	bool found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(table, NoLock);
	return found;
}

} // namespace

void
define_settings()
{
	DefineCustomStringVariable("migration_governance.migration",
							   "Attributes this session's statements to a registered migration.",
							   "For migrations that another tool or psql runs, such as CREATE INDEX CONCURRENTLY.",
							   &migration, "", PGC_USERSET, 0, nullptr, nullptr, nullptr);
	DefineCustomBoolVariable(
		"migration_governance.protect_ledger", "Refuses UPDATE, DELETE, TRUNCATE, ALTER and DROP of the ledger.",
		"A superuser switches it off to repair the ledger by hand; mg_verify() shows what was done.", &protect_ledger,
		true, PGC_SUSET, 0, nullptr, nullptr, nullptr);
	DefineCustomEnumVariable("migration_governance.log_level", "Sets the level at which runs of migrations are logged.",
							 "A failed run is an error of its own in the server log, whatever this is.", &log_level,
							 LOG, log_levels, PGC_SUSET, 0, nullptr, nullptr, nullptr);
	MarkGUCPrefixReserved("migration_governance");
}

const char *
attributed_migration_raw(const ledger::Place &place)
{
	if (migration == nullptr || migration[0] == '\0')
		return nullptr;
	if (is_registered_raw(place, migration))
		return migration;
	ereport(WARNING, (errmsg("migration \"%s\" is not registered, or the ledger is locked", migration),
					  errdetail("The statement is recorded without a migration."),
					  errhint("Register it with mg_register(), or correct migration_governance.migration.")));
	return nullptr;
}

const char *
claimed_migration()
{
	return migration != nullptr ? migration : "";
}

void
log_run(const std::string &message)
{
	pg::guarded([&] {
		ereport(log_level, (errmsg_internal("migration_governance: migration %s", message.c_str()), errhidestmt(true)));
	});
}

bool
ledger_is_protected()
{
	return protect_ledger;
}

} // namespace mg::capture
