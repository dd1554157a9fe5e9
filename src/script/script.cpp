// Cuts scripts with the server's parser.
#include "script/script.hpp"

#include <algorithm>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/replace.hpp>

#include "pg/memory.hpp"
#include "pg/session.hpp"
#include "pg/text.hpp"
#include "script/directive.hpp"
#include "script/kind.hpp"
#include "script/tokens.hpp"

namespace mg::script {

namespace {

// A statement as the parser gives it, in plain memory.
struct Cut
{
	int location;
	int length; // 0 = to the end of the text
	const char *tag;
	Transaction transaction;
	Refusal refusal;
	bool recorded;
	bool temporary;
	bool secret;
	bool alone;
	bool weak;
	bool adds_enum_value;
};

struct Cuts
{
	Cut *items;
	int count;
};

Cuts
cut_raw(const char *text)
{
	List *trees = raw_parser(text, RAW_PARSE_DEFAULT);
	Cuts cuts = {
		static_cast<Cut *>(MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Cut) * (list_length(trees) + 1))), 0};
	ListCell *cell;

	foreach (cell, trees)
	{
		RawStmt *raw = lfirst_node(RawStmt, cell);
		Cut *cut = &cuts.items[cuts.count++];

		CHECK_FOR_INTERRUPTS();
		cut->location = raw->stmt_location < 0 ? 0 : raw->stmt_location;
		cut->length = raw->stmt_len;
		cut->tag = tag_name_raw(raw->stmt);
		cut->transaction = transaction_raw(raw->stmt);
		cut->refusal = refusal_raw(raw->stmt);
		cut->recorded = is_recorded_raw(raw->stmt);
		cut->temporary = is_temporary_raw(raw->stmt);
		cut->secret = has_secret_raw(raw->stmt);
		cut->alone = cut->refusal.deployable && cut->transaction == Transaction::none;
		cut->weak = cut->alone && is_weak_raw(raw->stmt);
		cut->adds_enum_value = adds_enum_value_raw(raw->stmt);
	}
	return cuts;
}

// Finds the byte that a cursor position of the server's errors, counted in characters from 1, means.
std::size_t
offset_of_cursor(std::string_view text, int cursor)
{
	if (cursor <= 0)
		return text.size();
	return pg::guarded([&] { return pg_mbcharcliplen(text.data(), static_cast<int>(text.size()), cursor - 1); });
}

std::string
at_line(const std::string &what, int line)
{
	return what + " script, line " + std::to_string(line);
}

// Looks whether the last whole statement before a syntax error is COPY ... FROM STDIN, whose data the parser stumbles over.
bool
follows_copy(std::string_view text, std::size_t error_offset)
{
	std::size_t semicolon = text.rfind(';', error_offset == 0 ? 0 : error_offset - 1);
	if (semicolon == std::string_view::npos)
		return false;

	std::string before(text.substr(0, semicolon));
	pg::MemoryScope memory("migration_governance copy check");
	return pg::guarded([&] {
		MemoryContext outer = MemoryContextSwitchTo(memory.get());
		volatile bool found = false;
		error_context_stack = nullptr;
		pg::succeeds_raw([&] {
			List *trees = raw_parser(before.c_str(), RAW_PARSE_DEFAULT);
			if (trees != NIL)
			{
				Node *last = llast_node(RawStmt, trees)->stmt;
				found = IsA(last, CopyStmt) && castNode(CopyStmt, last)->is_from &&
						castNode(CopyStmt, last)->filename == nullptr;
			}
		});
		MemoryContextSwitchTo(outer);
		return static_cast<bool>(found);
	});
}

// Recognises what only psql understands at the place of a syntax error whose message names it: \command, :variable, :'variable', :{?variable}.
std::optional<std::string>
psql_syntax(std::string_view text, std::size_t offset, std::string_view line, const std::string &message)
{
	if (message.find_first_of("\\:") == std::string::npos)
		return std::nullopt;
	if (boost::algorithm::starts_with(line, "\\"))
		return "psql meta-command in a migration: " + pg::excerpt(line, 60);
	if (offset >= text.size())
		return std::nullopt;

	std::string_view rest = text.substr(offset, text.find('\n', offset) - offset);
	if (rest[0] == '\\')
		return "psql meta-command in a migration: " + pg::excerpt(rest, 60);
	if (rest.size() > 1 && rest[0] == ':' &&
		(is_letter(rest[1]) || rest[1] == '\'' || rest[1] == '"' || rest[1] == '{'))
		return "psql variable in a migration: " + pg::excerpt(rest.substr(0, rest.find_first_of(" ;,)")), 60);
	return std::nullopt;
}

bool
may_hold_secret(std::string_view text)
{
	for (const char *word : {"password", "connection", "options", "conninfo", "passphrase"})
		if (boost::algorithm::icontains(text, word))
			return true;
	return false;
}

