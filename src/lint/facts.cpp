// Asks by SQL.
#include "lint/facts.hpp"

#include <cstdlib>
#include <map>
#include <optional>

namespace mg::lint {

namespace {

/* Answers by question, its parameters behind it; statements are literals, so that their address is enough. */
using Answers = std::map<std::pair<const char *, std::vector<pg::Cell>>, std::vector<pg::Row>>;
constexpr size_t most_answers = 20000;
std::optional<Answers> answers;

} // namespace

FactsScope::FactsScope()
{
	answers.emplace();
}

FactsScope::~FactsScope()
{
	answers.reset();
}

std::vector<pg::Row>
facts(const char *sql, const std::vector<pg::Cell> &params)
{
	auto ask_server = [&] { return pg::query_as(pg::guarded([] { return GetUserId(); }), sql, params); };

	if (!answers.has_value())
		return ask_server();
	auto known = answers->find({sql, params});
	if (known == answers->end())
	{
		std::vector<pg::Row> rows = ask_server();
		if (answers->size() >= most_answers)
			answers->clear();
		known = answers->insert({{sql, params}, std::move(rows)}).first;
	}
	return known->second;
}

pg::Cell
fact(const char *sql, const std::vector<pg::Cell> &params)
{
	std::vector<pg::Row> rows = facts(sql, params);
	return rows.empty() ? pg::Cell() : rows[0][0];
}

pg::Cell
cell_of(Oid oid)
{
	return std::to_string(oid);
}

Oid
oid_of(const pg::Cell &cell)
{
	return static_cast<Oid>(number_of(cell));
}

int64_t
number_of(const pg::Cell &cell)
{
	return cell.has_value() ? std::strtoll(cell->c_str(), nullptr, 10) : 0;
}

std::vector<Oid>
oids(const char *sql, const std::vector<pg::Cell> &params)
{
	std::vector<Oid> result;

	for (const pg::Row &row : facts(sql, params))
		if (row[0].has_value())
			result.push_back(oid_of(row[0]));
	return result;
}

std::vector<Dependent>
dependents_of(Oid relation, int column)
{
	/* A view hangs on its rule, and the rule on what the view reads. */
	constexpr const char *sql =
		"SELECT DISTINCT i.type, i.identity, bool_or(d.deptype IN ('a', 'i', 'P', 'S')) "
		"FROM (SELECT coalesce(CASE WHEN r.oid IS NOT NULL THEN 'pg_class'::regclass END, d.classid)::oid AS classid, "
		"             coalesce(r.ev_class, d.objid) AS objid, d.deptype "
		"      FROM pg_depend d LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid "
		"      WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid AND d.deptype <> 'e' "
		"            AND ($2::int = 0 OR d.refobjsubid = $2::int)) d, "
		"     LATERAL pg_identify_object(d.classid, d.objid, 0) i "
		"WHERE i.identity IS NOT NULL AND i.type NOT IN ('type', 'composite type', 'toast table') AND d.objid <> "
		"$1::oid "
		"GROUP BY 1, 2 ORDER BY 1, 2";
	std::vector<Dependent> result;

	if (!OidIsValid(relation))
		return result;
	for (const pg::Row &row : facts(sql, {cell_of(relation), std::to_string(column)}))
		result.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or("") == "t"});
	return result;
}

} // namespace mg::lint
