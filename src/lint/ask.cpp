// Keeps questions from running code and from waiting.
#include "lint/ask.hpp"

#include <utility>

namespace mg::lint {

namespace {

/* The hook stays where a library loaded meanwhile has put its own on top of it, and then does nothing. */
bool has_hook = false;
bool is_refusing = false;
needs_fmgr_hook_type next_needs = nullptr;

// Only a superuser makes functions of these languages; those of data types are among them.
bool
is_compiled_raw(Oid function)
{
	HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(row))
		return false;
	const Oid language = reinterpret_cast<Form_pg_proc>(GETSTRUCT(row))->prolang;
	ReleaseSysCache(row);
	return language == INTERNALlanguageId || language == ClanguageId;
}

bool
on_call_raw(Oid function)
{
	if (is_refusing && function >= FirstNormalObjectId && !is_compiled_raw(function))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the linter calls no function of a user")));
	return next_needs != nullptr && next_needs(function);
}

} // namespace

CallGuard::CallGuard() : is_outermost_(!is_refusing)
{
	is_refusing = true;
	if (!has_hook)
	{
		next_needs = std::exchange(needs_fmgr_hook, on_call_raw);
		has_hook = true;
	}
}

CallGuard::~CallGuard()
{
	if (!is_outermost_)
		return;
	is_refusing = false;
	if (needs_fmgr_hook == on_call_raw)
	{
		needs_fmgr_hook = next_needs;
		has_hook = false;
	}
}

void
refuse_waits_raw()
{
	(void)set_config_option("lock_timeout", "1", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

void
set_path_raw(const char *path)
{
	(void)set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

} // namespace mg::lint
