// A migration script: cut by the server's own parser into statements with exact text and place, and judged before it runs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/headers.hpp"
#include "core/text.hpp"

namespace mg::script {

struct Statement
{
	std::size_t offset; // of the first token, in bytes of Script::text()
	std::size_t length; // up to the last token or trailing comment, without the semicolon
	Place place;
	std::string tag;     // as the server completes it: CREATE TABLE
	bool recorded;       // capture records this kind
	bool temporary;      // makes a temporary object, which capture leaves out
	bool control;        // BEGIN or COMMIT, which is never run itself; refused unless the two are around the script
	bool commits;        // of these the COMMIT
	bool alone;          // mg_deploy runs it by itself, in no transaction with others
	bool weak;           // of these one whose first locks keep nobody from reading and writing
	bool deployable;     // refused by mg_apply only
	bool secret;         // holds a literal password
	std::string refusal; // why mg_apply cannot run it; empty when it can
	std::string hint;
	bool adds_enum_value;              // ALTER TYPE ... ADD VALUE
	std::optional<std::string> expect; // of a line "-- expect: VALUE" behind it
};

// A line comment that says how to treat a statement, such as "-- mg:ignore ...".
struct Directive
{
	std::size_t offset; // of the comment
	std::string words;  // behind the directive's name
	int statement;      // the number of the one it stands above, in or behind; -1: all of them
};

// SHA-256 over a script's text with normalised line ends, in UTF-8 whatever the database's encoding, in hexadecimal.
std::string checksum_of(std::string_view body);

class Script
{
public:
	// Parses the whole text; raises the parser's own error (42601, ...) with the line, or one that names the psql
	// meta-command or the COPY data that the parser stumbled over. `what` (up, down, verify, precondition) is for messages.
	Script(std::string what, std::string body);

	const std::string &what() const { return what_; }
	const std::string &body() const { return body_; }
	const std::vector<Statement> &statements() const { return statements_; }
	const std::vector<Header> &headers() const { return headers_; }

	// The text that runs: the body without a byte order mark.
	std::string_view text() const { return without_bom(body_); }
	std::string_view text_of(const Statement &statement) const
	{
		return text().substr(statement.offset, statement.length);
	}

	// Tells whether a BEGIN ... COMMIT around the statements is left out.
	bool is_unwrapped() const { return unwrapped_; }

	// Raises 0A000 for a statement that mg_apply cannot run, such as one that cannot run in a transaction; first for one that mg_deploy cannot
	// run either.
	void require_runnable() const;
	// Raises MG007 for the first statement with a literal secret: scripts are kept verbatim.
	void require_no_secret() const;
	// The first statement that mg_apply cannot run, or nullptr; and the first that mg_deploy cannot run either.
	const Statement *first_refused() const;
	const Statement *first_undeployable() const;
	// Raises 0A000 for one of these: reason, place and text, and the way out.
	[[noreturn]] void refuse(const Statement &statement) const;
	[[noreturn]] void refuse(const Statement &statement, const std::string &reason, const std::string &hint) const;

	// The comments "-- mg:backfill ...", in their order.
	const std::vector<Directive> &backfills() const { return backfills_; }
	// The first of them that is about a statement, by its number, or nullptr.
	const Directive *backfill_at(std::size_t number) const;

	// Its checksum_of(); made once.
	const std::string &checksum() const { return checksum_; }
	// SHA-256 over the tokens: equal for scripts that differ in comments and blanks only.
	std::string token_hash() const;

private:
	void unwrap();
	void pair();
	void read_expectations();

	std::string what_;
	std::string body_;
	std::vector<Statement> statements_;
	std::vector<Header> headers_;
	std::vector<Directive> backfills_;
	bool unwrapped_ = false;
	std::string checksum_;
};

// The number of the way checksums are made, kept with each.
constexpr int checksum_algorithm = 1;

} // namespace mg::script
