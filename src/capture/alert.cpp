// Writes alerts.
#include "capture/alert.hpp"

#include "ledger/parcel.hpp"
#include "ledger/store.hpp"
#include "pg/worker.hpp"

namespace mg::capture {

namespace {

constexpr int worker_timeout_ms = 5000;

ledger::Fields
fields_of(const ledger::Alert &alert)
{
	ledger::Fields session;

	ledger::add_session(session);
	return ledger::alert_fields(alert, session);
}

void
log_alert(const ledger::Alert &alert, const char *why)
{
	pg::guarded([&] {
		ereport(LOG, (errmsg("migration_governance: could not record an alert: %s", why),
					  errdetail_internal("%s: %s", alert.message.c_str(), alert.details.c_str()), errhidestmt(true),
					  errhidecontext(true)));
	});
}

} // namespace

void
keep_alert(const ledger::Alert &alert)
{
	const ledger::Place where = ledger::place();

	if (XactReadOnly || RecoveryInProgress())
		log_alert(alert, "the transaction is read-only");
	else if (!pg::guarded([&] { return ledger::lock_for_insert_raw(where, ledger::Table::alert); }))
		log_alert(alert, "the ledger is locked");
	else
		ledger::alert(alert);
}

void
keep_alert_apart(const ledger::Alert &alert)
{
	const ledger::Place where = ledger::place();

	if (ledger::is_locked_by_me(where, ledger::Table::alert))
	{
		log_alert(alert, "this transaction has locked the ledger");
		return;
	}
	switch (pg::run_in_worker(ledger::pack({{ledger::Table::alert, fields_of(alert)}}), worker_timeout_ms))
	{
		case pg::WorkerOutcome::done:
			return;
		case pg::WorkerOutcome::no_slot:
			log_alert(alert, "no background worker slot is free");
			return;
		case pg::WorkerOutcome::failed:
			log_alert(alert, "the background worker failed");
			return;
		case pg::WorkerOutcome::timed_out:
			log_alert(alert, "the background worker took too long");
			return;
	}
}

} // namespace mg::capture
