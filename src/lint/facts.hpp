// What rules ask of the catalogs beyond the model. Asked as the caller: what one may not see is not there.
#pragma once

#include <string>
#include <vector>

#include "lint/model.hpp"
#include "pg/query.hpp"

namespace mg::lint {

// While one of these is there, what was asked once is not asked again: the catalogs of one moment.
class FactsScope
{
public:
	FactsScope();
	~FactsScope();
	FactsScope(const FactsScope &) = delete;
	FactsScope &operator=(const FactsScope &) = delete;
};

// Runs a query on the system catalogs, of fixed text ($1::oid in it casts a parameter). Its plan is kept.
std::vector<pg::Row> facts(const char *sql, const std::vector<pg::Cell> &params = {});
// The first column of the first row, or nothing.
pg::Cell fact(const char *sql, const std::vector<pg::Cell> &params = {});
pg::Cell cell_of(Oid oid);
// The other way round; InvalidOid or 0 for NULL.
Oid oid_of(const pg::Cell &cell);
int64_t number_of(const pg::Cell &cell);
// The first column as OIDs, without NULLs.
std::vector<Oid> oids(const char *sql, const std::vector<pg::Cell> &params = {});

// An object that needs a relation, or one of its columns.
struct Dependent
{
	std::string
		kind; // as pg_identify_object() says: view, materialized view, index, table constraint, trigger, policy, rule, ...
	std::string title;
	bool is_automatic = false; // goes with it, rather than keep it from being dropped
};

// Those of a relation; `column` 0: of any part of it. Its own indexes, constraints and defaults are automatic.
std::vector<Dependent> dependents_of(Oid relation, int column = 0);

} // namespace mg::lint
