// Runs the extension's own SQL and carries values between C++ and the server as text.
#include "pg/query.hpp"

#include "pg/latest.hpp"
#include "pg/memory.hpp"

namespace mg::pg {

namespace {

// A result as plain memory, so that it may cross a guard.
struct Cells
{
	uint64 rows = 0;
	int columns = 0;
	char **names = nullptr;
	char **cells = nullptr;
};

// Plans of the extension's fixed statements, by the address of their text: the same few run in every call. They outlive
// errors because a plan is kept only once it is whole; the server itself renews it when the catalog changes.
struct KeptPlan
{
	const char *sql;
	SPIPlanPtr plan;
};
constexpr int most_plans = 512;
KeptPlan kept_plans[most_plans];
int kept_count = 0;

// Tells whether an SqlScope is open.
bool pinned = false;

// Tells whether a LatestScope is open.
bool latest = false;

SPIPlanPtr
plan_raw(const char *sql, int count, Oid *types, bool keep)
{
	for (int i = 0; i < kept_count; i++)
		if (kept_plans[i].sql == sql)
			return kept_plans[i].plan;

	SPIPlanPtr plan = SPI_prepare(sql, count, types);
	if (plan == nullptr)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
	if (keep && kept_count < most_plans)
	{
		SPI_keepplan(plan);
		kept_plans[kept_count++] = {sql, plan};
	}
	return plan;
}

Cells
run_raw(const char *sql, int count, Datum *values, const char *nulls, Oid *types, bool keep,
		MemoryContext result_context)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	SPIPlanPtr plan = plan_raw(sql, count, types, keep);
	int code = latest ? SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(), InvalidSnapshot, false, false, 0)
					  : SPI_execute_plan(plan, values, nulls, false, 0);
	if (code < 0)
		elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(code));

	Cells table;
	if (SPI_tuptable != nullptr)
	{
		TupleDesc desc = SPI_tuptable->tupdesc;
		MemoryContext before = MemoryContextSwitchTo(result_context);

		table.rows = SPI_tuptable->numvals;
		table.columns = desc->natts;
		table.names = static_cast<char **>(palloc(sizeof(char *) * (desc->natts + 1)));
		for (int c = 0; c < desc->natts; c++)
			table.names[c] = pstrdup(NameStr(TupleDescAttr(desc, c)->attname));
		table.cells = static_cast<char **>(
			MemoryContextAllocHuge(result_context, sizeof(char *) * (table.rows * table.columns + 1)));
		for (uint64 r = 0; r < table.rows; r++)
			for (int c = 0; c < table.columns; c++)
				table.cells[r * table.columns + c] = SPI_getvalue(SPI_tuptable->vals[r], desc, c + 1);
		MemoryContextSwitchTo(before);
	}
	SPI_finish();
	return table;
}

Table
query(Oid owner, const char *sql, const std::vector<Cell> &params, Plan plan, Oid type = TEXTOID)
{
	MemoryScope memory("migration_governance query");
	RoleScope role(owner);
	SqlScope settings;

	Cells cells = guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		int count = static_cast<int>(params.size());
		auto *values = static_cast<Datum *>(palloc0(sizeof(Datum) * (count + 1)));
		auto *types = static_cast<Oid *>(palloc0(sizeof(Oid) * (count + 1)));
		auto *nulls = static_cast<char *>(palloc0(count + 1));
		for (int i = 0; i < count; i++)
		{
			types[i] = type;
			nulls[i] = params[i].has_value() ? ' ' : 'n';
			if (params[i].has_value() && type == OIDARRAYOID)
				values[i] = OidInputFunctionCall(F_ARRAY_IN, const_cast<char *>(params[i]->c_str()), OIDOID, -1);
			else if (params[i].has_value())
				values[i] = PointerGetDatum(cstring_to_text_with_len(params[i]->data(), params[i]->size()));
		}
		Cells result = run_raw(sql, count, values, nulls, types, plan == Plan::keep, memory.get());
		MemoryContextSwitchTo(before);
		return result;
	});

	Table table;
	table.rows.resize(cells.rows);
	for (int c = 0; c < cells.columns; c++)
		table.columns.emplace_back(cells.names[c]);
	for (uint64 r = 0; r < cells.rows; r++)
	{
		table.rows[r].reserve(cells.columns);
		for (int c = 0; c < cells.columns; c++)
		{
			const char *cell = cells.cells[r * cells.columns + c];
			table.rows[r].push_back(cell != nullptr ? Cell(cell) : Cell());
		}
	}
	return table;
}

} // namespace

Table
query_table_as(Oid owner, const char *sql, const std::string &oids)
{
	return query(owner, sql, {oids}, Plan::keep, OIDARRAYOID);
}

std::vector<Row>
query_as(Oid owner, const char *sql, const std::vector<Cell> &params, Plan plan)
{
	return query(owner, sql, params, plan).rows;
}

std::vector<Row>
query_as_caller(const std::string &sql, const std::vector<Cell> &params)
{
	return query_as(guarded([] { return GetUserId(); }), sql.c_str(), params, Plan::once);
}

Cell
query_cell_as(Oid owner, const char *sql, const std::vector<Cell> &params)
{
	std::vector<Row> rows = query_as(owner, sql, params);
	return rows.empty() ? Cell() : rows.front().front();
}

