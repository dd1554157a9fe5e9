// Statements of one table or none; ALTER TABLE has a file of its own.
#include "lint/walk.hpp"

#include <algorithm>

#include "lint/alter.hpp"
#include "lint/nodes.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

using Look = std::function<void(Action &)>;

// Tells a statement's only action.
void
look_at(const Node *statement, What what, Table *table, const Look &look, const std::string &name = "",
		bool cascade = false)
{
	Action action;

	action.what = what;
	action.statement = statement;
	action.table = table;
	action.name = name;
	action.cascade = cascade;
	look(action);
}

// The columns, and with INCLUDING INDEXES the indexes, of the table that LIKE names.
void
take_like(const TableLikeClause *like, Table *table, Model &model)
{
	const Table *source = model.find(like->relation);

	if (source == nullptr || source == table)
		return;
	for (Column column : source->columns)
	{
		column.number = 0;
		column.made_here = true;
		if ((like->options & CREATE_TABLE_LIKE_DEFAULTS) == 0)
			column.has_default = false;
		if ((like->options & CREATE_TABLE_LIKE_IDENTITY) == 0)
			column.identity = '\0';
		if ((like->options & CREATE_TABLE_LIKE_GENERATED) == 0)
			column.generated = '\0';
		table->columns.push_back(std::move(column));
		table->attributes++;
	}
	if ((like->options & CREATE_TABLE_LIKE_INDEXES) == 0)
		return;
	for (Index index : source->indexes)
	{
		index.oid = InvalidOid;
		index.made_here = true;
		index.name = table->name + "_" + index.name;
		table->indexes.push_back(std::move(index));
	}
}

void
create_table(const CreateStmt *create, Model &model, const Look &look)
{
	if (create->if_not_exists && model.find(create->relation) != nullptr)
		return;

	Table *parent = create->partbound != nullptr && create->inhRelations != NIL
						? model.find(linitial_node(RangeVar, create->inhRelations))
						: nullptr;
	Table *table =
		model.make(create->relation, create->partspec != nullptr ? RELKIND_PARTITIONED_TABLE : RELKIND_RELATION);
	ListCell *cell;
	table->is_partition = create->partbound != nullptr;
	if (create->partspec != nullptr)
		foreach (cell, create->partspec->partParams)
			table->partition_key.push_back(text_of(lfirst_node(PartitionElem, cell)->name));
	Action action;
	action.what = What::create_table;
	action.statement = reinterpret_cast<const Node *>(create);
	action.table = table;
	action.other = parent;
	look(action);
	if (parent != nullptr)
		parent->has_children = true;
	foreach (cell, create->tableElts)
	{
		auto *element = static_cast<const Node *>(lfirst(cell));
		if (IsA(element, TableLikeClause))
			take_like(castNode(TableLikeClause, element), table, model);
		else if (IsA(element, ColumnDef))
			add_column(castNode(ColumnDef, element), reinterpret_cast<const Node *>(create), table, true, model, look);
		else if (IsA(element, Constraint))
			add_constraint(castNode(Constraint, element), reinterpret_cast<const Node *>(create), table, nullptr,
						   nullptr, true, model, look);
	}
}

void
create_index(const IndexStmt *create, Model &model, const Look &look)
{
	Table *table = model.find(create->relation);
	const std::string name = text_of(create->idxname);
	ListCell *cell;

	if (create->if_not_exists && table != nullptr && table->index(name) != nullptr)
		return;
	look_at(reinterpret_cast<const Node *>(create), What::create_index, table, look, name);
	if (table == nullptr)
		return;
	Index index;
	index.name = name;
	/* As the server would call it. */
	if (name.empty())
	{
		index.name = table->name;
		foreach (cell, create->indexParams)
			index.name +=
				"_" + (lfirst_node(IndexElem, cell)->name != nullptr ? std::string(lfirst_node(IndexElem, cell)->name)
																	 : "expr");
		index.name += "_idx";
	}
	index.is_unique = create->unique;
	index.is_partial = create->whereClause != nullptr;
	index.made_here = true;
	index.keys = list_length(create->indexParams);
	foreach (cell, create->indexParams)
	{
		auto *element = lfirst_node(IndexElem, cell);
		index.has_expressions = index.has_expressions || element->name == nullptr;
		index.columns.push_back(text_of(element->name));
	}
	table->indexes.push_back(std::move(index));
}

// DROP TRIGGER, POLICY and RULE name their table first.
void
name_part_of_table(ObjectType type, const Node *object, Model &model, Action &action)
{
	if (type != OBJECT_TRIGGER && type != OBJECT_POLICY && type != OBJECT_RULE)
		return;
	const auto *names = castNode(List, object);
	action.name = strVal(llast(names));
	if (list_length(names) > 1)
		action.table = model.find(table_in(names));
}

