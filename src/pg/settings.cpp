// Walks the server's own list of settings: pg_settings does not tell SET from SET LOCAL.
#include "pg/settings.hpp"

#include <algorithm>
#include <cstring>

namespace mg::pg {

namespace {

struct Variables
{
	struct config_generic **items;
	int count;
};

Variables
variables_raw()
{
	Variables all{};

#if PG_VERSION_NUM >= 160000
	all.items = get_guc_variables(&all.count);
#else
	all.items = get_guc_variables();
	all.count = GetNumConfigOptions();
#endif
	return all;
}

const char *
value_raw(const struct config_generic *variable)
{
	return GetConfigOption(variable->name, true, false);
}

// A value that SET LOCAL has covered in the same scope.
const char *
masked_raw(const struct config_generic *variable)
{
	const config_var_val &value = variable->stack->masked.val;

	switch (variable->vartype)
	{
		case PGC_BOOL:
			return value.boolval ? "on" : "off";
		case PGC_INT:
			return psprintf("%d", value.intval);
		case PGC_REAL:
			return psprintf("%.17g", value.realval);
		case PGC_STRING:
			return value.stringval;
		case PGC_ENUM:
			return config_enum_lookup_by_value(
				reinterpret_cast<config_enum *>(const_cast<struct config_generic *>(variable)), value.enumval);
	}
	return nullptr;
}

bool
is_of_transaction(const char *name)
{
	return strcmp(name, "transaction_isolation") == 0 || strcmp(name, "transaction_read_only") == 0 ||
		   strcmp(name, "transaction_deferrable") == 0;
}

// Not for another process: who it is comes another way, and messages travel in the database's encoding.
bool
stays_here(const char *name)
{
	return is_of_transaction(name) || strcmp(name, "role") == 0 || strcmp(name, "session_authorization") == 0 ||
		   strcmp(name, "client_encoding") == 0 || strcmp(name, "seed") == 0;
}

struct SettingRaw
{
	const char *name;
	const char *value;
};

struct SettingsRaw
{
	SettingRaw *items;
	int count;
};

template <typename Value>
SettingsRaw
collect_raw(Value value)
{
	const Variables all = variables_raw();
	SettingsRaw found = {static_cast<SettingRaw *>(palloc(sizeof(SettingRaw) * (all.count + 1))), 0};

	for (int i = 0; i < all.count; i++)
		if (const char *now = value(all.items[i]); now != nullptr)
			found.items[found.count++] = {pstrdup(all.items[i]->name), pstrdup(now)};
	return found;
}

Settings
to_settings(const SettingsRaw &found)
{
	Settings result;

	for (int i = 0; i < found.count; i++)
		result.emplace_back(found.items[i].name, found.items[i].value);
	/* A role that was taken on may not set what was set before. */
	std::sort(result.begin(), result.end(), [](const auto &a, const auto &b) {
		return std::pair(a.first == "role", a.first) < std::pair(b.first == "role", b.first);
	});
	return result;
}

} // namespace

Settings
settings_of_scope()
{
	return to_settings(guarded([] {
		const int level = NewGUCNestLevel() - 1;
		AtEOXact_GUC(false, level + 1);
		return collect_raw([&](const struct config_generic *variable) -> const char * {
			if (variable->stack == nullptr || variable->stack->nest_level != level || is_of_transaction(variable->name))
				return nullptr;
			return variable->stack->state == GUC_SET         ? value_raw(variable)
				   : variable->stack->state == GUC_SET_LOCAL ? masked_raw(variable)
															 : nullptr;
		});
	}));
}

Settings
settings_of_session()
{
	return to_settings(guarded([] {
		return collect_raw([](const struct config_generic *variable) -> const char * {
			return variable->source < PGC_S_CLIENT || variable->context < PGC_SUSET || stays_here(variable->name)
					   ? nullptr
					   : value_raw(variable);
		});
	}));
}

void
apply(const Settings &settings)
{
	for (const auto &setting : settings)
		guarded([&] {
			set_config_option(setting.first.c_str(), setting.second.c_str(), superuser() ? PGC_SUSET : PGC_USERSET,
							  PGC_S_SESSION, GUC_ACTION_SET, true, 0, false);
		});
}

} // namespace mg::pg
