// Alerts: what somebody should know of, on record and told to whoever listens.
#pragma once

#include <string>
#include <vector>

#include "ledger/store.hpp"

namespace mg::ledger {

struct Alert
{
	std::string kind;           // slow, failure, rollback, verification, drift, tampering, policy, environment, ...
	std::string severity;       // info, warning, high
	std::string migration;      // empty: of none
	std::string message;        // what anybody may read: every role of the database can listen
	std::string details = "{}"; // JSON, for who may read the ledger
};

// Puts an alert on record, and sends it to NOTIFY mg_alerts when the transaction commits; does nothing in a read-only transaction.
void alert(const Alert &alert);

// Its record, for a parcel; `session` as add_session() gives it, `from_now_us` when it will be one.
Fields alert_fields(const Alert &alert, const Fields &session, int64_t from_now_us = 0);
// Writes such a record and sends it.
void append_alert(const Fields &fields);

// What is found again and again until somebody mends it. A fingerprint of what is wrong; empty if nothing is.
struct State
{
	Alert alert; // details are an object, which gains the fingerprint
	std::string fingerprint;
};
// Raises those alerts of one kind whose fingerprint is not that of the last one of their migration: what goes on is told once, and so is
// its end. Never waits for a lock.
void alert_changes(const std::string &kind, const std::vector<State> &states);

} // namespace mg::ledger
