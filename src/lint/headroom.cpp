// Group D: whether there is room and memory for what is built or written anew.
#include <filesystem>

#include "lint/coercion.hpp"
#include "lint/facts.hpp"
#include "lint/index_keys.hpp"
#include "lint/indexes.hpp"
#include "lint/statistics.hpp"
#include "lint/words.hpp"
#include "pg/text.hpp"

namespace mg::lint {

namespace {

// About what an index takes: an entry has a header of 8 bytes and a pointer of 4, and pages are filled to 90 %.
int64_t
index_bytes(const Table &table, const std::vector<std::string> &columns, int expressions)
{
	double width = 16.0 * expressions;

	if (table.rows < 0)
		return table.bytes;
	for (const std::string &name : columns)
	{
		const Column *column = table.column(name);
		auto known = column != nullptr ? statistics_of(table, *column) : std::nullopt;
		width += known.has_value() ? known->width : 16.0;
	}
	return static_cast<int64_t>(std::min(table.rows * (width + 12) / 0.9, 9e18));
}

int64_t
index_bytes(const Table &table, const IndexStmt *statement)
{
	std::vector<std::string> columns;
	ListCell *cell;
	int expressions = 0;

	for (const List *part : {statement->indexParams, statement->indexIncludingParams})
		foreach (cell, part)
		{
			const char *name = lfirst_node(IndexElem, cell)->name;
			if (name != nullptr)
				columns.emplace_back(name);
			else
				expressions++;
		}
	return index_bytes(table, columns, expressions);
}

// The indexes of a table, as they are.
int64_t
indexes_bytes(const Table &table)
{
	const pg::Cell pages =
		fact("SELECT sum(c.relpages::bigint) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE "
			 "i.indrelid = $1::oid",
			 {cell_of(table.oid)});
	return pages.has_value() ? strtoll(pages->c_str(), nullptr, 10) * BLCKSZ : 0;
}

// A table with its indexes, as it would be written anew.
int64_t
rewritten_bytes(const Table &table)
{
	return table.bytes + indexes_bytes(table);
}

// Where the files of a tablespace are.
std::filesystem::path
directory_of(Oid tablespace)
{
	const std::filesystem::path data = DataDir;

	if (!OidIsValid(tablespace))
		tablespace = MyDatabaseTableSpace;
	if (tablespace == DEFAULTTABLESPACE_OID || tablespace == GLOBALTABLESPACE_OID)
		return data;
	return data / "pg_tblspc" / std::to_string(tablespace);
}

// How much a statement writes, and where; 0 bytes: nothing to speak of.
struct Written
{
	int64_t bytes = 0;
	Oid tablespace = InvalidOid;
};

Written
written_by(const Action &action, Context &context)
{
	Written written;

	switch (action.what)
	{
		case What::create_index:
		{
			const char *name = index_statement(action)->tableSpace;
			written.bytes = index_bytes(*action.table, index_statement(action));
			if (name != nullptr)
				written.tablespace = pg::guarded([&] { return get_tablespace_oid(name, true); });
			return written;
		}
		case What::change_type:
		{
			const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd);
			if (action.column == nullptr || action.column->number <= 0 ||
				!change_of(*action.table, *action.column, castNode(ColumnDef, command->def),
						   context.model().time_zone())
					 .rewrites)
				return written;
			break;
		}
		default:
			if (!IsA(action.statement, ClusterStmt) && !IsA(action.statement, VacuumStmt))
				return written;
			break;
	}
	written.bytes = rewritten_bytes(*action.table);
	const pg::Cell own = fact("SELECT reltablespace FROM pg_class WHERE oid = $1::oid", {cell_of(action.table->oid)});
	written.tablespace = own.has_value() ? static_cast<Oid>(strtoul(own->c_str(), nullptr, 10)) : InvalidOid;
	return written;
}

void
disk_headroom(const Action &action, Context &context)
{
	std::error_code failure;
	Written written = written_by(action, context);

	if (written.bytes <= 0)
		return;
	const std::filesystem::space_info room = std::filesystem::space(directory_of(written.tablespace), failure);
	if (failure)
		return;
	const std::filesystem::space_info log = std::filesystem::space(std::filesystem::path(DataDir) / "pg_wal", failure);
	const bool is_logged =
		wal_level > WAL_LEVEL_MINIMAL && action.table->persistence == RELPERSISTENCE_PERMANENT && !failure;
	/* The same file system, as far as figures tell. */
	if (is_logged && log.capacity == room.capacity && log.available == room.available &&
		written.bytes < PG_INT64_MAX / 2)
		written.bytes *= 2;
	if (static_cast<uint64_t>(written.bytes) < room.available)
		return;
	context.report({"it takes about " + pg::size_text(written.bytes) + " to write " +
						(action.what == What::create_index ? "the index of " : "all of ") + action.table->title() +
						", and the file system has " + pg::size_text(static_cast<int64_t>(room.available)) +
						" left: a full disk stops the whole server",
					"Make room first, or give it a tablespace elsewhere."});
}

// Whether the script has set it itself.
bool
is_set(const Context &context, const char *name)
{
	for (const Done &done : context.done())
		if (done.what == What::set_variable && done.name == name)
			return true;
	return false;
}

void
index_build_memory(const Action &action, Context &context)
{
	const std::string method = method_of(index_statement(action));
	if ((method != "gin" && method != "hnsw") || is_set(context, "maintenance_work_mem"))
		return;
	const int64_t memory = static_cast<int64_t>(maintenance_work_mem) * 1024;
	const int64_t needed = action.table->bytes;
	if (needed <= memory)
		return;
	Report report;
	report.message = "building a " + method + " index over " + sized(*action.table) +
					 " with maintenance_work_mem = " + pg::size_text(memory) +
					 (method == "gin" ? " writes it in many small steps" : " goes on without the graph in memory") +
					 ", which takes many times as long";
	report.hint = "SET maintenance_work_mem to as much as can be spared before it.";
	context.report(std::move(report));
}

void
gin_pending_list(const Action &action, Context &context)
{
	const IndexStmt *create = index_statement(action);
	ListCell *cell;

	if (action.table == nullptr || method_of(create) != "gin")
		return;
	foreach (cell, create->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "fastupdate") == 0)
			return;
	context.report({"the GIN index of " + action.table->title() +
						" gathers new entries in a list, and now and then one INSERT has to sort in all of them",
					"Where a steady time counts more, create it WITH (fastupdate = off)."});
}

} // namespace

