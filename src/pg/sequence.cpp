// Reads the one row of a sequence as the server's own functions do.
#include "pg/sequence.hpp"

namespace mg::pg {

LastValueRaw
last_value_raw(Oid sequence)
{
	LastValueRaw last = {false, false, 0};

	if (pg_class_aclcheck(sequence, GetUserId(), ACL_USAGE | ACL_SELECT) != ACLCHECK_OK ||
		!ConditionalLockRelationOid(sequence, AccessShareLock))
		return last;
	Relation relation = try_relation_open(sequence, NoLock);
	if (relation == nullptr)
	{
		UnlockRelationOid(sequence, AccessShareLock);
		return last;
	}
	/* On a standby the file of an unlogged one may be empty. */
	if (relation->rd_rel->relkind == RELKIND_SEQUENCE && !RELATION_IS_OTHER_TEMP(relation) &&
		(relation->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT || !RecoveryInProgress()))
	{
		Buffer buffer = ReadBuffer(relation, 0);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		Page page = BufferGetPage(buffer);
		ItemId item = PageGetItemId(page, FirstOffsetNumber);
		if (ItemIdIsNormal(item))
		{
			HeapTupleData row;
			row.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, item));
			auto *form = reinterpret_cast<Form_pg_sequence_data>(GETSTRUCT(&row));
			last = {true, form->is_called, form->last_value};
		}
		UnlockReleaseBuffer(buffer);
	}
	relation_close(relation, AccessShareLock);
	return last;
}

} // namespace mg::pg
