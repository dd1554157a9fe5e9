// Keeps what is known of enum types.
#include "lint/enums.hpp"

#include <algorithm>

#include "lint/facts.hpp"
#include "lint/judge.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

TypeName *
type_name_of(const List *names)
{
	return pg::guarded([&] { return makeTypeNameFromNameList(const_cast<List *>(names)); });
}

std::string
text_of(const Enum &type, const AlterEnumStmt *alter)
{
	std::string result = "ALTER TYPE " + type.title() + " ADD VALUE " + literal(alter->newVal);

	if (alter->newValNeighbor != nullptr)
		result += (alter->newValIsAfter ? " AFTER " : " BEFORE ") + literal(alter->newValNeighbor);
	return result;
}

} // namespace

std::string
Enum::title() const
{
	return schema.empty() ? quoted(name) : quoted(schema) + "." + quoted(name);
}

Enum *
Enums::find(const std::vector<std::string> &name)
{
	const std::string schema = name.size() > 1 ? name[name.size() - 2] : "";

	for (auto type = types_.rbegin(); type != types_.rend(); ++type)
		if ((*type)->name == name.back() && (schema.empty() || (*type)->schema.empty() || (*type)->schema == schema))
			return type->get();
	return nullptr;
}

Enum *
Enums::find(Oid oid)
{
	if (!OidIsValid(oid))
		return nullptr;
	for (const std::unique_ptr<Enum> &type : types_)
		if (type->oid == oid)
			return type.get();
	std::vector<pg::Row> rows =
		facts("SELECT n.nspname, t.typname, e.enumlabel FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
			  "LEFT JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.oid = $1::oid AND t.typtype = 'e' "
			  "ORDER BY e.enumsortorder",
			  {cell_of(oid)});
	if (rows.empty())
		return nullptr;
	auto type = std::make_unique<Enum>();
	type->schema = rows[0][0].value_or("");
	type->name = rows[0][1].value_or("");
	type->oid = oid;
	for (const pg::Row &row : rows)
		if (row[2].has_value())
			type->labels.push_back(*row[2]);
	types_.push_back(std::move(type));
	return types_.back().get();
}

Enum *
Enums::find(const TypeName *name)
{
	if (name == nullptr || name->names == NIL || name->arrayBounds != NIL)
		return nullptr;
	if (Enum *known = find(names_in(name->names)))
		return known;
	return find(type_named(name));
}

void
Enums::make(const CreateEnumStmt *create)
{
	auto type = std::make_unique<Enum>();
	std::vector<std::string> name = names_in(create->typeName);

	type->name = name.back();
	type->schema = name.size() > 1 ? name[name.size() - 2] : "";
	type->made_here = true;
	type->labels = names_in(create->vals);
	types_.push_back(std::move(type));
}

void
Enums::rename(const List *name, const std::string &to)
{
	if (Enum *type = find(type_name_of(name)))
		type->name = to;
}

void
Enums::drop(const TypeName *name)
{
	/* Columns made of it are gone as well; only its name must not be met again. */
	if (Enum *type = find(name))
		type->name.clear();
}

bool
Enums::is_added(const AlterEnumStmt *alter)
{
	const Enum *type = find(type_name_of(alter->typeName));

	return type != nullptr && alter->oldVal == nullptr && alter->skipIfNewValExists &&
		   std::find(type->labels.begin(), type->labels.end(), alter->newVal) != type->labels.end();
}

void
Enums::add(const AlterEnumStmt *alter)
{
	Enum *type = find(type_name_of(alter->typeName));

	if (type == nullptr)
		return;
	if (alter->oldVal != nullptr)
	{
		std::replace(type->labels.begin(), type->labels.end(), std::string(alter->oldVal), std::string(alter->newVal));
		return;
	}
	type->labels.emplace_back(alter->newVal);
	/* From 17 on what is added to a type of the same transaction can be used at once. */
	if (PG_VERSION_NUM < 170000 || !type->made_here)
		new_labels_.push_back({type, alter->newVal, text_of(*type, alter)});
}

void
Enums::forget_transaction()
{
	new_labels_.clear();
	for (const std::unique_ptr<Enum> &type : types_)
		type->made_here = false;
}

} // namespace mg::lint
