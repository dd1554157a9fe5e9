// A picture of a database object: its properties, and those of the parts that belong to it; and how two pictures differ.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mg {

// The object itself (section and key empty) or one part of it: a column, a constraint, an index, ...
// A property is a name and a text; one that has its usual value is left out, so that a picture is what a person would
// have written down.
struct Part
{
	std::string section; // columns, constraints, indexes, ...
	std::string key;     // the part's name within the section
	std::vector<std::pair<std::string, std::string>> properties;

	void set(std::string_view property, std::string_view value);
};

struct Picture
{
	std::string type;     // as the server's event triggers name it: table, function, ...
	std::string identity; // schema-qualified and quoted, as pg_identify_object() writes it
	std::vector<Part> parts;

	// Finds a part, or adds it.
	Part &part(std::string_view section, std::string_view key);
	// Brings parts and properties into an order of their own, whatever order they came in; of two properties of one name
	// the first counts.
	void sort();
};

struct Deviation
{
	std::string kind; // missing, unexpected, changed
	std::string type; // of the object or part that differs: table, table column, index, ...
	std::string identity;
	std::string property; // empty when the whole object is missing or unexpected
	std::optional<std::string> expected;
	std::optional<std::string> actual;
};

// The type and identity of a part as event triggers would write them: "table column" public.t.a, "trigger" x on public.t.
std::pair<std::string, std::string> title_of(const Picture &picture, const Part &part);

// What is different between two sorted pictures of the same object; either may be absent (nullptr). Parts and properties in
// their order; a part that is missing is one difference, not one for each of its properties. A picture whose identity
// changed gives the property "name".
std::vector<Deviation> deviations(const Picture *expected, const Picture *actual);

} // namespace mg
