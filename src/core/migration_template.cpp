// Words for each kind of migration and the two scripts made of them.
#include "core/migration_template.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/error.hpp"
#include "core/text.hpp"

namespace mg {

namespace {

constexpr std::size_t max_value_bytes = 1000;

// What a kind of migration does, and what undoing it means.
struct KindWords
{
	std::string_view kind;
	std::string_view up;
	std::string_view down;
};

constexpr std::array<KindWords, 5> kinds = {{
	{"create",
	 "-- The statements that create the new objects go here.\n-- Give each object a comment and its grants.\n",
	 "-- The statements that remove what the up script creates go here, last created first.\n"
	 "-- Rows stored since then are lost with it.\n"},
	{"alter",
	 "-- The statements that change existing objects go here.\n"
	 "-- Keep what running programs still use, and remove it in a later migration.\n",
	 "-- The statements that bring back the former definitions go here, in reverse order.\n"},
	{"drop",
	 "-- The statements that remove objects go here.\n"
	 "-- Name each object, so that a forgotten dependency stops the migration instead of going with it.\n",
	 "-- The full definitions of the removed objects go here, with their grants and comments.\n"
	 "-- Definitions come back, rows do not.\n"},
	{"seed",
	 "-- The statements that add reference rows go here.\n"
	 "-- Name the columns and give each row a key, so that the down script can find it.\n",
	 "-- The statements that delete exactly the rows of the up script go here, by key.\n"},
	{"fix",
	 "-- The statements that correct rows or definitions go here.\n"
	 "-- Limit them to what is wrong, and keep former values where they cannot be computed again.\n",
	 "-- The statements that put the former values back go here.\n"},
}};

// Appends one header line; the value stays on it, so that nothing in it can become a statement.
void
append_header(std::string &out, std::string_view key, std::string_view value)
{
	const std::string line = shorten(value, max_value_bytes);

	out.append("-- ").append(key).append(":");
	if (!line.empty())
		out.append(" ").append(line);
	out.append("\n");
}

// Writes one script.
std::string
write_script(const TemplateRequest &request, std::string_view place)
{
	std::string out;

	append_header(out, "Migration", request.name);
	append_header(out, "Author", request.author);
	append_header(out, "Ticket", request.ticket);
	append_header(out, "Description", request.description);
	append_header(out, "Date", request.date);
	out.append("\n-- The whole script runs in one transaction, so it needs neither BEGIN nor COMMIT.\n\n");
	out.append(place);
	return out;
}

} // namespace

MigrationTemplate
write_template(const TemplateRequest &request)
{
	const auto *words = std::find_if(kinds.begin(), kinds.end(),
									 [&request](const KindWords &each) { return each.kind == request.kind; });

	if (words == kinds.end())
		throw UserError("22023", "unknown kind of migration: \"" + shorten(request.kind, 40) + "\"")
			.hint("Kinds are create, alter, drop, seed and fix.");
	return {write_script(request, words->up), write_script(request, words->down)};
}

} // namespace mg
