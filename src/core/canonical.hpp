// One text for one record, so that a hash of it says something.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mg {

// Collects the fields of a record, each as name=LENGTH:bytes and a line feed, in the order given.
class CanonicalEncoder
{
public:
	// Adds a field; one without a value is left out, which differs from an empty value.
	// A name is not empty and holds no '=' and no line feed; any other is our bug and throws std::invalid_argument.
	void field(std::string_view name, std::optional<std::string_view> value);

	// Gives the encoding of the fields so far; no two different lists of fields with values have the same.
	std::string text() const { return text_; }

private:
	std::string text_;
};

} // namespace mg
