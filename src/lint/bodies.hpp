// SQL inside of SQL: bodies of DO blocks and functions, and dynamic statements.
#pragma once

#include <string>
#include <vector>

#include "script/tokens.hpp"

namespace mg::lint {

// A statement within a text.
struct Piece
{
	std::string sql;
	size_t offset = 0; // of its first byte in the text
	bool seen = true;  // false: made at run time, so that nobody can tell
	bool exact = true; // false: the text of a dynamic statement, whose bytes stand elsewhere
};

// The SQL statements of a PL/pgSQL block, EXECUTE 'literal' among them, in their order. Conditions are taken as true. Raises what the
// scanner raises.
std::vector<Piece> pieces_of_block(const std::string &body);

// The tokens of a body; none if the scanner cannot read it.
std::vector<script::Token> body_tokens(const std::string &body);

// A routine's body that a statement brings along.
struct Body
{
	std::string language; // lower case
	std::string text;
	int location = -1; // of its literal, in the statement's text
};
// That of DO, CREATE FUNCTION or CREATE PROCEDURE; an empty text for another statement and for a body that is no literal.
Body body_of(const Node *statement);

// Where the text of a literal begins within a script; false if its bytes are not those of the script, since it has escapes.
bool literal_start(const std::string &script, size_t location, const std::string &value, size_t *start);

// The names of the functions that a statement calls, qualified or not, each once.
std::vector<std::vector<std::string>> calls_of(const Node *statement);

// The body of the one PL/pgSQL or SQL function with that name; an empty text if there is none or there are several.
Body routine_body(const std::vector<std::string> &name);

} // namespace mg::lint
