// The journal of deployments and backfills: each step before it begins and after it has ended, so that whoever comes after a crash knows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/store.hpp"

namespace mg::ledger {

// One record. What is left empty or zero is NULL.
struct JournalEntry
{
	// begun, started, done, batch, blocked, failed, interrupted, resumed, aborting, ended
	std::string event;
	int step = 0; // from 1
	std::string kind;
	int line = 0;
	std::string statement;
	int attempt = 0;
	std::optional<int64_t> rows;
	int64_t duration_us = 0;
	std::string sqlstate;
	std::string error;
	std::string details; // a JSON object
};

// A deployment, or a backfill that belongs to none: it has begun, and whether it has ended is in the journal.
struct Deployment
{
	std::string installation;
	int64_t id = 0;
	std::string migration; // empty: a backfill by itself
	std::string action;    // deploy, roll back, backfill
	std::string details;   // of its begun record
	bool is_own = true;    // begun in this installation: OIDs on record mean something
};

// Begins one: its id is that of the record.
Deployment begin_deployment(const std::string &migration, const std::string &action, const std::string &details);
void append_journal(const Deployment &deployment, const JournalEntry &entry);

// The one of a migration that has not ended, whichever installation closes it; the same of all migrations, oldest first.
std::optional<Deployment> open_deployment(const std::string &migration);
std::vector<Deployment> open_deployments();
// A backfill by itself that has not ended, by the text that its begun record has as `what`.
std::optional<Deployment> open_backfill(const std::string &what);

// The newest record of a step, or of a kind of event of it.
struct JournalRecord
{
	std::string event;
	int attempt;
	std::optional<int> pid;
	std::string details; // {} if it has none
};
std::optional<JournalRecord> newest_entry(const Deployment &deployment, int step, const std::string &event = "");

// The highest step that is done; 0: none.
int steps_done(const Deployment &deployment);

} // namespace mg::ledger
