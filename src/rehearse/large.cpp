// Looks at a statement before it runs.
#include "rehearse/large.hpp"

#include "pg/memory.hpp"
#include "policy/policy.hpp"
#include "rehearse/outside.hpp"
#include "script/whole.hpp"

namespace mg::rehearse {

namespace {

struct LargeRaw
{
	Oid table;
	const char *relation; // its name
	const char *what;
	int64 bytes;
	script::Lasting lasting;
};

// The size of a table with its partitions and children. Somebody may drop one meanwhile, which then has none.
int64
size_raw(Oid table)
{
	int64 bytes = 0;
	ListCell *cell;

	foreach (cell, find_all_inheritors(table, NoLock, nullptr))
		if (char kind = get_rel_relkind(lfirst_oid(cell)); kind != RELKIND_PARTITIONED_TABLE && kind != '\0')
			bytes += DatumGetInt64(DirectFunctionCall1(pg_table_size, ObjectIdGetDatum(lfirst_oid(cell))));
	return bytes;
}

// DO calls the language's handler, which trusted languages may share.
script::Lasting
lasting_raw(Node *tree)
{
	ListCell *cell;

	if (!IsA(tree, DoStmt))
		return script::lasting_raw(tree);
	foreach (cell, castNode(DoStmt, tree)->args)
		if (auto *option = lfirst_node(DefElem, cell); strcmp(option->defname, "language") == 0)
			if (Oid language = get_language_oid(strVal(option->arg), true);
				OidIsValid(language) && is_untrusted_raw(language))
				return {"DO in a language that is not trusted may reach out of the database", true};
	return {nullptr, false};
}

// Looks which table a statement may read or write from end to end, and whether it does what stays.
LargeRaw
look_raw(const char *sql)
{
	LargeRaw large = {};
	ListCell *cell;

	foreach (cell, raw_parser(sql, RAW_PARSE_DEFAULT))
	{
		Node *tree = lfirst_node(RawStmt, cell)->stmt;
		script::Whole whole = script::whole_raw(tree);
		Oid oid = whole.relation != nullptr ? RangeVarGetRelid(whole.relation, NoLock, true) : InvalidOid;

		large.lasting = lasting_raw(tree);
		if (!OidIsValid(oid))
			continue;
		large.table = oid;
		large.bytes = size_raw(oid);
		large.relation = quote_qualified_identifier(get_namespace_name(get_rel_namespace(oid)), get_rel_name(oid));
		large.what = whole.what;
	}
	return large;
}

} // namespace

namespace {

LargeRaw
look(const pg::MemoryScope &memory, const std::string &sql)
{
	return pg::guarded([&] {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		LargeRaw found = look_raw(sql.c_str());
		MemoryContextSwitchTo(before);
		return found;
	});
}

} // namespace

bool
is_too_large(const std::string &sql)
{
	pg::MemoryScope memory("migration_governance sizes");

	return look(memory, sql).bytes > policy::bytes("rehearsal_max_size");
}

Fit
require_fit(const std::string &sql, bool is_sample)
{
	pg::MemoryScope memory("migration_governance sizes");
	const int64 most = policy::bytes("rehearsal_max_size");
	const LargeRaw large = look(memory, sql);

	if (large.lasting.reaches_out && !may_reach_out())
		throw UserError("0A000", large.lasting.what)
			.hint("The rest of the migration can be rehearsed without this statement, or all of it with the policy "
				  "setting rehearsal_outside = allow.");
	if (large.bytes > most && !is_sample)
		throw UserError("54000", std::string(large.relation) + " is too large for a rehearsal: " + large.what)
			.detail("It has " + std::to_string(large.bytes / 1024) + " kB; the policy setting rehearsal_max_size is " +
					policy::value_of("rehearsal_max_size") + ".")
			.hint("Rehearse it on a copy, or raise the setting.");
	Fit fit = {std::nullopt, is_sample ? InvalidOid : large.table, large.what != nullptr ? large.what : "",
			   large.bytes};
	if (large.lasting.what != nullptr)
		fit.lasting = large.lasting.what;
	return fit;
}

bool
may_reach_out()
{
	return policy::value_of("rehearsal_outside") == "allow";
}

} // namespace mg::rehearse
