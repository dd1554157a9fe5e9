// Cuts bodies with the server's scanner: PL/pgSQL has the same tokens as SQL.
#include "lint/bodies.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "lint/ask.hpp"
#include "lint/nodes.hpp"
#include "lint/words.hpp"
#include "pg/memory.hpp"
#include "pg/subtransaction.hpp"
#include "script/tokens.hpp"

namespace mg::lint {

namespace {

using script::Token;

bool
begins_sql(const std::string &word)
{
	static const std::array<const char *, 31> words = {
		"alter",  "analyze", "call",     "cluster", "comment", "copy",   "create", "delete",
		"do",     "drop",    "grant",    "import",  "insert",  "listen", "lock",   "merge",
		"notify", "perform", "reassign", "refresh", "reindex", "reset",  "revoke", "security",
		"select", "set",     "truncate", "update",  "vacuum",  "values", "with"};

	return std::any_of(words.begin(), words.end(), [&](const char *one) { return word == one; });
}

// Goes through the tokens of a block.
class Block
{
public:
	explicit Block(const std::string &body) : body_(body), tokens_(script::tokens_of(body)) {}

	std::vector<Piece> pieces()
	{
		while (at_ < tokens_.size())
			statement();
		return std::move(pieces_);
	}

private:
	const std::string &word() const { return tokens_[at_].word; }

	// The number of the next token, from the present one on, that ends what begins there.
	template <typename Is>
	size_t find(Is &&is) const
	{
		int depth = 0;
		for (size_t i = at_; i < tokens_.size(); i++)
		{
			if (tokens_[i].kind == '(' || tokens_[i].kind == '[')
				depth++;
			else if (tokens_[i].kind == ')' || tokens_[i].kind == ']')
				depth--;
			else if (depth <= 0 && is(tokens_[i]))
				return i;
		}
		return tokens_.size();
	}

	void skip_to(const char *word)
	{
		at_ = std::min(tokens_.size(),
					   find([&](const Token &token) { return token.word == word || token.kind == ';'; }) + 1);
	}

	void statement()
	{
		if (word() == "declare")
			skip_declarations();
		else if (word() == "begin" || word() == "else" || word() == "loop" || word() == "then" ||
				 tokens_[at_].kind == ';')
			at_++;
		else if (word() == "if" || word() == "elsif" || word() == "elseif" || word() == "when" || word() == "case")
			skip_to("then");
		else if (word() == "for" || word() == "while" || word() == "foreach")
			skip_to("loop");
		else if (word() == "execute")
			dynamic();
		else if (begins_sql(word()))
			sql();
		else if (word() == "exception" && at_ + 1 < tokens_.size() && tokens_[at_ + 1].word == "when")
			at_++;
		else
			skip_to("");
	}

	void skip_declarations()
	{
		at_ = std::min(tokens_.size(), find([](const Token &token) { return token.word == "begin"; }));
	}

	size_t end_of_statement() const
	{
		return find([](const Token &token) { return token.kind == ';'; });
	}

	void sql()
	{
		const size_t end = end_of_statement();
		const size_t start = tokens_[at_].start;
		Piece piece;

		piece.offset = start;
		piece.sql = body_.substr(start, tokens_[end - 1].end - start);
		if (word() == "perform")
			piece.sql.replace(0, 7, "SELECT ");
		/* INTO is PL/pgSQL's own where it does not belong to INSERT or MERGE: what it names is no part of the statement. */
		for (size_t i = at_ + 1; i < end; i++)
			if (tokens_[i].word == "into" && tokens_[i - 1].word != "insert" && tokens_[i - 1].word != "merge")
			{
				blank_target(i, end, &piece.sql, start);
				break;
			}
		pieces_.push_back(std::move(piece));
		at_ = end;
	}

	// Overwrites INTO STRICT a, b.c with blanks.
	void blank_target(size_t into, size_t end, std::string *sql, size_t start) const
	{
		size_t last = into + 1;

		if (last < end && tokens_[last].word == "strict")
			last++;
		while (last + 1 < end && (tokens_[last + 1].kind == ',' || tokens_[last + 1].kind == '.' ||
								  tokens_[last].kind == ',' || tokens_[last].kind == '.'))
			last++;
		if (last < end)
			std::fill(sql->begin() + static_cast<long>(tokens_[into].start - start),
					  sql->begin() + static_cast<long>(tokens_[last].end - start), ' ');
	}

	void dynamic()
	{
		const size_t end = end_of_statement();
		Piece piece;

		piece.offset = tokens_[at_].start;
		piece.exact = false;
		const bool is_literal = at_ + 1 < end && tokens_[at_ + 1].is_string &&
								(at_ + 2 == end || tokens_[at_ + 2].word == "using" || tokens_[at_ + 2].word == "into");
		piece.seen = is_literal;
		piece.sql = is_literal ? tokens_[at_ + 1].value
							   : body_.substr(tokens_[at_].start, tokens_[end - 1].end - tokens_[at_].start);
		pieces_.push_back(std::move(piece));
		at_ = end;
	}

