// The ways to fail.
#include "boundary/failures.hpp"

#include <new>
#include <stdexcept>
#include <vector>

namespace mg::boundary {

int Witness::alive = 0;
int64 Witness::made = 0;

const char *const repeatable[] = {"server_error",  "rethrown",        "cancel",     "invalid_size", "bad_alloc",
								  "std_exception", "other_exception", "user_error", nullptr};

namespace {

// Shows in pg_stat_activity that somebody may cancel now, under a name that is used once.
class Waiting
{
public:
	Waiting()
	{
		static int count = 0;
		char name[NAMEDATALEN];
		snprintf(name, sizeof(name), "waiting %d %d", MyProcPid, ++count);
		pgstat_report_appname(name);
	}
	~Waiting() { pgstat_report_appname("boundary"); }
	Waiting(const Waiting &) = delete;
	Waiting &operator=(const Waiting &) = delete;
};

void
server_error()
{
	pg::guarded([] { raise_full_raw(); });
}

void
rethrown()
{
	try
	{
		Witness witness;
		server_error();
	}
	catch (const pg::Error &)
	{
		Witness witness;
		throw;
	}
}

void
cancel()
{
	pg::guarded([] {
		QueryCancelPending = true;
		InterruptPending = true;
		CHECK_FOR_INTERRUPTS();
	});
}

void
wait()
{
	Waiting waiting;
	pg::guarded([] {
		for (int i = 0; i < 20000; i++)
		{
			CHECK_FOR_INTERRUPTS();
			pg_usleep(1000L);
		}
		elog(ERROR, "nobody cancelled");
	});
}

void
invalid_size()
{
	pg::guarded([] { return palloc(MaxAllocSize + 1); });
}

void
out_of_memory()
{
	pg::guarded([] { return palloc_extended(static_cast<Size>(1) << 50, MCXT_ALLOC_HUGE); });
}

void
bad_alloc()
{
	void *volatile memory = ::operator new(static_cast<size_t>(1) << 50);
	::operator delete(memory);
}

void
std_exception()
{
	throw std::runtime_error("a standard exception, 100% %s");
}

void
other_exception()
{
	throw 42;
}

void
user_error()
{
	throw UserError("BD002", "a user's error, 100% %s")
		.detail("Its detail, 100% %s.")
		.hint("Its hint, 100% %s.")
		.context("its context, 100% %s");
}

void
long_error()
{
	throw UserError("BD003", std::string(10000000, 'm')).detail(std::string(10000000, 'd'));
}

void
odd_error()
{
	throw UserError("odd", "");
}

void
none()
{
}

struct Kind
{
	const char *name;
	void (*run)();
};
constexpr Kind kinds[] = {{"server_error", server_error},
						  {"rethrown", rethrown},
						  {"cancel", cancel},
						  {"wait", wait},
						  {"invalid_size", invalid_size},
						  {"out_of_memory", out_of_memory},
						  {"bad_alloc", bad_alloc},
						  {"std_exception", std_exception},
						  {"other_exception", other_exception},
						  {"user_error", user_error},
						  {"long_error", long_error},
						  {"odd_error", odd_error},
						  {"none", none}};

} // namespace

void
raise_full_raw()
{
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('B', 'D', '0', '0', '1')), errmsg("a server error, %s", "100% %s"),
			 errdetail("Its detail, %s.", "100% %s"), errdetail_log("Its detail in the log."),
			 errhint("Its hint, %s.", "100% %s"), errcontext("its context, %s", "100% %s"), errposition(8),
			 internalerrposition(3), internalerrquery("SELECT within"),
			 err_generic_string(PG_DIAG_SCHEMA_NAME, "its schema"), err_generic_string(PG_DIAG_TABLE_NAME, "its table"),
			 err_generic_string(PG_DIAG_COLUMN_NAME, "its column"),
			 err_generic_string(PG_DIAG_DATATYPE_NAME, "its type"),
			 err_generic_string(PG_DIAG_CONSTRAINT_NAME, "its constraint")));
	pg_unreachable();
}

void
fail(const std::string &kind)
{
	Witness witness;
	std::vector<std::string> heap(10, std::string(100, 'h'));

	fail_bare(kind.c_str());
}

void
fail_bare(const char *kind)
{
	for (const Kind &known : kinds)
		if (strcmp(kind, known.name) == 0)
		{
			known.run();
			return;
		}
	throw UserError("22023", std::string("no such failure: ") + kind);
}

void
fail_if_armed(const char *entry)
{
	std::string setting = std::string("boundary.") + entry;
	const char *kind = pg::guarded([&] { return GetConfigOption(setting.c_str(), true, false); });

	if (kind != nullptr && kind[0] != '\0')
		fail(kind);
}

} // namespace mg::boundary
