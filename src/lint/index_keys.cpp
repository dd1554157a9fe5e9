// Reads pg_index, and makes the same of CREATE INDEX as DefineIndex() would.
#include "lint/index_keys.hpp"

#include "lint/ask.hpp"
#include "lint/coercion.hpp"

extern "C" {
#include "parser/parse_target.h"
}

namespace mg::lint {

namespace {

struct KeysRaw
{
	bool is_known;
	Oid method;
	bool is_unique;
	bool nulls_not_distinct;
	int keys;
	int columns; // with included ones
	int16 numbers[INDEX_MAX_KEYS];
	Oid opclasses[INDEX_MAX_KEYS];
	Oid collations[INDEX_MAX_KEYS];
	int16 options[INDEX_MAX_KEYS];
	List *expressions;
	List *predicate;
};

Node *
kept_tree_raw(HeapTuple row, AttrNumber attribute)
{
	bool is_null = true;
	Datum kept = SysCacheGetAttr(INDEXRELID, row, attribute, &is_null);

	return is_null ? nullptr : static_cast<Node *>(stringToNode(text_to_cstring(DatumGetTextPP(kept))));
}

// Copies an oidvector or int2vector of pg_index.
template <typename Vector, typename Item>
void
copy_keys_raw(HeapTuple row, AttrNumber attribute, Item *to)
{
	bool is_null = true;
	Datum kept = SysCacheGetAttr(INDEXRELID, row, attribute, &is_null);

	if (is_null)
		return;
	auto *vector = reinterpret_cast<Vector *>(DatumGetPointer(kept));
	memcpy(to, vector->values, sizeof(Item) * static_cast<size_t>(Min(vector->dim1, INDEX_MAX_KEYS)));
}

KeysRaw
keys_of_index_raw(Oid index)
{
	KeysRaw keys = {};
	HeapTuple row = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	HeapTuple relation = SearchSysCache1(RELOID, ObjectIdGetDatum(index));

	if (HeapTupleIsValid(row) && HeapTupleIsValid(relation))
	{
		auto *form = reinterpret_cast<Form_pg_index>(GETSTRUCT(row));
		keys.is_known = form->indisvalid && form->indislive;
		keys.method = reinterpret_cast<Form_pg_class>(GETSTRUCT(relation))->relam;
		keys.is_unique = form->indisunique;
		keys.nulls_not_distinct = form->indnullsnotdistinct;
		keys.keys = form->indnkeyatts;
		keys.columns = form->indnatts;
		copy_keys_raw<int2vector>(row, Anum_pg_index_indkey, keys.numbers);
		copy_keys_raw<oidvector>(row, Anum_pg_index_indclass, keys.opclasses);
		copy_keys_raw<oidvector>(row, Anum_pg_index_indcollation, keys.collations);
		copy_keys_raw<int2vector>(row, Anum_pg_index_indoption, keys.options);
		keys.expressions = reinterpret_cast<List *>(kept_tree_raw(row, Anum_pg_index_indexprs));
		keys.predicate = make_ands_implicit(reinterpret_cast<Expr *>(kept_tree_raw(row, Anum_pg_index_indpred)));
	}
	if (HeapTupleIsValid(row))
		ReleaseSysCache(row);
	if (HeapTupleIsValid(relation))
		ReleaseSysCache(relation);
	return keys;
}

Node *
key_raw(const ColumnsRaw &columns, const IndexElem *element)
{
	for (size_t i = 0; element->name != nullptr && i < columns.count; i++)
		if (const ColumnRaw &column = columns.columns[i]; strcmp(column.name, element->name) == 0)
			return reinterpret_cast<Node *>(makeVar(1, column.number, column.type, column.typmod, column.collation, 0));
	return element->expr != nullptr ? understood_raw(columns, element->expr) : nullptr;
}

bool
add_key_raw(const ColumnsRaw &columns, const IndexElem *element, const IndexStmt *statement, KeysRaw *keys)
{
	Node *key = key_raw(columns, element);
	const int i = keys->columns++;

	if (key == nullptr || element->opclassopts != NIL)
		return false;
	if (IsA(key, Var))
		keys->numbers[i] = castNode(Var, key)->varattno;
	else
		keys->expressions = lappend(keys->expressions, key);
	const Oid type = exprType(key);
	keys->collations[i] = element->collation != NIL ? get_collation_oid(element->collation, false) : exprCollation(key);
	keys->opclasses[i] = element->opclass != NIL
							 ? ResolveOpClass(element->opclass, type, statement->accessMethod, keys->method)
							 : GetDefaultOpClass(type, keys->method);
	/* Only a B-tree has an order. */
	if (keys->method == BTREE_AM_OID)
	{
		const bool is_descending = element->ordering == SORTBY_DESC;
		const bool nulls_first = element->nulls_ordering == SORTBY_NULLS_DEFAULT
									 ? is_descending
									 : element->nulls_ordering == SORTBY_NULLS_FIRST;
		keys->options[i] =
			static_cast<int16>((is_descending ? INDOPTION_DESC : 0) | (nulls_first ? INDOPTION_NULLS_FIRST : 0));
	}
	return OidIsValid(keys->opclasses[i]);
}

KeysRaw
keys_of_statement_raw(const ColumnsRaw &columns, const IndexStmt *statement)
{
	KeysRaw keys = {};
	ListCell *cell;

	keys.method = get_index_am_oid(statement->accessMethod, false);
	keys.is_unique = statement->unique;
	keys.nulls_not_distinct = statement->nulls_not_distinct;
	keys.keys = list_length(statement->indexParams);
	keys.is_known = keys.keys + list_length(statement->indexIncludingParams) <= INDEX_MAX_KEYS;
	if (!keys.is_known)
		return keys;
	foreach (cell, statement->indexParams)
		if (!add_key_raw(columns, lfirst_node(IndexElem, cell), statement, &keys))
			keys.is_known = false;
	foreach (cell, statement->indexIncludingParams)
	{
		Node *column = key_raw(columns, lfirst_node(IndexElem, cell));
		if (column != nullptr && IsA(column, Var))
			keys.numbers[keys.columns++] = castNode(Var, column)->varattno;
		else
			keys.is_known = false;
	}
	if (statement->whereClause != nullptr)
		keys.predicate = make_ands_implicit(reinterpret_cast<Expr *>(understood_raw(columns, statement->whereClause)));
	return keys;
}

Node *
expression_raw(const KeysRaw &keys, int key)
{
	int before = 0;

	for (int i = 0; i < key; i++)
		before += keys.numbers[i] == 0 ? 1 : 0;
	return before < list_length(keys.expressions) ? static_cast<Node *>(list_nth(keys.expressions, before)) : nullptr;
}

// Whether every column that an index includes is in another one.
bool
includes_raw(const KeysRaw &one, const KeysRaw &other)
{
	for (int i = one.keys; i < one.columns; i++)
	{
		bool found = false;
		for (int j = 0; j < other.columns; j++)
			found = found || (one.numbers[i] != 0 && one.numbers[i] == other.numbers[j]);
		if (!found)
			return false;
	}
	return true;
}

enum class Likeness
{
	none,
	longer, // the other one has more keys behind
	equal
};

// Whether another index can do all that this one does.
Likeness
likeness_raw(const KeysRaw &one, const KeysRaw &other)
{
	if (!one.is_known || !other.is_known || one.method != other.method || one.keys > other.keys ||
		!equal(one.predicate, other.predicate) || !includes_raw(one, other))
		return Likeness::none;
	for (int i = 0; i < one.keys; i++)
		if (one.numbers[i] != other.numbers[i] || one.opclasses[i] != other.opclasses[i] ||
			one.collations[i] != other.collations[i] || one.options[i] != other.options[i] ||
			(one.numbers[i] == 0 && !equal(expression_raw(one, i), expression_raw(other, i))))
			return Likeness::none;
	if (one.is_unique && (!other.is_unique || one.nulls_not_distinct != other.nulls_not_distinct))
		return Likeness::none;
	if (one.keys == other.keys)
		return Likeness::equal;
	return one.method == BTREE_AM_OID && !one.is_unique ? Likeness::longer : Likeness::none;
}

struct FoundRaw
{
	int count;
	struct
	{
		size_t index;
		bool is_equal;
		bool is_reverse;
	} items[64];
};

// Compares an index, that of the statement or the one with the oid, to the others.
std::vector<Match>
matches(const Table &table, const IndexStmt *statement, Oid own)
{
	const std::vector<ColumnRaw> known = columns_of(table);
	const ColumnsRaw columns = {known.data(), known.size(), EXPR_KIND_INDEX_EXPRESSION};
	const std::vector<Index> &indexes = table.indexes;
	std::vector<Match> result;

	if (indexes.empty())
		return result;
	const FoundRaw found = ask(FoundRaw{}, [&] {
		FoundRaw all = {};
		const KeysRaw keys = statement != nullptr ? keys_of_statement_raw(columns, statement) : keys_of_index_raw(own);
		for (size_t i = 0; keys.is_known && i < indexes.size() && all.count < 64; i++)
		{
			if (!OidIsValid(indexes[i].oid) || indexes[i].oid == own)
				continue;
			const KeysRaw other = keys_of_index_raw(indexes[i].oid);
			const Likeness likeness = likeness_raw(keys, other);
			if (likeness != Likeness::none)
				all.items[all.count++] = {i, likeness == Likeness::equal, false};
			else if (likeness_raw(other, keys) != Likeness::none)
				all.items[all.count++] = {i, false, true};
		}
		return all;
	});
	for (int i = 0; i < found.count; i++)
		result.push_back({&indexes[found.items[i].index], found.items[i].is_equal, found.items[i].is_reverse});
	return result;
}

struct FunctionsRaw
{
	bool is_refused;
	int count;
	Oid users[32];
};

bool
collect_function(Oid function, void *context)
{
	auto *functions = static_cast<FunctionsRaw *>(context);

	if (function >= FirstNormalObjectId && functions->count < 32)
		functions->users[functions->count++] = function;
	return false;
}

bool
collect_walker(Node *node, void *context)
{
	if (node == nullptr)
		return false;
	(void)check_functions_in_node(node, collect_function, context);
#if PG_VERSION_NUM >= 160000
	return expression_tree_walker(node, collect_walker, context);
#else
	return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(collect_walker)),
								  context);
#endif
}