void
drop(const DropStmt *statement, Model &model, const Look &look)
{
	ListCell *cell;
	const auto *node = reinterpret_cast<const Node *>(statement);
	const bool cascade = statement->behavior == DROP_CASCADE;

	foreach (cell, statement->objects)
	{
		const auto *object = static_cast<const Node *>(lfirst(cell));
		switch (statement->removeType)
		{
			case OBJECT_TABLE:
			case OBJECT_MATVIEW:
			case OBJECT_VIEW:
			case OBJECT_FOREIGN_TABLE:
			case OBJECT_SEQUENCE:
			{
				Table *table = model.find(range_var_of(castNode(List, object)));
				if (table == nullptr && statement->missing_ok)
					break;
				const bool is_table = statement->removeType == OBJECT_TABLE || statement->removeType == OBJECT_MATVIEW;
				look_at(node, is_table ? What::drop_table : What::drop_other, table, look, "", cascade);
				if (table != nullptr)
					model.drop(table);
				break;
			}
			case OBJECT_INDEX:
			{
				const RangeVar *name = range_var_of(castNode(List, object));
				Table *table = model.table_of_index(name);
				if (table == nullptr && statement->missing_ok)
					break;
				look_at(node, What::drop_index, table, look, name != nullptr ? name->relname : "", cascade);
				if (table != nullptr)
					table->indexes.erase(table->indexes.begin() +
										 (table->index(name->relname) - table->indexes.data()));
				break;
			}
			default:
			{
				Action action;
				if (statement->removeType == OBJECT_TRIGGER || statement->removeType == OBJECT_RULE ||
					statement->removeType == OBJECT_POLICY)
				{
					/* The last name is its own, those before are the table's. */
					const auto *names = castNode(List, object);
					action.table = model.find(table_in(names));
					action.name = strVal(llast(names));
					if (action.table == nullptr && statement->missing_ok)
						break;
				}
				action.what = What::drop_other;
				action.statement = node;
				action.part = object;
				action.cascade = cascade;
				name_part_of_table(statement->removeType, object, model, action);
				if (action.table == nullptr && !action.name.empty() && statement->missing_ok)
					break;
				look(action);
				if (statement->removeType == OBJECT_TYPE)
					model.enums.drop(castNode(TypeName, object));
				break;
			}
		}
	}
}

void
rename_column(Table &table, const std::string &from, const std::string &to)
{
	Column *column = table.column(from);
	if (column == nullptr)
		return;
	column->name = to;
	for (TableConstraint &constraint : table.constraints)
		std::replace(constraint.columns.begin(), constraint.columns.end(), from, to);
	for (Index &index : table.indexes)
		std::replace(index.columns.begin(), index.columns.end(), from, to);
}

void
rename(const RenameStmt *statement, Model &model, const Look &look)
{
	const auto *node = reinterpret_cast<const Node *>(statement);
	Table *table = statement->relation != nullptr ? model.find(statement->relation) : nullptr;

	switch (statement->renameType)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_SEQUENCE:
			if (table == nullptr && statement->missing_ok)
				return;
			look_at(node, What::rename_table, table, look, statement->newname);
			if (table != nullptr)
				model.rename(table, statement->newname);
			return;
		case OBJECT_COLUMN:
			if (table == nullptr && statement->missing_ok)
				return;
			look_at(node, What::rename_column, table, look, text_of(statement->subname));
			if (table != nullptr)
				rename_column(*table, text_of(statement->subname), statement->newname);
			return;
		case OBJECT_TABCONSTRAINT:
			look_at(node, What::rename_other, table, look, text_of(statement->subname));
			if (table != nullptr)
				if (TableConstraint *constraint = table->constraint(text_of(statement->subname)))
					constraint->name = statement->newname;
			return;
		case OBJECT_INDEX:
			look_at(node, What::rename_other,
					statement->relation != nullptr ? model.table_of_index(statement->relation) : nullptr, look,
					statement->newname);
			return;
		default:
			look_at(node, What::rename_other, table, look, statement->newname);
			if (statement->renameType == OBJECT_TYPE)
				model.enums.rename(castNode(List, statement->object), statement->newname);
			return;
	}
}

// SET TimeZone; a zone that is no plain text counts as the session's.
void
set_time_zone(const VariableSetStmt *statement, Model &model)
{
	std::optional<std::string> zone;

	if (statement->kind == VAR_SET_VALUE && list_length(statement->args) == 1)
		if (const auto *value = static_cast<const Node *>(linitial(statement->args)); IsA(value, A_Const))
			if (const auto *constant = castNode(A_Const, value); IsA(&constant->val, String))
				zone = strVal(&constant->val);
	model.set_time_zone(std::move(zone));
}

