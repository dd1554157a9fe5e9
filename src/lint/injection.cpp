// Cuts the operands of || out of a body.
#include "lint/injection.hpp"
#include "lint/bodies.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "script/tokens.hpp"

namespace mg::lint {

namespace {

using script::Token;

template <size_t count>
bool
is_one_of(const std::string &word, const std::array<const char *, count> &words)
{
	return std::any_of(words.begin(), words.end(), [&](const char *one) { return word == one; });
}

// Functions whose text is SQL, or has no quotes.
bool
gives_sql(const std::string &name)
{
	constexpr std::array<const char *, 8> names = {"quote_ident", "quote_literal", "quote_nullable",  "format",
												   "to_regclass", "format_type",   "array_to_string", "string_agg"};
	return is_one_of(name, names) || (name.rfind("pg_get_", 0) == 0 && name != "pg_get_userbyid");
}

bool
has_no_quotes(const std::string &type)
{
	constexpr std::array<const char *, 12> types = {"regclass", "regtype",      "regproc", "regprocedure",
													"regrole",  "regnamespace", "oid",     "int",
													"integer",  "bigint",       "int4",    "int8"};
	return is_one_of(type, types);
}

bool
is_safe(const std::string &body, const std::vector<Token> &tokens, size_t from, size_t to)
{
	if (from >= to || tokens[from].is_string)
		return true;
	const std::string &first = tokens[from].word;
	/* What is in parentheses, nobody can tell. */
	if (tokens[from].kind == '(' || isdigit(static_cast<unsigned char>(body[tokens[from].start])) != 0)
		return true;
	if (first == "pg_catalog" && from + 2 < to && gives_sql(tokens[from + 2].word))
		return true;
	if (gives_sql(first) && from + 1 < to && tokens[from + 1].kind == '(')
		return true;
	return has_no_quotes(tokens[to - 1].word) ||
		   (to - from > 2 && tokens[to - 1].word == "text" && has_no_quotes(tokens[to - 3].word));
}

} // namespace

std::vector<std::string>
unquoted_in(const std::string &body)
{
	std::vector<std::string> result;
	const std::vector<Token> tokens = body_tokens(body);
	auto is_concatenation = [&](const Token &token) {
		return body.substr(token.start, token.end - token.start) == "||";
	};

	for (size_t i = 0; i < tokens.size(); i++)
	{
		if (tokens[i].word != "execute" || (i > 0 && (tokens[i - 1].word == "on" || tokens[i - 1].word == "grant")))
			continue;
		int depth = 0;
		size_t from = i + 1;
		size_t end = from;
		std::vector<std::pair<size_t, size_t>> operands;
		for (; end < tokens.size(); end++)
		{
			if (tokens[end].kind == '(' || tokens[end].kind == '[')
				depth++;
			else if (tokens[end].kind == ')' || tokens[end].kind == ']')
				depth--;
			else if (depth == 0 && (tokens[end].kind == ';' || tokens[end].word == "using" ||
									tokens[end].word == "into" || tokens[end].word == "loop"))
				break;
			else if (depth == 0 && is_concatenation(tokens[end]))
			{
				operands.emplace_back(from, end);
				from = end + 1;
			}
		}
		if (!operands.empty())
			operands.emplace_back(from, end);
		for (const auto &[begin, stop] : operands)
			if (!is_safe(body, tokens, begin, stop))
				result.push_back(body.substr(tokens[begin].start, tokens[stop - 1].end - tokens[begin].start));
		i = end;
	}
	return result;
}

} // namespace mg::lint
