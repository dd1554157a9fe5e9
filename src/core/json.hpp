// Writes JSON; input is taken to be valid in the database's encoding and goes through unchanged but for what JSON must escape.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mg {

// Quotes a text as a JSON string.
std::string json_quote(std::string_view text);

// Builds a JSON object; keys are the caller's to keep unique.
class JsonObject
{
public:
	JsonObject &text(std::string_view key, std::string_view value);
	JsonObject &number(std::string_view key, long long value);
	// Adds a number with a fraction; null when it is not finite, since JSON has no word for that.
	JsonObject &real(std::string_view key, double value);
	JsonObject &boolean(std::string_view key, bool value);
	JsonObject &null(std::string_view key);
	// Adds a value that is JSON already.
	JsonObject &json(std::string_view key, std::string_view value);

	std::string str() const { return "{" + members_ + "}"; }

private:
	std::string members_;
};

// Builds a JSON array.
class JsonArray
{
public:
	JsonArray &text(std::string_view value);
	JsonArray &number(long long value);
	// Adds a number with a fraction; null when it is not finite.
	JsonArray &real(double value);
	JsonArray &boolean(bool value);
	JsonArray &null();
	// Adds a value that is JSON already.
	JsonArray &json(std::string_view value);

	std::string str() const { return "[" + elements_ + "]"; }

private:
	std::string elements_;
};

// An array of strings.
std::string json_strings(const std::vector<std::string> &items);

} // namespace mg
