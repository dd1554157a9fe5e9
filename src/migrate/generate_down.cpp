// Follows each statement to what it takes along, and has that written.
#include "migrate/generate_down.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/replace.hpp>

#include "core/json.hpp"
#include "ledger/store.hpp"
#include "lint/reach.hpp"
#include "lint/trees.hpp"
#include "migrate/migration.hpp"
#include "migrate/runner.hpp"
#include "pg/subtransaction.hpp"
#include "policy/policy.hpp"
#include "schema/definition.hpp"

namespace mg::migrate {

namespace {

constexpr size_t most_named = 10;

// What goes, each once.
class Gone
{
public:
	bool has(const ObjectAddress &object) const { return known_.count(key(object)) > 0; }

	// Adds what DROP takes along. What is kept in the archive is nothing that comes back.
	void add(const std::vector<ObjectAddress> &named, bool cascade)
	{
		for (const ObjectAddress &object : lint::gone_with(named, cascade))
			if (!is_archived(object) && known_.insert(key(object)).second)
				objects_.push_back(object);
	}

	const std::vector<ObjectAddress> &objects() const { return objects_; }

private:
	using Key = std::tuple<Oid, Oid, int>;

	static Key key(const ObjectAddress &object) { return {object.classId, object.objectId, object.objectSubId}; }

	bool is_archived(const ObjectAddress &object) const
	{
		return object.classId == RelationRelationId &&
			   pg::guarded([&] { return get_rel_namespace(object.objectId); }) == archive_;
	}

	const Oid archive_ = pg::guarded([] { return get_namespace_oid("mg_archive", true); });
	std::vector<ObjectAddress> objects_;
	std::set<Key> known_;
};

// Why a statement cannot be followed; nothing: it can.
using Refusal = std::optional<std::string>;

bool
can_be_dropped(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_SCHEMA:
			return true;
		default:
			return false;
	}
}

// An object by its name, which is looked up without a lock where that is possible; an invalid one if it is not there and need not be.
ObjectAddress
address_raw(ObjectType type, Node *name, bool missing_ok)
{
	ObjectAddress address = InvalidObjectAddress;
	Relation relation = nullptr;

	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
			ObjectAddressSet(address, RelationRelationId,
							 RangeVarGetRelid(makeRangeVarFromNameList(castNode(List, name)), NoLock, missing_ok));
			return address;
		default:
			address = get_object_address(type, name, &relation, AccessShareLock, missing_ok);
			if (relation != nullptr)
				relation_close(relation, NoLock);
			return address;
	}
}

// Whether a name says where it is, so that no search_path finds another object of that name later.
bool
is_qualified(ObjectType type, Node *name)
{
	switch (type)
	{
		case OBJECT_SCHEMA:
			return true;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			return list_length(castNode(ObjectWithArgs, name)->objname) > 1;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return list_length(castNode(TypeName, name)->names) > 1;
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			return list_length(castNode(List, name)) > 2;
		default:
			return list_length(castNode(List, name)) > 1;
	}
}

Refusal
add_dropped(const DropStmt *drop, Gone &gone)
{
	std::vector<ObjectAddress> named;
	ListCell *cell;

	if (!can_be_dropped(drop->removeType))
		return "what it drops is not written by mg_generate_down().";
	foreach (cell, drop->objects)
	{
		auto *name = static_cast<Node *>(lfirst(cell));
		const ObjectAddress object = pg::guarded([&] { return address_raw(drop->removeType, name, drop->missing_ok); });
		if (!OidIsValid(object.objectId))
			continue;
		if (gone.has(object) && !is_qualified(drop->removeType, name))
			return "what it names is gone by then, and another object of that name might be meant: name its schema.";
		named.push_back(object);
	}
	gone.add(named, drop->behavior == DROP_CASCADE);
	return std::nullopt;
}

// A column of a table, and whether it goes when that of the parent does.
struct Column
{
	int number;
	bool is_local;
	int parents;
};

