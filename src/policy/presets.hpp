// Policies of whole teams, as settings.
#pragma once

#include <string>
#include <vector>

namespace mg::policy {

struct Choice
{
	const char *environment; // empty: all that have no value of their own
	const char *setting;
	const char *value;
};

struct Preset
{
	const char *name;
	const char *about;
	const char *history; // the table that the team's scripts write to: migrations_history, schema_migrations, or empty
	std::vector<Choice> choices;
};

const std::vector<Preset> &presets();

// Makes all choices of a preset, or, with an environment, those that it has for that one. What the preset does not speak of stays as it is.
// Raises 22023 for no preset and for an environment that it does not know; what set() raises.
const Preset &use_preset(const std::string &name, const std::string &reason, const std::string &environment);

} // namespace mg::policy
