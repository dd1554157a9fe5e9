// Group E: partitions and inheritance.
#include "lint/bounds.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

std::string
alter(const Table &table, const std::string &rest)
{
	return "ALTER TABLE " + table.title() + " " + rest;
}

// The bound that a statement gives a partition, or nullptr.
const PartitionBoundSpec *
bound_of(const Action &action)
{
	if (IsA(action.statement, CreateStmt))
		return castNode(CreateStmt, action.statement)->partbound;
	if (const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd);
		command != nullptr && command->subtype == AT_AttachPartition)
		return castNode(PartitionCmd, command->def)->bound;
	return nullptr;
}

std::string
text_of_bound(const PartitionBoundSpec *bound, const Context &context)
{
	return bound->is_default ? "DEFAULT" : "FOR VALUES " + context.piece_at(bound->location);
}

const Table *
parent_of(const Action &action)
{
	return action.what == What::create_table ? action.other : action.table;
}

// What ATTACH PARTITION names: as the script has it where nobody knows the table.
std::string
title_of_partition(const Action &action)
{
	if (action.other != nullptr)
		return action.other->title();
	const RangeVar *name = castNode(PartitionCmd, part_as<AlterTableCmd>(action, T_AlterTableCmd)->def)->name;
	return (name->schemaname != nullptr ? quoted(name->schemaname) + "." : "") + quoted(name->relname);
}

// The default partition of a table by now, or nullptr.
const Table *
default_of(const Table &parent, Context &context)
{
	return OidIsValid(parent.default_partition) ? context.model().find(parent.default_partition) : nullptr;
}

// A name for a constraint that the table has not yet.
std::string
free_name(const Table &table, const std::string &end)
{
	std::string name = table.name + end;
	while (const_cast<Table &>(table).constraint(name) != nullptr)
		name += "_new";
	return quoted(name);
}

// Proves what the statement would check, and then runs it.
std::vector<Step>
proof_steps(const Table &table, const std::string &end, const std::string &expression, const std::string &statement)
{
	if (expression.empty())
		return {};
	const std::string name = free_name(table, end);
	return {step(alter(table, "ADD CONSTRAINT " + name + " CHECK (" + expression + ") NOT VALID")),
			step(alter(table, "VALIDATE CONSTRAINT " + name)),
			{statement + "; " + alter(table, "DROP CONSTRAINT " + name) + ";"}};
}

// What a bound says in the words of the script, for a parent that is not there yet; empty where it is not as simple as that.
std::string
expression_of(const Table &parent, const PartitionBoundSpec *bound, const Context &context)
{
	auto text = [&](const void *value) {
		return context.piece_at(pg::guarded([&] {
			/* Unlike this, it looks at how deep it gets. */
			(void)copyObjectImpl(value);
			return exprLocation(static_cast<const Node *>(value));
		}));
	};

	if (bound->is_default || parent.partition_key.size() != 1 || parent.partition_key[0].empty())
		return "";
	const std::string column = quoted(parent.partition_key[0]);
	std::string result = column + " IS NOT NULL";
	if (bound->strategy == PARTITION_STRATEGY_RANGE && list_length(bound->lowerdatums) == 1 &&
		list_length(bound->upperdatums) == 1)
	{
		if (!IsA(linitial(bound->lowerdatums), ColumnRef))
			result += " AND " + column + " >= " + text(linitial(bound->lowerdatums));
		if (!IsA(linitial(bound->upperdatums), ColumnRef))
			result += " AND " + column + " < " + text(linitial(bound->upperdatums));
		return result;
	}
	if (bound->strategy != PARTITION_STRATEGY_LIST || list_length(bound->listdatums) != 1)
		return "";
	return result + " AND " + column + " = " + text(linitial(bound->listdatums));
}

void
attach_scans_partition(const Action &action, Context &context)
{
	const PartitionBoundSpec *bound = bound_of(action);

	if (bound == nullptr || action.table == nullptr || action.other == nullptr || !context.is_occupied(*action.other) ||
		action.other->kind == RELKIND_FOREIGN_TABLE)
		return;
	BoundCheck check;
	if (OidIsValid(action.table->oid))
		check = check_of_partition(*action.table, bound, *action.other);
	else if (const std::string expression = expression_of(*action.table, bound, context); !expression.empty())
		check = check_of_expression(expression, *action.other);
	if (check.is_proved)
		return;

	Report report;
	report.message =
		"ATTACH PARTITION reads every row of " + sized(*action.other) +
		" while nobody reads or writes it, since no validated constraint says that all are within the bound";
	report.steps = proof_steps(
		*action.other, "_bound", check.expression,
		alter(*action.table, "ATTACH PARTITION " + action.other->title() + " " + text_of_bound(bound, context)));
	if (report.steps.empty())
		report.hint = "Add a CHECK that says so NOT VALID, and validate it, in two migrations before this one; drop it "
					  "behind ATTACH PARTITION.";
	else if (action.table->made_here)
	{
		report.hint = "In two migrations before this one: " + report.steps[0].sql + " and " + report.steps[1].sql +
					  " Behind ATTACH PARTITION, drop the constraint.";
		report.steps.clear();
	}
	report.lock = AccessExclusiveLock;
	report.work = Work::scan;
	report.table = action.other;
	context.report(std::move(report));
}

