// Writes the ends of deployments.
#include "deploy/keeper.hpp"

#include "core/json.hpp"
#include "deploy/adopt.hpp"
#include "deploy/transact.hpp"
#include "pg/text.hpp"

namespace mg::deploy {

namespace {

// The newest record of a deployment: its event.
std::string
last_event(const ledger::Deployment &deployment)
{
	return ledger::query_cell(
			   "SELECT j.event FROM mg.journal j WHERE j.deployment = $1::bigint AND j.installation = $2::uuid"
			   " AND j.event <> 'batch' ORDER BY j.at DESC, j.id DESC LIMIT 1",
			   {std::to_string(deployment.id), deployment.installation})
		.value_or("");
}

void
warn(const ledger::Deployment &deployment, const char *trouble) noexcept
{
	try
	{
		pg::report(WARNING, UserError("01000", "the journal does not tell how the deployment of migration \"" +
												   deployment.migration + "\" was left")
								.detail(trouble));
	}
	catch (...)
	{
		return;
	}
}

// Whatever happens here, the error that is on its way matters more.
void
note_end(const ledger::Deployment &deployment, const migrate::Progress &progress, const std::string &sqlstate,
		 const std::string &error) noexcept
{
	try
	{
		transact([&] {
			const std::string last = last_event(deployment);
			if (last == "ended")
				return;
			pg::report(NOTICE, UserError("00000", "the " + word_of(deployment) + " of migration \"" +
													  deployment.migration + "\" has stopped")
								   .hint(way_on(deployment)));
			if (last == "failed" || last == "interrupted")
				return;
			ledger::JournalEntry entry;
			entry.event = sqlstate == "57014" || sqlstate == "57P01" ? "interrupted" : "failed";
			entry.kind = progress.phase;
			entry.line = progress.line;
			entry.statement = progress.statement;
			entry.sqlstate = sqlstate;
			entry.error = error;
			ledger::append_journal(deployment, entry);
		});
	}
	catch (const std::exception &trouble)
	{
		warn(deployment, trouble.what());
	}
}

} // namespace

void
keep(const ledger::Deployment &deployment, migrate::Attempt &attempt, const std::function<void()> &work)
{
	attempt.run_across([&] {
		try
		{
			work();
		}
		catch (const pg::Error &error)
		{
			note_end(deployment, attempt.progress, unpack_sql_state(error.data().sqlerrcode), error.what());
			throw;
		}
		catch (const UserError &error)
		{
			note_end(deployment, attempt.progress, error.sqlstate(), error.what());
			throw;
		}
	});
}

void
end_journal(const ledger::Deployment &deployment, const std::string &outcome)
{
	ledger::JournalEntry entry;

	entry.event = "ended";
	entry.details = JsonObject().text("outcome", outcome).str();
	ledger::append_journal(deployment, entry);
}

void
note_return(const ledger::Deployment &deployment, const std::string &event, const std::string &details)
{
	const std::string last = last_event(deployment);
	ledger::JournalEntry entry;

	if (last != "failed" && last != "interrupted")
	{
		entry.event = "interrupted";
		entry.step = ledger::steps_done(deployment) + 1;
		entry.error = "the session ended without a word";
		ledger::append_journal(deployment, entry);
	}
	entry = {};
	entry.event = event;
	entry.details = details;
	ledger::append_journal(deployment, entry);
}

ledger::Deployment
require_open(const std::string &name)
{
	std::optional<ledger::Deployment> open = ledger::open_deployment(name);

	if (!open.has_value())
		throw UserError("55000", "no deployment of migration \"" + name + "\" was interrupted")
			.hint("SELECT migration, status FROM mg.status tells how things are; CALL mg_deploy() applies what is "
				  "pending.");
	return open->is_own ? *open : adopt(*open);
}

bool
is_being_aborted(const ledger::Deployment &deployment)
{
	return ledger::query_cell("SELECT 1 FROM mg.journal j WHERE j.deployment = $1::bigint AND j.installation = $2::uuid"
							  " AND j.event = 'aborting' LIMIT 1",
							  {std::to_string(deployment.id), deployment.installation})
		.has_value();
}

std::string
word_of(const ledger::Deployment &deployment)
{
	return deployment.action == "roll back" ? "rollback" : "deployment";
}

std::string
way_on(const ledger::Deployment &deployment)
{
	const std::string name = pg::quoted_literal(deployment.migration);

	if (is_being_aborted(deployment))
		return "CALL mg_abort(" + name + ") goes on with undoing it.";
	return "CALL mg_resume(" + name + ") goes on where it has stopped" +
		   (deployment.action == "roll back" ? "." : "; CALL mg_abort(" + name + ") undoes what it has done.");
}

} // namespace mg::deploy
