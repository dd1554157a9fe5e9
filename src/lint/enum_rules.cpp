// Group I, enum types.
#include "lint/facts.hpp"
#include "lint/nodes.hpp"
#include "lint/rule.hpp"
#include "lint/words.hpp"

#include <algorithm>
#include <map>

namespace mg::lint {

namespace {

// Finds where a statement uses labels that cannot be used yet: the server reads such a literal when it parses the statement.
class LabelSearch
{
public:
	LabelSearch(const std::vector<NewLabel> &labels, Context &context) : labels_(labels), context_(context) {}

	// The location of the first use of each label that is used, by its number.
	std::map<size_t, int> locations_in(const Node *statement)
	{
		look_at(statement);
		return std::move(locations_);
	}

private:
	// A constant, where something of a type is expected.
	template <typename IsType>
	void in_constant(const Node *node, IsType is_type)
	{
		const char *value = string_of(node);

		if (value == nullptr)
			return;
		for (size_t i = 0; i < labels_.size(); i++)
			if (labels_[i].label == value && is_type(*labels_[i].type))
			{
				const int location = castNode(A_Const, node)->location;
				int &first = locations_.try_emplace(i, location).first->second;
				first = std::min(first, location);
			}
	}

	static bool is_of_type(const Table *table, const std::string &name, const Enum &type)
	{
		const Column *column = table != nullptr ? table->column(name) : nullptr;
		return column != nullptr && OidIsValid(column->type) && column->type == type.oid;
	}

	bool is_column(const Node *node, const Enum &type) const
	{
		const auto *last = static_cast<const Node *>(llast(castNode(ColumnRef, node)->fields));
		return IsA(last, String) && std::any_of(tables_.begin(), tables_.end(), [&](const Table *table) {
				   return is_of_type(table, strVal(last), type);
			   });
	}

	void in_expression(const Node *expression)
	{
		if (expression == nullptr)
			return;
		for (const Node *node : nodes_in(expression, T_RangeVar))
			tables_.push_back(context_.model().find(castNode(RangeVar, node)));
		for (const Node *node : nodes_in(expression, T_TypeCast))
			in_cast(castNode(TypeCast, node)->arg, castNode(TypeCast, node)->typeName);
		for (const Node *node : nodes_in(expression, T_A_Expr))
			in_comparison(castNode(A_Expr, node));
	}

	void in_comparison(const A_Expr *comparison)
	{
		for (const auto &[side, other] :
			 {std::pair(comparison->lexpr, comparison->rexpr), std::pair(comparison->rexpr, comparison->lexpr)})
		{
			if (side == nullptr || !IsA(side, ColumnRef) || other == nullptr)
				continue;
			const Node *column = side;
			auto is_type = [&](const Enum &type) { return is_column(column, type); };
			in_constant(other, is_type);
			ListCell *cell;
			if (IsA(other, List))
				foreach (cell, castNode(List, other))
					in_constant(static_cast<const Node *>(lfirst(cell)), is_type);
		}
	}

	void in_cast(const Node *value, const TypeName *name)
	{
		std::optional<const Enum *> known;

		in_constant(value, [&](const Enum &type) {
			if (!known.has_value())
				known = context_.model().enums.find(name);
			return *known == &type;
		});
	}

	// A target with a value: of SET and of INSERT's columns.
	void in_target(const Table *table, const std::string &column, const Node *value)
	{
		in_constant(value, [&](const Enum &type) { return is_of_type(table, column, type); });
	}

	void in_insert(const InsertStmt *insert)
	{
		const Table *table = context_.model().find(insert->relation);
		std::vector<std::string> columns;
		ListCell *cell;

		if (table == nullptr)
			return;
		foreach (cell, insert->cols)
			columns.push_back(text_of(lfirst_node(ResTarget, cell)->name));
		if (columns.empty())
			for (const Column &column : table->columns)
				columns.push_back(column.name);
		if (insert->selectStmt == nullptr || !IsA(insert->selectStmt, SelectStmt))
			return;
		const auto *select = castNode(SelectStmt, insert->selectStmt);
		foreach (cell, select->valuesLists)
			in_row(table, columns, lfirst_node(List, cell));
		in_row(table, columns, select->targetList);
	}