// As CheckMutability(), which plans the expression first; but not with users' functions in it, which that might call.
void
look_through_raw(Node *expression, FunctionsRaw *functions)
{
	const int before = functions->count;

	collect_walker(expression, functions);
	if (functions->count == before &&
		contain_mutable_functions(reinterpret_cast<Node *>(expression_planner(reinterpret_cast<Expr *>(expression)))))
		functions->is_refused = true;
}

} // namespace

std::vector<Match>
matches_of(const Table &table, const IndexStmt *statement)
{
	return matches(table, statement, InvalidOid);
}

std::vector<Match>
matches_of(const Table &table, const Index &index)
{
	return matches(table, nullptr, index.oid);
}

bool
is_made_so(const Table &table, const Index &index, const IndexStmt *statement)
{
	const std::vector<ColumnRaw> known = columns_of(table);
	const ColumnsRaw columns = {known.data(), known.size(), EXPR_KIND_INDEX_EXPRESSION};

	return ask(true, [&] {
		const KeysRaw one = keys_of_statement_raw(columns, statement);
		const KeysRaw other = keys_of_index_raw(index.oid);
		return !one.is_known || !other.is_known ||
			   (likeness_raw(one, other) == Likeness::equal && likeness_raw(other, one) == Likeness::equal);
	});
}

