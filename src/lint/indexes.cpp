// Group D: indexes that are made.
#include "lint/indexes.hpp"

#include <algorithm>

#include "lint/facts.hpp"
#include "lint/index_keys.hpp"
#include "lint/words.hpp"
#include "script/kind.hpp"
#include "script/tokens.hpp"

namespace mg::lint {

namespace {

// How many partitions the safe way is written out for.
constexpr size_t partitions_to_list = 30;

// What stands behind the table's name: the method, the keys and the rest.
std::string
behind_table(const std::string &statement)
{
	const std::vector<script::Token> tokens = script::tokens_of(statement);
	auto is_word = [&](size_t i, const char *word) {
		return i < tokens.size() && tokens[i].word == word && statement[tokens[i].start] != '"';
	};
	size_t i = 0;

	while (i < tokens.size() && !is_word(i, "on"))
		i++;
	i++;
	if (is_word(i, "only"))
		i++;
	while (i + 1 < tokens.size() && tokens[i + 1].kind == '.')
		i += 2;
	return i < tokens.size() ? statement.substr(tokens[i].end) : "";
}

// An index on the parent alone, one on each partition CONCURRENTLY, and all put together. False: they cannot be listed.
bool
partition_steps(const Action &action, Context &context, std::vector<Step> *steps)
{
	constexpr const char *sql =
		"WITH RECURSIVE m (oid, parent, depth) AS (SELECT $1::oid, 0::oid, 0 "
		"  UNION ALL SELECT inhrelid, inhparent, depth + 1 FROM m JOIN pg_inherits ON inhparent = m.oid) "
		"SELECT m.oid, m.parent, c.relkind FROM m JOIN pg_class c USING (oid) ORDER BY depth, c.oid::regclass::text";
	const IndexStmt *create = index_statement(action);
	const std::string rest = behind_table(context.statement_text());
	const std::string head = std::string("CREATE ") + (create->unique ? "UNIQUE " : "") + "INDEX ";
	const std::vector<pg::Row> members = facts(sql, {cell_of(action.table->oid)});
	std::map<std::string, std::string> names; // of the indexes, by the oids of their tables
	std::string parents;
	std::string attach;
	std::vector<Step> leaves;

	if (members.size() > partitions_to_list)
		return false;
	for (const pg::Row &row : members)
	{
		const Table *member = context.model().find(static_cast<Oid>(strtoul(row[0]->c_str(), nullptr, 10)));
		/* A partition's own index of that kind would be taken, and a foreign one has none. */
		if (member == nullptr || (row[2] != "r" && row[2] != "p") || !matches_of(*member, create).empty())
			return false;
		const bool is_top = row[0] == std::to_string(action.table->oid);
		const std::string name = is_top && create->idxname != nullptr ? create->idxname : chosen_name(*member, create);
		if (name.empty())
			return false;
		names[*row[0]] = quoted(member->schema) + "." + quoted(name);
		if (row[2] == "p")
			parents += (parents.empty() ? "" : ";\n") + head + quoted(name) + " ON ONLY " + member->title() + rest;
		else
			leaves.push_back(outside_step(head + "CONCURRENTLY " + quoted(name) + " ON " + member->title() + rest));
		if (!is_top)
			attach += (attach.empty() ? "" : ";\n") + std::string("ALTER INDEX ") + names[*row[1]] +
					  " ATTACH PARTITION " + names[*row[0]];
	}
	if (attach.empty())
		return false;
	steps->push_back(step(parents));
	steps->insert(steps->end(), leaves.begin(), leaves.end());
	steps->push_back(step(attach));
	return true;
}

void
index_not_concurrent(const Action &action, Context &context)
{
	const IndexStmt *create = index_statement(action);
	const Table &table = *action.table;

	if (create->concurrent)
		return;
	/* Without partitions there is nothing to read. */
	if (table.kind == RELKIND_PARTITIONED_TABLE && !create->relation->inh)
		return;
	Report report;
	report.message = "the index is built over " + sized(table) + " while nobody writes to it";
	report.lock = ShareLock;
	report.work = Work::build;
	if (table.kind != RELKIND_PARTITIONED_TABLE)
		report.steps = {outside_step(with_words(context.statement_text(), "index", "CONCURRENTLY"))};
	else
	{
		report.message += ", nor to its " + std::to_string(table.partitions) + " partitions";
		if (!partition_steps(action, context, &report.steps))
			report.hint =
				"A partitioned table cannot have an index built CONCURRENTLY: CREATE INDEX ON ONLY it, CREATE INDEX "
				"CONCURRENTLY on each of its " +
				std::to_string(table.partitions) +
				" partitions, which are too many or too different to write out here, and ALTER INDEX ... ATTACH "
				"PARTITION them all.";
	}
	context.report(std::move(report));
}

// Statements with a kind of their own that no transaction may have around them, where the parse tree alone does not tell.
std::string
refused_by_server(const Action &action, Context &context)
{
	const Node *statement = action.statement;

	switch (nodeTag(statement))
	{
		case T_ReindexStmt:
		{
			const auto *reindex = castNode(ReindexStmt, statement);
			if (reindex->relation == nullptr)
				return "";
			const Table *table = reindex->kind == REINDEX_OBJECT_INDEX
									 ? context.model().table_of_index(reindex->relation)
									 : context.model().find(reindex->relation);
			return table != nullptr && table->kind == RELKIND_PARTITIONED_TABLE
					   ? "REINDEX of what is partitioned cannot run inside a transaction"
					   : "";
		}
		case T_ClusterStmt:
		{
			const RangeVar *name = castNode(ClusterStmt, statement)->relation;
			const Table *table = name != nullptr ? context.model().find(name) : nullptr;
			return table != nullptr && table->kind == RELKIND_PARTITIONED_TABLE
					   ? "CLUSTER of a partitioned table cannot run inside a transaction"
					   : "";
		}
		case T_DropSubscriptionStmt:
			return fact("SELECT true FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid WHERE subname = $1 "
						"AND "
						"datname = current_database() AND subslotname IS NOT NULL",
						{castNode(DropSubscriptionStmt, statement)->subname})
						   .has_value()
					   ? "DROP SUBSCRIPTION of one with a slot cannot run inside a transaction"
					   : "";
		case T_AlterSubscriptionStmt:
			return castNode(AlterSubscriptionStmt, statement)->kind == ALTER_SUBSCRIPTION_REFRESH
					   ? "ALTER SUBSCRIPTION ... REFRESH cannot run inside a transaction"
					   : "";
		default:
			return "";
	}
}

void
not_in_transaction(const Action &action, Context &context)
{
	switch (nodeTag(action.statement))
	{
		/* Refused as well, but for other reasons. */
		case T_TransactionStmt:
		case T_VariableSetStmt:
		case T_CopyStmt:
			return;
		case T_DropStmt:
			if (!castNode(DropStmt, action.statement)->concurrent)
				return;
			break;
		default:
			break;
	}
	const script::Refusal refusal =
		pg::guarded([&] { return script::refusal_raw(const_cast<Node *>(action.statement)); });
	const std::string reason = refusal.reason != nullptr ? refusal.reason : refused_by_server(action, context);
	if (reason.empty())
		return;
	Report report;
	report.deployable = context.is_deployable() && !context.is_in_body();
	report.message = reason + (report.deployable ? ": mg_apply() refuses it, and mg_deploy() runs it by itself"
												 : ", and a migration is one: mg_apply() refuses it");
	if (report.deployable)
		report.hint =
			"CALL mg_deploy() for this migration: its other statements run in transactions before and after it.";
	else if (!context.is_in_body())
		report.steps = {outside_step(context.statement_text())};
	else if (refusal.deployable)
		report.hint = "Take it out of the body: as a statement of the script mg_deploy() runs it.";
	else
		report.hint = "Take it out of the body, and run it on its own outside of migrations.";
	context.report(std::move(report));
}

// CREATE INDEX IF NOT EXISTS with an index of that name is no action, since the server does nothing; that is what is wrong with it.
const Index *
existing_index(const Action &action, Context &context, Table **table)
{
	if (!IsA(action.statement, IndexStmt))
		return nullptr;
	const IndexStmt *create = index_statement(action);
	if (!create->if_not_exists || create->idxname == nullptr)
		return nullptr;
	*table = context.model().find(create->relation);
	if (*table == nullptr)
		return nullptr;
	const Index *index = (*table)->index(create->idxname);
	return index != nullptr && OidIsValid(index->oid) && !index->made_here ? index : nullptr;
}

void
invalid_index_leftover(const Action &action, Context &context)
{
	Table *table = nullptr;
	const Index *index = existing_index(action, context, &table);
	if (index == nullptr || index->is_valid)
		return;
	const std::string name = quoted(table->schema) + "." + quoted(index->name);
	Report report;
	report.table = table;
	if (fact("SELECT true FROM pg_stat_progress_create_index WHERE index_relid = $1::oid", {cell_of(index->oid)})
			.has_value())
	{
		report.message =
			"index " + name + " is being built just now, so that IF NOT EXISTS leaves it to chance what there is";
		report.hint = "Wait for the other session.";
	}
	else if (table->kind == RELKIND_PARTITIONED_TABLE)
	{
		report.message =
			"index " + name + " is there but not valid, since partitions lack theirs, and IF NOT EXISTS keeps it so";
		report.hint = "Build the missing ones CONCURRENTLY, and ALTER INDEX " + name + " ATTACH PARTITION each.";
	}
	else
	{
		std::string create = context.statement_text();
		if (!index_statement(action)->concurrent)
			create = with_words(create, "index", "CONCURRENTLY");
		report.message =
			"index " + name +
			" is there but not valid, as a build that failed left it: IF NOT EXISTS keeps it, and no query "
			"uses it";
		report.steps = {outside_step("DROP INDEX CONCURRENTLY " + name), outside_step(create)};
	}
	context.report(std::move(report));
}

void
index_exists_otherwise(const Action &action, Context &context)
{
	Table *table = nullptr;
	const Index *index = existing_index(action, context, &table);
	if (index == nullptr || !index->is_valid || is_made_so(*table, *index, index_statement(action)))
		return;
	Report report;
	report.message = "index " + quoted(index->name) + " of " + table->title() +
					 " is there, but made otherwise: IF NOT EXISTS keeps it as it is";
	report.hint = "Give the new index a name of its own, and drop the other one if nothing needs it.";
	report.table = table;
	context.report(std::move(report));
}

void
duplicate_index(const Action &action, Context &context)
{
	for (const Match &match : matches_of(*action.table, index_statement(action)))
	{
		if (!match.is_equal || match.is_reverse)
			continue;
		context.report({"index " + quoted(match.index->name) + " of " + action.table->title() +
							" is the same already: a second one costs writes and room and is of no use",
						"Leave it out."});
		return;
	}
}

void
redundant_index(const Action &action, Context &context)
{
	for (const Match &match : matches_of(*action.table, index_statement(action)))
	{
		if (match.is_equal)
			return;
		if (match.is_reverse && (match.index->is_unique || match.index->is_constraint))
			continue;
		const std::string name = quoted(match.index->name);
		if (match.is_reverse)
			context.report({"the new index begins with all keys of " + name + " of " + action.table->title() +
								", which it makes redundant",
							"Drop " + name + " CONCURRENTLY once the new one is there."});
		else
			context.report(
				{"index " + name + " of " + action.table->title() + " begins with the same keys and can do the same",
				 "Leave it out, unless it is so much smaller that it pays."});
		return;
	}
}

void
wide_index(const Action &action, Context &context)
{
	const IndexStmt *create = index_statement(action);

	if (action.table != nullptr && !create->unique && method_of(create) == "btree" &&
		list_length(create->indexParams) > 3)
		context.report({"the index on " + action.table->title() + " has " +
							std::to_string(list_length(create->indexParams)) +
							" keys, and each write has to keep them all",
						"The first two or three mostly do; put the rest into INCLUDE where queries read them."});
}

} // namespace

std::vector<Rule>
index_rules()
{
	using S = Severity;
	using W = What;

	std::vector<Rule> rules = {
		{"index-not-concurrent",
		 "D",
		 S::warning,
		 About::occupied,
		 {W::create_index},
		 index_not_concurrent,
		 "an index is built without CONCURRENTLY",
		 "Nobody writes to the table meanwhile.",
		 "Build it CONCURRENTLY, in a migration that mg_deploy() runs; of a partitioned table, partition by "
		 "partition."},
		{"not-in-transaction",
		 "D",
		 S::error,
		 About::anything,
		 {W::statement},
		 not_in_transaction,
		 "a statement that no transaction may have around it",
		 "CONCURRENTLY, VACUUM, CREATE DATABASE and the like commit on their own; mg_apply() runs a migration in one "
		 "transaction.",
		 "Let mg_deploy() run the migration; CREATE DATABASE and the like it leaves to others."},
		{"invalid-index-leftover",
		 "D",
		 S::warning,
		 About::anything,
		 {W::statement},
		 invalid_index_leftover,
		 "CREATE INDEX IF NOT EXISTS with an invalid index of that name",
		 "A build CONCURRENTLY that failed leaves an index that no query uses, and that every write keeps up.",
		 "Drop it, and build it again."},
		{"index-exists-otherwise",
		 "D",
		 S::warning,
		 About::anything,
		 {W::statement},
		 index_exists_otherwise,
		 "CREATE INDEX IF NOT EXISTS with another index of that name",
		 "The server looks at the name alone, and keeps what is there.",
		 "Give the new index a name of its own."},
		{"duplicate-index",
		 "D",
		 S::warning,
		 About::existing,
		 {W::create_index},
		 duplicate_index,
		 "an index that is there already",
		 "It costs writes and room and is of no use.",
		 "Leave it out."},
		{"redundant-index",
		 "D",
		 S::info,
		 About::existing,
		 {W::create_index},
		 redundant_index,
		 "an index whose keys are the first ones of another",
		 "The longer one can do the same.",
		 "Keep the longer one."},
		{"wide-index",
		 "D",
		 S::off,
		 About::anything,
		 {W::create_index},
		 wide_index,
		 "an index of more than three keys that is not unique",
		 "Each write has to keep them all.",
		 "Take fewer keys, and INCLUDE for the rest."},
	};
	for (std::vector<Rule> more : {index_change_rules(), index_content_rules(), headroom_rules()})
		std::move(more.begin(), more.end(), std::back_inserter(rules));
	return rules;
}

} // namespace mg::lint
