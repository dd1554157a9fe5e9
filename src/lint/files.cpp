// Adds up files as the server's own size functions do, which open and lock the relation.
#include "lint/files.hpp"

#include <sys/stat.h>

#include "lint/scan.hpp"

namespace mg::lint {

namespace {

// The files of a temporary table have the number of the session that it belongs to.
auto
session_of(Form_pg_class relation)
{
#if PG_VERSION_NUM >= 170000
	return relation->relpersistence == RELPERSISTENCE_TEMP ? GetTempNamespaceProcNumber(relation->relnamespace)
														   : INVALID_PROC_NUMBER;
#else
	return relation->relpersistence == RELPERSISTENCE_TEMP ? GetTempNamespaceBackendId(relation->relnamespace)
														   : InvalidBackendId;
#endif
}

int64
fork_raw(Form_pg_class relation, ForkNumber fork)
{
	Oid space = OidIsValid(relation->reltablespace) ? relation->reltablespace : MyDatabaseTableSpace;
#if PG_VERSION_NUM >= 180000
	RelPathStr made = GetRelationPath(MyDatabaseId, space, relation->relfilenode, session_of(relation), fork);
	const char *path = made.str;
#else
	const char *path = GetRelationPath(MyDatabaseId, space, relation->relfilenode, session_of(relation), fork);
#endif
	int64 bytes = 0;
	struct stat file;

	for (unsigned segment = 0;; segment++)
	{
		CHECK_FOR_INTERRUPTS();
		if (stat(segment == 0 ? path : psprintf("%s.%u", path, segment), &file) != 0)
			return bytes;
		bytes += file.st_size;
		if (file.st_size < static_cast<off_t>(RELSEG_SIZE) * BLCKSZ)
			return bytes;
	}
}

int64
forks_raw(Form_pg_class relation)
{
	int64 bytes = fork_raw(relation, MAIN_FORKNUM);

	/* What has no page has no map of its pages. */
	if (bytes > 0)
		bytes += fork_raw(relation, FSM_FORKNUM) + fork_raw(relation, VISIBILITYMAP_FORKNUM);
	if (relation->relpersistence == RELPERSISTENCE_UNLOGGED)
		bytes += fork_raw(relation, INIT_FORKNUM);
	return bytes;
}

int64
relation_raw(Oid oid)
{
	HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));

	if (!HeapTupleIsValid(row))
		return 0;
	int64 bytes = forks_raw(reinterpret_cast<Form_pg_class>(GETSTRUCT(row)));
	ReleaseSysCache(row);
	return bytes;
}

} // namespace

int64
table_files_raw(Form_pg_class table)
{
	int64 bytes = forks_raw(table);

	if (OidIsValid(table->reltoastrelid))
	{
		const int64 values = relation_raw(table->reltoastrelid);
		bytes += values;
		/* The index of a TOAST table without values, which most are, is its first page. */
		if (values == 0)
			bytes += BLCKSZ;
		else
			bytes += index_files_raw(table->reltoastrelid);
	}
	return bytes;
}

int64
index_files_raw(Oid table)
{
	int64 bytes = 0;

	scan_raw(IndexRelationId, IndexIndrelidIndexId, Anum_pg_index_indrelid, table, [&](Relation, HeapTuple row) {
		bytes += relation_raw(reinterpret_cast<Form_pg_index>(GETSTRUCT(row))->indexrelid);
	});
	return bytes;
}

} // namespace mg::lint
