// One pass over the table, with one snapshot or two. No plan, which would run functions of indexes, of whoever has made them, as the current user.
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
			heap_insert(target, row, command, HEAP_INSERT_NO_LOGICAL, bulk);
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

int64_t
copy_columns(Oid table, const std::vector<int> &columns, Oid into)
{
	constexpr int most = 100;

	return guarded([&] {
		CommandCounterIncrement();
		Relation source = table_open(table, AccessShareLock);
		Relation target = table_open(into, RowExclusiveLock);
		Snapshot now = RegisterSnapshot(GetLatestSnapshot());
		TableScanDesc scan = table_beginscan(source, now, 0, nullptr);
		TupleTableSlot *row = table_slot_create(source, nullptr);
		TupleTableSlot *copies[most];
		BulkInsertState bulk = GetBulkInsertState();
		const CommandId command = GetCurrentCommandId(true);
		MemoryContext memory =
			AllocSetContextCreate(CurrentMemoryContext, "migration_governance rows", ALLOCSET_DEFAULT_SIZES);
		int64_t count = 0;

		for (TupleTableSlot *&copy : copies)
			copy = MakeSingleTupleTableSlot(RelationGetDescr(target), &TTSOpsVirtual);
		for (bool is_more = true; is_more;)
		{
			int filled = 0;
			while (filled < most && (is_more = table_scan_getnextslot(scan, ForwardScanDirection, row)))
			{
				TupleTableSlot *copy = copies[filled++];
				slot_getallattrs(row);
				for (int i = 0; i < RelationGetNumberOfAttributes(target); i++)
				{
					const bool is_copied = i < static_cast<int>(columns.size());
					copy->tts_isnull[i] = !is_copied || row->tts_isnull[columns[i] - 1];
					copy->tts_values[i] = copy->tts_isnull[i] ? Datum(0) : row->tts_values[columns[i] - 1];
				}
				ExecStoreVirtualTuple(copy);
				ExecMaterializeSlot(copy);
			}
			CHECK_FOR_INTERRUPTS();
			MemoryContext before = MemoryContextSwitchTo(memory);
			if (filled > 0)
				table_multi_insert(target, copies, filled, command, TABLE_INSERT_NO_LOGICAL | TABLE_INSERT_SKIP_FSM,
								   bulk);
			MemoryContextSwitchTo(before);
			MemoryContextReset(memory);
			for (int i = 0; i < filled; i++)
				ExecClearTuple(copies[i]);
			count += filled;
		}
		MemoryContextDelete(memory);
		FreeBulkInsertState(bulk);
		for (TupleTableSlot *copy : copies)
			ExecDropSingleTupleTableSlot(copy);
		ExecDropSingleTupleTableSlot(row);
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
