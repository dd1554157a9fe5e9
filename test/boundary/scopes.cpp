// Trials of what undoes itself: subtransactions, memory, roles, settings, and SQL that fails within them.
#include "boundary/scenarios.hpp"

#include <cstring>
#include <optional>
#include <stdexcept>

#include "boundary/failures.hpp"
#include "pg/memory.hpp"
#include "pg/object.hpp"
#include "pg/query.hpp"
#include "pg/subtransaction.hpp"

namespace mg::boundary {

namespace {

// Runs fn and tells how it ended: returned, server error, user error, bad_alloc, other exception.
template <typename Fn>
std::string
ending(Fn &&fn)
{
	try
	{
		fn();
		return "returned";
	}
	catch (const pg::Error &error)
	{
		return unpack_sql_state(error.data().sqlerrcode);
	}
	catch (const UserError &error)
	{
		return error.sqlstate();
	}
	catch (const std::bad_alloc &)
	{
		return "bad_alloc";
	}
	catch (...)
	{
		return "other";
	}
}

void
insert(const std::string &name)
{
	pg::query_as(GetUserId(), "INSERT INTO public.notes VALUES ($1)", {name});
}

int
count(const std::string &name)
{
	return std::stoi(
		pg::query_cell_as(GetUserId(), "SELECT count(*) FROM public.notes WHERE name = $1", {name}).value_or("-1"));
}

// Counts the memory contexts of this name among the children of the current one.
int
contexts(const char *name)
{
	int found = 0;

	for (MemoryContext child = CurrentMemoryContext->firstchild; child != nullptr; child = child->nextchild)
		found += strcmp(child->name, name) == 0 ? 1 : 0;
	return found;
}

std::string
setting(const char *name)
{
	return pg::guarded([&] { return GetConfigOption(name, false, false); });
}

void
set(const char *name, const char *value)
{
	pg::guarded([&] { set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false); });
}

// The failures that a scope must survive, and how each ends.
struct Way
{
	const char *kind;
	const char *ending;
};
constexpr Way ways[] = {{"none", "returned"},       {"server_error", "BD001"},    {"rethrown", "BD001"},
						{"bad_alloc", "bad_alloc"}, {"other_exception", "other"}, {"user_error", "BD002"},
						{"cancel", "57014"},        {"invalid_size", "XX000"},    {"out_of_memory", "53200"},
						{"std_exception", "other"}};

void
attempt_is_undone(Trial &trial)
{
	State before;
	std::optional<pg::Error> error = pg::try_and_undo([] {
		Witness witness;
		insert("undone");
	});

	trial.check(!error.has_value(), "an error came from nowhere");
	trial.check(count("undone") == 0, "a row has stayed");
	trial.check(before == State(), "the state is not restored");
}

void
failed_attempt_is_undone(Trial &trial)
{
	State before;
	std::optional<pg::Error> error = pg::try_and_undo([] {
		Witness witness;
		insert("undone");
		pg::query_as(GetUserId(), "SELECT 1 / length($1)", {""});
	});

	trial.check(error.has_value() && error->data().sqlerrcode == ERRCODE_DIVISION_BY_ZERO,
				"the error is not given back");
	trial.check(count("undone") == 0, "a row has stayed");
	trial.check(before == State(), "the state is not restored");
	insert("after it");
	trial.check(count("after it") == 1, "no statement can follow");
}

void
attempt_ends_in_every_way(Trial &trial)
{
	for (const Way &way : ways)
	{
		State before;
		bool given_back = false;
		std::string end = ending([&] {
			std::optional<pg::Error> error = pg::try_and_undo([&] {
				insert("undone");
				fail(way.kind);
			});
			given_back = error.has_value();
			if (given_back)
				throw std::move(*error);
		});
		bool server = strcmp(way.kind, "server_error") == 0 || strcmp(way.kind, "rethrown") == 0 ||
					  strcmp(way.kind, "invalid_size") == 0 || strcmp(way.kind, "out_of_memory") == 0;

		trial.check(end == way.ending, way.kind);
		trial.check(given_back == server, "what is given back and what goes on is mixed up");
		trial.check(before == State(), "the state is not restored");
		trial.check(count("undone") == 0, "a row has stayed");
	}
}

void
attempts_nest(Trial &trial)
{
	insert("kept");
	std::optional<pg::Error> outer = pg::try_and_undo([&] {
		insert("undone");
		std::optional<pg::Error> inner = pg::try_and_undo([] {
			insert("undone");
			pg::guarded([] { raise_full_raw(); });
		});
		trial.check(inner.has_value(), "the inner error is not given back");
		trial.check(count("undone") == 1, "the outer attempt has not kept its own row");
		pg::guarded([] { elog(ERROR, "outer"); });
	});
	trial.check(outer.has_value() && strcmp(outer->what(), "outer") == 0, "the outer error is another");
	trial.check(count("undone") == 0, "a row has stayed");
	trial.check(count("kept") == 1, "a row from before has gone");
}

void
attempt_gives_locks_back(Trial &trial)
{
	const char *held =
		"SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'public.marker'::regclass "
		"AND mode = 'AccessExclusiveLock'";

	pg::try_and_undo([&] {
		pg::query_as(GetUserId(), "LOCK TABLE public.marker");
		trial.check(pg::query_cell_as(GetUserId(), held) == "1", "the lock is not there");
	});
	trial.check(pg::query_cell_as(GetUserId(), held) == "0", "the lock has stayed");
}

void
memory_goes_in_every_way(Trial &trial)
{
	for (const Way &way : ways)
	{
		State before;
		std::string end = ending([&] {
			pg::MemoryScope memory("boundary scope");
			pg::guarded([&] {
				MemoryContext outside = MemoryContextSwitchTo(memory.get());
				palloc0(100000);
				MemoryContextSwitchTo(outside);
			});
			fail(way.kind);
		});
		trial.check(end == way.ending, way.kind);
		trial.check(contexts("boundary scope") == 0, "the context has stayed");
		trial.check(before == State(), "the state is not restored");
	}
}

void
memory_goes_when_it_is_current(Trial &trial)
{
	State before;
	std::string end = ending([&] {
		pg::MemoryScope memory("boundary scope");
		pg::guarded([&] {
			MemoryContextSwitchTo(memory.get());
			raise_full_raw();
		});
	});
	trial.check(end == "BD001", "the error is another");
	trial.check(before == State(), "the state is not restored");
}

void
role_comes_back_in_every_way(Trial &trial)
{
	Oid other = pg::guarded([] { return get_role_oid("boundary_other", false); });

	for (const Way &way : ways)
	{
		State before;
		std::string end = ending([&] {
			pg::RoleScope role(other);
			trial.check(GetUserId() == other, "the role has not changed");
			pg::RoleScope again(BOOTSTRAP_SUPERUSERID);
			fail(way.kind);
		});
		trial.check(end == way.ending, way.kind);
		trial.check(before == State(), "the role is not restored");
	}
}

void
role_cannot_be_left(Trial &trial)
{
	Oid other = pg::guarded([] { return get_role_oid("boundary_other", false); });

	for (const char *sql : {"SET ROLE postgres", "RESET ROLE", "SET SESSION AUTHORIZATION postgres"})
	{
		std::string end;
		pg::try_and_undo([&] {
			pg::RoleScope role(other);
			end = ending([&] { pg::query_as(other, sql); });
		});
		trial.check(end == "42501", sql);
	}
}

void
settings_come_back_in_every_way(Trial &trial)
{
	std::string path = setting("search_path");
	std::string memory = setting("work_mem");

	for (const Way &way : ways)
	{
		std::string end = ending([&] {
			pg::SettingsScope outer;
			set("search_path", "pg_catalog");
			pg::SettingsScope inner;
			set("search_path", "public");
			set("work_mem", "64kB");
			trial.check(setting("search_path") == "public", "the setting has not changed");
			fail(way.kind);
		});
		trial.check(end == way.ending, way.kind);
		trial.check(setting("search_path") == path && setting("work_mem") == memory, "a setting is not restored");
	}
}

void
scopes_come_back_within_attempts(Trial &trial)
{
	std::string path = setting("search_path");
	Oid other = pg::guarded([] { return get_role_oid("boundary_other", false); });

	for (const Way &way : ways)
	{
		State before;
		ending([&] {
			pg::SettingsScope settings;
			pg::RoleScope role(other);
			set("search_path", "public");
			pg::try_and_undo([&] {
				pg::SettingsScope inner;
				pg::RoleScope again(BOOTSTRAP_SUPERUSERID);
				set("search_path", "pg_catalog");
				fail(way.kind);
			});
			trial.check(GetUserId() == other, "the role of before the attempt is not restored");
			trial.check(setting("search_path") == "public", "the setting of before the attempt is not restored");
			fail(way.kind);
		});
		trial.check(before == State(), "the role is not restored");
		trial.check(setting("search_path") == path, "a setting is not restored");
	}
}

void
failed_query_leaves_nothing(Trial &trial)
{
	std::string path = setting("search_path");

	for (const char *sql : {"SELECT", "SELEC 1", "SELECT * FROM nowhere", "SELECT 1 / 0", "SELECT 'x'::integer"})
	{
		State before;
		std::string end;
		pg::try_and_undo([&] { end = ending([&] { pg::query_as(GetUserId(), sql); }); });
		trial.check((end == "returned") == (strcmp(sql, "SELECT") == 0), sql);
		trial.check(before == State(), "the state is not restored");
		trial.check(setting("search_path") == path, "the search_path is not restored");
	}
	trial.check(pg::query_cell_as(GetUserId(), "SELECT $1", {"fine"}) == "fine", "no query can follow");
}

void
missing_object_is_no_error(Trial &trial)
{
	trial.check(pg::object_exists("table", {"public", "marker"}, {}), "a table is not found");
	trial.check(!pg::object_exists("table", {"public", "nothing"}, {}), "a table is found that is not there");
	trial.check(!pg::object_exists("table", {"nowhere", "nothing"}, {}), "a schema is found that is not there");
	trial.check(ending([] { pg::object_exists("no such kind", {"x"}, {}); }) != "returned",
				"an odd question is answered");
}

} // namespace

const Scenario scopes[] = {{"try_and_undo undoes what went well", attempt_is_undone},
						   {"try_and_undo gives an error back and undoes", failed_attempt_is_undone},
						   {"try_and_undo ends in every way", attempt_ends_in_every_way},
						   {"try_and_undo nests", attempts_nest},
						   {"try_and_undo gives locks back", attempt_gives_locks_back},
						   {"MemoryScope ends in every way", memory_goes_in_every_way},
						   {"MemoryScope ends while it is current", memory_goes_when_it_is_current},
						   {"RoleScope ends in every way", role_comes_back_in_every_way},
						   {"RoleScope cannot be left by SQL", role_cannot_be_left},
						   {"SettingsScope ends in every way", settings_come_back_in_every_way},
						   {"scopes end within try_and_undo in every way", scopes_come_back_within_attempts},
						   {"query_as leaves nothing behind when it fails", failed_query_leaves_nothing},
						   {"object_exists takes a missing object for an answer", missing_object_is_no_error},
						   {nullptr, nullptr}};

} // namespace mg::boundary
