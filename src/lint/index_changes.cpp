// Group D: indexes that are dropped, built again or set otherwise, and tables that are written anew in the order of one.
#include "lint/facts.hpp"
#include "lint/index_keys.hpp"
#include "lint/indexes.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

const DropStmt *
drop_statement(const Action &action)
{
	return castNode(DropStmt, action.statement);
}

// What an index is for, beyond being searched.
struct Use
{
	std::string constraint;   // that it belongs to
	std::string keys;         // foreign keys that refer to its columns
	std::string parent;       // the index of the partitioned table
	bool is_identity = false; // REPLICA IDENTITY USING INDEX
	int64_t scans = 0;
	std::string last; // when it was scanned last, from 16 on
};

Use
use_of(const Index &index)
{
	/* No index leads from an index to the foreign keys that need it; pg_depend does. */
	constexpr const char *sql =
		"SELECT (SELECT quote_ident(conname) FROM pg_constraint WHERE conindid = i.indexrelid AND conrelid = "
		"i.indrelid "
		"          AND contype IN ('p', 'u', 'x')), "
		"       (SELECT string_agg(format('%I of %s', conname, conrelid::regclass), ', ' ORDER BY conname) FROM "
		"pg_constraint "
		"          WHERE oid IN (SELECT objid FROM pg_depend WHERE classid = 'pg_constraint'::regclass AND refclassid "
		"= "
		"'pg_class'::regclass AND refobjid = i.indexrelid) "
		"          AND conindid = i.indexrelid AND contype = 'f' AND conparentid = 0), "
		"       (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = i.indexrelid), "
		"       i.indisreplident, pg_stat_get_numscans(i.indexrelid), "
#if PG_VERSION_NUM >= 160000
		"       to_char(pg_stat_get_lastscan(i.indexrelid), 'YYYY-MM-DD HH24:MI') "
#else
		"       NULL "
#endif
		"FROM pg_index i WHERE i.indexrelid = $1::oid";
	Use use;

	for (const pg::Row &row : facts(sql, {cell_of(index.oid)}))
	{
		use.constraint = row[0].value_or("");
		use.keys = row[1].value_or("");
		use.parent = row[2].value_or("");
		use.is_identity = row[3] == "t";
		use.scans = strtoll(row[4].value_or("0").c_str(), nullptr, 10);
		use.last = row[5].value_or("");
	}
	return use;
}

// The index of DROP INDEX, if it was there before the script.
const Index *
dropped_index(const Action &action)
{
	const Index *index = action.table->index(action.name);
	return index != nullptr && !index->made_here && OidIsValid(index->oid) ? index : nullptr;
}

bool
is_refused(const Action &action, const Use &use)
{
	return !use.constraint.empty() || !use.parent.empty() || (!use.keys.empty() && !action.cascade);
}

void
drop_index_not_concurrent(const Action &action, Context &context)
{
	const DropStmt *drop = drop_statement(action);
	const Index *index = dropped_index(action);

	if (drop->concurrent || index == nullptr)
		return;
	const Use use = use_of(*index);
	if (is_refused(action, use))
		return;
	Report report;
	report.message = "dropping index " + quoted(index->name) + " waits for every query on " + sized(*action.table) +
					 ", and whoever comes later waits for it";
	report.lock = AccessExclusiveLock;
	if (action.table->kind == RELKIND_PARTITIONED_TABLE)
		/* CONCURRENTLY is not to be had. */
		report.steps = {step("SET LOCAL lock_timeout = '2s';\n" + context.statement_text())};
	else if (action.cascade)
		report.hint = "Drop what hangs on it by name, and the index CONCURRENTLY, which knows no CASCADE.";
	else
	{
		ListCell *cell;
		foreach (cell, drop->objects)
		{
			const std::string name =
				pg::guarded([&] { return NameListToQuotedString(static_cast<List *>(lfirst(cell))); });
			report.steps.push_back(
				outside_step(std::string("DROP INDEX CONCURRENTLY ") + (drop->missing_ok ? "IF EXISTS " : "") + name));
		}
	}
	context.report(std::move(report));
}

void
drop_index_refused(const Action &action, Context &context)
{
	const Index *index = dropped_index(action);
	if (index == nullptr)
		return;
	const Use use = use_of(*index);
	if (!is_refused(action, use))
		return;
	Report report;
	report.message = "index " + quoted(index->name) + " of " + action.table->title() + " cannot be dropped: ";
	if (!use.parent.empty())
	{
		report.message += "it is the part of " + use.parent + " for this partition";
		report.hint = "DROP INDEX " + use.parent + " drops that of every partition.";
	}
	else if (!use.constraint.empty())
	{
		report.message += "constraint " + use.constraint + " is built on it";
		report.steps = {step("ALTER TABLE " + action.table->title() + " DROP CONSTRAINT " + use.constraint)};
	}
	else
	{
		report.message += "foreign key " + use.keys + " relies on it";
		report.hint = "Drop the foreign key first, or leave the index.";
	}
	context.report(std::move(report));
}

