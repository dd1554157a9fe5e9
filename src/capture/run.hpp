// What capture remembers of a migration run while its statements run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/frame.hpp"

namespace mg::capture {

// One object that the run touched, as it was before and is at the end.
struct RunObject
{
	std::string type;
	std::string identity;
	std::string was;                // its identity before a rename, else empty
	std::vector<std::string> names; // as pg_get_object_address() takes them
	std::vector<std::string> arguments;
	std::string change; // created, changed, dropped
	std::string catalog;
	uint32_t catalog_oid;
	uint32_t oid;
	int column;
	bool named; // touched by a statement of its own, not only gone along with another
};

struct Rewrite
{
	std::string relation;
	std::string reason; // persistence, default, type, access method; several joined by a comma
};

// The one run of this session; statements recorded while it lives belong to it. At most one at a time.
class Run
{
public:
	Run(int64_t id, const std::string &migration);
	~Run();
	Run(const Run &) = delete;
	Run &operator=(const Run &) = delete;

	// Says that the next utility statement is one of the script, not one nested in it.
	void expect_statement();
	void expect_nothing();
	// Says which script's statements come next (up, down); nullptr is none.
	void enter(const char *script);

	int recorded() const;
	std::vector<Rewrite> rewrites() const;
	// Tells whether a statement changed objects that nobody names: GRANT ON ALL TABLES, REASSIGN OWNED, CREATE ROLE, ...
	bool is_incomplete() const;
	// Parts that went along unasked and are no objects for a person: (catalog, oid) of column defaults.
	std::vector<std::pair<uint32_t, uint32_t>> dropped_defaults() const;
	// What statements have dropped by name since this was last asked and had been there when the run began, but for constraints NOT NULL.
	std::vector<RunObject> take_drops();
	// How the catalogs were when the run began.
	Snapshot before() const;
	// Resolves what was touched against the catalog as it is now and as it was when the run began.
	std::vector<RunObject> objects() const;

private:
	MemoryContext memory_;
};

// Makes the next statement of this process one of a run in another session, however many transactions it has: for a worker that ends with it.
void join_run_raw(int64 id, const char *migration);

// Tells whether a migration is running in this session.
bool is_running();

// What was touched in a subtransaction that has failed, or in one within it, is as it was. Subtransactions are numbered as they begin.
void forget_undone(SubTransactionId failed);

// For capture itself.
struct RunRaw
{
	int64 id;
	const char *migration;
	MemoryContext memory;
	Snapshot before;
	HTAB *touched;
	long touches;
	int recorded;
	bool statement_expected;
	const char *script; // whose statements run now: up, down; nullptr is none
	bool incomplete;
	List *dropped_defaults; // OIDs
	List *drops;            // DropRaw
	struct RewriteRaw *rewrites;
};
RunRaw *current_run();
void remember_raw(RunRaw *run, const TouchedRaw *touched, bool named);
// Notes what an object is called before a statement renames it; an invalid address is ignored.
void remember_name_raw(RunRaw *run, ObjectAddress address);
// Tells whether something that was dropped along with another is no object for a person: a row type, a default, the triggers of a foreign key.
bool is_servers_own_raw(const RunRaw *run, const TouchedRaw *dropped);
void remember_default_raw(RunRaw *run, Oid oid);
void remember_drop_raw(RunRaw *run, const TouchedRaw *touched);
void remember_rewrite_raw(RunRaw *run, Oid relation, int reason);

} // namespace mg::capture
