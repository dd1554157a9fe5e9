// What the server loads: the module's magic, its initialisation, and the background worker.
#include "capture/capture.hpp"
#include "ledger/parcel.hpp"
#include "pg/worker.hpp"

extern "C" {
#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "migration_governance", .version = MG_VERSION);
#else
PG_MODULE_MAGIC;
#endif

PGDLLEXPORT void _PG_init(void);
PGDLLEXPORT void mg_worker_main(Datum argument);

void
_PG_init(void)
{
	mg::pg::enter([] { mg::capture::install(); });
}

void
mg_worker_main(Datum argument)
{
	mg::pg::enter([&] {
		mg::pg::worker_body_raw(argument, [](const char *payload, size_t length) {
			mg::ledger::write_parcel({payload, length});
		});
	});
}
}