// Turns the parser's error into one that says where in the script it is, and what the text probably was meant for.
[[noreturn]] void
explain(const std::string &what, std::string_view text, const ErrorData &error)
{
	std::size_t offset = offset_of_cursor(text, error.cursorpos);
	Place place = mg::place_of(text, offset);
	std::string line(mg::line_text(text, place.line));
	std::string_view command = mg::trim(line);
	std::string message = error.message != nullptr ? error.message : "syntax error";
	std::string where = "It is in the " + at_line(what, place.line) + ", column " + std::to_string(place.column);

	if (follows_copy(text, offset))
		throw UserError("0A000", "COPY ... FROM STDIN in a migration")
			.detail("The " + at_line(what, place.line) + ", is data for it.")
			.hint("Use INSERT ... VALUES, or load the data outside the migration.");
	if (std::optional<std::string> psql = psql_syntax(text, offset, command, message))
		throw UserError("42601", *psql)
			.detail("It is in the " + at_line(what, place.line) + ".")
			.hint("The server runs SQL only: what psql understands by itself has to be left out, or done by psql.");
	/* A text that cannot be parsed cannot be cleared of secrets either, and this goes on record. */
	bool show = !may_hold_secret(text);
	if (!show)
		message = message.substr(0, message.find(" at or near "));
	throw UserError(unpack_sql_state(error.sqlerrcode), message)
		.detail(where + (show ? ": " + pg::excerpt(command, 120) : "."))
		.hint(error.hint != nullptr ? error.hint : "Nothing has run: the whole script is checked first.");
}

} // namespace

Script::Script(std::string what, std::string body)
	: what_(std::move(what)), body_(std::move(body)), checksum_(checksum_of(body_))
{
	std::string source(text());
	pg::MemoryScope memory("migration_governance parse");
	Cuts cuts{};

	try
	{
		cuts = pg::guarded([&] {
			MemoryContext outer = MemoryContextSwitchTo(memory.get());
			/* A caller's callback (SPI, PL/pgSQL) would take the cursor position for one in its own query. */
			error_context_stack = nullptr;
			Cuts found = cut_raw(source.c_str());
			MemoryContextSwitchTo(outer);
			return found;
		});
	}
	catch (const pg::Error &error)
	{
		if (ERRCODE_TO_CATEGORY(error.data().sqlerrcode) != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
			error.data().cursorpos <= 0)
			throw;
		explain(what_, text(), error.data());
	}

	LineIndex lines(text());
	statements_.reserve(cuts.count);
	for (int i = 0; i < cuts.count; i++)
	{
		const Cut &cut = cuts.items[i];
		std::size_t end = cut.length > 0 ? static_cast<std::size_t>(cut.location) + cut.length : source.size();
		std::size_t start = skip_blank_and_comments(text(), cut.location);
		std::string_view trimmed = trim_statement(text().substr(start, end - start));

		Statement statement;
		statement.offset = start;
		statement.length = trimmed.size();
		statement.place = lines.place_of(start);
		statement.tag = cut.tag;
		statement.recorded = cut.recorded;
		statement.temporary = cut.temporary;
		statement.secret = cut.secret;
		statement.control = cut.transaction == Transaction::begin || cut.transaction == Transaction::commit;
		statement.commits = cut.transaction == Transaction::commit;
		statement.alone = cut.alone;
		statement.weak = cut.weak;
		statement.deployable = cut.refusal.deployable;
		statement.adds_enum_value = cut.adds_enum_value;
		statement.refusal = cut.refusal.reason != nullptr ? cut.refusal.reason : "";
		statement.hint = cut.refusal.hint != nullptr ? cut.refusal.hint : "";
		statements_.push_back(std::move(statement));
	}
	headers_ = parse_headers(text());
	backfills_ = directives_of(*this, "mg:backfill");
	unwrap();
	pair();
	if (what_ == "verify" || what_ == "precondition")
		read_expectations();
}

// One BEGIN and one COMMIT, the COMMIT last, wrap a script: they are left out. Any other use of them mg_apply refuses.
void
Script::unwrap()
{
	int begins = 0;
	int commits = 0;

	for (const Statement &statement : statements_)
		if (statement.control)
			++(statement.commits ? commits : begins);
	unwrapped_ = begins == 1 && commits == 1 && statements_.back().commits;

	for (Statement &statement : statements_)
		if (statement.control && unwrapped_)
		{
			statement.refusal.clear();
			statement.deployable = false;
		}
}

namespace {

void
forbid(Statement &statement, const std::string &reason, const std::string &hint)
{
	statement.refusal = reason;
	statement.hint = hint;
	statement.deployable = false;
}

} // namespace