Column
column_raw(Oid table, const char *name)
{
	HeapTuple tuple = SearchSysCacheAttName(table, name);

	if (!HeapTupleIsValid(tuple))
		return {0, false, 0};
	auto *row = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple));
	const Column result = {row->attnum, row->attislocal, row->attinhcount};
	ReleaseSysCache(tuple);
	return result;
}

struct Check
{
	Oid oid;
	bool is_inherited; // from a parent only
};

Check
constraint_raw(Oid table, const char *name)
{
	const Oid oid = get_relation_constraint_oid(table, name, true);
	HeapTuple tuple = OidIsValid(oid) ? SearchSysCache1(CONSTROID, ObjectIdGetDatum(oid)) : nullptr;

	if (!HeapTupleIsValid(tuple))
		return {InvalidOid, false};
	auto *row = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple));
	const Check result = {oid, !row->conislocal};
	ReleaseSysCache(tuple);
	return result;
}

// What goes with a column or constraint of a table, and with those of its children that have it from there.
Refusal
add_part(const AlterTableCmd *command, const std::vector<Oid> &tree, std::vector<ObjectAddress> &named)
{
	for (Oid table : tree)
	{
		ObjectAddress object = InvalidObjectAddress;
		if (command->subtype == AT_DropColumn)
		{
			const Column column = pg::guarded([&] { return column_raw(table, command->name); });
			if (table != tree.front() && (column.is_local || column.number <= 0))
				continue;
			if (table != tree.front() && column.parents > 1)
				return "a table inherits the column from more than one.";
			object = {RelationRelationId, table, column.number};
			object.objectId = column.number > 0 ? table : InvalidOid;
		}
		else
		{
			const Check found = pg::guarded([&] { return constraint_raw(table, command->name); });
			if (table != tree.front() && !found.is_inherited)
				continue;
			object = {ConstraintRelationId, found.oid, 0};
		}
		if (OidIsValid(object.objectId))
			named.push_back(object);
		else if (!command->missing_ok)
			return "there is no " + std::string(command->subtype == AT_DropColumn ? "column" : "constraint") + " \"" +
				   command->name + "\".";
	}
	return std::nullopt;
}

Refusal
add_altered(const AlterTableStmt *alter, Gone &gone)
{
	ListCell *cell;

	if (alter->objtype != OBJECT_TABLE)
		return "it does more than drop.";
	foreach (cell, alter->cmds)
	{
		const auto *command = lfirst_node(AlterTableCmd, cell);
		if (command->subtype != AT_DropColumn && command->subtype != AT_DropConstraint)
			return "it does more than drop.";
	}
	const Oid table = pg::guarded([&] { return RangeVarGetRelid(alter->relation, NoLock, alter->missing_ok); });
	if (!OidIsValid(table))
		return std::nullopt;
	const std::vector<Oid> tree = lint::tree_of(table);
	if (!alter->relation->inh && tree.size() > 1)
		return "with ONLY, what it drops stays in other tables.";
	foreach (cell, alter->cmds)
	{
		const auto *command = lfirst_node(AlterTableCmd, cell);
		std::vector<ObjectAddress> named;
		if (Refusal refusal = add_part(command, tree, named); refusal.has_value())
			return refusal;
		gone.add(named, command->behavior == DROP_CASCADE);
	}
	return std::nullopt;
}

// Whether it only says how long to wait.
bool
is_patience(const Node *statement)
{
	if (!IsA(statement, VariableSetStmt))
		return false;
	const char *name = castNode(VariableSetStmt, statement)->name;
	return name != nullptr && (strcmp(name, "lock_timeout") == 0 || strcmp(name, "statement_timeout") == 0);
}

Refusal
add_gone(const Node *statement, Gone &gone)
{
	if (IsA(statement, DropStmt))
		return add_dropped(castNode(DropStmt, statement), gone);
	if (IsA(statement, AlterTableStmt))
		return add_altered(castNode(AlterTableStmt, statement), gone);
	if (is_patience(statement))
		return std::nullopt;
	return "it does more than drop.";
}