	void in_row(const Table *table, const std::vector<std::string> &columns, const List *row)
	{
		for (int i = 0; i < list_length(row) && i < static_cast<int>(columns.size()); i++)
		{
			const auto *value = static_cast<const Node *>(list_nth(row, i));
			if (IsA(value, ResTarget))
				value = castNode(ResTarget, value)->val;
			in_target(table, columns[static_cast<size_t>(i)], value);
		}
	}

	void in_column(const ColumnDef *definition)
	{
		ListCell *cell;

		foreach (cell, definition->constraints)
		{
			const auto *constraint = lfirst_node(Constraint, cell);
			if (constraint->contype == CONSTR_DEFAULT)
				in_cast(constraint->raw_expr, definition->typeName);
			in_expression(constraint->raw_expr);
		}
	}

	void in_alter(const AlterTableStmt *alter)
	{
		Table *table = context_.model().find(alter->relation);
		ListCell *cell;

		tables_.push_back(table);
		foreach (cell, alter->cmds)
		{
			const auto *command = lfirst_node(AlterTableCmd, cell);
			if (command->def == nullptr)
				continue;
			if (command->subtype == AT_ColumnDefault)
			{
				in_target(table, text_of(command->name), command->def);
				in_expression(command->def);
			}
			else if (IsA(command->def, ColumnDef))
			{
				in_column(castNode(ColumnDef, command->def));
				in_expression(castNode(ColumnDef, command->def)->raw_default);
			}
			else if (IsA(command->def, Constraint))
				in_expression(castNode(Constraint, command->def)->raw_expr);
		}
	}

	void look_at(const Node *statement)
	{
		ListCell *cell;

		switch (nodeTag(statement))
		{
			case T_InsertStmt:
				in_insert(castNode(InsertStmt, statement));
				in_expression(statement);
				return;
			case T_UpdateStmt:
				foreach (cell, castNode(UpdateStmt, statement)->targetList)
					in_target(context_.model().find(castNode(UpdateStmt, statement)->relation),
							  text_of(lfirst_node(ResTarget, cell)->name), lfirst_node(ResTarget, cell)->val);
				in_expression(statement);
				return;
			case T_DeleteStmt:
			case T_MergeStmt:
			case T_SelectStmt:
				in_expression(statement);
				return;
			case T_ViewStmt:
				in_expression(castNode(ViewStmt, statement)->query);
				return;
			case T_CreateTableAsStmt:
				if (IsA(castNode(CreateTableAsStmt, statement)->query, SelectStmt))
					in_expression(castNode(CreateTableAsStmt, statement)->query);
				return;
			case T_IndexStmt:
				tables_.push_back(context_.model().find(castNode(IndexStmt, statement)->relation));
				in_expression(castNode(IndexStmt, statement)->whereClause);
				return;
			case T_CreatePolicyStmt:
				tables_.push_back(context_.model().find(castNode(CreatePolicyStmt, statement)->table));
				in_expression(castNode(CreatePolicyStmt, statement)->qual);
				in_expression(castNode(CreatePolicyStmt, statement)->with_check);
				return;
			case T_CreateStmt:
				foreach (cell, castNode(CreateStmt, statement)->tableElts)
				{
					auto *element = static_cast<const Node *>(lfirst(cell));
					if (IsA(element, ColumnDef))
						in_column(castNode(ColumnDef, element));
					else if (IsA(element, Constraint))
						in_expression(castNode(Constraint, element)->raw_expr);
				}
				return;
			case T_AlterTableStmt:
				in_alter(castNode(AlterTableStmt, statement));
				return;
			default:
				return;
		}
	}

