// What other sessions and logical decoding are told when the transaction commits.
#pragma once

#include <string>

#include "pg/boundary.hpp"

namespace mg::pg {

/* NOTIFY_PAYLOAD_MAX_LENGTH of commands/async.c, which no header has; a payload must be shorter. */
constexpr size_t payload_limit = BLCKSZ - NAMEDATALEN - 128;

// Sends a NOTIFY when the transaction commits; with a subtransaction that is undone it is forgotten. Not by NOTIFY itself, which would
// keep the transaction from being prepared for two-phase commit: a prepared one tells nobody.
void notify_at_commit(const char *channel, const std::string &payload);

// Writes a transactional message for logical decoding, where the write-ahead log has what that needs.
void emit_message(const char *prefix, const std::string &message);

} // namespace mg::pg
