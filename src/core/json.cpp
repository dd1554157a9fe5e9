// Escapes and joins; nothing is ever read back.
#include "core/json.hpp"

#include <charconv>
#include <cmath>

namespace mg {

namespace {

// Appends a text as a JSON string.
void
append_quoted(std::string &out, std::string_view text)
{
	static constexpr char hex[] = "0123456789abcdef";

	out.push_back('"');
	for (const char c : text)
	{
		const auto byte = static_cast<unsigned char>(c);

		switch (c)
		{
			case '"':
				out += "\\\"";
				break;
			case '\\':
				out += "\\\\";
				break;
			case '\b':
				out += "\\b";
				break;
			case '\f':
				out += "\\f";
				break;
			case '\n':
				out += "\\n";
				break;
			case '\r':
				out += "\\r";
				break;
			case '\t':
				out += "\\t";
				break;
			default:
				if (byte < 0x20)
				{
					out += "\\u00";
					out.push_back(hex[byte >> 4]);
					out.push_back(hex[byte & 0x0F]);
				}
				else
					out.push_back(c);
		}
	}
	out.push_back('"');
}

// Writes the shortest decimal that reads back as the same double, whatever the locale is.
std::string
real_text(double value)
{
	char buffer[64];

	if (!std::isfinite(value))
		return "null";
	return std::string(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
}

// Appends a comma unless this is the first of its list.
void
separate(std::string &out)
{
	if (!out.empty())
		out.push_back(',');
}

} // namespace

std::string
json_quote(std::string_view text)
{
	std::string result;

	result.reserve(text.size() + 2);
	append_quoted(result, text);
	return result;
}

// Adds a member with a string.
JsonObject &
JsonObject::text(std::string_view key, std::string_view value)
{
	separate(members_);
	append_quoted(members_, key);
	members_.push_back(':');
	append_quoted(members_, value);
	return *this;
}

// Adds a member with a whole number.
JsonObject &
JsonObject::number(std::string_view key, long long value)
{
	return json(key, std::to_string(value));
}

JsonObject &
JsonObject::real(std::string_view key, double value)
{
	return json(key, real_text(value));
}

// Adds a member with a truth value.
JsonObject &
JsonObject::boolean(std::string_view key, bool value)
{
	return json(key, value ? "true" : "false");
}

// Adds a member with null.
JsonObject &
JsonObject::null(std::string_view key)
{
	return json(key, "null");
}

JsonObject &
JsonObject::json(std::string_view key, std::string_view value)
{
	separate(members_);
	append_quoted(members_, key);
	members_.push_back(':');
	members_.append(value);
	return *this;
}

// Adds a string.
JsonArray &
JsonArray::text(std::string_view value)
{
	separate(elements_);
	append_quoted(elements_, value);
	return *this;
}

// Adds a whole number.
JsonArray &
JsonArray::number(long long value)
{
	return json(std::to_string(value));
}

JsonArray &
JsonArray::real(double value)
{
	return json(real_text(value));
}

// Adds a truth value.
JsonArray &
JsonArray::boolean(bool value)
{
	return json(value ? "true" : "false");
}

// Adds null.
JsonArray &
JsonArray::null()
{
	return json("null");
}

JsonArray &
JsonArray::json(std::string_view value)
{
	separate(elements_);
	elements_.append(value);
	return *this;
}

std::string
json_strings(const std::vector<std::string> &items)
{
	JsonArray array;

	for (const std::string &item : items)
		array.text(item);
	return array.str();
}

} // namespace mg