	const std::vector<NewLabel> &labels_;
	Context &context_;
	std::vector<Table *> tables_;
	std::map<size_t, int> locations_;
};

void
enum_value_used_at_once(const Action &action, Context &context)
{
	const std::vector<NewLabel> &labels = context.model().enums.new_labels();

	if (labels.empty())
		return;
	for (const auto &[number, location] : LabelSearch(labels, context).locations_in(action.statement))
	{
		const NewLabel &label = labels[number];
		Report report;
		report.message = "value '" + label.label + "' of type " + label.type->title() +
						 " is used by the transaction that adds it, which the server refuses";
		report.steps = {step(label.added_by), step(context.statement_text())};
		report.object = label.type->title();
		report.location = location;
		context.report(std::move(report));
	}
}

const AlterEnumStmt *
added_label(const Action &action)
{
	const auto *alter = reinterpret_cast<const AlterEnumStmt *>(action.statement);
	return alter->oldVal == nullptr ? alter : nullptr;
}

void
enum_value_without_place(const Action &action, Context &context)
{
	const AlterEnumStmt *alter = added_label(action);

	if (alter != nullptr && alter->newValNeighbor == nullptr)
		context.report({"value '" + action.name + "' comes last in the order of its type",
						"Say BEFORE or AFTER which other value it belongs."});
}

void
enum_type_made(const Action &action, Context &context)
{
	if (!IsA(action.statement, CreateEnumStmt))
		return;
	Report report;
	report.message = "the values of an enum type cannot be removed, and are part of the schema";
	report.hint = "Make a table of them, with a foreign key to it.";
	report.object =
		quoted_list({names_in(reinterpret_cast<const CreateEnumStmt *>(action.statement)->typeName).back()});
	context.report(std::move(report));
}

void
enum_value_taken_away(const Action &action, Context &context)
{
	const auto *command = part_as<AlterTableCmd>(action, T_AlterTableCmd);

	if (command == nullptr || action.column == nullptr || command->def == nullptr || !IsA(command->def, ColumnDef))
		return;
	const Enum *from = context.model().enums.find(action.column->type);
	const Enum *to =
		from != nullptr ? context.model().enums.find(castNode(ColumnDef, command->def)->typeName) : nullptr;
	if (to == nullptr || to == from)
		return;
	std::string lost;
	std::string list;
	for (const std::string &label : from->labels)
		if (std::find(to->labels.begin(), to->labels.end(), label) == to->labels.end())
			lost += (lost.empty() ? "" : ", ") + literal(label);
	if (lost.empty())
		return;
	Report report;
	report.message = "rows of " + sized(*action.table) + " whose " + quoted(action.name) + " is one of " + lost +
					 ", which the new type does not have, make the statement fail";
	report.hint = "See whether there are any: SELECT count(*) FROM " + action.table->title() + " WHERE " +
				  quoted(action.name) + " IN (" + lost + "). Give them another value before.";
	report.lock = AccessExclusiveLock;
	context.report(std::move(report));
}

} // namespace

std::vector<Rule>
enum_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"enum-value-used-at-once",
		 "I",
		 S::error,
		 About::anything,
		 {W::statement},
		 enum_value_used_at_once,
		 "a value is added to an enum type and used in one transaction",
		 "The server refuses to use a value that is not committed yet (55P04).",
		 "Add it in a migration of its own."},
		{"enum-value-without-place",
		 "I",
		 S::off,
		 About::anything,
		 {W::alter_enum},
		 enum_value_without_place,
		 "a value is added to an enum type without BEFORE or AFTER",
		 "ORDER BY, < and > go by the order of the values, and the new one comes last.",
		 "Say where it belongs."},
		{"enum-type-made",
		 "I",
		 S::off,
		 About::anything,
		 {W::create_type},
		 enum_type_made,
		 "an enum type is made",
		 "Its values cannot be removed, and a new one needs a migration.",
		 "Use a table of values and a foreign key."},
		{"enum-value-taken-away",
		 "I",
		 S::warning,
		 About::occupied,
		 {W::change_type},
		 enum_value_taken_away,
		 "a column goes to an enum type that lacks some of its values",
		 "Rows that have one of them make the statement fail, after the table was locked and partly rewritten.",
		 "Give such rows another value in a migration before.",
		 0,
		 0,
		 true},
	};
}

} // namespace mg::lint
