// Group G: locks, timeouts and transactions.
#include <algorithm>

#include "lint/bodies.hpp"
#include "lint/facts.hpp"
#include "lint/locks.hpp"
#include "lint/rule.hpp"
#include "lint/settings.hpp"
#include "lint/words.hpp"
#include "script/tokens.hpp"

namespace mg::lint {

namespace {

std::string
mode_name(LOCKMODE mode)
{
	static const char *const names[] = {
		"",      "ACCESS SHARE",        "ROW SHARE", "ROW EXCLUSIVE",   "SHARE UPDATE EXCLUSIVE",
		"SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"};
	return names[mode];
}

// How many statements a step may repeat behind another one.
constexpr int most_moved = 20;

bool
conflict(LOCKMODE one, LOCKMODE other)
{
	return DoLockModesConflict(one, other);
}

// Writers wait for such a lock, and behind whoever waits for it.
bool
stops_writers(LOCKMODE mode)
{
	return conflict(mode, RowExclusiveLock);
}

// The first lock of the statement that keeps others from an occupied table, which the script had not before.
const Taken *
blocking(Context &context)
{
	for (const Taken &lock : context.taking())
		if (stops_writers(lock.mode) && context.is_occupied(*lock.table) && !stops_writers(context.held(*lock.table)))
			return &lock;
	return nullptr;
}

void
report_timeout(Context &context, const char *name, const char *value, const std::string &message)
{
	if (context.has_found() || !is_no_timeout(context.setting(name)))
		return;
	const Taken *lock = blocking(context);
	if (lock == nullptr)
		return;
	Report found;
	found.message = sized(*lock->table) + message;
	found.table = lock->table;
	found.lock = lock->mode;
	if (context.is_in_body())
		found.hint = std::string("SET LOCAL ") + name + " = '" + value + "' at the beginning of the migration.";
	else
		found.steps = {step(std::string("SET LOCAL ") + name + " = '" + value + "'; " + context.statement_text())};
	context.report(std::move(found));
}

void
no_lock_timeout(const Action &, Context &context)
{
	report_timeout(context, "lock_timeout", "2s",
				   " is locked without a lock_timeout: while the migration waits for its lock, everybody else waits "
				   "behind it");
}

void
no_statement_timeout(const Action &, Context &context)
{
	report_timeout(context, "statement_timeout", "5min",
				   " is locked without a statement_timeout: nothing ends what takes too long");
}

// Statements that go through rows, and may take as long as there are many.
bool
goes_through_rows(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
		case T_CreateTableAsStmt:
		case T_RefreshMatViewStmt:
		case T_CopyStmt:
		case T_IndexStmt:
		case T_ReindexStmt:
		case T_ClusterStmt:
		case T_CallStmt:
			return true;
		case T_InsertStmt:
		{
			const auto *source = reinterpret_cast<const SelectStmt *>(castNode(InsertStmt, statement)->selectStmt);
			return source != nullptr && source->valuesLists == NIL && source->fromClause != NIL;
		}
		case T_SelectStmt:
			return castNode(SelectStmt, statement)->fromClause != NIL;
		case T_AlterTableStmt:
		{
			ListCell *cell;
			foreach (cell, castNode(AlterTableStmt, statement)->cmds)
				if (lfirst_node(AlterTableCmd, cell)->subtype == AT_ValidateConstraint)
					return true;
			return false;
		}
		default:
			return false;
	}
}

void
statement_while_locked_out(const Action &action, Context &context)
{
	if (context.locked_out().empty() || !goes_through_rows(action.statement))
		return;
	/* What only tables of the script's own have to do with it takes as long all the same, but nobody knows how long. */
	const bool works_on_others = std::any_of(context.taking().begin(), context.taking().end(),
											 [&](const Taken &lock) { return context.is_occupied(*lock.table); });
	if (!works_on_others)
		return;
	Table *table = context.locked_out().front();
	Report found;
	found.message = "this goes through rows while the migration keeps everybody from reading " + sized(*table);
	found.hint =
		"Put the statement in a migration of its own, before the one that locks " + table->title() + " or after it.";
	found.table = table;
	found.lock = AccessExclusiveLock;
	context.report(std::move(found));
}

const AlterTableStmt *
plain_alter(const Node *statement)
{
	if (statement == nullptr || !IsA(statement, AlterTableStmt))
		return nullptr;
	const auto *alter = castNode(AlterTableStmt, statement);
	return alter->objtype == OBJECT_TABLE && !alter->missing_ok && alter->relation->inh ? alter : nullptr;
}

// What stands behind ALTER TABLE name; empty for another statement.
std::string
commands_of(const std::string &statement, std::vector<std::string> *words)
{
	const std::vector<script::Token> tokens = script::tokens_of(statement);
	size_t i = 0;

	if (tokens.size() < 4 || tokens[0].word != "alter" || tokens[1].word != "table" || tokens[2].word == "only" ||
		tokens[2].word == "if" || tokens[2].word == "all")
		return "";
	for (i = 3; i + 1 < tokens.size() && tokens[i].kind == '.'; i += 2)
		;
	if (i < tokens.size() && tokens[i].kind == '*')
		i++;
	if (i >= tokens.size() || tokens[i].word == "rename" || tokens[i].word == "set" || tokens[i].word == "attach" ||
		tokens[i].word == "detach")
		return "";
	const size_t start = tokens[i].start;
	size_t end = statement.size();
	for (; i < tokens.size() && tokens[i].kind != ';'; i++)
	{
		end = tokens[i].end;
		words->push_back(statement.substr(tokens[i].start, tokens[i].end - tokens[i].start));
	}
	return statement.substr(start, end - start);
}

// Two commands can be one if the second does not name what the first has made or changed: columns and constraints.
bool
have_common_names(const std::vector<std::string> &one, const std::vector<std::string> &other, const Table &table)
{
	auto is_keyword = [](const std::string &word) {
		return pg::guarded([&] { return ScanKeywordLookup(word.c_str(), &ScanKeywords) >= 0; });
	};
	return std::any_of(one.begin(), one.end(), [&](const std::string &word) {
		const bool is_name = (isalpha(static_cast<unsigned char>(word[0])) != 0 || word[0] == '"' || word[0] == '_') &&
							 !is_keyword(word);
		return is_name && table.column(word) == nullptr && std::find(other.begin(), other.end(), word) != other.end();
	});
}

void
table_altered_again(const Action &action, Context &context)
{
	const int number = context.statement_number();

	if (context.is_in_body() || number == 0 || plain_alter(action.statement) == nullptr || context.taking().empty() ||
		context.taken().empty())
		return;
	Table *table = context.taking().front().table;
	/* A statement may lock other tables too, and before the one that it alters. */
	auto alters = [&](int statement) {
		const AlterTableStmt *alter =
			statement >= 0 ? plain_alter(context.statements()[static_cast<size_t>(statement)]) : nullptr;
		return alter != nullptr && context.model().find(alter->relation) == table;
	};
	if (!context.is_occupied(*table) || table->made_here || !alters(number))
		return;
	/* Of many in a row, the second one. */
	if (!alters(number - 1) || alters(number - 2))
		return;
	std::vector<std::string> first_words;
	std::vector<std::string> words;
	const std::string first = commands_of(context.text_of_statement(number - 1), &first_words);
	const std::string second = commands_of(context.statement_text(), &words);
	if (first.empty() || second.empty() || have_common_names(first_words, words, *table))
		return;
	Report found;
	found.message = "this statement and the one before both alter " + sized(*table) +
					": what each of them reads or writes anew, one statement would do at once";
	found.table = table;
	found.lock = context.taking().front().mode;
	found.steps = {step("ALTER TABLE " + table->title() + " " + first + ", " + second)};
	context.report(std::move(found));
}

// Others insert into the table with the foreign key, and then look at the one that it refers to.
void
lock_order(const Action &, Context &context)
{
	if (context.is_in_body())
		return;
	for (const Taken &lock : context.taking())
	{
		Table *child = lock.table;
		if (!stops_writers(lock.mode) || !context.is_occupied(*child) || context.held(*child) >= RowExclusiveLock)
			continue;
		for (const TableConstraint &constraint : child->constraints)
		{
			Table *parent =
				constraint.type == CONSTRAINT_FOREIGN && !constraint.made_here && OidIsValid(constraint.other)
					? context.model().find(constraint.other)
					: nullptr;
			if (parent == nullptr || parent == child || !conflict(context.held(*parent), RowShareLock))
				continue;
			std::string sql = "LOCK TABLE " + child->title() + " IN " + mode_name(lock.mode) + " MODE;";
			auto first = std::find_if(context.taken().begin(), context.taken().end(),
									  [&](const Taken &one) { return one.table == parent; });
			Report found;
			/* Written out, the rest of a long script at each of its statements would be endless. */
			if (context.statement_number() - first->statement > most_moved)
				found.hint = "Put LOCK TABLE " + child->title() + " IN " + mode_name(lock.mode) +
							 " MODE before statement " + std::to_string(first->statement + 1) + ".";
			else
			{
				for (int i = first->statement; i < context.statement_number(); i++)
					sql += " " + context.text_of_statement(i) + ";";
				found.steps = {step(sql + " " + context.statement_text())};
			}
			found.message = sized(*child) + " is locked after " + parent->title() +
							", that its foreign key refers to: who inserts into it meanwhile locks them the other way "
							"round, and one of both fails with a deadlock";
			found.table = child;
			found.lock = lock.mode;
			context.report(std::move(found));
			return;
		}
	}
}

void
table_in_use(const Action &, Context &context)
{
	for (const Taken &lock : context.taking())
	{
		if (lock.mode < ShareUpdateExclusiveLock || !context.is_existing(*lock.table) ||
			context.held(*lock.table) >= lock.mode)
			continue;
		for (const OtherLock &other : context.locks_of_others(*lock.table, lock.mode))
		{
			if (!conflict(lock.mode, other.mode))
				continue;
			Report found;
			found.message = "pid " + other.pid + " holds " + GetLockmodeName(DEFAULT_LOCKMETHOD, other.mode) + " on " +
							lock.table->title() + ", in a transaction since " + other.since +
							": the statement would wait for its end, and others behind it";
			found.hint = other.is_vacuum_wraparound
							 ? "It is VACUUM against the wraparound of transaction ids, which does not give "
							   "way: let it come to its end."
							 : "Wait for it, or end it: SELECT pg_terminate_backend(" + other.pid + ");";
			found.table = lock.table;
			found.lock = lock.mode;
			context.report(std::move(found));
			break;
		}
	}
}

bool
is_concurrent(const Node *statement)
{
	ListCell *cell;

	switch (nodeTag(statement))
	{
		case T_IndexStmt:
			return castNode(IndexStmt, statement)->concurrent;
		case T_DropStmt:
			return castNode(DropStmt, statement)->concurrent;
		case T_ReindexStmt:
			foreach (cell, castNode(ReindexStmt, statement)->params)
				if (std::string(lfirst_node(DefElem, cell)->defname) == "concurrently")
					return true;
			return false;
		default:
			return false;
	}
}

void
waits_for_old_snapshots(const Action &action, Context &context)
{
	if (!is_concurrent(action.statement) || context.has_found())
		return;
	std::vector<pg::Row> rows =
		facts("SELECT a.pid, date_trunc('seconds', clock_timestamp() - a.xact_start) FROM pg_stat_activity a WHERE "
			  "a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid() AND a.datname = current_database() AND "
			  "a.backend_type NOT LIKE 'autovacuum%' AND a.xact_start < clock_timestamp() - interval '3 seconds' "
			  "ORDER BY a.xact_start LIMIT 1");
	if (rows.empty())
		return;
	context.report({"CONCURRENTLY waits for every transaction that is older, and pid " + rows[0][0].value_or("?") +
						" is in one since " + rows[0][1].value_or("?"),
					"Wait for it, or end it: SELECT pg_terminate_backend(" + rows[0][0].value_or("?") + ");"});
}

void
lock_table(const Action &action, Context &context)
{
	const auto mode = static_cast<LOCKMODE>(reinterpret_cast<const LockStmt *>(action.statement)->mode);

	if (!stops_writers(mode))
		return;
	Report found;
	found.message = "LOCK TABLE keeps " + std::string(blocked_by(mode)) + " from " + sized(*action.table) +
					" until the migration ends";
	found.hint = "Most statements lock what they need: leave it out, or take a weaker mode.";
	found.lock = mode;
	context.report(std::move(found));
}

void
transaction_control(const Action &action, Context &context)
{
	if (context.refusal().empty() || context.is_in_body() || !IsA(action.statement, TransactionStmt))
		return;
	Report found;
	found.deployable = context.is_deployable();
	found.message = "the script ends or begins a transaction in its middle: " + context.refusal();
	found.hint = found.deployable
					 ? "CALL mg_deploy() for this migration, which runs each BEGIN ... COMMIT as a transaction of its "
					   "own; or write what belongs to another transaction in a migration of its own."
					 : "Write what belongs to another transaction in a migration of its own.";
	context.report(std::move(found));
}

// An exception block within a loop: each round takes a subtransaction.
bool
has_block_in_loop(const std::string &body)
{
	const std::vector<script::Token> tokens = body_tokens(body);
	int loops = 0;

	for (size_t i = 0; i < tokens.size(); i++)
	{
		if (tokens[i].word == "loop")
			loops += i > 0 && tokens[i - 1].word == "end" ? -1 : 1;
		else if (loops > 0 && tokens[i].word == "exception" && i + 1 < tokens.size() && tokens[i + 1].word == "when")
			return true;
	}
	return false;
}

void
subtransactions_in_loop(const Action &action, Context &context)
{
	const Body body = body_of(action.statement);

	if (body.language != "plpgsql" || !has_block_in_loop(body.text))
		return;
	context.report({"each round of the loop runs its exception block in a subtransaction: beyond 64 of them, every "
					"session that looks at rows of this transaction becomes slower",
					"Catch exceptions around the loop, or test before instead."});
}

void
rows_then_lock(const Action &, Context &context)
{
	if (context.is_in_body() || context.has_found())
		return;
	const Taken *lock = blocking(context);
	if (lock == nullptr)
		return;
	for (const Done &one : context.done())
		if ((one.what == What::update || one.what == What::remove || one.what == What::merge) &&
			one.statement < context.statement_number() && one.table != nullptr && context.is_occupied(*one.table))
		{
			Report found;
			found.message =
				"rows of " + sized(*one.table) + " have changed before, and stay locked while this waits for " +
				lock->table->title() +
				(one.table == lock->table ? "; with others that wait for these rows, that ends in a deadlock" : "");
			found.table = lock->table;
			found.lock = lock->mode;
			std::string before;
			for (int i = 0; i < context.statement_number(); i++)
				before += (i > 0 ? " " : "") + context.text_of_statement(i) + ";";
			found.steps = {{before, false}, step(context.statement_text())};
			context.report(std::move(found));
			return;
		}
}

void
lock_slots(const Action &, Context &context)
{
	if (context.has_found() || context.taking().size() < 100)
		return;
	size_t count = 0;
	for (const auto *locks : {&context.taken(), &context.taking()})
		for (const Taken &lock : *locks)
			count += 1 + lock.table->indexes.size();
	const pg::Cell slots = fact(
		"SELECT current_setting('max_locks_per_transaction')::bigint * (current_setting('max_connections')::bigint + "
		"current_setting('max_prepared_transactions')::bigint)");
	const auto all = static_cast<size_t>(std::stoull(slots.value_or("0")));
	if (count * 4 < all)
		return;
	context.report({"the migration locks " + std::to_string(count) +
						" tables and indexes at once, and the server has room for the locks of about " +
						std::to_string(all) + " in all sessions together",
					"Go through the tables in several migrations, or raise max_locks_per_transaction, which needs a "
					"restart."});
}

} // namespace

