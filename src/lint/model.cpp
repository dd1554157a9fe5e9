// Keeps what is known of relations, and who is called what by now.
#include "lint/model.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

template <typename Item>
Item *
find_by_name(std::vector<Item> &items, const std::string &name)
{
	auto found = std::find_if(items.begin(), items.end(), [&](const Item &item) { return item.name == name; });
	return found != items.end() ? &*found : nullptr;
}

// The search_path of the session: what it names and is there, with the schemas that come first unasked.
std::vector<std::string>
session_path()
{
	std::vector<std::string> result;
	Oid schemas[64];
	const int count = pg::guarded([&] { return fetch_search_path_array(schemas, 64); });

	for (int i = 0; i < std::min(count, 64); i++)
		if (const char *name = pg::guarded([&] { return get_namespace_name(schemas[i]); }))
			result.emplace_back(name);
	return result;
}

Oid
live_oid(const std::string &schema, const std::string &name)
{
	return pg::guarded([&]() -> Oid {
		/* pg_temp is the session's own, whatever its real name. */
		Oid schema_oid = LookupNamespaceNoError(schema.c_str());
		return OidIsValid(schema_oid) ? get_relname_relid(name.c_str(), schema_oid) : InvalidOid;
	});
}

} // namespace

std::string
Table::title() const
{
	/* Given back at once: the server takes a kilobyte for each. */
	char *quoted = pg::guarded([&] { return quote_qualified_identifier(schema.c_str(), name.c_str()); });
	std::string result = quoted;
	pfree(quoted);
	return result;
}

Column *
Table::column(const std::string &column_name)
{
	return find_by_name(columns, column_name);
}

const Column *
Table::column(const std::string &column_name) const
{
	return const_cast<Table *>(this)->column(column_name);
}

TableConstraint *
Table::constraint(const std::string &constraint_name)
{
	return find_by_name(constraints, constraint_name);
}

Index *
Table::index(const std::string &index_name)
{
	return find_by_name(indexes, index_name);
}

bool
Table::has_primary_key() const
{
	return std::any_of(constraints.begin(), constraints.end(),
					   [](const TableConstraint &one) { return one.type == CONSTRAINT_PRIMARY; }) ||
		   std::any_of(indexes.begin(), indexes.end(), [](const Index &one) { return one.is_primary; });
}

std::vector<std::string>
Model::schemas_of(const List *names)
{
	RangeVar qualified = {};

	if (list_length(names) > 1)
		qualified.schemaname = strVal(list_nth(names, list_length(names) - 2));
	return schemas_of(&qualified);
}

std::vector<std::string>
Model::schemas_of(const RangeVar *name)
{
	if (name->schemaname != nullptr)
		return {name->schemaname};
	if (!path_.has_value())
		path_ = session_path();

	/* The server puts these first, unless the path says otherwise. */
	std::vector<std::string> result = *path_;
	if (std::find(result.begin(), result.end(), "pg_catalog") == result.end())
		result.insert(result.begin(), "pg_catalog");
	if (std::find(result.begin(), result.end(), "pg_temp") == result.end())
		result.insert(result.begin(), "pg_temp");
	return result;
}

std::vector<std::string>
Model::search_path()
{
	if (!path_.has_value())
		path_ = session_path();
	return *path_;
}

Table *
Model::add(std::unique_ptr<Table> table)
{
	Table *added = table.get();

	if (added->persistence == RELPERSISTENCE_TEMP)
		added->schema = "pg_temp";
	tables_.push_back(std::move(table));
	by_name_[{added->schema, added->name}] = added;
	if (OidIsValid(added->oid))
		by_oid_[added->oid] = added;
	return added;
}

Table *
Model::find(Oid oid)
{
	if (auto known = by_oid_.find(oid); known != by_oid_.end())
		return known->second;
	std::unique_ptr<Table> table = read_table(oid);
	return table != nullptr ? add(std::move(table)) : nullptr;
}

Table *
Model::find(const std::string &schema, const std::string &name)
{
	if (auto known = by_name_.find({schema, name}); known != by_name_.end())
		return known->second;
	Oid oid = live_oid(schema, name);
	if (!OidIsValid(oid) || by_oid_.count(oid) != 0)
		return nullptr;
	return find(oid);
}

Table *
Model::find(const RangeVar *name)
{
	if (name == nullptr)
		return nullptr;
	for (const std::string &schema : schemas_of(name))
		if (Table *table = find(schema, name->relname))
			return table;
	return nullptr;
}

Oid
Model::find_type(const List *names)
{
	const char *name = strVal(llast(names));

	for (const std::string &schema : schemas_of(names))
	{
		Oid type = pg::guarded([&]() -> Oid {
			Oid schema_oid = get_namespace_oid(schema.c_str(), true);
			Oid found = OidIsValid(schema_oid) ? GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
																 ObjectIdGetDatum(schema_oid))
											   : InvalidOid;
			/* Nothing is known of a shell, which the script may fill. */
			return OidIsValid(found) && get_typisdefined(found) ? found : InvalidOid;
		});
		if (OidIsValid(type))
			return type;
	}
	return InvalidOid;
}