// Looks for BEGIN and COMMIT without one another, and for what runs by itself between them: mg_deploy cannot run that either, but for COMMIT.
void
Script::pair()
{
	Statement *open = nullptr;

	for (Statement &statement : statements_)
		if (statement.alone && open != nullptr)
			forbid(statement, statement.refusal + ", and stands between BEGIN and COMMIT",
				   "Put it behind COMMIT, or before the BEGIN in line " + std::to_string(open->place.line) + ".");
		else if (statement.control && statement.commits)
		{
			/* As in several statements sent together: it ends the transaction that they are in. */
			if (open == nullptr)
			{
				statement.refusal = "COMMIT without BEGIN in a migration";
				statement.hint =
					"CALL mg_deploy() commits there; else put BEGIN where the transaction is to begin, or leave "
					"COMMIT out.";
			}
			open = nullptr;
		}
		else if (statement.control && open != nullptr)
			forbid(statement, "BEGIN within a transaction in a migration",
				   "COMMIT the transaction that began in line " + std::to_string(open->place.line) +
					   ", or leave this BEGIN out.");
		else if (statement.control)
			open = &statement;
	if (open != nullptr)
		forbid(*open, "BEGIN without COMMIT in a migration", "End the transaction with COMMIT, or leave BEGIN out.");
}

namespace {

// Finds the last "-- expect: VALUE" among the comments from an offset on; one inside a block comment is none.
std::optional<std::string>
find_expectation(std::string_view text, std::size_t offset)
{
	std::optional<std::string> found;

	while (offset < text.size())
	{
		if (text.compare(offset, 2, "/*") == 0)
			offset = end_of_block_comment(text, offset);
		else if (text.compare(offset, 2, "--") == 0)
		{
			std::size_t end = std::min(text.find_first_of("\r\n", offset), text.size());
			std::string_view comment = trim(text.substr(offset + 2, end - offset - 2));
			if (boost::algorithm::istarts_with(comment, "expect:"))
				found = std::string(trim(comment.substr(7)));
			offset = end;
		}
		else
			offset++;
	}
	return found;
}

} // namespace

// A line "-- expect: VALUE" between a statement's last token and the next statement belongs to it.
void
Script::read_expectations()
{
	std::string source(text());

	for (std::size_t i = 0; i < statements_.size(); i++)
	{
		Statement &statement = statements_[i];
		std::size_t next = i + 1 < statements_.size() ? statements_[i + 1].offset : source.size();
		std::string own(source.substr(statement.offset, next - statement.offset));
		int end = pg::guarded([&] {
			TokenScanRaw scan(own.c_str());
			TokenRaw token;
			int last = 0;
			while (scan.next(&token))
				if (token.kind != ';')
					last = token.end;
			return last;
		});
		statement.expect = find_expectation(own, static_cast<std::size_t>(end));
	}
}

const Statement *
Script::first_refused() const
{
	for (const Statement &statement : statements_)
		if (!statement.refusal.empty())
			return &statement;
	return nullptr;
}

const Statement *
Script::first_undeployable() const
{
	for (const Statement &statement : statements_)
		if (!statement.refusal.empty() && !statement.deployable)
			return &statement;
	return nullptr;
}

const Directive *
Script::backfill_at(std::size_t number) const
{
	const int wanted = static_cast<int>(number);
	auto found = std::partition_point(backfills_.begin(), backfills_.end(),
									  [wanted](const Directive &one) { return one.statement < wanted; });

	return found != backfills_.end() && found->statement == wanted ? &*found : nullptr;
}

void
Script::refuse(const Statement &statement, const std::string &reason, const std::string &hint) const
{
	throw UserError("0A000", reason)
		.detail("It is in the " + at_line(what_, statement.place.line) + ": " + pg::excerpt(text_of(statement), 120))
		.hint(hint);
}

void
Script::refuse(const Statement &statement) const
{
	std::string hint = statement.hint;

	if (what_ == "down")
		boost::algorithm::replace_first(hint, "mg_deploy()", "mg_deploy_rollback()");
	refuse(statement, statement.refusal, hint);
}

void
Script::require_runnable() const
{
	const Statement *statement = first_undeployable();

	if (statement == nullptr)
		statement = first_refused();
	if (statement == nullptr)
		return;
	/* mg_deploy runs these two as mg_apply does. */
	if (what_ == "verify" || what_ == "precondition")
		refuse(*statement, statement->refusal, "Leave it out, or move it to the up script.");
	refuse(*statement);
}

void
Script::require_no_secret() const
{
	for (const Statement &statement : statements_)
		if (statement.secret)
			throw UserError("MG007", "literal secret in a migration")
				.detail("It is in the " + at_line(what_, statement.place.line) + ": " + statement.tag +
						" with a password or connection secret. Scripts are kept verbatim.")
				.hint("Set the secret outside the migration, by ALTER ROLE, ALTER USER MAPPING or the like.");
}

std::string
checksum_of(std::string_view body)
{
	std::string normalised = normalise_line_ends(body);
	return pg::guarded([&] { return pg::sha256_hex_of_text_raw(normalised.data(), normalised.size()); });
}

std::string
Script::token_hash() const
{
	std::string source(text());
	pg::MemoryScope memory("migration_governance tokens");
	return pg::guarded([&] {
		MemoryContext outer = MemoryContextSwitchTo(memory.get());
		char *hash = token_hash_raw(source.c_str());
		MemoryContextSwitchTo(outer);
		return pstrdup(hash);
	});
}

} // namespace mg::script