std::vector<Rule>
transaction_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"no-lock-timeout",
		 "G",
		 S::warning,
		 About::anything,
		 {W::statement},
		 no_lock_timeout,
		 "a table is locked without a lock_timeout",
		 "A migration that waits for one long query makes everybody else wait behind it.",
		 "SET LOCAL lock_timeout at the beginning, and try again when it fails."},
		{"no-statement-timeout",
		 "G",
		 S::off,
		 About::anything,
		 {W::statement},
		 no_statement_timeout,
		 "a table is locked without a statement_timeout",
		 "What takes longer than thought keeps its locks until somebody sees it.",
		 "SET LOCAL statement_timeout at the beginning."},
		{"statement-while-locked-out",
		 "G",
		 S::warning,
		 About::anything,
		 {W::statement},
		 statement_while_locked_out,
		 "a statement goes through rows while an ACCESS EXCLUSIVE lock is held",
		 "Locks are held to the end of the transaction, so that nobody reads the table meanwhile.",
		 "Put the statement in a migration of its own."},
		{"table-altered-again",
		 "G",
		 S::info,
		 About::anything,
		 {W::statement},
		 table_altered_again,
		 "two statements alter one table, one behind the other",
		 "A scan or rewrite that each of them makes would be one.",
		 "Write one ALTER TABLE with both commands."},
		{"lock-order",
		 "G",
		 S::warning,
		 About::anything,
		 {W::statement},
		 lock_order,
		 "a table is locked after the one that its foreign key refers to",
		 "An INSERT locks them the other way round: a deadlock ends one of both.",
		 "Lock the referring table first."},
		{"table-in-use",
		 "G",
		 S::warning,
		 About::anything,
		 {W::statement},
		 table_in_use,
		 "somebody holds a lock now that the statement would wait for",
		 "While it waits, everybody else waits behind it.",
		 "Wait for the end of that transaction, or end it."},
		{"concurrently-waits",
		 "G",
		 S::warning,
		 About::anything,
		 {W::statement},
		 waits_for_old_snapshots,
		 "CONCURRENTLY while a long transaction goes on",
		 "It waits until every older transaction has ended, whatever tables that uses.",
		 "Wait for the end of that transaction, or end it."},
		{"lock-table",
		 "G",
		 S::info,
		 About::existing,
		 {W::lock_table},
		 lock_table,
		 "LOCK TABLE in a mode that writers wait for",
		 "It is held until the transaction ends.",
		 "Leave it out where statements lock what they need."},
		{"transaction-control",
		 "G",
		 S::error,
		 About::anything,
		 {W::transaction},
		 transaction_control,
		 "COMMIT, ROLLBACK and the like within a script",
		 "For mg_apply() a migration is one transaction, which it begins and ends.",
		 "Let mg_deploy() run it, or make several migrations of it. BEGIN and COMMIT around the whole script are left "
		 "out."},
		{"subtransactions-in-loop",
		 "G",
		 S::info,
		 About::anything,
		 {W::call},
		 subtransactions_in_loop,
		 "a loop with an exception block in it",
		 "Each round takes a subtransaction, and beyond 64 they no longer fit into shared memory.",
		 "Catch exceptions around the loop."},
		{"rows-then-lock",
		 "G",
		 S::warning,
		 About::anything,
		 {W::statement},
		 rows_then_lock,
		 "a table is locked after rows have changed in the same transaction",
		 "The rows stay locked while it waits, and a lock that grows may end in a deadlock.",
		 "Change rows in a migration of its own."},
		{"lock-slots",
		 "G",
		 S::warning,
		 About::anything,
		 {W::statement},
		 lock_slots,
		 "a script locks very many tables and indexes",
		 "When the shared lock table is full, statements fail, others' too.",
		 "Go through them in several migrations."},
	};
}

} // namespace mg::lint
