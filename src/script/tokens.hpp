// The tokens of a text, from the server's own scanner.
#pragma once

#include <string>
#include <vector>

#include "pg/boundary.hpp"

namespace mg::script {

struct TokenRaw
{
	int kind;  // the scanner's number of the token, or its character
	int start; // byte offsets into the text
	int end;
	bool is_string;    // 'x', E'x', U&'x', $$x$$
	const char *word;  // keyword or identifier, folded as the server folds it; nullptr for anything else
	const char *value; // what a string literal means; nullptr for anything else
};

// Goes through a text token by token; comments and blanks are left out. next() raises what the scanner raises.
class TokenScanRaw
{
public:
	explicit TokenScanRaw(const char *source);
	bool next(TokenRaw *token);

private:
	core_yy_extra_type extra_;
	core_yyscan_t scanner_;
};

// The same with memory of its own.
struct Token
{
	int kind;
	size_t start;
	size_t end;
	bool is_string;
	std::string word;  // empty for anything that is no word
	std::string value; // empty for anything that is no string
};
std::vector<Token> tokens_of(const std::string &text);

// Hashes the tokens of a script: two scripts that differ in comments and blanks only have the same hash.
// SHA-256 in hexadecimal, in the current context.
char *token_hash_raw(const char *text);

} // namespace mg::script
