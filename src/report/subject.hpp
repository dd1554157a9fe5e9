// A migration as its checklist sees it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/surroundings.hpp"
#include "pg/query.hpp"

namespace mg::report {

// What takes its time is looked up when the first item wants it.
class Subject
{
public:
	explicit Subject(const migrate::Migration &migration);

	const migrate::Migration &migration;
	migrate::Surroundings surroundings;
	std::string bundle;
	bool is_applied = false;

	// The run that applied it, if it is applied.
	struct Run
	{
		std::string installation;
		int64_t id = 0;
		std::string at;
		std::string started_at;
		std::string by;
		int64_t duration_us = 0;
		pg::Cell size;
		pg::Cell locks; // how many
		pg::Cell risk;
		std::string queries; // of the verification that passed
	};
	Run run;

	// Rows of mg_verify().
	const std::vector<pg::Row> &verification();
	// The newest rehearsal of the scripts before the run; while there is none, the newest, if it is fresh.
	struct Rehearsal
	{
		std::string id;
		std::string at;
		std::string by;
		std::string verdict;
		pg::Cell up_us;
		pg::Cell down_us;
		std::string stale;
	};
	const std::optional<Rehearsal> &rehearsal();
	// Until when evidence counts: the beginning of the run, or now.
	pg::Cell until() const { return is_applied ? pg::Cell(run.started_at) : pg::Cell(); }

private:
	std::optional<std::vector<pg::Row>> verification_;
	std::optional<std::optional<Rehearsal>> rehearsal_;
};

} // namespace mg::report
