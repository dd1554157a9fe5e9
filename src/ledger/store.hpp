// The only writer of the extension's tables: records are inserted directly, as their owner, whoever asks.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pg/query.hpp"

namespace mg::ledger {

enum class Table
{
	installation,
	script,
	registration,
	run,
	statement,
	policy_event,
	seal,
	rehearsal,
	environment,
	approval,
	evidence,
	alert,
	journal,
	archive
};
constexpr int table_count = 14;
const char *name_of(Table table);

// Where the ledger of this database is; found once and kept until the catalog says otherwise.
struct Place
{
	Oid extension;
	Oid owner; // the superuser to whom schema mg belongs, never the owner of the extension
	Oid schema;
	Oid current;
	Oid tables[table_count];
	pg_uuid_t installation;

	Oid of(Table table) const { return tables[static_cast<int>(table)]; }
};

// Finds the ledger, or nullptr when the extension is not (or not wholly) installed in this database. Never waits for a
// lock: is_busy() tells that it is there but somebody keeps it locked. May raise.
const Place *find_raw();
bool is_busy();

// Forgets where the ledger is; for the install script, whose own commands cannot be told from others'.
void forget_place();

// Tells whether a relation is one of the ledger's tables (mg.current too). May raise.
bool is_ledger_relation_raw(Oid relation);

// Tells by its name whether a relation is worth asking about: every statement is asked.
bool may_be_ledger_relation(const char *name);

// Takes the locks that inserting into a table needs without waiting; false when somebody holds one that conflicts.
bool lock_for_insert_raw(const Place &place, Table table);

// Tells whether this session itself holds a lock on the table that keeps others from inserting. Looks nothing up.
bool is_locked_by_me(const Place &place, Table table);

// How many numbers a transaction has for its records: an id is xid8 * ids_per_transaction + n.
constexpr int64 ids_per_transaction = 1000000;

// Numbers the next record: the transaction's xid8 times a million, plus the record's number in the transaction.
// Takes no sequence, because that would change what lastval() says to the session.
int64 next_id_raw();

// One record in the order of the table's columns; columns that it does not set are NULL.
class RecordRaw
{
public:
	// Opens the table (RowExclusiveLock, kept until the end of the transaction).
	RecordRaw(const Place &place, Table table, int64 id);
	void set(const char *column, Datum value);
	void set_text(const char *column, const char *text);
	// Fills installation, id, xid, at (unless it is set) and hash, and inserts the record, which the next command sees.
	void insert();

private:
	int find(const char *column);

	const Place &place_;
	Relation relation_;
	int64 id_;
	int cursor_;
	Datum *values_;
	bool *nulls_;
};
static_assert(std::is_trivially_destructible_v<RecordRaw>);

// Hashes a record's own content: SHA-256 in hexadecimal over its columns but `hash`, whatever the settings of the session.
// The text lives in the current context.
char *record_hash_raw(TupleDesc desc, const Datum *values, const bool *nulls);

// A record as text by column name, for callers in C++ and for the way to the background worker.
using Fields = std::vector<std::pair<std::string, pg::Cell>>;

// The ledger of this database; raises 55000 when the extension is not installed in it.
const Place &place();

// Tells whether nothing was ever written into a table, which costs less than a query.
bool is_empty(Table table);

// Inserts a record and gives its id; `id` is one that new_id() gave, or 0 for the next one.
int64_t append(Table table, const Fields &fields, int64_t id = 0);
int64_t new_id();

// Runs one fixed statement over the ledger as its owner.
std::vector<pg::Row> query(const char *sql, const std::vector<pg::Cell> &params = {}, pg::Plan plan = pg::Plan::keep);
pg::Cell query_cell(const char *sql, const std::vector<pg::Cell> &params = {});

// Puts something on record that somebody says or does, with who: a signature, a backup, a right. `body` is JSON.
void append_evidence(const std::string &kind, const std::string &subject, const std::string &body,
					 const std::string &note = "");

// Who runs this session, as fields login_role, session_role, acting_role, application and client.
void add_session(Fields &fields);

} // namespace mg::ledger
