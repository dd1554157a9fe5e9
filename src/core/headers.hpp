// What a script says about itself: the "-- Key: value" lines of its leading comments.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mg {

// One header: the key as header_key gives it, the value without surrounding blanks.
struct Header
{
	std::string key;
	std::string value;
};

// Normalises a key: trimmed, ASCII lower case, each blank and hyphen an underscore.
std::string header_key(std::string_view key);

// Reads the headers from the leading comments (line or block, lines of a block may start with '*') up to the first SQL token.
//
// A key is a letter and then letters, digits, blanks, underscores and hyphens, 40 bytes at most, before a colon that a blank or the
// line's end follows ("see https://..." is none).  A comment line directly below that has no key and stands two columns deeper (a
// tab counts four) continues the value after a blank.  A key met again adds its value on a new line.  Order is that of first use.
std::vector<Header> parse_headers(std::string_view script);

// Finds a value by key, in any spelling that header_key makes the same.
std::optional<std::string> header_value(const std::vector<Header> &headers, std::string_view key);

} // namespace mg
