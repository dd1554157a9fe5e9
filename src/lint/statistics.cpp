// Reads pg_statistic.
#include "lint/statistics.hpp"

#include <algorithm>

#include "pg/boundary.hpp"

namespace mg::lint {

namespace {

/* Plain memory, since reading may raise. */
struct Raw
{
	bool found;
	ColumnStatistics is;
};

// As the view pg_stats: not of columns that one may not read, nor where row security hides rows.
bool
may_see_raw(Oid table, int16 column)
{
	return (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
			pg_attribute_aclcheck(table, column, GetUserId(), ACL_SELECT) == ACLCHECK_OK) &&
		   check_enable_rls(table, InvalidOid, true) != RLS_ENABLED;
}

void
read_values_raw(HeapTuple row, ColumnStatistics *column)
{
	AttStatsSlot slot;

	if (get_attstatsslot(&slot, row, STATISTIC_KIND_MCV, InvalidOid, ATTSTATSSLOT_NUMBERS))
	{
		if (slot.nnumbers > 0)
			column->most_common = slot.numbers[0];
		free_attstatsslot(&slot);
	}
	if (get_attstatsslot(&slot, row, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES))
	{
		if (get_typlen(slot.valuetype) == -1)
			for (int i = 0; i < slot.nvalues; i++)
				column->widest =
					std::max(column->widest, static_cast<double>(toast_raw_datum_size(slot.values[i]) - VARHDRSZ));
		free_attstatsslot(&slot);
	}
}

Raw
read_raw(Oid table, int16 column, double rows)
{
	Raw raw = {};
	HeapTuple row = nullptr;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)) || !may_see_raw(table, column))
		return raw;
	/* Those with children and partitions say more, where there are any. */
	for (bool with_children : {true, false})
		if (row = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table), Int16GetDatum(column),
								  BoolGetDatum(with_children));
			HeapTupleIsValid(row))
			break;
	if (!HeapTupleIsValid(row))
		return raw;
	auto *form = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(row));
	raw.found = true;
	raw.is.nulls = form->stanullfrac;
	raw.is.distinct = form->stadistinct < 0 ? -form->stadistinct * rows : form->stadistinct;
	raw.is.width = form->stawidth;
	read_values_raw(row, &raw.is);
	raw.is.widest = std::max(raw.is.widest, raw.is.width);
	ReleaseSysCache(row);
	return raw;
}

} // namespace

std::optional<ColumnStatistics>
statistics_of(const Table &table, const Column &column)
{
	if (!OidIsValid(table.oid) || column.number <= 0 || table.rows <= 0)
		return std::nullopt;
	Raw raw = pg::guarded([&] { return read_raw(table.oid, static_cast<int16>(column.number), table.rows); });
	return raw.found ? std::optional(raw.is) : std::nullopt;
}

int64_t
updates_of(const Table &table)
{
	return pg::guarded(
		[&] { return DatumGetInt64(DirectFunctionCall1(pg_stat_get_tuples_updated, ObjectIdGetDatum(table.oid))); });
}

int64_t
deletions_of(const Table &table)
{
	return pg::guarded(
		[&] { return DatumGetInt64(DirectFunctionCall1(pg_stat_get_tuples_deleted, ObjectIdGetDatum(table.oid))); });
}

std::string
percent(double fraction)
{
	return fraction < 0.01 ? "less than 1%" : std::to_string(static_cast<int>(fraction * 100 + 0.5)) + "%";
}

std::string
whole(double number)
{
	return std::to_string(static_cast<int64_t>(number + 0.5));
}

} // namespace mg::lint