// All that the script takes along.
Gone
gone_by(const std::string &name, const script::Script &up)
{
	Gone gone;

	for (const script::Statement &statement : up.statements())
	{
		if (statement.control)
			continue;
		const lint::Trees trees{std::string(up.text_of(statement))};
		for (size_t i = 0; i < trees.size(); i++)
			if (const Refusal refusal = add_gone(trees[i], gone); refusal.has_value())
				throw UserError("0A000", "no down script can be generated for migration \"" + name + "\"")
					.detail("Line " + std::to_string(statement.place.line) + ", " + excerpt(up, statement) +
							": " + *refusal)
					.hint("Write the down script, and hand it in with mg_register().");
	}
	return gone;
}

std::string
list_some(const std::vector<std::string> &items)
{
	const size_t shown = std::min(items.size(), most_named);
	std::string text =
		boost::algorithm::join(std::vector<std::string>(items.begin(), items.begin() + static_cast<long>(shown)), ", ");

	if (items.size() > shown)
		text += " and " + std::to_string(items.size() - shown) + " more";
	return boost::algorithm::replace_all_copy(boost::algorithm::replace_all_copy(text, "\n", " "), "\r", " ");
}

std::string
written(const std::string &name, const script::Script &up)
{
	const schema::Definitions definitions = schema::definitions_of(gone_by(name, up).objects());
	if (!definitions.unwritten.empty())
		throw UserError("0A000", "no down script can be generated for migration \"" + name + "\"")
			.detail("No statement is known for " + list_some(definitions.unwritten) + ".")
			.hint("Write the down script, and hand it in with mg_register().");
	if (definitions.statements.empty())
		throw UserError("0A000", "no down script can be generated for migration \"" + name + "\"")
			.detail("Nothing that it drops is there.");

	std::string script = "-- Generated by mg_generate_down(): makes " + list_some(definitions.objects) +
						 " again, as it was before. Rows come back from the archive when their table is first read.\n";
	if (definitions.has_routines)
		script += "SET LOCAL check_function_bodies = off;\n";
	for (const std::string &statement : definitions.statements)
		script += statement + ";\n";
	return script;
}

constexpr const char *kind = "down script generated";

// By tags alone, which cost nothing.
bool
may_only_drop(const script::Script &up)
{
	return std::all_of(up.statements().begin(), up.statements().end(), [](const script::Statement &statement) {
		return statement.control || statement.tag == "ALTER TABLE" || statement.tag == "SET" ||
			   statement.tag.compare(0, 5, "DROP ") == 0;
	});
}

} // namespace

std::string
generate_down(const std::string &name)
{
	const Migration migration = Migration::registered(name);
	const std::optional<ledger::LastRun> last = ledger::find_last_run(name);

	if (!last.has_value() || !last->applied)
		return written(name, migration.up);
	const pg::Cell recorded = ledger::query_cell(
		"SELECT body->>'script' FROM mg.evidence WHERE kind = $1 AND subject = $2 AND body->>'checksum' = $3"
		" ORDER BY at DESC, id DESC LIMIT 1",
		{kind, name, migration.up.checksum()});
	if (!recorded.has_value())
		throw UserError("55000", "migration \"" + name + "\" is applied")
			.detail("It did more than drop, or had a down script: nothing was written down of what it has dropped.")
			.hint("Write the down script by hand and hand it in with mg_register(): rows that were kept come back from "
				  "mg.archives.");
	return *recorded;
}

void
record_down(const std::string &name, const script::Script &up, bool has_down)
{
	std::string script;

	if (has_down || policy::value_of("archive") == "off" || !may_only_drop(up))
		return;
	/* What the script itself will raise is not for here. */
	try
	{
		if (pg::try_and_undo([&] { script = written(name, up); }).has_value())
			return;
	}
	catch (const UserError &)
	{
		return;
	}
	ledger::append_evidence(kind, name, JsonObject().text("checksum", up.checksum()).text("script", script).str());
}

} // namespace mg::migrate
