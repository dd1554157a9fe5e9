// Finds the ledger's tables and inserts records into them.
#include "ledger/store.hpp"

#include "pg/lock.hpp"
#include "pg/session.hpp"

namespace mg::ledger {

namespace {

constexpr const char *table_names[table_count] = {"installation", "script", "registration", "run",         "statement",
												  "policy_event", "seal",   "rehearsal",    "environment", "approval",
												  "evidence",     "alert",  "journal", "archive"};

// What is known of the ledger in this database. Kept across statements because every DDL statement asks;
// the invalidation callbacks below empty it whenever one of its relations or any schema changes.
enum class Knowledge
{
	unknown,
	absent,
	present
};
struct Known
{
	Knowledge state;
	Place place;
};
Known known = {Knowledge::unknown, {}};
bool callbacks_registered = false;
bool busy = false; // the last look found somebody's lock on mg.current

void
relation_changed(Datum, Oid relation)
{
	if (known.state == Knowledge::unknown)
		return;
	if (relation == InvalidOid || relation == known.place.current)
		known.state = Knowledge::unknown;
	for (Oid table : known.place.tables)
		if (relation == table)
			known.state = Knowledge::unknown;
}

void
schema_changed(Datum, int, uint32)
{
	known.state = Knowledge::unknown;
}

// Reads the installation from the only row of mg.current.
bool
read_installation_raw(Oid current, pg_uuid_t *installation)
{
	if (!ConditionalLockRelationOid(current, AccessShareLock))
	{
		busy = true;
		return false;
	}
	Relation relation = table_open(current, NoLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, GetLatestSnapshot(), 0, nullptr);
	HeapTuple tuple = systable_getnext(scan);
	bool found = HeapTupleIsValid(tuple);

	if (found)
	{
		bool is_null;
		Datum value = heap_getattr(tuple, 1, RelationGetDescr(relation), &is_null);
		*installation = *DatumGetUUIDP(value);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

// Trusts only relations that the extension owns and a superuser made: anybody may create a schema called mg.
bool
look_up_raw(Place *place)
{
	place->extension = get_extension_oid("migration_governance", true);
	place->schema = get_namespace_oid("mg", true);
	if (!OidIsValid(place->extension) || !OidIsValid(place->schema))
		return false;
	if (getExtensionOfObject(NamespaceRelationId, place->schema) != place->extension)
		return false;

	HeapTuple tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(place->schema));
	if (!HeapTupleIsValid(tuple))
		return false;
	place->owner = reinterpret_cast<Form_pg_namespace>(GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);

	place->current = get_relname_relid("current", place->schema);
	if (!OidIsValid(place->current))
		return false;
	for (int i = 0; i < table_count; i++)
	{
		place->tables[i] = get_relname_relid(table_names[i], place->schema);
		if (!OidIsValid(place->tables[i]) ||
			getExtensionOfObject(RelationRelationId, place->tables[i]) != place->extension)
			return false;
	}
	return read_installation_raw(place->current, &place->installation);
}

} // namespace

const char *
name_of(Table table)
{
	return table_names[static_cast<int>(table)];
}

const Place *
find_raw()
{
	if (!callbacks_registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, 0);
		callbacks_registered = true;
	}
	if (known.state == Knowledge::unknown)
	{
		Known found = {Knowledge::absent, {}};

		/* Taken before looking: an invalidation that arrives meanwhile must win. */
		known.state = Knowledge::absent;
		busy = false;
		found.state = look_up_raw(&found.place) ? Knowledge::present : Knowledge::absent;
		if (busy)
			known.state = Knowledge::unknown;
		else if (known.state == Knowledge::absent)
			known = found;
		else
			return found.state == Knowledge::present ? (known.place = found.place, &known.place) : nullptr;
	}
	return known.state == Knowledge::present ? &known.place : nullptr;
}

bool
is_busy()
{
	return busy;
}

void
forget_place()
{
	known.state = Knowledge::unknown;
}

bool
may_be_ledger_relation(const char *name)
{
	if (strcmp(name, "current") == 0)
		return true;
	for (const char *table : table_names)
		if (strcmp(name, table) == 0)
			return true;
	return false;
}

bool
is_ledger_relation_raw(Oid relation)
{
	const Place *place = find_raw();

	if (place == nullptr)
		return false;
	if (relation == place->current)
		return true;
	for (Oid table : place->tables)
		if (relation == table)
			return true;
	return false;
}

bool
lock_for_insert_raw(const Place &place, Table table)
{
	return ConditionalLockRelationOid(place.of(table), RowExclusiveLock);
}

bool
is_locked_by_me(const Place &place, Table table)
{
	LOCKTAG tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, place.of(table));
	for (LOCKMODE mode : {ShareLock, ShareRowExclusiveLock, ExclusiveLock, AccessExclusiveLock})
		if (pg::holds_lock(tag, mode))
			return true;
	return false;
}

int64
next_id_raw()
{
	/* The count belongs to the transaction whose xid stands beside it; another xid starts a new count. */
	static uint64 transaction = 0;
	static int64 count = 0;
	uint64 xid = U64FromFullTransactionId(GetTopFullTransactionId());

	if (xid != transaction)
	{
		transaction = xid;
		count = 0;
	}
	if (++count >= ids_per_transaction)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a transaction cannot have more than %d records in the ledger",
							   static_cast<int>(ids_per_transaction - 1))));
	return static_cast<int64>(xid) * ids_per_transaction + count;
}

