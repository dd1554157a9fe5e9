// What the server loads: the module's magic, its initialisation, and the background workers.
#include "capture/capture.hpp"
#include "deploy/alone.hpp"
#include "deploy/deployer.hpp"
#include "ledger/parcel.hpp"
#include "pg/errand.hpp"
#include "pg/watchdog.hpp"
#include "pg/worker.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "migration_governance", .version = MG_VERSION);
#else
PG_MODULE_MAGIC;
#endif

PGDLLEXPORT void _PG_init(void);
PGDLLEXPORT void mg_worker_main(Datum argument);
PGDLLEXPORT void mg_watchdog_main(Datum argument);
PGDLLEXPORT void mg_errand_main(Datum argument);

void
_PG_init(void)
{
	mg::pg::enter([] { mg::capture::install(); });
}

static void
write_parcel(const char *payload, size_t length)
{
	mg::ledger::write_parcel({payload, length});
}

void
mg_worker_main(Datum argument)
{
	mg::pg::enter([&] { mg::pg::worker_body_raw(argument, write_parcel); });
}

void
mg_watchdog_main(Datum argument)
{
	mg::pg::enter([&] { mg::pg::watchdog_body_raw(argument, write_parcel); });
}

void
mg_errand_main(Datum argument)
{
	mg::pg::enter([&] { mg::pg::errand_body_raw(argument, mg::deploy::is_errand_raw, mg::deploy::begin_errand_raw); });
}
}