LatestScope::LatestScope() : before_(latest)
{
	latest = true;
}

LatestScope::~LatestScope()
{
	latest = before_;
}

SqlScope::SqlScope()
{
	/* The planner's guesses about arrays and JSON would have these small queries compiled, and planned anew each time. */
	static constexpr const char *pins[][2] = {{"search_path", "pg_catalog, pg_temp"},
											  {"quote_all_identifiers", "off"},
											  {"jit", "off"},
											  {"plan_cache_mode", "force_generic_plan"}};

	if (pinned)
		return;
	settings_.emplace();
	guarded([] {
		for (const auto &[name, value] : pins)
			set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	});
	pinned = true;
}

SqlScope::~SqlScope()
{
	if (settings_.has_value())
		pinned = false;
}

RoleScope::RoleScope(Oid role)
{
	GetUserIdAndSecContext(&role_, &security_);
	SetUserIdAndSecContext(role, security_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
}

std::optional<std::string>
text_argument(FunctionCallInfo fcinfo, int number)
{
	if (number >= PG_NARGS() || PG_ARGISNULL(number))
		return std::nullopt;
	text *value = guarded([&] { return PG_GETARG_TEXT_PP(number); });
	return std::string(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

std::vector<std::string>
text_array_argument(FunctionCallInfo fcinfo, int number)
{
	if (number >= PG_NARGS() || PG_ARGISNULL(number))
		return {};

	struct Items
	{
		Datum *values;
		bool *nulls;
		int count;
	};
	Items items = guarded([&] {
		Items found;
		ArrayType *array = PG_GETARG_ARRAYTYPE_P(number);
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &found.values, &found.nulls, &found.count);
		return found;
	});
	std::vector<std::string> result;
	for (int i = 0; i < items.count; i++)
	{
		if (items.nulls[i])
			throw UserError("22004", "an array of migration names must not contain NULL");
		text *value = guarded([&] { return DatumGetTextPP(items.values[i]); });
		result.emplace_back(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	}
	return result;
}

Datum
text_datum(std::string_view text)
{
	return guarded([&] { return PointerGetDatum(cstring_to_text_with_len(text.data(), text.size())); });
}

namespace {

// Reads each cell by its column's input function.
void
read_cells_raw(TupleDesc desc, const Row &row, Datum *values, bool *nulls)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Oid input;
		Oid io_param;

		nulls[i] = i >= static_cast<int>(row.size()) || !row[i].has_value();
		values[i] = 0;
		if (nulls[i])
			continue;
		getTypeInputInfo(attribute->atttypid, &input, &io_param);
		values[i] = OidInputFunctionCall(input, const_cast<char *>(row[i]->c_str()), io_param, attribute->atttypmod);
	}
}

} // namespace

RowSet::RowSet(FunctionCallInfo fcinfo) : row_("migration_governance row")
{
	guarded([&] { InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC); });
	result_ = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
}

void
RowSet::add(const Row &row)
{
	guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(row_.get());
		TupleDesc desc = result_->setDesc;
		auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * desc->natts));
		auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * desc->natts));
		read_cells_raw(desc, row, values, nulls);
		tuplestore_putvalues(result_->setResult, desc, values, nulls);
		MemoryContextSwitchTo(before);
		MemoryContextReset(row_.get());
	});
}

Datum
composite_datum(FunctionCallInfo fcinfo, const Row &row)
{
	return guarded([&] {
		TupleDesc desc;
		if (get_call_result_type(fcinfo, nullptr, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		desc = BlessTupleDesc(desc);
		auto *values = static_cast<Datum *>(palloc(sizeof(Datum) * desc->natts));
		auto *nulls = static_cast<bool *>(palloc(sizeof(bool) * desc->natts));
		read_cells_raw(desc, row, values, nulls);
		return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
	});
}

std::string
array_literal(const std::vector<std::string> &items)
{
	std::string literal = "{";
	for (const std::string &item : items)
	{
		if (literal.size() > 1)
			literal += ',';
		literal += '"';
		for (char c : item)
		{
			if (c == '"' || c == '\\')
				literal += '\\';
			literal += c;
		}
		literal += '"';
	}
	return literal + "}";
}

std::string
array_literal(const std::vector<Oid> &oids)
{
	std::string literal = "{";
	for (Oid oid : oids)
		literal += (literal.size() > 1 ? "," : "") + std::to_string(oid);
	return literal + "}";
}

std::vector<std::string>
array_items(const std::string &literal)
{
	struct Items
	{
		Datum *values;
		int count;
	};
	Items items = guarded([&] {
		Items found;
		bool *nulls;
		Oid input;
		Oid io_param;
		getTypeInputInfo(TEXTARRAYOID, &input, &io_param);
		Datum array = OidInputFunctionCall(input, const_cast<char *>(literal.c_str()), io_param, -1);
		deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &found.values, &nulls,
						  &found.count);
		return found;
	});
	std::vector<std::string> result;
	for (int i = 0; i < items.count; i++)
	{
		auto *value = reinterpret_cast<text *>(DatumGetPointer(items.values[i]));
		result.emplace_back(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	}
	return result;
}

} // namespace mg::pg
