// Looks for addresses by hand: the library's regular expressions are slow, and literals are many.
#include "lint/environment.hpp"

#include <cctype>
#include <cstring>
#include <initializer_list>

#include <boost/algorithm/string/predicate.hpp>

namespace mg::lint {

namespace {

constexpr size_t longest = 10000;

bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
is_word(char c)
{
	return is_letter(c) || is_digit(c) || c == '_';
}

bool
is_blank(char c)
{
	return isspace(static_cast<unsigned char>(c)) != 0;
}

// A NUL beyond the end, which is of no class.
char
at(const std::string &value, size_t i)
{
	return i < value.size() ? value[i] : '\0';
}

bool
has_word_at(const std::string &value, size_t i, const char *word)
{
	return boost::algorithm::istarts_with(value.substr(i, strlen(word)), word);
}

// Whether the host that begins there, or one of the domains that it is in, is reserved.
bool
is_reserved(const std::string &value, size_t host, bool is_mail)
{
	for (size_t label = host;;)
	{
		for (const char *word : {"example", "test", "invalid", "localhost"})
			if ((is_mail || strcmp(word, "localhost") != 0) && has_word_at(value, label, word) &&
				!is_word(at(value, label + strlen(word))))
				return true;
		size_t end = label;
		while (is_word(at(value, end)) || at(value, end) == '-')
			end++;
		if (end == label || at(value, end) != '.')
			return false;
		label = end + 1;
	}
}

// Whether a scheme ends before, and a host begins behind, the :// at that place.
bool
is_url(const std::string &value, size_t colon)
{
	bool has_scheme = false;
	bool has_host = false;

	for (size_t i = colon; i > 0 && !has_scheme; i--)
	{
		const char c = value[i - 1];
		if (!is_letter(c) && !is_digit(c) && strchr("+.-", c) == nullptr)
			break;
		has_scheme = is_letter(c) && (i == 1 || !is_word(value[i - 2]));
	}
	for (size_t i = colon + 3; i < value.size() && !is_blank(value[i]) && value[i] != '/' && !has_host; i++)
		has_host = is_word(value[i]) || value[i] == ']';
	return has_scheme && has_host;
}

bool
is_mail_address(const std::string &value, size_t sign)
{
	if (sign == 0 || !(is_word(value[sign - 1]) || strchr(".+-", value[sign - 1]) != nullptr))
		return false;
	for (size_t label = sign + 1;;)
	{
		size_t end = label;
		while (is_word(at(value, end)) || at(value, end) == '-')
			end++;
		if (end == label || at(value, end) != '.')
			return false;
		label = end + 1;
		size_t last = label;
		while (is_letter(at(value, last)))
			last++;
		if (last - label >= 2 && !is_word(at(value, last)))
			return true;
	}
}

// host = db1, as in a connection string.
bool
is_connection(const std::string &value, size_t equals)
{
	size_t end = equals;
	size_t next = equals + 1;

	while (end > 0 && is_blank(value[end - 1]))
		end--;
	while (next < value.size() && is_blank(value[next]))
		next++;
	if (next == value.size())
		return false;
	for (const char *word : {"host", "hostaddr", "password"})
	{
		const size_t length = strlen(word);
		if (end < length || !has_word_at(value, end - length, word))
			continue;
		const size_t start = end - length;
		if (start == 0 || is_blank(value[start - 1]) || value[start - 1] == '=')
			return true;
	}
	return false;
}

// Whether an address such as 10.0.0.1 or 10.0.0.0/8 begins there.
bool
is_ip_address(const std::string &value, size_t start)
{
	size_t i = start;

	if (start > 0 && (is_word(value[start - 1]) || value[start - 1] == '.'))
		return false;
	for (int part = 0; part < 4; part++)
	{
		int number = 0;
		size_t digits = 0;
		if (part > 0 && at(value, i++) != '.')
			return false;
		for (; is_digit(at(value, i)) && digits < 4; i++, digits++)
			number = 10 * number + (value[i] - '0');
		if (digits == 0 || digits > 3 || number > 255 || (part == 0 && digits == 1 && number == 0))
			return false;
	}
	if (at(value, i) == '/' && is_digit(at(value, i + 1)))
		i += is_digit(at(value, i + 2)) ? 3 : 2;
	return !is_word(at(value, i)) && at(value, i) != '.';
}

// Whether a value has the text somewhere, with what fn is true of at its place.
template <typename Fn>
bool
has_any(const std::string &value, const char *text, Fn &&fn)
{
	for (size_t i = value.find(text); i != std::string::npos; i = value.find(text, i + 1))
		if (fn(value, i))
			return true;
	return false;
}

} // namespace

const char *
environment_in(const std::string &value)
{
	auto is_reserved_url = [](const std::string &text, size_t i) { return is_reserved(text, i + 3, false); };
	auto is_reserved_mail = [](const std::string &text, size_t i) { return is_reserved(text, i + 1, true); };

	if (value.size() > longest)
		return nullptr;
	if (has_any(value, "://", is_url) && !has_any(value, "://", is_reserved_url))
		return "a URL";
	if (has_any(value, "@", is_mail_address) && !has_any(value, "@", is_reserved_mail))
		return "an e-mail address";
	if (has_any(value, "=", is_connection))
		return "where to connect to";
	for (size_t i = 0; value.find('.') != std::string::npos && i < value.size(); i++)
		if (is_digit(value[i]) && is_ip_address(value, i))
			return "an IP address";
	return nullptr;
}

} // namespace mg::lint
