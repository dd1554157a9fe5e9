// Within the procedure the server's own statistics of changed rows stand still, and autovacuum with them.
#include "deploy/backfill_vacuum.hpp"

#include <algorithm>

#include "deploy/load.hpp"
#include "deploy/transact.hpp"
#include "pg/errand.hpp"

namespace mg::deploy {

namespace {

/* Below that many VACUUM is left to the end. */
constexpr int64_t worth_it = 10000;

void
warn(const std::string &what, const std::string &why, const std::string &hint)
{
	pg::report(WARNING, UserError("01000", "the backfill goes on without " + what).detail(why).hint(hint));
}

// Tells whether it was done.
bool
run(const std::string &sql, const pg::Settings &settings)
{
	std::string why;
	std::string hint;

	try
	{
		pg::Errand errand(sql, leaving_room(settings), "");
		while (!errand.wait(1000))
			;
		if (const std::optional<pg::Error> failure = errand.failure("VACUUM of a backfill"); failure.has_value())
			why = std::string("It raised: ") + failure->what() + ".";
	}
	catch (const UserError &error)
	{
		why = std::string("It cannot run: ") + error.what() + ".";
		hint = "max_worker_processes must leave room for a worker; else run it by hand.";
	}
	if (!why.empty())
		warn(sql, why, hint);
	return why.empty();
}

} // namespace

BackfillVacuum::BackfillVacuum(const Subject &subject, int dead_percent, pg::Settings settings, bool any)
	: subject_(subject), dead_percent_(dead_percent), settings_(std::move(settings)), any_(any)
{
	begin_anew();
}

void
BackfillVacuum::begin_anew()
{
	dead_ = 0;
	since_us_ = GetCurrentTimestamp();
}

// By autovacuum, or by anybody.
bool
BackfillVacuum::was_vacuumed(const Target &target)
{
	bool result = false;

	transact([&] {
		result = ledger::query_cell(
					 "SELECT extract(epoch FROM greatest(pg_stat_get_last_autovacuum_time($1::oid),"
					 " pg_stat_get_last_vacuum_time($1::oid)) - '2000-01-01 00:00:00+00') * 1000000 > $2::bigint",
					 {std::to_string(target.table), std::to_string(since_us_)}) == "t";
	});
	return result;
}

void
BackfillVacuum::changed(const Target &target, int64_t rows)
{
	if (target.table != table_)
		begin_anew();
	table_ = target.table;
	dead_ += rows;
	any_ = any_ || rows > 0;
	if (dead_percent_ == 0 || subject_.is_temporary ||
		dead_ < std::max(worth_it, static_cast<int64_t>(target.rows * dead_percent_ / 100)))
		return;
	if (!was_vacuumed(target))
	{
		std::string sql;
		transact([&] { sql = "VACUUM (TRUNCATE off) " + name_now(target); });
		run(sql, settings_);
	}
	begin_anew();
}

// By this session: what is left where VACUUM cannot run.
void
BackfillVacuum::analyze(const std::string &names) const
{
	std::string why;

	try
	{
		transact([&] {
			pg::SettingsScope scope;
			pg::apply(settings_);
			pg::query_as_caller("ANALYZE " + names);
		});
	}
	catch (const pg::Error &error)
	{
		if (error.data().sqlerrcode == ERRCODE_QUERY_CANCELED)
			throw;
		why = error.what();
	}
	if (!why.empty())
		warn("ANALYZE " + names, "It raised: " + why + ".", "");
}

void
BackfillVacuum::finish(const std::vector<Target> &targets)
{
	std::string names;

	if (!any_)
		return;
	transact([&] {
		if (subject_.is_partitioned)
			names = subject_.name;
		else
			for (const Target &target : targets)
				names += (names.empty() ? "" : ", ") + name_now(target);
	});
	if (!subject_.is_temporary && run("VACUUM (ANALYZE, TRUNCATE off) " + names, settings_))
		return;
	analyze(names);
}

} // namespace mg::deploy