void
attach_scans_default(const Action &action, Context &context)
{
	const PartitionBoundSpec *bound = bound_of(action);
	const Table *parent = parent_of(action);

	if (bound == nullptr || bound->is_default || parent == nullptr)
		return;
	const Table *rest = default_of(*parent, context);
	if (rest == nullptr || !context.is_occupied(*rest) || rest->kind == RELKIND_FOREIGN_TABLE)
		return;
	const BoundCheck check = check_of_default(*parent, bound, *rest);
	if (check.is_proved)
		return;
	Report report;
	report.message = "the new partition makes the server read every row of the default partition " + sized(*rest) +
					 " while nobody reads or writes it, and fail if one belongs to the new partition";
	report.steps = proof_steps(
		*rest, "_rest", check.expression,
		action.what == What::attach_partition
			? alter(*parent, "ATTACH PARTITION " + title_of_partition(action) + " " + text_of_bound(bound, context))
			: context.statement_text());
	if (report.steps.empty())
		report.hint = "Add a CHECK that excludes the new bound to the default partition NOT VALID, and validate it, in "
					  "two migrations before this one.";
	report.lock = AccessExclusiveLock;
	report.work = Work::scan;
	report.table = rest;
	context.report(std::move(report));
}

void
partition_of_locks_parent(const Action &action, Context &context)
{
	const PartitionBoundSpec *bound = bound_of(action);

	if (bound == nullptr || action.other == nullptr || !context.is_occupied(*action.other))
		return;
	const auto *create = castNode(CreateStmt, action.statement);
	Report report;
	report.message = "CREATE TABLE ... PARTITION OF keeps others from reading and writing " + sized(*action.other) +
					 "; ATTACH PARTITION does not";
	if (create->tableElts == NIL && create->partspec == nullptr && create->options == NIL &&
		create->tablespacename == nullptr && create->accessMethod == nullptr)
		report.steps = {
			{"CREATE TABLE " + action.table->title() + " (LIKE " + action.other->title() +
			 " INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE "
			 "INCLUDING COMPRESSION); " +
			 alter(*action.other,
				   "ATTACH PARTITION " + action.table->title() + " " + text_of_bound(bound, context) + ";")}};
	else
		report.hint = "Create it as a table of its own, LIKE " + action.other->title() + ", and ATTACH it.";
	report.lock = AccessExclusiveLock;
	report.table = action.other;
	context.report(std::move(report));
}

// The safe way to take a partition out; empty where there is none.
std::vector<Step>
detach_steps(const Table &parent, const Table &partition, Context &context)
{
	if (default_of(parent, context) != nullptr || !OidIsValid(partition.oid) || !OidIsValid(parent.oid))
		return {};
	return {outside_step(alter(parent, "DETACH PARTITION " + partition.title() + " CONCURRENTLY"))};
}

void
detach_not_concurrent(const Action &action, Context &context)
{
	const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd);

	if (command->subtype != AT_DetachPartition || castNode(PartitionCmd, command->def)->concurrent ||
		action.other == nullptr)
		return;
	Report report;
	report.message =
		"DETACH PARTITION keeps others from reading and writing " + sized(*action.table) + " until the migration ends";
	report.steps = detach_steps(*action.table, *action.other, context);
	if (report.steps.empty())
		report.hint = "CONCURRENTLY is impossible while there is a default partition: SET lock_timeout, and let it be "
					  "the only statement of its migration.";
	else if (const std::string left = check_left_by_detach(*action.other); !left.empty())
		report.steps.push_back(step(alter(*action.other, "DROP CONSTRAINT " + quoted(left))));
	report.lock = AccessExclusiveLock;
	context.report(std::move(report));
}

void
detach_concurrently_with_default(const Action &action, Context &context)
{
	const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd);

	if (command->subtype != AT_DetachPartition || !castNode(PartitionCmd, command->def)->concurrent)
		return;
	if (const Table *rest = default_of(*action.table, context))
		context.report({"DETACH PARTITION CONCURRENTLY fails: " + action.table->title() + " has a default partition, " +
							rest->title(),
						"Leave out CONCURRENTLY, and SET lock_timeout before it."});
}

