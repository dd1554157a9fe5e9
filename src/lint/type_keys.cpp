// Group C: foreign keys over a column whose type changes.
#include <algorithm>

#include "lint/ask.hpp"
#include "lint/definitions.hpp"
#include "lint/facts.hpp"
#include "lint/types.hpp"
#include "lint/words.hpp"

namespace mg::lint {

namespace {

// A foreign key from or to the column.
struct Key
{
	Oid oid;
	std::string name;
	Oid referencing;
	Oid referenced;
	bool is_checked_again;
};

struct KeyPairRaw
{
	Oid operator_now;
	Oid family;
	Oid method;
	Oid opclass;
	Oid from_type; // of the referencing column
	Oid to_type;
	Oid new_from_type;
	Oid new_to_type;
};

// As findFkeyCast().
CoercionPathType
cast_raw(Oid target, Oid source, Oid *function)
{
	*function = InvalidOid;
	return target == source ? COERCION_PATH_RELABELTYPE
							: find_coercion_pathway(target, source, COERCION_IMPLICIT, function);
}

// Whether the server believes the constraint as it is (TryReuseForeignKey, ATAddForeignKeyConstraint): with the same operator between the
// columns, and the same cast to what it takes.
bool
keeps_pair_raw(const KeyPairRaw &pair)
{
	const Oid opclass = pair.opclass == GetDefaultOpClass(pair.to_type, pair.method)
							? GetDefaultOpClass(pair.new_to_type, pair.method)
							: pair.opclass;
	if (!OidIsValid(opclass))
		return false;
	const Oid family = get_opclass_family(opclass);
	const Oid input = get_opclass_input_type(opclass);
	Oid right = getBaseType(pair.new_from_type);
	Oid found = get_opfamily_member(family, input, right, BTEqualStrategyNumber);
	Oid before;
	Oid after;

	if (!OidIsValid(found) || !OidIsValid(get_opfamily_member(family, right, right, BTEqualStrategyNumber)))
	{
		Oid inputs[2] = {pair.new_to_type, pair.new_from_type};
		Oid targets[2] = {input, input};
		if (!can_coerce_type(2, inputs, targets, COERCION_IMPLICIT))
			return false;
		found = get_opfamily_member(family, input, input, BTEqualStrategyNumber);
		right = input;
	}
	return found == pair.operator_now &&
		   cast_raw(right, pair.from_type, &before) == cast_raw(right, pair.new_from_type, &after) && before == after &&
		   (!IsPolymorphicType(right) || pair.from_type == pair.new_from_type);
}

std::vector<Key>
keys_over(const Action &action, const TypeChange &change)
{
	constexpr const char *sql =
		"SELECT c.oid, c.conname, c.conrelid, c.confrelid, c.convalidated, c.conpfeqop[k], o.opcfamily, ic.relam, "
		"o.oid, "
		"       fa.atttypid, pa.atttypid, c.conrelid = $1::oid AND c.conkey[k] = $2::int2, "
		"       c.confrelid = $1::oid AND c.confkey[k] = $2::int2 "
		"FROM pg_constraint c CROSS JOIN LATERAL generate_subscripts(c.conkey, 1) k "
		"JOIN pg_attribute fa ON fa.attrelid = c.conrelid AND fa.attnum = c.conkey[k] "
		"JOIN pg_attribute pa ON pa.attrelid = c.confrelid AND pa.attnum = c.confkey[k] "
		"JOIN pg_index i ON i.indexrelid = c.conindid JOIN pg_class ic ON ic.oid = i.indexrelid "
		"JOIN LATERAL generate_series(0, i.indnkeyatts - 1) p ON i.indkey[p] = c.confkey[k] "
		"JOIN pg_opclass o ON o.oid = i.indclass[p] "
		"WHERE c.contype = 'f' AND c.conparentid = 0 "
		"  AND (c.conrelid = $1::oid AND c.conkey[k] = $2::int2 OR c.confrelid = $1::oid AND c.confkey[k] = $2::int2) "
		"ORDER BY c.conname, c.oid";
	std::vector<Key> result;

	/* It refers to something itself, or has a unique index that others can refer to. */
	if (std::none_of(action.table->constraints.begin(), action.table->constraints.end(),
					 [&](const TableConstraint &constraint) {
						 return constraint.type == CONSTRAINT_FOREIGN && has(constraint.columns, action.column->name);
					 }) &&
		std::none_of(action.table->indexes.begin(), action.table->indexes.end(),
					 [&](const Index &index) { return index.is_unique && has(index.columns, action.column->name); }))
		return result;

	for (const pg::Row &row : facts(sql, {cell_of(action.table->oid), std::to_string(action.column->number)}))
	{
		/* Dropped by the script itself. */
		if (oid_of(row[2]) == action.table->oid && !has_constraint(*action.table, oid_of(row[0])))
			continue;
		KeyPairRaw pair = {oid_of(row[5]), oid_of(row[6]),  oid_of(row[7]), oid_of(row[8]),
						   oid_of(row[9]), oid_of(row[10]), oid_of(row[9]), oid_of(row[10])};
		if (row[11] == "t")
			pair.new_from_type = change.type;
		if (row[12] == "t")
			pair.new_to_type = change.type;
		const bool is_kept = !change.rewrites && ask(false, [&] { return keeps_pair_raw(pair); });
		result.push_back(
			{oid_of(row[0]), quoted(row[1].value_or("")), oid_of(row[2]), oid_of(row[3]), row[4] == "t" && !is_kept});
	}
	return result;
}

} // namespace

void
type_change_rechecks_fk(const Action &action, Context &context)
{
	TypeChange change;
	if (!is_change_of_table(action))
		return;
	change = change_of(*action.table, *action.column, new_definition(action), context.model().time_zone());
	if (!change.is_known || !change.is_castable)
		return;
	for (const Key &key : keys_over(action, change))
	{
		const Table *referencing = context.model().find(key.referencing);
		if (!key.is_checked_again || referencing == nullptr || !context.is_occupied(*referencing))
			continue;
		Report report;
		report.message = "changing the type of column " + quoted(action.name) + " of " + action.table->title() +
						 " looks up every row of " + sized(*referencing) + " again for foreign key " + key.name +
						 ", while nobody reads or writes either table";
		/* With a rewrite, the rows are gone through anyway. */
		const pg::Cell definition = referencing->kind == RELKIND_RELATION && !context.is_in_body() &&
											!change.rewrites && has_its_names(*referencing) &&
											has_its_names(*action.table)
										? constraint_definition(key.oid, key.referencing)
										: pg::Cell();
		const std::string alter = "ALTER TABLE " + referencing->title() + " ";
		if (definition.has_value())
			report.steps = {step(alter + "DROP CONSTRAINT " + key.name + ";\n" + context.statement_text() + ";\n" +
								 alter + "ADD CONSTRAINT " + key.name + " " + *definition + " NOT VALID"),
							step(alter + "VALIDATE CONSTRAINT " + key.name)};
		else
			report.hint = "Drop the foreign key before it, add it NOT VALID behind it, and validate it in a migration "
						  "of its own.";
		report.table = referencing;
		report.lock = AccessExclusiveLock;
		report.work = Work::scan;
		context.report(std::move(report));
	}
}

void
type_change_locks_other(const Action &action, Context &context)
{
	if (!is_change_of_table(action))
		return;
	const TypeChange change =
		change_of(*action.table, *action.column, new_definition(action), context.model().time_zone());
	std::vector<const Table *> told;
	for (const Key &key : keys_over(action, change))
	{
		const Table *other =
			context.model().find(key.referencing == action.table->oid ? key.referenced : key.referencing);
		if (other == nullptr || other == action.table || !context.is_existing(*other) ||
			std::find(told.begin(), told.end(), other) != told.end())
			continue;
		told.push_back(other);
		Report report;
		report.message = "the server makes foreign key " + key.name + " anew, which locks " + other->title() +
						 " too against reading and writing until the migration ends";
		report.steps = {step("SET LOCAL lock_timeout = '2s';\n" + context.statement_text())};
		report.table = other;
		report.lock = AccessExclusiveLock;
		context.report(std::move(report));
	}
}

} // namespace mg::lint
