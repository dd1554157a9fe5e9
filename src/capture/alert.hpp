// Alerts about statements: rows of mg.alert.
#pragma once

#include "ledger/alert.hpp"

namespace mg::capture {

// Writes it in this transaction, or to the server log when the table is locked.
void keep_alert(const ledger::Alert &alert);

// Writes it in a transaction of a background worker's, so that it outlives the error that is about to be raised; to the server log when
// there is no worker.
void keep_alert_apart(const ledger::Alert &alert);

} // namespace mg::capture