void
drop_partition_locks_parent(const Action &action, Context &context)
{
	if (action.table == nullptr || !OidIsValid(action.table->parent))
		return;
	const Table *parent = context.model().find(action.table->parent);
	if (parent == nullptr || !context.is_occupied(*parent))
		return;
	Report report;
	report.message = "dropping partition " + action.table->title() + " keeps others from reading and writing " +
					 sized(*parent) + " until the migration ends";
	report.steps = detach_steps(*parent, *action.table, context);
	if (report.steps.empty())
		report.hint =
			"There is a default partition, so that DETACH cannot be CONCURRENTLY either: SET lock_timeout, and "
			"let it be the only statement of its migration.";
	else
		report.steps.push_back(
			step((action.table->kind == RELKIND_FOREIGN_TABLE ? "DROP FOREIGN TABLE " : "DROP TABLE ") +
				 action.table->title()));
	report.lock = AccessExclusiveLock;
	report.table = parent;
	context.report(std::move(report));
}

void
default_partition(const Action &action, Context &context)
{
	const PartitionBoundSpec *bound = bound_of(action);
	const Table *parent = parent_of(action);

	if (bound != nullptr && bound->is_default && parent != nullptr)
		context.report({"with a default partition, each new partition of " + parent->title() +
							" has the server read the default one while nobody else does, and none can be detached "
							"CONCURRENTLY",
						"Have partitions made ahead of the rows."});
}

void
default_partition_growth(const Action &action, Context &context)
{
	const PartitionBoundSpec *bound = bound_of(action);
	const Table *parent = parent_of(action);

	if (bound == nullptr || bound->is_default || parent == nullptr)
		return;
	const Table *rest = default_of(*parent, context);
	if (rest == nullptr || !context.is_occupied(*rest))
		return;
	Report report;
	report.message = "rows that no partition is made for pile up in the default partition " + sized(*rest);
	report.hint = "Move them to partitions of their own, in batches.";
	report.table = rest;
	context.report(std::move(report));
}

} // namespace

std::vector<Rule>
partition_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"attach-scans-partition",
		 "E",
		 S::warning,
		 About::anything,
		 {W::attach_partition},
		 attach_scans_partition,
		 "ATTACH PARTITION reads the whole table",
		 "It is locked meanwhile, and so are reads of the partitioned table that reach it.",
		 "Prove the bound first: by a CHECK that is validated in a migration of its own."},
		{"attach-scans-default",
		 "E",
		 S::warning,
		 About::anything,
		 {W::attach_partition, W::create_table},
		 attach_scans_default,
		 "a new partition makes the server read the default partition",
		 "The default partition is locked meanwhile, and one row that belongs to the new partition makes the statement "
		 "fail.",
		 "Prove that it has no such row first: by a CHECK that is validated in a migration of its own."},
		{"partition-of-locks-parent",
		 "E",
		 S::warning,
		 About::anything,
		 {W::create_table},
		 partition_of_locks_parent,
		 "CREATE TABLE ... PARTITION OF locks the partitioned table",
		 "It waits for every query of the partitioned table, and others wait behind it.",
		 "Create the table by itself and ATTACH it, which lets reads and writes go on."},
		{"detach-not-concurrent",
		 "E",
		 S::warning,
		 About::occupied,
		 {W::detach_partition},
		 detach_not_concurrent,
		 "DETACH PARTITION without CONCURRENTLY",
		 "Nobody reads or writes the partitioned table meanwhile.",
		 "DETACH it CONCURRENTLY, in a migration that mg_deploy() runs."},
		{"detach-concurrently-with-default",
		 "E",
		 S::error,
		 About::anything,
		 {W::detach_partition},
		 [](const Action &action, Context &context) {
			 if (action.table != nullptr)
				 detach_concurrently_with_default(action, context);
		 },
		 "DETACH PARTITION CONCURRENTLY beside a default partition",
		 "The server refuses it.",
		 "Leave out CONCURRENTLY and set lock_timeout."},
		{"drop-partition-locks-parent",
		 "E",
		 S::warning,
		 About::anything,
		 {W::drop_table},
		 drop_partition_locks_parent,
		 "dropping a partition locks the partitioned table",
		 "It waits for every query of the partitioned table, and others wait behind it.",
		 "DETACH it CONCURRENTLY first; the table by itself is nobody's to wait for."},
		{"default-partition",
		 "E",
		 S::info,
		 About::anything,
		 {W::attach_partition, W::create_table},
		 default_partition,
		 "a table gets a default partition",
		 "New partitions have to be checked against its rows, and DETACH CONCURRENTLY becomes impossible.",
		 "Make partitions ahead of the rows instead."},
		{"default-partition-growth",
		 "E",
		 S::info,
		 About::anything,
		 {W::attach_partition, W::create_table},
		 default_partition_growth,
		 "rows pile up in a default partition",
		 "Each new partition has the server read them, and fails if one of them belongs there.",
		 "Move the rows to partitions of their own."},
	};
}

} // namespace mg::lint
