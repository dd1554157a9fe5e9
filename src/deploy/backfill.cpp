// A backfill as a step of a deployment, and by itself.
#include "deploy/backfill.hpp"

#include "core/json.hpp"
#include "deploy/backfill_run.hpp"
#include "deploy/transact.hpp"
#include "pg/lock.hpp"
#include "script/backfill.hpp"

namespace mg::deploy {

BackfillResult
run_backfill(const ledger::Deployment &deployment, int step, const script::Backfill &order,
			 const pg::Settings &settings, const Patience &patience)
{
	BackfillRun run(deployment, step, order, settings, patience);

	patiently(
		patience, [&](int) { transact([&] { run.prepare(); }); }, [](int, const std::string &, const std::string &) {});
	return run.go();
}

namespace {

constexpr int only_step = 1;
constexpr const char *way_on = "What was committed stays: the same CALL goes on behind the last batch.";

// By which the same backfill is known again. Where rows are hidden from roles, it is another one for another role.
std::string
text_of(const script::Backfill &order, const Subject &subject)
{
	std::string role;

	if (subject.has_policies)
		role = pg::guarded([] { return GetUserNameFromId(GetUserId(), true); });
	return std::to_string(subject.table) + " of " +
		   ledger::query_cell("SELECT installation FROM mg.current").value_or("") +
		   (role.empty() ? "" : " as " + role) + ": SET " + order.set_clause +
		   (order.where_clause.empty() ? "" : " WHERE " + order.where_clause);
}

[[noreturn]] void
refuse_second(const pg::WorkLock &lock, const std::string &name)
{
	std::string holder;

	transact([&] {
		holder = ledger::query_cell(
					 "SELECT l.pid FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted"
					 " AND l.classid = $1::oid AND l.objid = $2::oid AND l.objsubid = $3::smallint"
					 " AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())",
					 {std::to_string(pg::own_lock_class), std::to_string(lock.number()),
					  std::to_string(pg::work_lock_field)})
					 .value_or("");
	});
	throw UserError("55P03",
					"this backfill of " + name + " is running already" + (holder.empty() ? "" : ", by pid " + holder))
		.hint("Wait for its end, or end that session: the same CALL then goes on where it has stopped.");
}

Patience
patience_of_session()
{
	constexpr int usual_ms = 2000;
	constexpr int usual_retries = 10;

	return {LockTimeout > 0 ? LockTimeout : usual_ms, usual_retries, DT_NOEND};
}

ledger::Deployment
open_or_begin(const std::string &what, const script::Backfill &order, const Subject &subject)
{
	std::optional<ledger::Deployment> open = ledger::open_backfill(what);

	if (open.has_value())
	{
		ledger::JournalEntry entry;
		entry.event = "resumed";
		ledger::append_journal(*open, entry);
		return std::move(*open);
	}
	return ledger::begin_deployment("", "backfill",
									JsonObject()
										.text("what", what)
										.text("table", subject.name)
										.text("set", order.set_clause)
										.text("where", order.where_clause)
										.str());
}

// Puts on record why it has stopped. If that cannot be done either, nothing is lost but the reason.
void
record_stop(const ledger::Deployment &deployment, const std::string &sqlstate, const std::string &error)
{
	ledger::JournalEntry entry;

	entry.event = sqlstate == "57014" ? "interrupted" : "failed";
	entry.step = only_step;
	entry.kind = "backfill";
	entry.sqlstate = sqlstate;
	entry.error = error;
	try
	{
		transact([&] { ledger::append_journal(deployment, entry); });
	}
	catch (const pg::Error &)
	{
		return;
	}
}

// The same error, with the way on as its hint if it has none.
pg::Error
with_way_on(pg::Error error)
{
	pg::Error result(error.release());
	ErrorData *edata = const_cast<ErrorData *>(&result.data());

	if (edata->hint == nullptr)
		edata->hint = pg::guarded([&] { return MemoryContextStrdup(edata->assoc_context, way_on); });
	return result;
}

void
go(const ledger::Deployment &deployment, BackfillRun &run)
{
	std::optional<pg::Error> raised;
	std::optional<UserError> refused;

	try
	{
		(void)run.go();
	}
	catch (pg::Error &error)
	{
		raised.emplace(std::move(error));
	}
	catch (const UserError &error)
	{
		refused.emplace(error);
	}
	if (raised.has_value())
	{
		record_stop(deployment, unpack_sql_state(raised->data().sqlerrcode), raised->what());
		throw with_way_on(std::move(*raised));
	}
	if (refused.has_value())
	{
		record_stop(deployment, refused->sqlstate(), refused->message());
		throw std::move(*refused).hint(refused->hint().empty() ? way_on : refused->hint());
	}
}

} // namespace

void
backfill(const script::Backfill &order)
{
	const pg::Settings settings;
	const Patience patience = patience_of_session();
	Subject subject;
	std::string what;

	transact([&] {
		script::require_backfill(order.table, order.set_clause, order.where_clause);
		subject = find_subject(order.table);
		what = text_of(order, subject);
	});
	const pg::WorkLock lock(what);
	if (!lock.is_held())
		refuse_second(lock, subject.name);

	ledger::Deployment deployment;
	BackfillRun run(deployment, only_step, order, settings, patience);
	patiently(
		patience,
		[&](int) {
			transact([&] {
				deployment = open_or_begin(what, order, subject);
				run.prepare();
			});
		},
		[](int, const std::string &, const std::string &) {});
	go(deployment, run);

	ledger::JournalEntry entry;
	entry.event = "ended";
	transact([&] { ledger::append_journal(deployment, entry); });
}

} // namespace mg::deploy