// SET search_path, which the names behind it are resolved by.
void
set_variable(const VariableSetStmt *statement, Model &model, const Look &look)
{
	look_at(reinterpret_cast<const Node *>(statement), What::set_variable, nullptr, look, text_of(statement->name));
	const bool is_path = text_of(statement->name) == "search_path";
	if (statement->kind == VAR_RESET_ALL ||
		(statement->name != nullptr && pg_strcasecmp(statement->name, "timezone") == 0))
		set_time_zone(statement, model);
	if (statement->kind == VAR_RESET_ALL ||
		(is_path && (statement->kind == VAR_SET_DEFAULT || statement->kind == VAR_RESET)))
		model.set_search_path(std::nullopt);
	if (!is_path || statement->kind != VAR_SET_VALUE)
		return;

	std::vector<std::string> schemas;
	ListCell *cell;
	foreach (cell, statement->args)
		if (auto *value = lfirst_node(A_Const, cell); IsA(&value->val, String))
			schemas.emplace_back(strcmp(strVal(&value->val), "$user") != 0 ? strVal(&value->val) : pg::guarded([] {
				return GetUserNameFromId(GetUserId(), false);
			}));
	model.set_search_path(std::move(schemas));
}

What
what_of(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_ViewStmt:
			return What::create_view;
		case T_CreateFunctionStmt:
			return What::create_function;
		case T_CompositeTypeStmt:
		case T_CreateRangeStmt:
		case T_DefineStmt:
			return What::create_type;
		case T_CreateDomainStmt:
			return What::create_domain;
		case T_AlterDomainStmt:
			return What::alter_domain;
		case T_CreateSeqStmt:
			return What::create_sequence;
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
			return What::create_extension;
		case T_AlterOwnerStmt:
			return What::change_owner;
		case T_CreateSchemaStmt:
			return What::create_schema;
		case T_DropdbStmt:
			return What::drop_other;
		case T_SelectStmt:
			return What::select;
		case T_DoStmt:
		case T_CallStmt:
			return What::call;
		case T_GrantStmt:
		case T_GrantRoleStmt:
		case T_AlterDefaultPrivilegesStmt:
			return What::grant;
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
		case T_DropRoleStmt:
			return What::role;
		case T_TransactionStmt:
			return What::transaction;
		default:
			return What::other;
	}
}

// Statements that name one table.
bool
walk_one_table(const Node *statement, Model &model, const Look &look)
{
	auto at = [&](What what, const RangeVar *name) {
		Table *table = model.find(name);
		look_at(statement, what, table, look);
		if (table != nullptr && (what == What::update || what == What::remove || what == What::insert ||
								 what == What::merge || what == What::copy))
			table->is_written = true;
		return true;
	};

	switch (nodeTag(statement))
	{
		case T_UpdateStmt:
			return at(What::update, castNode(UpdateStmt, statement)->relation);
		case T_DeleteStmt:
			return at(What::remove, castNode(DeleteStmt, statement)->relation);
		case T_InsertStmt:
			return at(What::insert, castNode(InsertStmt, statement)->relation);
		case T_MergeStmt:
			return at(What::merge, castNode(MergeStmt, statement)->relation);
		case T_CopyStmt:
			return at(What::copy, castNode(CopyStmt, statement)->relation);
		case T_RefreshMatViewStmt:
			return at(What::refresh, castNode(RefreshMatViewStmt, statement)->relation);
		case T_ClusterStmt:
			return at(What::rewrite_table, castNode(ClusterStmt, statement)->relation);
		case T_AlterSeqStmt:
			return at(What::alter_sequence, castNode(AlterSeqStmt, statement)->sequence);
		case T_ReindexStmt:
		{
			const auto *reindex = castNode(ReindexStmt, statement);
			if (reindex->kind != REINDEX_OBJECT_INDEX)
				return at(What::reindex, reindex->relation);
			look_at(statement, What::reindex, model.table_of_index(reindex->relation), look,
					reindex->relation->relname);
			return true;
		}
		case T_CreateTrigStmt:
			return at(What::create_trigger, castNode(CreateTrigStmt, statement)->relation);
		case T_CreatePolicyStmt:
			return at(What::create_policy, castNode(CreatePolicyStmt, statement)->table);
		case T_AlterPolicyStmt:
			return at(What::create_policy, castNode(AlterPolicyStmt, statement)->table);
		default:
			return false;
	}
}