IndexFunctions
functions_of(const Table &table, const IndexStmt *statement)
{
	const std::vector<ColumnRaw> known = columns_of(table);
	const ColumnsRaw columns = {known.data(), known.size(), EXPR_KIND_INDEX_EXPRESSION};
	IndexFunctions result;

	const FunctionsRaw found = ask(FunctionsRaw{}, [&] {
		FunctionsRaw functions = {};
		ListCell *cell;
		foreach (cell, statement->indexParams)
			if (auto *element = lfirst_node(IndexElem, cell); element->expr != nullptr)
				look_through_raw(understood_raw(columns, element->expr), &functions);
		if (statement->whereClause != nullptr)
			look_through_raw(understood_raw(columns, statement->whereClause), &functions);
		return functions;
	});
	result.is_refused = found.is_refused;
	result.users.assign(found.users, found.users + found.count);
	return result;
}

std::string
chosen_name(const Table &table, const IndexStmt *statement)
{
	const NameData name = ask(NameData{}, [&] {
		NameData chosen = {};
		StringInfoData addition;
		List *names = NIL;
		List *elements = list_concat_copy(statement->indexParams, statement->indexIncludingParams);
		ListCell *cell;

		/* As ChooseIndexColumnNames() and ChooseIndexNameAddition(). */
		initStringInfo(&addition);
		foreach (cell, elements)
		{
			auto *element = lfirst_node(IndexElem, cell);
			const char *plain = element->name != nullptr ? element->name : FigureIndexColname(element->expr);
			char *own = pstrdup(plain != nullptr ? plain : "expr");
			for (int i = 1; list_member(names, makeString(own)); i++)
				own = psprintf("%s%d", plain, i);
			names = lappend(names, makeString(own));
			appendStringInfo(&addition, "%s%s", addition.len > 0 ? "_" : "", own);
			if (addition.len >= NAMEDATALEN)
				break;
		}
		addition.data[Min(addition.len, NAMEDATALEN - 1)] = '\0';
		namestrcpy(&chosen, ChooseRelationName(table.name.c_str(), addition.data, "idx",
											   get_namespace_oid(table.schema.c_str(), false), false));
		return chosen;
	});

	return NameStr(name);
}

std::string
method_of(const IndexStmt *statement)
{
	return statement->accessMethod != nullptr ? statement->accessMethod : "btree";
}

} // namespace mg::lint
