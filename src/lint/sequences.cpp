// Writes sequences out for the table at hand.
#include "lint/sequences.hpp"

#include <algorithm>

#include "lint/alter.hpp"
#include "lint/facts.hpp"
#include "lint/judge.hpp"
#include "lint/words.hpp"
#include "script/tokens.hpp"

namespace mg::lint {

namespace {

// Without what is behind the last token: a comment there would swallow what is put behind.
std::string
trimmed(const std::string &sql)
{
	const std::vector<script::Token> tokens = script::tokens_of(sql);
	return tokens.empty() ? "" : sql.substr(tokens.front().start, tokens.back().end - tokens.front().start);
}

// Without CONSTRAINT name in front.
std::string
unnamed(const std::string &clause)
{
	const std::vector<script::Token> tokens = script::tokens_of(clause);
	return tokens.size() > 2 && tokens[0].word == "constraint" ? clause.substr(tokens[2].start) : clause;
}

// A column's definition in pieces.
struct Pieces
{
	struct Piece
	{
		const Constraint *constraint;
		std::string sql; // with DEFERRABLE and so on
	};
	std::string bare; // name and type
	std::string collate;
	std::vector<Piece> pieces;

	std::string of(const Constraint *constraint) const
	{
		for (const Piece &piece : pieces)
			if (piece.constraint == constraint)
				return piece.sql;
		return "";
	}
	const Piece *of(ConstrType type) const
	{
		for (const Piece &piece : pieces)
			if (piece.constraint->contype == type)
				return &piece;
		return nullptr;
	}
};

Pieces
pieces_of(const ColumnDef *definition, Context &context)
{
	struct Cut
	{
		size_t at;
		const Constraint *constraint; // nullptr: COLLATE
	};
	const std::string sql = context.piece_at(definition->location);
	std::vector<Cut> cuts;
	ListCell *cell;
	Pieces result;

	foreach (cell, definition->constraints)
		if (const auto *constraint = lfirst_node(Constraint, cell); constraint->contype < CONSTR_ATTR_DEFERRABLE)
			cuts.push_back({static_cast<size_t>(constraint->location - definition->location), constraint});
	if (definition->collClause != nullptr)
		cuts.push_back({static_cast<size_t>(definition->collClause->location - definition->location), nullptr});
	std::sort(cuts.begin(), cuts.end(), [](const Cut &a, const Cut &b) { return a.at < b.at; });
	result.bare = trimmed(sql.substr(0, cuts.empty() ? sql.size() : std::min(cuts.front().at, sql.size())));
	for (size_t i = 0; i < cuts.size(); i++)
	{
		const size_t start = std::min(cuts[i].at, sql.size());
		const size_t end = i + 1 < cuts.size() ? std::min(cuts[i + 1].at, sql.size()) : sql.size();
		const std::string piece = trimmed(sql.substr(start, end - start));
		if (cuts[i].constraint == nullptr)
			result.collate = " " + piece;
		else
			result.pieces.push_back({cuts[i].constraint, piece});
	}
	return result;
}

std::string
word_of_type(Oid type)
{
	return type == INT8OID ? "bigint" : (type == INT2OID ? "smallint" : "integer");
}

std::string
title_in(const Table &table, const std::string &name)
{
	Table other;

	other.schema = table.schema;
	other.name = name;
	return other.title();
}

// What stands behind the columns of a unique constraint, as CREATE INDEX has it.
std::string
index_options(const Constraint *definition)
{
	std::string result;
	ListCell *cell;

	if (definition->including != NIL)
		result += " INCLUDE (" + quoted_list(names_in(definition->including)) + ")";
	if (definition->nulls_not_distinct)
		result += " NULLS NOT DISTINCT";
	std::string options;
	foreach (cell, definition->options)
	{
		auto *option = lfirst_node(DefElem, cell);
		options += (options.empty() ? "" : ", ") + quoted(option->defname);
		/* One without a value is switched on. */
		if (option->arg != nullptr)
			options += " = " + literal(pg::guarded([&] { return defGetString(option); }));
	}
	if (!options.empty())
		result += " WITH (" + options + ")";
	if (definition->indexspace != nullptr)
		result += " TABLESPACE " + quoted(definition->indexspace);
	return result;
}

std::string
deferral_of(const Action &action)
{
	const auto *definition = part_as<Constraint>(action, T_Constraint);
	const ColumnDef *whole = action.definition;
	auto has = [&](ConstrType attribute) { return whole != nullptr && has_attribute(whole, definition, attribute); };

	if (definition->initdeferred || has(CONSTR_ATTR_DEFERRED))
		return " DEFERRABLE INITIALLY DEFERRED";
	return definition->deferrable || has(CONSTR_ATTR_DEFERRABLE) ? " DEFERRABLE" : "";
}

// A sequence of its own stands in until the column's rows have theirs.
std::vector<Step>
numbered_steps(Table &table, const ColumnDef *definition, const Pieces &pieces, const std::string &behind)
{
	const std::string column = definition->colname;
	const std::string name = quoted(column);
	const Oid serial = serial_type(definition->typeName);
	const Pieces::Piece *identity = pieces.of(CONSTR_IDENTITY);
	std::vector<Step> steps;

	if (OidIsValid(serial))
	{
		const std::string sequence = title_in(table, free_name(table, column, "seq"));
		steps.push_back(step("CREATE SEQUENCE " + sequence + " AS " + word_of_type(serial) + "; " + alter(table) +
							 " ADD COLUMN " + name + " " + word_of_type(serial) + "; " + alter(table) +
							 " ALTER COLUMN " + name + " SET DEFAULT nextval(" + literal(sequence) +
							 "); ALTER SEQUENCE " + sequence + " OWNED BY " + table.title() + "." + name + behind));
		steps.push_back(backfill_step(table, column, "DEFAULT"));
		append(steps, not_null_steps(table, column));
		return steps;
	}
	const std::string sequence = title_in(table, free_name(table, column, "backfill"));
	const std::string sql = unnamed(identity->sql);
	const size_t open = sql.find('(');
	const std::string options = open != std::string::npos ? " " + sql.substr(open + 1, sql.rfind(')') - open - 1) : "";
	steps.push_back(step("CREATE SEQUENCE " + sequence + options + "; " + alter(table) + " ADD COLUMN " + pieces.bare +
						 "; " + alter(table) + " ALTER COLUMN " + name + " SET DEFAULT nextval(" + literal(sequence) +
						 ")" + behind));
	steps.push_back(backfill_step(table, column, "DEFAULT"));
	append(steps, not_null_steps(table, column));
	steps.push_back(step(alter(table) + " ALTER COLUMN " + name + " DROP DEFAULT, ALTER COLUMN " + name + " ADD " +
						 sql + "; SELECT setval(pg_get_serial_sequence(" + literal(table.title()) + ", " +
						 literal(column) + "), nextval(" + literal(sequence) + ")); DROP SEQUENCE " + sequence));
	return steps;
}

// What the statement does besides, and a constraint of it cannot do without.
struct Besides
{
	std::string columns; // ADD COLUMN a int, ADD COLUMN b int
	std::string dropped; // the constraint that it takes the place of
	std::string drop;    // DROP CONSTRAINT name, with a comma
};

Besides
besides(const Action &action, const std::string &clause, Context &context)
{
	const auto *definition = part_as<Constraint>(action, T_Constraint);
	Besides result;
	ListCell *cell;

	if (action.is_new_column || action.statement == nullptr || !IsA(action.statement, AlterTableStmt))
		return result;
	const std::vector<script::Token> tokens = script::tokens_of(clause);
	auto is_used = [&](const std::string &name) {
		return std::any_of(tokens.begin(), tokens.end(), [&](const script::Token &token) {
			const std::string word = clause.substr(token.start, token.end - token.start);
			return token.word == name || word == name || word == quoted(name);
		});
	};
	auto is_key = [&](const std::string &name) {
		auto is_it = [&](const TableConstraint &one) { return one.name == name && one.type == CONSTRAINT_PRIMARY; };
		return std::any_of(action.table->dropped.begin(), action.table->dropped.end(), is_it) ||
			   std::any_of(action.table->constraints.begin(), action.table->constraints.end(), is_it);
	};
	foreach (cell, castNode(AlterTableStmt, action.statement)->cmds)
	{
		const auto *command = lfirst_node(AlterTableCmd, cell);
		if (command->subtype == AT_AddColumn)
		{
			const auto *column = reinterpret_cast<const ColumnDef *>(command->def);
			if (is_used(column->colname))
				result.columns += (result.columns.empty() ? " ADD COLUMN " : ", ADD COLUMN ") +
								  std::string(command->missing_ok ? "IF NOT EXISTS " : "") +
								  trimmed(context.piece_at(column->location));
		}
		else if (command->subtype == AT_DropConstraint)
		{
			const std::string name = command->name;
			if (name != action.name && !(definition->contype == CONSTR_PRIMARY && is_key(name)))
				continue;
			result.dropped = name;
			result.drop = std::string(" DROP CONSTRAINT ") + (command->missing_ok ? "IF EXISTS " : "") + quoted(name) +
						  (command->behavior == DROP_CASCADE ? " CASCADE" : "") + ",";
		}
	}
	return result;
}

} // namespace

void
append(std::vector<Step> &steps, std::vector<Step> more)
{
	steps.insert(steps.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Locations
locations_of(Context &context, What what)
{
	Locations result;

	for (const Done &done : context.done())
		if (done.what == what && done.table != nullptr)
			result[{done.table, done.name}] = done.location;
	return result;
}

bool
is_partitioned(const Table *table)
{
	return table->kind == RELKIND_PARTITIONED_TABLE;
}

std::vector<Table *>
leaves_of(Table *table, Context &context)
{
	constexpr const char *sql =
		"WITH RECURSIVE p (oid) AS (SELECT $1::oid UNION ALL SELECT i.inhrelid FROM p JOIN pg_inherits i ON "
		"i.inhparent = p.oid) "
		"SELECT c.oid FROM p JOIN pg_class c ON c.oid = p.oid WHERE c.relkind = 'r' ORDER BY c.oid LIMIT 33";
	std::vector<Table *> result;

	if (!is_partitioned(table))
		return {table};
	for (Oid oid : oids(sql, {cell_of(table->oid)}))
		if (Table *leaf = context.model().find(oid))
			result.push_back(leaf);
	return result;
}

std::string
alter(const Table &table)
{
	return "ALTER TABLE " + table.title();
}

Step
validate_step(const Table &table, const std::string &constraint)
{
	return step(alter(table) + " VALIDATE CONSTRAINT " + quoted(constraint));
}

std::string
clause_of(const Action &action, Context &context)
{
	const auto *definition = part_as<Constraint>(action, T_Constraint);
	const std::string named = "CONSTRAINT " + quoted(action.name) + " ";

	if (definition->contype == CONSTR_FOREIGN)
		return named + foreign_key_of(definition, action) +
			   (action.is_new_column && !definition->deferrable ? deferral_of(action) : "");
	const std::string sql = action.is_new_column ? pieces_of(action.definition, context).of(definition)
												 : trimmed(context.piece_at(definition->location));
	return named + unnamed(sql);
}

std::vector<Step>
check_steps(const Action &action, Context &context)
{
	const std::string clause = clause_of(action, context);
	const Besides more = besides(action, clause, context);
	std::vector<Step> steps;

	if (!more.columns.empty())
		steps.push_back(step(alter(*action.table) + more.columns));
	steps.push_back(step(alter(*action.table) + more.drop + " ADD " + clause + " NOT VALID"));
	steps.push_back(validate_step(*action.table, action.name));
	return steps;
}

std::vector<Step>
key_steps(const Action &action, Context &context)
{
	const std::string clause = clause_of(action, context);
	std::vector<Step> steps;

	if (!is_partitioned(action.table) || PG_VERSION_NUM >= 180000)
		return check_steps(action, context);
	/* Before 18, what is valid in each partition is taken over. */
	std::vector<Table *> leaves = leaves_of(action.table, context);
	if (leaves.size() > max_leaves)
		return {};
	std::string added;
	for (const Table *leaf : leaves)
		added += (added.empty() ? "" : "; ") + alter(*leaf) + " ADD " + clause + " NOT VALID";
	steps.push_back(step(added));
	for (const Table *leaf : leaves)
		steps.push_back(validate_step(*leaf, action.name));
	steps.push_back(step(alter(*action.table) + " ADD " + clause));
	return steps;
}

std::vector<Step>
not_null_steps(Table &table, const std::string &column)
{
	const std::string name = quoted(column);
	const std::string set = alter(table) + " ALTER COLUMN " + name + " SET NOT NULL";

	if (is_proved_not_null(table, column))
		return {step(set)};
	if (const TableConstraint *proof = unvalidated_proof(table, column))
	{
		if (proof->type == 'n')
			return {validate_step(table, proof->name)};
		return {validate_step(table, proof->name), step(set)};
	}
	const std::string helper = free_name(table, column, "not_null");
	if (PG_VERSION_NUM >= 180000)
		return {step(alter(table) + " ADD CONSTRAINT " + quoted(helper) + " NOT NULL " + name + " NOT VALID"),
				validate_step(table, helper)};
	return {step(alter(table) + " ADD CONSTRAINT " + quoted(helper) + " CHECK (" + name + " IS NOT NULL) NOT VALID"),
			validate_step(table, helper), step(set + "; " + alter(table) + " DROP CONSTRAINT " + quoted(helper))};
}

std::vector<Step>
unique_steps(const Action &action, Context &context, const std::string &index)
{
	const auto *definition = part_as<Constraint>(action, T_Constraint);
	const bool is_primary = definition->contype == CONSTR_PRIMARY;
	const std::string keyword = is_primary ? "PRIMARY KEY" : "UNIQUE";
	const std::vector<std::string> columns =
		action.is_new_column ? std::vector<std::string>{action.column->name} : names_in(definition->keys);
	std::vector<Step> steps;
	auto add = [&](const Table &table, const std::string &name, const std::string &used, const std::string &drop) {
		return alter(table) + drop + " ADD CONSTRAINT " + quoted(name) + " " + keyword + " USING INDEX " +
			   quoted(used) + deferral_of(action);
	};
	auto build = [&](const Table &table, const std::string &name) {
		return outside_step("CREATE UNIQUE INDEX CONCURRENTLY " + quoted(name) + " ON " + table.title() + " (" +
							quoted_list(columns) + ")" + index_options(definition));
	};

	if (is_primary && !action.is_new_column)
		for (const std::string &name : columns)
			if (const Column *column = action.table->column(name); column != nullptr && !column->not_null)
				append(steps, not_null_steps(*action.table, name));
	if (!is_partitioned(action.table))
	{
		const Besides more = besides(action, quoted_list(columns), context);
		std::string name = action.name;
		std::string used = index.empty() ? name : index;
		/* The old one keeps its name, and that of its index, until the new one takes its place. */
		if (!more.dropped.empty())
		{
			if (index.empty())
				used = free_name(*action.table, is_primary ? "" : columns.front(), is_primary ? "pkey" : "key");
			if (text_of(definition->conname).empty() && more.dropped == action.table->name + "_pkey")
				name = more.dropped;
		}
		if (!more.columns.empty())
			steps.insert(steps.begin(), step(alter(*action.table) + more.columns));
		if (index.empty())
			steps.push_back(build(*action.table, used));
		steps.push_back(step(add(*action.table, name, used, more.drop)));
		return steps;
	}

	/* A partitioned table cannot take over an index, but those of its partitions it does. */
	std::vector<Table *> leaves = leaves_of(action.table, context);
	std::string middle;
	for (const std::string &name : columns)
		middle += (middle.empty() ? "" : "_") + name;
	if (leaves.size() > max_leaves)
		return {};
	std::string added;
	for (Table *leaf : leaves)
	{
		const std::string name = free_name(*leaf, is_primary ? "" : middle, is_primary ? "pkey" : "key");
		steps.push_back(build(*leaf, name));
		added += add(*leaf, name, name, "") + "; ";
	}
	steps.push_back(step(added + alter(*action.table) + " ADD " + clause_of(action, context)));
	return steps;
}

Step
backfill_step(const Table &table, const std::string &column, const std::string &value)
{
	const std::string title = table.title();
	const std::string pages =
		is_partitioned(&table) ? "(SELECT max(pg_relation_size(relid)) FROM pg_partition_tree(" + literal(title) + "))"
							   : "pg_relation_size(" + literal(title) + ")";

	return outside_step("DO $backfill$\nDECLARE\n\tis_done boolean;\nBEGIN\n\tFOR pass IN 1..3 LOOP\n\t\tis_done := "
						"true;\n\t\tFOR page IN 0.." +
						pages + " / current_setting('block_size')::bigint BY 1000 LOOP\n\t\t\tUPDATE " + title +
						" SET " + quoted(column) + " = " + value + " WHERE " + quoted(column) +
						" IS NULL AND ctid >= format('(%s,0)', page)::tid AND ctid < format('(%s,0)', page + "
						"1000)::tid;\n\t\t\tis_done := is_done AND NOT FOUND;\n\t\t\tCOMMIT;\n\t\tEND LOOP;\n\t\tEXIT "
						"WHEN is_done;\n\tEND LOOP;\nEND $backfill$");
}

std::vector<Step>
column_steps(const Action &action, Context &context)
{
	const ColumnDef *definition = action.definition;
	const std::string column = definition->colname;
	const std::string name = quoted(column);
	/* As it was before the statement, which may be half seen by now. */
	Table table = *action.table;
	drop_parts_of(table, column);
	const Pieces pieces = pieces_of(definition, context);
	const Node *value = default_of(definition);
	const bool is_safe = value == nullptr || volatility_of(value, table, context.model(), EXPR_KIND_COLUMN_DEFAULT) <
												 Volatility::is_volatile;
	const bool is_numbered = OidIsValid(serial_type(definition->typeName)) || pieces.of(CONSTR_IDENTITY) != nullptr;
	const bool is_filled = value != nullptr && !is_null_constant(value);
	std::vector<Step> steps;
	std::string added = alter(table) + " ADD COLUMN " + pieces.bare + pieces.collate;
	std::string behind;
	std::vector<Step> later;
	bool is_not_null = false;

	/* Domains are checked row by row, generated columns computed; with inheritance, rows are elsewhere too. */
	if (pieces.of(CONSTR_GENERATED) != nullptr || is_constrained_domain(action.column->type) ||
		(table.has_children && !is_partitioned(&table)))
		return {};
	auto new_name = [&](const std::string &middle, const std::string &label) {
		TableConstraint named;
		named.name = free_name(table, middle, label);
		table.constraints.push_back(named);
		table.names.insert(named.name);
		return named.name;
	};
	for (const Pieces::Piece &piece : pieces.pieces)
	{
		const Constraint *constraint = piece.constraint;
		Action part = action;
		part.part = reinterpret_cast<const Node *>(constraint);
		part.is_new_column = true;
		part.name = text_of(constraint->conname);
		switch (constraint->contype)
		{
			case CONSTR_DEFAULT:
				if (is_safe)
					added += " " + piece.sql;
				else
					behind += "; " + alter(table) + " ALTER COLUMN " + name + " SET " + unnamed(piece.sql);
				break;
			case CONSTR_NOTNULL:
				is_not_null = true;
				if (is_filled && is_safe)
					added += " " + piece.sql;
				break;
			case CONSTR_CHECK:
				if (part.name.empty())
					part.name = new_name(column, "check");
				behind += "; " + alter(table) + " ADD " + clause_of(part, context) + " NOT VALID";
				later.push_back(validate_step(table, part.name));
				break;
			case CONSTR_FOREIGN:
			{
				if (value == nullptr && !is_numbered)
				{
					added += " " + piece.sql;
					break;
				}
				if (is_partitioned(&table) && PG_VERSION_NUM < 180000)
					return {};
				part.other = context.model().find(constraint->pktable);
				if (part.name.empty())
					part.name = new_name(column, "fkey");
				later.push_back(step(alter(table) + " ADD " + clause_of(part, context) + " NOT VALID"));
				later.push_back(validate_step(table, part.name));
				break;
			}
			case CONSTR_UNIQUE:
			case CONSTR_PRIMARY:
				if (is_partitioned(&table))
					return {};
				if (part.name.empty())
					part.name = constraint->contype == CONSTR_UNIQUE ? new_name(column, "key") : new_name("", "pkey");
				is_not_null = is_not_null || constraint->contype == CONSTR_PRIMARY;
				append(later, unique_steps(part, context, ""));
				break;
			default:
				break;
		}
	}
	if (is_numbered)
		steps = numbered_steps(table, definition, pieces, behind);
	else
	{
		steps.push_back(step(added + behind));
		if (!is_safe)
			steps.push_back(backfill_step(table, column, "DEFAULT"));
		if (is_not_null && !(is_filled && is_safe))
			append(steps, not_null_steps(table, column));
	}
	append(steps, std::move(later));
	return steps;
}

const Node *
default_of(const ColumnDef *definition)
{
	ListCell *cell;

	foreach (cell, definition->constraints)
		if (const auto *constraint = lfirst_node(Constraint, cell); constraint->contype == CONSTR_DEFAULT)
			return constraint->raw_expr;
	return definition->raw_default;
}

bool
is_null_constant(const Node *expression)
{
	while (expression != nullptr && IsA(expression, TypeCast))
		expression = castNode(TypeCast, expression)->arg;
	return expression != nullptr && IsA(expression, A_Const) && castNode(A_Const, expression)->isnull;
}

} // namespace mg::lint
