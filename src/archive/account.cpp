// Reads the ledger, and looks ahead.
#include "archive/account.hpp"

#include <algorithm>

#include "archive/source.hpp"
#include "ledger/store.hpp"
#include "pg/storage.hpp"
#include "pg/text.hpp"
#include "policy/policy.hpp"

namespace mg::archive {

namespace {

// Rows of a table that a statement changes without a condition: all of them, whole.
std::optional<Loss>
changed_by(Node *statement)
{
	const RangeVar *named = nullptr;

	if (IsA(statement, DeleteStmt) && castNode(DeleteStmt, statement)->whereClause == nullptr)
		named = castNode(DeleteStmt, statement)->relation;
	if (IsA(statement, UpdateStmt) && castNode(UpdateStmt, statement)->whereClause == nullptr)
		named = castNode(UpdateStmt, statement)->relation;
	if (named == nullptr)
		return std::nullopt;
	const Oid table = pg::guarded([&] { return RangeVarGetRelid(named, NoLock, true); });
	return OidIsValid(table) ? std::optional<Loss>({Kind::rows, table, 0}) : std::nullopt;
}

bool
is_worth_keeping(const Loss &loss, const Source &source)
{
	return loss.kind == Kind::rows ? source.rows >= policy::number("archive_rows") : pg::has_rows(loss.relation);
}

std::string
title_of(const Source &source)
{
	return quoted_name(source) + (source.column.empty() ? "" : "." + pg::quoted_identifier(source.column));
}

} // namespace

std::vector<Account>
accounts_of(int64_t run)
{
	std::vector<Account> result;

	for (const pg::Row &row : ledger::query(
			 "SELECT source, kind, script, rows, counted, bytes, moved,"
			 " discarded_for, rows_restored IS NOT NULL, rows_restored, conflicts, restored_whole FROM mg.archives"
			 " WHERE run_id = $1::bigint AND installation = (SELECT installation FROM mg.current) AND kind <> "
			 "'sequence' ORDER BY id",
			 {std::to_string(run)}))
		result.push_back({*row[0], *row[1], *row[2], std::stoll(row[3].value_or("-1")), row[4] == "t",
						  std::stoll(row[5].value_or("0")), row[6] == "t", row[7], row[8] == "t",
						  std::stoll(row[9].value_or("0")), std::stoll(row[10].value_or("0")), row[11] == "t"});
	return result;
}

std::vector<Estimate>
estimates_of(Node *statement, const std::vector<script::Discard> &discards)
{
	std::vector<Estimate> result;

	if (policy::value_of("archive") == "off")
		return result;
	const DiscardScope scope(discards);
	std::vector<Loss> losses = losses_of(statement).items;
	if (const std::optional<Loss> changed = changed_by(statement))
		losses.push_back(*changed);
	for (const Loss &loss : losses)
	{
		Source source;
		if (loss.kind == Kind::sequence || !describe(loss, source) || is_never_kept(source) ||
			!is_worth_keeping(loss, source))
			continue;
		const bool is_copied = loss.kind != Kind::table && loss.kind != Kind::contents;
		result.push_back(
			{title_of(source), source.bytes, is_copied, refusal_of(source.bytes, is_copied), discarded(source)});
	}
	return result;
}

bool
is_kept_here(const std::string &name)
{
	const std::vector<std::string> never = policy::names("never_archived");

	return policy::value_of("archive") != "off" &&
		   std::none_of(never.begin(), never.end(), [&](const std::string &one) {
			   return one == name || name.compare(0, one.size() + 1, one + ".") == 0;
		   });
}

} // namespace mg::archive