void
drop_index_cascades(const Action &action, Context &context)
{
	const Index *index = dropped_index(action);
	if (index == nullptr || !action.cascade || !index->is_unique)
		return;
	const Use use = use_of(*index);
	if (is_refused(action, use) || use.keys.empty())
		return;
	context.report({"dropping index " + quoted(index->name) + " of " + action.table->title() + " takes foreign key " +
						use.keys + " with it",
					"Leave the index, or drop the foreign key by name."});
}

// Whether another index, which stays, can do the same.
bool
has_replacement(const Action &action, const Index &index)
{
	for (const Match &match : matches_of(*action.table, index))
		if (!match.is_reverse)
			return true;
	return false;
}

void
drop_index_in_use(const Action &action, Context &context)
{
	const Index *index = dropped_index(action);
	if (index == nullptr || index->is_constraint)
		return;
	const Use use = use_of(*index);
	if (use.scans <= 0 || is_refused(action, use) || has_replacement(action, *index))
		return;
	context.report({"queries have used index " + quoted(index->name) + " of " + action.table->title() + " " +
						std::to_string(use.scans) + (use.scans == 1 ? " time" : " times") +
						(use.last.empty() ? "" : ", last at " + use.last),
					"Find them in pg_stat_statements first; other servers that read along count for themselves."});
}

void
drop_unique_index(const Action &action, Context &context)
{
	const Index *index = dropped_index(action);
	if (index == nullptr || !index->is_unique || index->is_constraint)
		return;
	if (is_refused(action, use_of(*index)) || has_replacement(action, *index))
		return;
	context.report({"from here on nothing keeps the values of unique index " + quoted(index->name) + " of " +
						action.table->title() + " from coming twice",
					"Make what takes its place first. INSERT ... ON CONFLICT fails without it."});
}

void
drop_replica_identity(const Action &action, Context &context)
{
	const Index *index = dropped_index(action);
	if (index == nullptr || !index->is_unique || !use_of(*index).is_identity)
		return;
	context.report(
		{"index " + quoted(index->name) + " is how replication tells the rows of " + action.table->title() +
			 " apart: without it, UPDATE and DELETE fail where the table is published",
		 "ALTER TABLE " + action.table->title() + " REPLICA IDENTITY ... first, with another index or DEFAULT."});
}

void
reindex_not_concurrent(const Action &action, Context &context)
{
	const auto *reindex = castNode(ReindexStmt, action.statement);
	const bool is_index = reindex->kind == REINDEX_OBJECT_INDEX;
	ListCell *cell;

	if ((!is_index && reindex->kind != REINDEX_OBJECT_TABLE) || action.table->kind == RELKIND_PARTITIONED_TABLE)
		return;
	foreach (cell, reindex->params)
		if (auto *option = lfirst_node(DefElem, cell); strcmp(option->defname, "concurrently") == 0)
			return;
	if (!is_index && action.table->indexes.empty())
		return;
	Report report;
	report.message =
		(is_index ? "index " + quoted(action.name) + " is built anew" : std::string("all indexes are built anew")) +
		" over " + sized(*action.table) +
		" while nobody writes to it, and queries wait as soon as they look at an index of it";
	report.lock = ShareLock;
	report.work = Work::build;
	const bool is_exclusion =
		fact("SELECT true FROM pg_index WHERE indrelid = $1::oid AND indisexclusion AND ($2 = '' OR indexrelid = "
			 "(SELECT oid FROM pg_class c WHERE c.oid = indexrelid AND relname = $2))",
			 {cell_of(action.table->oid), is_index ? action.name : std::string()})
			.has_value();
	if (is_exclusion)
		report.hint = "The index of an exclusion constraint cannot be built CONCURRENTLY; the others can, one by one.";
	else
		report.steps = {
			outside_step(with_words(context.statement_text(), is_index ? "index" : "table", "CONCURRENTLY"))};
	context.report(std::move(report));
}

bool
has_lock_timeout(const Context &context)
{
	for (const Done &done : context.done())
		if (done.what == What::set_variable && done.name == "lock_timeout")
			return true;
	return false;
}

