// Finds for each statement what can run in a transaction.
#include "rehearse/deployment.hpp"

#include <algorithm>

#include <boost/algorithm/string/join.hpp>

#include "lint/lint.hpp"
#include "pg/memory.hpp"
#include "pg/subtransaction.hpp"
#include "rehearse/large.hpp"
#include "rehearse/words.hpp"
#include "script/backfill.hpp"
#include "script/plain.hpp"

namespace mg::rehearse {

namespace {

bool
is_partitioned_raw(const RangeVar *name)
{
	Oid oid = RangeVarGetRelid(const_cast<RangeVar *>(name), NoLock, true);
	const char kind = OidIsValid(oid) ? get_rel_relkind(oid) : '\0';

	return kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_PARTITIONED_INDEX;
}

// What a statement with CONCURRENTLY is refused for, when its plain form is not: RemoveRelations(), ATExecDetachPartition().
void
require_concurrent_raw(Node *tree)
{
	if (IsA(tree, DropStmt))
	{
		RangeVar *index = makeRangeVarFromNameList(linitial_node(List, castNode(DropStmt, tree)->objects));
		if (is_partitioned_raw(index))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("cannot drop partitioned index \"%s\" concurrently", index->relname)));
	}
	if (IsA(tree, AlterTableStmt))
	{
		Oid parent = RangeVarGetRelid(castNode(AlterTableStmt, tree)->relation, NoLock, true);
		if (OidIsValid(parent) && OidIsValid(get_default_partition_oid(parent)))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("cannot detach partitions concurrently when a default partition exists")));
	}
}

// How a statement that runs by itself differs from its plain form.
struct AloneRaw
{
	bool is_partitioned_reindex; // commits between partitions in any form
	bool detaches;
	Oid partitioned; // the table that gets an index, by mg_deploy() alone first and without CONCURRENTLY; else 0
};

AloneRaw
look_raw(const char *sql)
{
	Node *tree = linitial_node(RawStmt, raw_parser(sql, RAW_PARSE_DEFAULT))->stmt;

	require_concurrent_raw(tree);
	const bool reindexes = IsA(tree, ReindexStmt) && castNode(ReindexStmt, tree)->relation != nullptr;
	Oid table = InvalidOid;
	if (IsA(tree, IndexStmt) && is_partitioned_raw(castNode(IndexStmt, tree)->relation))
		table = RangeVarGetRelid(castNode(IndexStmt, tree)->relation, NoLock, true);
	return {reindexes && is_partitioned_raw(castNode(ReindexStmt, tree)->relation), IsA(tree, AlterTableStmt), table};
}

AloneRaw
look(const std::string &sql)
{
	pg::MemoryScope memory("migration_governance deployment");

	return pg::guarded([&] {
		MemoryContext outer = MemoryContextSwitchTo(memory.get());
		AloneRaw found = look_raw(sql.c_str());
		MemoryContextSwitchTo(outer);
		return found;
	});
}

StandIn
for_alone(const AloneRaw &alone, const std::string &sql, const std::string &tag)
{
	std::optional<std::string> plain = alone.is_partitioned_reindex ? std::nullopt : script::plain_form(sql);

	if (!plain.has_value())
		return {std::nullopt, "left out", tag + " runs in no transaction; mg_deploy() runs it by itself"};
	std::string what = "run without CONCURRENTLY; mg_deploy() runs it by itself, which takes longer and locks less";
	if (OidIsValid(alone.partitioned))
		what += ", partition by partition";
	if (alone.detaches)
		what += ", and leaves a CHECK constraint with the bounds on the partition";
	return {std::move(plain), "substitute", std::move(what)};
}

StandIn
for_backfill(const script::Backfill &backfill, const std::string &sql)
{
	const bool is_large = is_too_large(sql);
	const std::string rows = std::to_string(script::sample_rows);

	return {script::sample_of(backfill, is_large), "sample",
			(is_large ? "run on what it finds in the first " + rows + " rows" : "run on " + rows + " rows at most") +
				"; mg_deploy() runs it in batches"};
}

} // namespace

bool
Deployment::is_wanted(const script::Script &script)
{
	return script.first_refused() != nullptr || !script.backfills().empty();
}

Deployment::Deployment(const script::Script &script, bool judged) : script_(script), steps_(script::steps_of(script))
{
	if (!judged)
		return;
	/* Where the linter cannot tell, there is what the rehearsal sees. */
	pg::try_and_undo([&] {
		for (const lint::Lock &lock : lint::locks(script_, {}))
			if (lock.statement >= 0)
			{
				LOCKMODE &mode = modes_[static_cast<size_t>(lock.statement)][lock.table];
				mode = std::max(mode, lock.mode);
			}
	});
}

StandIn
Deployment::stand_in(const script::Statement &statement)
{
	const std::string sql(script_.text_of(statement));

	number_ = static_cast<size_t>(&statement - script_.statements().data());
	auto modes = modes_.find(number_);
	told_ = {statement.alone, modes != modes_.end() ? modes->second : std::map<Oid, LOCKMODE>()};
	if (statement.alone)
	{
		const AloneRaw alone = look(sql);
		if (OidIsValid(alone.partitioned))
			told_.modes[alone.partitioned] = ShareLock;
		return for_alone(alone, sql, statement.tag);
	}
	if (std::optional<script::Backfill> backfill = script::backfill_of(script_, statement))
		return for_backfill(*backfill, sql);
	return {sql, "", ""};
}

bool
Deployment::ends_step() const
{
	const std::vector<script::Statement> &statements = script_.statements();
	auto step = std::find_if(steps_.begin(), steps_.end(),
							 [&](const script::Step &one) { return one.first <= number_ && number_ <= one.last; });

	if (step == steps_.end())
		return false;
	for (size_t i = number_ + 1; i <= step->last; i++)
		if (!statements[i].control)
			return false;
	return true;
}

std::string
Deployment::summary() const
{
	using Kind = script::Step::Kind;
	std::vector<std::string> parts;
	auto add = [&](Kind kind, const char *one, const char *of_one, const char *of_more) {
		const auto number =
			std::count_if(steps_.begin(), steps_.end(), [kind](const script::Step &step) { return step.kind == kind; });
		if (number > 0)
			parts.push_back(count_of(number, one) + (number == 1 ? of_one : of_more));
	};

	add(Kind::transaction, "transaction", "", "");
	add(Kind::alone, "statement", " by itself", " by themselves");
	add(Kind::backfill, "UPDATE", " in batches", " in batches");
	return "mg_deploy() runs it in " + count_of(static_cast<int64_t>(steps_.size()), "step") + ": " +
		   boost::algorithm::join(parts, ", ");
}

bool
commits_enum_value(const script::Script &script)
{
	const std::vector<script::Step> steps = script::steps_of(script);

	for (size_t i = 0; !steps.empty() && i < steps.back().first; i++)
		if (script.statements()[i].adds_enum_value)
			return true;
	return false;
}

} // namespace mg::rehearse