// Without the server's LookupTypeName(), which raises where a schema may not be used.
Oid
Model::find_type(const TypeName *name)
{
	if (name == nullptr || name->pct_type || name->names == NIL)
		return name != nullptr ? name->typeOid : InvalidOid;
	Oid type = find_type(name->names);
	return name->arrayBounds != NIL && OidIsValid(type) ? pg::guarded([&] { return get_array_type(type); }) : type;
}

Oid
Model::find_collation(const List *names)
{
	const char *name = strVal(llast(names));

	for (const std::string &schema : schemas_of(names))
		for (const int encoding : {GetDatabaseEncoding(), -1})
		{
			Oid collation = pg::guarded([&]() -> Oid {
				Oid schema_oid = get_namespace_oid(schema.c_str(), true);
				return OidIsValid(schema_oid)
						   ? GetSysCacheOid3(COLLNAMEENCNSP, Anum_pg_collation_oid, CStringGetDatum(name),
											 Int32GetDatum(encoding), ObjectIdGetDatum(schema_oid))
						   : InvalidOid;
			});
			if (OidIsValid(collation))
				return collation;
		}
	return InvalidOid;
}

const Node *
Model::keep(const Node *node)
{
	return pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory_.get());
		auto *copy = static_cast<const Node *>(copyObjectImpl(node));
		MemoryContextSwitchTo(before);
		return copy;
	});
}

Table *
Model::table_of_index(const RangeVar *name)
{
	if (name == nullptr)
		return nullptr;
	for (const std::string &schema : schemas_of(name))
	{
		Oid table = pg::guarded([&]() -> Oid {
			Oid schema_oid = get_namespace_oid(schema.c_str(), true);
			Oid index = OidIsValid(schema_oid) ? get_relname_relid(name->relname, schema_oid) : InvalidOid;
			return OidIsValid(index) ? IndexGetRelation(index, true) : InvalidOid;
		});
		Table *live = OidIsValid(table) ? find(table) : nullptr;
		if (live != nullptr && live->schema == schema && live->index(name->relname) != nullptr)
			return live;
		/* The script made it, or called it so. */
		for (const std::unique_ptr<Table> &known : tables_)
			if (known->schema == schema && known->index(name->relname) != nullptr)
				return known.get();
		if (OidIsValid(table))
			return live != nullptr && live->index(name->relname) != nullptr ? live : nullptr;
	}
	return nullptr;
}

std::string
Model::creation_schema(const std::vector<std::string> &schemas)
{
	auto own = std::find_if(schemas.begin(), schemas.end(), [](const std::string &schema) {
		return schema != "pg_catalog" && schema.rfind("pg_temp", 0) != 0;
	});
	return own != schemas.end() ? *own : "public";
}

std::string
Model::new_objects_schema()
{
	RangeVar nobody = {};
	return creation_schema(schemas_of(&nobody));
}

Table *
Model::make(const RangeVar *name, char kind)
{
	auto table = std::make_unique<Table>();

	table->name = name->relname;
	table->kind = kind;
	table->persistence = name->relpersistence;
	table->schema = table->persistence == RELPERSISTENCE_TEMP ? "pg_temp" : creation_schema(schemas_of(name));
	table->made_here = true;
	table->rows = 0;
	return add(std::move(table));
}

void
Model::drop(Table *table)
{
	by_name_[{table->schema, table->name}] = nullptr;
	if (OidIsValid(table->oid))
		by_oid_[table->oid] = nullptr;
}

void
Model::rename(Table *table, const std::string &name)
{
	by_name_[{table->schema, table->name}] = nullptr;
	table->name = name;
	by_name_[{table->schema, name}] = table;
}

void
Model::move(Table *table, const std::string &schema)
{
	by_name_[{table->schema, table->name}] = nullptr;
	table->schema = schema;
	by_name_[{schema, table->name}] = table;
}

std::string
free_name(Table &table, const std::string &middle, const std::string &label)
{
	if (table.names.empty())
	{
		for (const TableConstraint &constraint : table.constraints)
			table.names.insert(constraint.name);
		for (const Index &index : table.indexes)
			table.names.insert(index.name);
	}
	for (int &number = table.numbers[middle + " " + label];; number++)
	{
		const std::string numbered = number == 0 ? label : label + std::to_string(number);
		std::string name = pg::guarded([&] {
			return makeObjectName(table.name.c_str(), middle.empty() ? nullptr : middle.c_str(), numbered.c_str());
		});
		const bool is_used = !table.made_here && (label == "pkey" || label == "key" || label == "excl") &&
							 OidIsValid(live_oid(table.schema, name));
		if (!is_used && table.names.count(name) == 0)
			return name;
	}
}

void
Model::forget_transaction()
{
	enums.forget_transaction();
	for (const std::unique_ptr<Table> &table : tables_)
		for (TableConstraint &constraint : table->constraints)
			constraint.made_here = false;
}

} // namespace mg::lint