RecordRaw::RecordRaw(const Place &place, Table table, int64 id)
	: place_(place), relation_(table_open(place.of(table), RowExclusiveLock)), id_(id), cursor_(-1)
{
	int count = RelationGetDescr(relation_)->natts;
	values_ = static_cast<Datum *>(palloc0(sizeof(Datum) * count));
	nulls_ = static_cast<bool *>(palloc(sizeof(bool) * count));
	memset(nulls_, true, sizeof(bool) * count);
}

// Finds a column by its name, beginning behind the one found before: callers set columns in about their order. A column
// that an older version of the tables does not have yet is not found.
int
RecordRaw::find(const char *column)
{
	TupleDesc desc = RelationGetDescr(relation_);

	for (int i = 0; i < desc->natts; i++)
	{
		cursor_ = cursor_ + 1 < desc->natts ? cursor_ + 1 : 0;
		if (strcmp(NameStr(TupleDescAttr(desc, cursor_)->attname), column) == 0)
			return cursor_;
	}
	return -1;
}

void
RecordRaw::set(const char *column, Datum value)
{
	int i = find(column);

	if (i < 0)
		return;
	values_[i] = value;
	nulls_[i] = false;
}

void
RecordRaw::set_text(const char *column, const char *text)
{
	if (text != nullptr)
		set(column, CStringGetTextDatum(text));
}

void
RecordRaw::insert()
{
	TupleDesc desc = RelationGetDescr(relation_);
	auto *installation = static_cast<pg_uuid_t *>(palloc(sizeof(pg_uuid_t)));

	*installation = place_.installation;
	set("installation", UUIDPGetDatum(installation));
	set("id", Int64GetDatum(id_));
	set("xid", FullTransactionIdGetDatum(GetTopFullTransactionId()));
	if (int at = find("at"); at >= 0 && nulls_[at])
	{
		values_[at] = TimestampTzGetDatum(GetCurrentTimestamp());
		nulls_[at] = false;
	}
	set_text("hash", record_hash_raw(desc, values_, nulls_));

	HeapTuple tuple = heap_form_tuple(desc, values_, nulls_);
	CatalogTupleInsert(relation_, tuple);
	/* Sessions keep what they read of these: it holds no longer, when this transaction commits. */
	if (RelationGetRelid(relation_) == place_.of(Table::policy_event) ||
		RelationGetRelid(relation_) == place_.of(Table::environment))
		CacheInvalidateRelcache(relation_);
	table_close(relation_, NoLock);
}

const Place &
place()
{
	const Place *found = pg::guarded([] { return find_raw(); });
	if (found == nullptr)
		throw UserError("55000", "extension migration_governance is not installed in this database")
			.hint("Run CREATE EXTENSION migration_governance, or ALTER EXTENSION migration_governance UPDATE.");
	return *found;
}

int64_t
new_id()
{
	place();
	return pg::guarded([] { return next_id_raw(); });
}

int64_t
append(Table table, const Fields &fields, int64_t id)
{
	const Place where = place();
	return pg::guarded([&] {
		int64 number = id != 0 ? id : next_id_raw();
		RecordRaw record(where, table, number);

		Relation relation = table_open(where.of(table), NoLock);
		TupleDesc desc = RelationGetDescr(relation);
		for (const auto &[column, cell] : fields)
			for (int i = 0; i < desc->natts && cell.has_value(); i++)
			{
				Form_pg_attribute attribute = TupleDescAttr(desc, i);
				Oid input;
				Oid io_param;

				if (column != NameStr(attribute->attname))
					continue;
				getTypeInputInfo(attribute->atttypid, &input, &io_param);
				record.set(NameStr(attribute->attname),
						   OidInputFunctionCall(input, const_cast<char *>(cell->c_str()), io_param, -1));
			}
		table_close(relation, NoLock);
		record.insert();
		CommandCounterIncrement();
		return static_cast<int64_t>(number);
	});
}

bool
is_empty(Table table)
{
	const Place &where = place();

	return pg::guarded([&] {
		Relation relation = table_open(where.of(table), AccessShareLock);
		const bool empty = RelationGetNumberOfBlocks(relation) == 0;
		table_close(relation, AccessShareLock);
		return empty;
	});
}

std::vector<pg::Row>
query(const char *sql, const std::vector<pg::Cell> &params, pg::Plan plan)
{
	return pg::query_as(place().owner, sql, params, plan);
}

pg::Cell
query_cell(const char *sql, const std::vector<pg::Cell> &params)
{
	return pg::query_cell_as(place().owner, sql, params);
}

void
append_evidence(const std::string &kind, const std::string &subject, const std::string &body, const std::string &note)
{
	Fields fields = {
		{"kind", kind}, {"subject", subject}, {"body", body}, {"note", note.empty() ? pg::Cell() : pg::Cell(note)}};

	add_session(fields);
	append(Table::evidence, fields);
}

void
add_session(Fields &fields)
{
	pg::SessionRaw session = pg::guarded([] { return pg::session_raw(); });
	auto cell = [](const char *text) { return text != nullptr ? pg::Cell(text) : pg::Cell(); };
	fields.emplace_back("login_role", cell(session.login_role));
	fields.emplace_back("session_role", cell(session.session_role));
	fields.emplace_back("acting_role", cell(session.acting_role));
	fields.emplace_back("application", cell(session.application));
	fields.emplace_back("client", cell(session.client));
}

} // namespace mg::ledger
