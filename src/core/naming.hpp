// Naming conventions for migrations: what a name must look like, which part of it orders, and what the next one is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mg {

// The shape that a convention demands of a name.
enum class NameShape
{
	free,
	sequence,
	timestamp,
	typed_timestamp,
	date_sequence
};

// One naming convention as people choose it by name.
struct Convention
{
	NameShape shape;
	std::string_view name;
	std::string_view pattern;
	std::string_view example;
};

inline constexpr std::array<Convention, 5> conventions = {{
	{NameShape::free, "free", "any name", "add user preferences"},
	{NameShape::sequence, "sequence", "NNN_description", "036_add_user_preferences"},
	{NameShape::timestamp, "timestamp", "YYYYMMDDHHMMSS_description", "20250131093000_add-user-preferences"},
	{NameShape::typed_timestamp, "typed_timestamp", "YYYYMMDDHHMMSS_type_description",
	 "20250131093000_alter_user_preferences"},
	{NameShape::date_sequence, "date_sequence", "YYYYMMDD_NNN_description", "20250131_001_add_user_preferences"},
}};

inline constexpr std::array<std::string_view, 5> migration_kinds = {"create", "alter", "drop", "seed", "fix"};

constexpr std::size_t max_name_bytes = 200;

// Finds a convention by its exact name; nullptr when there is none.
const Convention *find_convention(std::string_view name) noexcept;

// Lists the names of all conventions for messages: "free, sequence, ...".
std::string convention_names();

// Says whether a word is one of the kinds create, alter, drop, seed and fix.
bool is_migration_kind(std::string_view word) noexcept;

// Gives the reason, as a whole sentence, why a name does not fit; nothing when it does.
std::optional<std::string> check_name(const Convention &convention, std::string_view name);

// Gives the part of a fitting name that orders it ("036", "20250101120000", "20250101_001"); empty for free and for names that do not fit.
std::string version_of(const Convention &convention, std::string_view name);

// Gives a text that sorts, byte by byte, as the version does: each of its numbers padded with zeros to 20 digits.
std::string sort_key_of(std::string_view version);

// Compares two versions number by number whatever their width: negative, zero or positive.
int compare_versions(std::string_view left, std::string_view right) noexcept;

// Makes the name after last_version (empty when there is none) at the time now (YYYYMMDDHHMMSS), never one that sorts before it.
// Raises UserError 22023 when now is no such time or the kind, needed for typed_timestamp only, is unknown.
std::string next_name(const Convention &convention, std::string_view kind, std::string_view description,
					  std::string_view last_version, std::string_view now);

// Counts the numbers left out between two versions of the convention sequence; 0 for every other convention and without a last version.
std::uint64_t gap_after(const Convention &convention, std::string_view last_version, std::string_view version) noexcept;

} // namespace mg
