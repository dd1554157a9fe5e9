// Reads tokens with the server's scanner.
#include "script/tokens.hpp"

#include <new>

#include "pg/memory.hpp"
#include "pg/session.hpp"

namespace mg::script {

namespace {

// The scanner's fixed token numbers, which every grammar that uses it must share (scan.l, "must match").
enum ScannerToken
{
	token_ident = 258,
	token_uident = 259,
	token_fconst = 260,
	token_sconst = 261,
	token_usconst = 262,
	token_bconst = 263,
	token_xconst = 264,
	token_op = 265,
	token_iconst = 266,
	token_param = 267
};

// Keywords are numbered from the first of the alphabet on.
bool
is_keyword(int kind)
{
	return kind >= ScanKeywordTokens[0];
}

} // namespace

TokenScanRaw::TokenScanRaw(const char *source)
	: scanner_(scanner_init(source, &extra_, &ScanKeywords, ScanKeywordTokens))
{
	extra_.escape_string_warning = false;
}

// The scanner leaves a NUL behind each token it has read, which is how its length is known (as pg_stat_statements does).
bool
TokenScanRaw::next(TokenRaw *token)
{
	core_YYSTYPE value;
	YYLTYPE location = 0;

	memset(&value, 0, sizeof(value));
	int kind = core_yylex(&value, &location, scanner_);
	if (kind == 0)
	{
		scanner_finish(scanner_);
		return false;
	}
	token->kind = kind;
	token->start = location;
	token->end = location + static_cast<int>(strlen(extra_.scanbuf + location));
	token->is_string = kind == token_sconst || kind == token_usconst || kind == token_bconst || kind == token_xconst;
	token->value = token->is_string ? value.str : nullptr;
	if (kind == token_ident || kind == token_uident)
		token->word = value.str;
	else
		token->word = is_keyword(kind) ? value.keyword : nullptr;
	return true;
}

std::vector<Token>
tokens_of(const std::string &text)
{
	std::vector<Token> result;
	pg::MemoryScope memory("migration_governance tokens");
	TokenScanRaw *scan = nullptr;
	TokenRaw token;
	auto within = [&](auto fn) {
		return pg::guarded([&] {
			MemoryContext before = MemoryContextSwitchTo(memory.get());
			const bool found = fn();
			MemoryContextSwitchTo(before);
			return found;
		});
	};

	within([&] {
		scan = new (palloc(sizeof(TokenScanRaw))) TokenScanRaw(text.c_str());
		return true;
	});
	while (within([&] { return scan->next(&token); }))
		result.push_back({token.kind, static_cast<size_t>(token.start), static_cast<size_t>(token.end), token.is_string,
						  token.word != nullptr ? token.word : "", token.value != nullptr ? token.value : ""});
	return result;
}

// Words count as the server folds them and strings by what they mean; everything else as it is written.
char *
token_hash_raw(const char *text)
{
	TokenScanRaw scan(text);
	TokenRaw token;
	StringInfoData out;

	initStringInfo(&out);
	while (scan.next(&token))
	{
		const char *written = token.word != nullptr ? token.word : token.value;
		int length = written != nullptr ? static_cast<int>(strlen(written)) : token.end - token.start;

		appendStringInfo(&out, "%d:%d:", is_keyword(token.kind) ? 0 : token.kind, length);
		appendBinaryStringInfo(&out, written != nullptr ? written : text + token.start, length);
		appendStringInfoChar(&out, '\n');
		CHECK_FOR_INTERRUPTS();
	}
	char *hash = pg::sha256_hex_of_text_raw(out.data, out.len);
	pfree(out.data);
	return hash;
}

} // namespace mg::script
