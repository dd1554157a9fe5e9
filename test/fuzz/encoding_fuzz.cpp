// Reads the canonical encoding and JSON strings back: what can be read back is not ambiguous.
#include <optional>
#include <utility>
#include <vector>

#include <fuzzer/FuzzedDataProvider.h>

#include "check.hpp"
#include "core/canonical.hpp"
#include "core/json.hpp"

using namespace mg;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// Reads a canonical encoding.
Fields
decoded(const std::string &text)
{
	Fields fields;

	for (std::size_t i = 0; i < text.size();)
	{
		const std::size_t equals = text.find('=', i);
		const std::size_t colon = text.find(':', equals);
		const std::size_t length = std::stoul(text.substr(equals + 1, colon - equals - 1));

		fields.emplace_back(text.substr(i, equals - i), text.substr(colon + 1, length));
		i = colon + 1 + length;
		CHECK(i < text.size() && text[i] == '\n');
		i++;
	}
	return fields;
}

// Reads a JSON string.
std::string
unquoted(const std::string &json)
{
	static const std::string letters = "\"\\bfnrt";
	static const std::string bytes = "\"\\\b\f\n\r\t";
	std::string text;

	CHECK(json.size() >= 2 && json.front() == '"' && json.back() == '"');
	for (std::size_t i = 1; i + 1 < json.size(); i++)
	{
		CHECK(json[i] != '"' && static_cast<unsigned char>(json[i]) >= 0x20);
		if (json[i] != '\\')
			text.push_back(json[i]);
		else if (json[++i] == 'u')
		{
			text.push_back(static_cast<char>(std::stoi(json.substr(i + 1, 4), nullptr, 16)));
			i += 4;
		}
		else
		{
			CHECK(letters.find(json[i]) != std::string::npos);
			text.push_back(bytes[letters.find(json[i])]);
		}
	}
	return text;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size)
{
	FuzzedDataProvider input(data, size);
	CanonicalEncoder encoder;
	Fields fields;

	while (input.remaining_bytes() > 0)
	{
		std::string name = input.ConsumeRandomLengthString(8);
		const std::string value = input.ConsumeRandomLengthString(64);
		const bool absent = input.ConsumeBool();

		CHECK(unquoted(json_quote(value)) == value);
		if (name.empty() || name.find_first_of("=\n") != std::string::npos)
			name = "name";
		encoder.field(name, absent ? std::nullopt : std::optional<std::string_view>(value));
		if (!absent)
			fields.emplace_back(name, value);
	}
	CHECK(decoded(encoder.text()) == fields);
	return 0;
}