void
walk_several_tables(const Node *statement, What what, const List *relations, Model &model, const Look &look,
					bool cascade)
{
	ListCell *cell;

	foreach (cell, relations)
		if (auto *node = static_cast<const Node *>(lfirst(cell)); IsA(node, RangeVar))
		{
			Table *table = model.find(castNode(RangeVar, node));
			look_at(statement, what, table, look, "", cascade);
			if (table != nullptr && what == What::truncate)
				table->is_written = true;
		}
}

// VACUUM FULL writes a table anew, ANALYZE makes its statistics.
void
vacuum(const VacuumStmt *statement, Model &model, const Look &look)
{
	const bool full = is_set(statement->options, "full", false);
	const bool analyze = !statement->is_vacuumcmd || is_set(statement->options, "analyze", false);
	ListCell *cell;

	const What what = full ? What::rewrite_table : analyze ? What::analyze : What::other;
	if (statement->rels == NIL)
		look_at(reinterpret_cast<const Node *>(statement), what, nullptr, look);
	foreach (cell, statement->rels)
		look_at(reinterpret_cast<const Node *>(statement), what,
				model.find(lfirst_node(VacuumRelation, cell)->relation), look);
}

} // namespace

void
walk(const Node *statement, Model &model, const Look &look)
{
	look_at(statement, What::statement, nullptr, look);
	if (walk_one_table(statement, model, look))
		return;
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
			create_table(castNode(CreateStmt, statement), model, look);
			return;
		case T_CreateTableAsStmt:
		{
			const auto *create = castNode(CreateTableAsStmt, statement);
			if (create->if_not_exists && model.find(create->into->rel) != nullptr)
				return;
			look_at(
				statement, What::create_table,
				model.make(create->into->rel, create->objtype == OBJECT_MATVIEW ? RELKIND_MATVIEW : RELKIND_RELATION),
				look);
			return;
		}
		case T_AlterTableStmt:
			alter_table(castNode(AlterTableStmt, statement), model, look);
			return;
		case T_IndexStmt:
			create_index(castNode(IndexStmt, statement), model, look);
			return;
		case T_DropStmt:
			drop(castNode(DropStmt, statement), model, look);
			return;
		case T_RenameStmt:
			rename(castNode(RenameStmt, statement), model, look);
			return;
		case T_AlterObjectSchemaStmt:
		{
			const auto *move = castNode(AlterObjectSchemaStmt, statement);
			Table *table = move->relation != nullptr ? model.find(move->relation) : nullptr;
			look_at(statement, What::set_schema, table, look, move->newschema);
			if (table != nullptr)
				model.move(table, move->newschema);
			return;
		}
		case T_CreateEnumStmt:
			look_at(statement, What::create_type, nullptr, look);
			model.enums.make(castNode(CreateEnumStmt, statement));
			return;
		case T_AlterEnumStmt:
			if (model.enums.is_added(castNode(AlterEnumStmt, statement)))
				return;
			look_at(statement, What::alter_enum, nullptr, look, text_of(castNode(AlterEnumStmt, statement)->newVal));
			model.enums.add(castNode(AlterEnumStmt, statement));
			return;
		case T_TruncateStmt:
			walk_several_tables(statement, What::truncate, castNode(TruncateStmt, statement)->relations, model, look,
								castNode(TruncateStmt, statement)->behavior == DROP_CASCADE);
			return;
		case T_LockStmt:
			walk_several_tables(statement, What::lock_table, castNode(LockStmt, statement)->relations, model, look,
								false);
			return;
		case T_VacuumStmt:
			vacuum(castNode(VacuumStmt, statement), model, look);
			return;
		case T_VariableSetStmt:
			set_variable(castNode(VariableSetStmt, statement), model, look);
			return;
		case T_ViewStmt:
		{
			/* One that is replaced stays what it is. */
			const auto *create = castNode(ViewStmt, statement);
			Table *view = create->replace ? model.find(create->view) : nullptr;
			look_at(statement, What::create_view, view != nullptr ? view : model.make(create->view, RELKIND_VIEW),
					look);
			return;
		}
		case T_CreateFunctionStmt:
		{
			const auto *create = castNode(CreateFunctionStmt, statement);
			look_at(statement, What::create_function, nullptr, look, names_in(create->funcname).back());
			char volatility = PROVOLATILE_VOLATILE;
			ListCell *cell;
			foreach (cell, create->options)
				if (const auto *option = lfirst_node(DefElem, cell); strcmp(option->defname, "volatility") == 0)
					volatility = *strVal(option->arg); /* immutable, stable, volatile */
			model.make_function(names_in(create->funcname).back(), volatility);
			return;
		}
		default:
			look_at(statement, what_of(statement), nullptr, look);
			return;
	}
}

} // namespace mg::lint
