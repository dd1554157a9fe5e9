// What a script does to relations, seen from the session that runs it while nothing of it is committed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pg/query.hpp"
#include "pg/wait.hpp"

namespace mg::rehearse {

// The strongest lock on a relation, and which line took it when; it is held until the transaction ends.
struct Lock
{
	LOCKMODE mode;
	int line;
	int64_t since_us; // of the clock of capture
	int64_t held_us;  // until the script's end
};

// A lock that a statement took, or made stronger.
struct Taken
{
	Oid relation;
	LOCKMODE mode;
};

// A lock that was not to be had, and the statement that wanted it.
struct Missed
{
	pg::Awaited lock;
	std::string phase;
	int line = 0;
	std::string statement;
};

// What a statement is to be told to lock where what was run, or what ran before it in another transaction, locks more.
struct ToldLocks
{
	bool is_other_form;            // the statement was run in a form that takes stronger locks
	std::map<Oid, LOCKMODE> modes; // by the linter
};

// Watches locks statement by statement. What the session has locked before it is made does not count.
class Observer
{
public:
	// Until its line is reached, the lock `early` is there for the rehearsal's sake.
	explicit Observer(const pg::Awaited &early = {InvalidOid, NoLock}, int line = 0);

	// Called after each statement, with its line; gives the locks that it took, or would have taken.
	std::vector<Taken> look(int line, const ToldLocks *told = nullptr);

	// Called after the last statement of a transaction that is one of several outside of a rehearsal: its locks are gone then.
	void end_step();

	// The locks as they are now, at the script's end.
	std::map<Oid, Lock> locks() const;
	// The relations locked so far, which is every one that was read or written.
	std::vector<Oid> relations() const;

private:
	const pg::Awaited early_;
	const int early_line_;
	std::map<Oid, LOCKMODE> before_;
	std::map<Oid, Lock> locks_;
	std::map<Oid, LOCKMODE> told_;   // in this step
	std::map<Oid, LOCKMODE> hidden_; // held, and not told in this step
	int64_t last_us_;

	void tell(Oid relation, LOCKMODE mode, int line, std::vector<Taken> &taken);
};

// A user's relation as it is at one moment.
struct Relation
{
	Oid oid;
	std::string name; // schema-qualified and quoted
	char kind;        // relkind
	Oid file;         // relfilenode; changes when it is rewritten
	int64_t bytes;
	double estimate;                    // rows, as the planner has them; below 0 if it has none
	int64_t scans;                      // scans_of()
	Oid table;                          // whose index it is, or 0
	std::map<std::string, int> columns; // names and numbers, which a rename does not change
};

// How often the session has scanned a table and not told the server's statistics yet; the end of a transaction may reset it.
int64_t scans_of(Oid table);

// Of these relations those that are there now, without the system's, temporary ones and the extension's own.
std::map<Oid, Relation> relations_now(const std::vector<Oid> &oids);

// What a lock keeps others from doing, for people.
const char *blocks(LOCKMODE mode);

// Another session whose lock, held or wanted, is in the way of a lock.
struct Blocker
{
	std::string relation;
	std::string text; // who, since when
};
std::vector<Blocker> blockers_of(const std::map<Oid, Lock> &locks);

// What is in a table: rows, how many have a value in each column, and a sum over all values that does not depend on the order of rows or
// columns.
struct Contents
{
	int64_t rows;
	std::map<std::string, int64_t> values;
	std::string sum;
};
Contents contents_of(const Relation &table);

} // namespace mg::rehearse