	const std::string &body_;
	const std::vector<Token> tokens_;
	std::vector<Piece> pieces_;
	size_t at_ = 0;
};

// What the options of a statement say.
Body
body_in(const List *options, const std::string &otherwise)
{
	Body body;
	ListCell *cell;

	body.language = otherwise;
	foreach (cell, options)
	{
		const auto *option = lfirst_node(DefElem, cell);
		if (strcmp(option->defname, "language") == 0)
			body.language = strVal(option->arg);
		if (strcmp(option->defname, "as") != 0)
			continue;
		const Node *value = option->arg;
		if (IsA(value, List))
		{
			/* C functions have a file and a name. */
			if (list_length(castNode(List, value)) != 1)
				return {};
			value = static_cast<const Node *>(linitial(castNode(List, value)));
		}
		body.text = strVal(value);
		body.location = option->location;
	}
	return body;
}

} // namespace

std::vector<Piece>
pieces_of_block(const std::string &body)
{
	return Block(body).pieces();
}

std::vector<script::Token>
body_tokens(const std::string &body)
{
	std::vector<script::Token> result;

	(void)pg::try_and_undo([&] { result = script::tokens_of(body); });
	return result;
}

Body
body_of(const Node *statement)
{
	if (IsA(statement, DoStmt))
		return body_in(castNode(DoStmt, statement)->args, "plpgsql");
	if (IsA(statement, CreateFunctionStmt))
		return body_in(castNode(CreateFunctionStmt, statement)->options, "sql");
	return {};
}

bool
literal_start(const std::string &script, size_t location, const std::string &value, size_t *start)
{
	size_t quote = script.find_first_of("$'", location);

	if (quote == std::string::npos)
		return false;
	if (script[quote] == '$')
		quote = script.find('$', quote + 1);
	if (quote == std::string::npos || script.compare(quote + 1, value.size(), value) != 0)
		return false;
	*start = quote + 1;
	return true;
}

std::vector<std::vector<std::string>>
calls_of(const Node *statement)
{
	std::vector<std::vector<std::string>> result;

	if (IsA(statement, CallStmt))
		return {names_in(castNode(CallStmt, statement)->funccall->funcname)};
	if (IsA(statement, ExplainStmt))
		return calls_of(castNode(ExplainStmt, statement)->query);
	if (IsA(statement, CreateTableAsStmt))
		return calls_of(castNode(CreateTableAsStmt, statement)->query);
	if (!IsA(statement, SelectStmt) && !IsA(statement, InsertStmt) && !IsA(statement, UpdateStmt) &&
		!IsA(statement, DeleteStmt) && !IsA(statement, MergeStmt))
		return result;
	for (const Node *call : nodes_in(statement, T_FuncCall))
		if (std::vector<std::string> name = names_in(castNode(FuncCall, call)->funcname);
			std::find(result.begin(), result.end(), name) == result.end())
			result.push_back(std::move(name));
	return result;
}

Body
routine_body(const std::vector<std::string> &name)
{
	struct Found
	{
		const char *language;
		const char *text;
	};
	pg::MemoryScope memory("migration_governance routine");
	/* A schema may be out of the caller's reach, and so is what it has. */
	Found found = ask(Found{nullptr, nullptr}, [&]() -> Found {
		MemoryContext before = MemoryContextSwitchTo(memory.get());
		Found result = {nullptr, nullptr};
		List *names = NIL;
		for (const std::string &part : name)
			names = lappend(names, makeString(pstrdup(part.c_str())));
		FuncCandidateList candidates = FuncnameGetCandidates(names, -1, NIL, false, false, false, true);
		/* The server's own and the procedural languages' are nobody's migration. */
		if (candidates != nullptr && candidates->next == nullptr && candidates->oid >= FirstNormalObjectId)
		{
			HeapTuple row = SearchSysCache1(PROCOID, ObjectIdGetDatum(candidates->oid));
			if (HeapTupleIsValid(row))
			{
				bool is_null;
				auto *form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(row));
				Datum source = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &is_null);
				result.language = get_language_name(form->prolang, true);
				if (!is_null)
					result.text = text_to_cstring(DatumGetTextPP(source));
				ReleaseSysCache(row);
			}
		}
		MemoryContextSwitchTo(before);
		return result;
	});
	Body body;

	if (found.language != nullptr && found.text != nullptr &&
		(strcmp(found.language, "plpgsql") == 0 || strcmp(found.language, "sql") == 0))
	{
		body.language = found.language;
		body.text = found.text;
	}
	return body;
}

} // namespace mg::lint