void
index_option_locks(const Action &action, Context &context)
{
	const auto *alter = castNode(AlterTableStmt, action.statement);
	const LOCKMODE mode =
		pg::guarded([&] { return AlterTableGetLockLevel(list_make1(const_cast<Node *>(action.part))); });

	if (alter->objtype != OBJECT_INDEX || mode < AccessExclusiveLock || has_lock_timeout(context))
		return;
	Report report;
	report.object = quoted(action.table->schema) + "." + quoted(alter->relation->relname);
	report.message = "the option of index " + report.object + " needs a lock that waits for every query planned on " +
					 sized(*action.table) + ", and holds up those that come later";
	report.lock = mode;
	report.steps = {step("SET LOCAL lock_timeout = '2s';\n" + context.statement_text())};
	context.report(std::move(report));
}

void
table_written_anew(const Action &action, Context &context)
{
	const bool is_cluster = IsA(action.statement, ClusterStmt);
	if (!is_cluster && !IsA(action.statement, VacuumStmt))
		return;
	const std::string tool =
		fact("SELECT string_agg(name, ' or ' ORDER BY name) FROM pg_available_extensions WHERE name IN ('pg_repack', "
			 "'pg_squeeze')")
			.value_or("");
	context.report({std::string(is_cluster ? "CLUSTER" : "VACUUM FULL") + " writes all of " + sized(*action.table) +
						" and its indexes anew while nobody reads or writes it",
					tool.empty()
						? "The extensions pg_repack and pg_squeeze do it without keeping others out. Plain VACUUM "
						  "makes room for new rows as well."
						: "Extension " + tool + ", which this server has, does it without keeping others out.",
					{},
					AccessExclusiveLock,
					Work::rewrite});
}

} // namespace

std::vector<Rule>
index_change_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"drop-index-not-concurrent",
		 "D",
		 S::warning,
		 About::occupied,
		 {W::drop_index},
		 drop_index_not_concurrent,
		 "an index is dropped without CONCURRENTLY",
		 "The table is locked against reading and writing too, and a long query in front makes everybody wait.",
		 "Drop it CONCURRENTLY, in a migration that mg_deploy() runs."},
		{"drop-index-refused",
		 "D",
		 S::error,
		 About::existing,
		 {W::drop_index},
		 drop_index_refused,
		 "an index that a constraint, foreign key or partitioned index needs",
		 "The server refuses to drop it.",
		 "Drop what it belongs to."},
		{"drop-index-cascades",
		 "D",
		 S::error,
		 About::existing,
		 {W::drop_index},
		 drop_index_cascades,
		 "DROP INDEX CASCADE takes foreign keys with it",
		 "Nothing keeps their rows together from then on.",
		 "Leave the index, or drop the foreign keys by name."},
		{"drop-index-in-use",
		 "D",
		 S::warning,
		 About::existing,
		 {W::drop_index},
		 drop_index_in_use,
		 "an index that queries use, with no other in its place",
		 "They read the whole table from then on.",
		 "Look which queries use it first."},
		{"drop-unique-index",
		 "D",
		 S::warning,
		 About::existing,
		 {W::drop_index},
		 drop_unique_index,
		 "a unique index is dropped, with no other in its place",
		 "Values may come twice from then on.",
		 "Make what takes its place first.",
		 0,
		 0,
		 true},
		{"drop-replica-identity",
		 "D",
		 S::warning,
		 About::existing,
		 {W::drop_index},
		 drop_replica_identity,
		 "an index that replication identifies rows by is dropped",
		 "UPDATE and DELETE of a published table fail without it.",
		 "Set another REPLICA IDENTITY first."},
		{"reindex-not-concurrent",
		 "D",
		 S::warning,
		 About::occupied,
		 {W::reindex},
		 reindex_not_concurrent,
		 "REINDEX without CONCURRENTLY",
		 "The table is locked against writes, and each index against everything.",
		 "REINDEX CONCURRENTLY, in a migration that mg_deploy() runs."},
		{"index-option-locks",
		 "D",
		 S::warning,
		 About::occupied,
		 {W::set_options},
		 index_option_locks,
		 "ALTER INDEX ... SET with an option that needs the strongest lock",
		 "Each query that is planned looks at the index, so that it waits for all and all wait for it.",
		 "Set lock_timeout, and try again until it comes through."},
		{"table-written-anew",
		 "D",
		 S::warning,
		 About::occupied,
		 {W::rewrite_table},
		 table_written_anew,
		 "CLUSTER or VACUUM FULL",
		 "The whole table is written anew while nobody reads or writes it.",
		 "Use pg_repack or pg_squeeze, or plain VACUUM."},
	};
}

} // namespace mg::lint