int64_t
free_bytes()
{
	std::error_code failure;
	const std::filesystem::space_info room = std::filesystem::space(directory_of(InvalidOid), failure);

	return failure ? -1 : static_cast<int64_t>(room.available);
}

int64_t
written_bytes(const Action &action, const Table &table, Work work)
{
	if (work == Work::rewrite)
		return rewritten_bytes(table);
	if (work != Work::build)
		return 0;
	if (action.what == What::create_index)
		return index_bytes(table, index_statement(action));
	if (const auto *definition = part_as<Constraint>(action, T_Constraint))
		return index_bytes(
			table, action.is_new_column ? std::vector<std::string>{action.column->name} : names_in(definition->keys),
			0);
	return indexes_bytes(table);
}

std::vector<Rule>
headroom_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"disk-headroom",
		 "D",
		 S::warning,
		 About::occupied,
		 {W::create_index, W::change_type, W::rewrite_table},
		 disk_headroom,
		 "an index or a table is written for which the disk has no room",
		 "The migration fails, and a full disk stops everybody else too.",
		 "Make room first."},
		{"index-build-memory",
		 "D",
		 S::info,
		 About::occupied,
		 {W::create_index},
		 index_build_memory,
		 "a GIN or HNSW index is built with little maintenance_work_mem",
		 "It then takes many times as long.",
		 "Set maintenance_work_mem before it."},
		{"gin-pending-list",
		 "D",
		 S::off,
		 About::anything,
		 {W::create_index},
		 gin_pending_list,
		 "a GIN index with fastupdate, as it is by default",
		 "One INSERT out of many has to clear the list of new entries, and takes long.",
		 "Create it WITH (fastupdate = off) where a steady time counts."},
	};
}

} // namespace mg::lint
