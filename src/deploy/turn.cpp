// Polls for the turn between commits.
#include "deploy/turn.hpp"

#include "core/json.hpp"
#include "deploy/transact.hpp"
#include "ledger/store.hpp"

namespace mg::deploy {

namespace {

constexpr int64_t most_ms = 2147483647;

// Says for whom it waits.
void
report_holder()
{
	const std::vector<pg::Row> rows = ledger::query(
		"SELECT a.pid, a.usename, a.application_name, l.mode = 'ExclusiveLock' FROM pg_locks l JOIN pg_stat_activity a "
		"USING"
		" (pid) WHERE l.locktype = 'advisory' AND l.granted"
		" AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
		" AND l.classid = 28007 AND l.objid = 2 AND l.objsubid = 3 AND a.pid <> pg_backend_pid() ORDER BY 4 DESC, 1");
	if (!rows.empty())
		pg::report(NOTICE, UserError("00000", std::string("waiting for the ") +
												  (rows[0][3] == "t" ? "deployment" : "migration") + " that pid " +
												  rows[0][0].value_or("?") + " is running")
							   .detail("Its session is " + rows[0][1].value_or("?") + ", application \"" +
									   rows[0][2].value_or("") + "\"."));
}

std::optional<int64_t>
number_of(const std::string &details, const char *key)
{
	if (details.empty())
		return std::nullopt;
	const pg::Cell value = ledger::query_cell("SELECT $1::jsonb->>$2", {details, std::string(key)});
	return value.has_value() ? std::optional<int64_t>(std::stoll(*value)) : std::nullopt;
}

} // namespace

static_assert(pg::own_lock_class == 28007 && pg::own_lock_field == 3 &&
				  static_cast<int>(pg::OwnLock::deployment) == 2 && static_cast<int>(pg::OwnLock::step) == 3,
			  "the queries name the locks");

Patience
patience_of(const Wishes &wishes, const std::string &details)
{
	Patience patience;
	const int64_t lock_timeout =
		wishes.lock_timeout_ms.value_or(number_of(details, "lock_timeout_ms").value_or(patience.lock_timeout_ms));

	if (lock_timeout < 0 || lock_timeout > most_ms)
		throw UserError("22023", "lock_timeout must be from 0 to 24 days")
			.hint("0 waits for locks as long as it takes.");
	patience.lock_timeout_ms = static_cast<int>(lock_timeout);
	patience.retries =
		wishes.retries.value_or(static_cast<int>(number_of(details, "retries").value_or(patience.retries)));
	if (patience.retries < 0)
		throw UserError("22023", "retries must not be negative");
	if (wishes.deadline_ms.has_value())
	{
		if (*wishes.deadline_ms <= 0)
			throw UserError("22023", "deadline must be a time from now on, such as '10 minutes'");
		patience.deadline = GetCurrentTimestamp() + *wishes.deadline_ms * 1000;
	}
	return patience;
}

std::string
wishes_json(const Patience &patience)
{
	return JsonObject().number("lock_timeout_ms", patience.lock_timeout_ms).number("retries", patience.retries).str();
}

Turn::Turn(const Patience &patience)
{
	for (int attempt = 0;; attempt++)
	{
		lock_.emplace(pg::OwnLock::deployment);
		if (lock_->is_held())
			return;
		lock_.reset();
		if (attempt == 1)
			transact([] { report_holder(); });
		else
			pg::commit_and_go_on();
		if (is_over(patience.deadline))
			throw UserError("55P03", "another session was deploying until the deadline")
				.hint("mg.progress shows what it does.");
		pg::sleep_ms(20 + backoff_ms(1) / 10);
	}
}

} // namespace mg::deploy
