// One pass over the table, with two snapshots.
#include "pg/changed_rows.hpp"

namespace mg::pg {

Snapshot
take_snapshot()
{
	return guarded([] { return RegisterSnapshotOnOwner(GetLatestSnapshot(), TopTransactionResourceOwner); });
}

void
let_go(Snapshot snapshot)
{
	guarded([&] { UnregisterSnapshotFromOwner(snapshot, TopTransactionResourceOwner); });
}

int64_t
copy_changed(Oid table, Oid into, Snapshot before)
{
	return guarded([&] {
		CommandCounterIncrement();
		Relation source = table_open(table, AccessShareLock);
		Relation target = table_open(into, RowExclusiveLock);
		Snapshot now = RegisterSnapshot(GetLatestSnapshot());
		TableScanDesc scan = table_beginscan(source, before, 0, nullptr);
		TupleTableSlot *slot = table_slot_create(source, nullptr);
		BulkInsertState bulk = GetBulkInsertState();
		const CommandId command = GetCurrentCommandId(true);
		int64_t count = 0;

		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			CHECK_FOR_INTERRUPTS();
			if (table_tuple_satisfies_snapshot(source, slot, now))
				continue;
			HeapTuple row = ExecCopySlotHeapTuple(slot);
			row->t_tableOid = into;
			heap_insert(target, row, command, 0, bulk);
			heap_freetuple(row);
			count++;
		}
		FreeBulkInsertState(bulk);
		ExecDropSingleTupleTableSlot(slot);
		table_endscan(scan);
		UnregisterSnapshot(now);
		table_close(target, NoLock);
		table_close(source, NoLock);
		CommandCounterIncrement();
		return count;
	});
}

bool
has_new_rows(Oid table, Snapshot before)
{
	return guarded([&] {
		Relation source = table_open(table, AccessShareLock);
		Snapshot now = RegisterSnapshot(GetLatestSnapshot());
		TableScanDesc scan = table_beginscan(source, now, 0, nullptr);
		TupleTableSlot *slot = table_slot_create(source, nullptr);
		bool found = false;

		while (!found && table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			CHECK_FOR_INTERRUPTS();
			found = !table_tuple_satisfies_snapshot(source, slot, before);
		}
		ExecDropSingleTupleTableSlot(slot);
		table_endscan(scan);
		UnregisterSnapshot(now);
		table_close(source, NoLock);
		return found;
	});
}

} // namespace mg::pg
