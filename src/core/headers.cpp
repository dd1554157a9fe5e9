// Reads header comments line by line.
#include "core/headers.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/text.hpp"

namespace mg {

namespace {

constexpr std::size_t max_key_bytes = 40;
constexpr int continuation_indent = 2;
constexpr int tab_columns = 4;

// Says whether a byte may stand in a key after its first letter.
constexpr bool
is_key_byte(char c) noexcept
{
	return is_letter(c) || is_digit(c) || c == ' ' || c == '_' || c == '-';
}

// Finds the colon that ends a key at the beginning of the text, npos when there is no key.
std::size_t
find_key_end(std::string_view text) noexcept
{
	if (text.empty() || !is_letter(text[0]))
		return std::string_view::npos;
	for (std::size_t i = 1; i < text.size() && i <= max_key_bytes; i++)
	{
		if (text[i] == ':')
			return i + 1 == text.size() || is_blank(text[i + 1]) ? i : std::string_view::npos;
		if (!is_key_byte(text[i]))
			break;
	}
	return std::string_view::npos;
}

// Says whether a line says something: bytes above ASCII count as letters.
bool
has_words(std::string_view text) noexcept
{
	return std::any_of(text.begin(), text.end(),
					   [](char c) { return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80; });
}

// Collects headers from comment lines in the order they come.
class HeaderReader
{
public:
	// Takes a comment line without its comment marks.
	void line(std::string_view content)
	{
		int indent = 0;
		std::size_t i = 0;

		for (; i < content.size() && is_blank(content[i]); i++)
			indent += content[i] == '\t' ? tab_columns : 1;
		content = trim(content.substr(i));

		const std::size_t colon = find_key_end(content);

		if (colon != std::string_view::npos)
		{
			open(header_key(content.substr(0, colon)), trim(content.substr(colon + 1)));
			indent_ = indent;
		}
		else if (open_ && has_words(content) && indent >= indent_ + continuation_indent)
			extend(content);
		else
			close();
	}

	// Takes a line of a block comment, which may start with an asterisk.
	void block_line(std::string_view content)
	{
		const std::size_t first = content.find_first_not_of(" \t\f\v");

		if (first != std::string_view::npos && content[first] == '*')
			content.remove_prefix(first + 1);
		line(content);
	}

	// Ends the current value, so that nothing continues it.
	void close() noexcept { open_ = false; }

	std::vector<Header> take() { return std::move(headers_); }

private:
	void open(std::string key, std::string_view value)
	{
		const auto [found, is_new] = places_.emplace(key, headers_.size());

		if (is_new)
			headers_.push_back({std::move(key), std::string()});
		current_ = found->second;

		std::string &text = headers_[current_].value;

		if (!text.empty() && !value.empty())
			text.push_back('\n');
		text.append(value);
		open_ = true;
		fresh_ = value.empty() && !text.empty();
	}

	void extend(std::string_view more)
	{
		std::string &text = headers_[current_].value;

		if (!text.empty())
			text.push_back(fresh_ ? '\n' : ' ');
		text.append(more);
		fresh_ = false;
	}

	std::vector<Header> headers_;
	std::unordered_map<std::string, std::size_t> places_;
	std::size_t current_ = 0;
	int indent_ = 0;
	bool open_ = false;
	bool fresh_ = false; /* a repeated key whose value begins on the next line */
};

// Hands the lines of a block comment, given without its outer marks, to the reader.
void
read_block(HeaderReader &reader, std::string_view block)
{
	std::size_t start = 0;

	reader.close();
	while (start <= block.size())
	{
		const std::size_t end = std::min(block.find_first_of("\r\n", start), block.size());

		reader.block_line(block.substr(start, end - start));
		start = end + (block.substr(end, 2) == "\r\n" ? 2 : 1);
	}
	reader.close();
}

} // namespace

std::string
header_key(std::string_view key)
{
	std::string result(trim(key));

	std::transform(result.begin(), result.end(), result.begin(), to_lower);
	std::replace_if(
		result.begin(), result.end(), [](char c) { return is_blank(c) || c == '-'; }, '_');
	return result;
}

std::vector<Header>
parse_headers(std::string_view script)
{
	HeaderReader reader;
	int line_ends = 0;

	script = without_bom(script);
	for (std::size_t i = 0; i < script.size();)
	{
		if (is_blank(script[i]))
		{
			const bool pair = script.substr(i, 2) == "\r\n";

			line_ends += script[i] == '\n' || script[i] == '\r' ? 1 : 0;
			if (line_ends > 1)
				reader.close();
			i += pair ? 2 : 1;
		}
		else if (script.substr(i, 2) == "--")
		{
			const std::size_t end = std::min(script.find_first_of("\r\n", i), script.size());

			reader.line(script.substr(i + 2, end - i - 2));
			line_ends = 0;
			i = end;
		}
		else if (script.substr(i, 2) == "/*")
		{
			/* The block ends where the scanner for nested comments says; what follows on its line may be another comment. */
			const std::size_t end = end_of_block_comment(script, i);
			const bool closed = end - i >= 4 && script.substr(end - 2, 2) == "*/";

			read_block(reader, script.substr(i + 2, end - i - (closed ? 4 : 2)));
			line_ends = 0;
			i = end;
		}
		else
			break;
	}
	return reader.take();
}

std::optional<std::string>
header_value(const std::vector<Header> &headers, std::string_view key)
{
	const std::string wanted = header_key(key);
	const auto found =
		std::find_if(headers.begin(), headers.end(), [&wanted](const Header &header) { return header.key == wanted; });

	if (found == headers.end())
		return std::nullopt;
	return found->value;
}

} // namespace mg
