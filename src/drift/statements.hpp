// Who changed an object, as far as capture saw it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mg::drift {

struct Statement
{
	std::string at;
	std::string by; // login role
	std::string application;
	std::string text;
	std::string identity;
	std::string migration;               // that the session named, or empty
	std::vector<std::string> identities; // all objects that it touched
};

// The newest statement outside migrations, by a transaction not older than `xid`, that touched one of these; statements that
// change no definition (TRUNCATE, CLUSTER, REINDEX, ...) are left out. The first identities are looked for first.
std::optional<Statement> newest_statement(uint64_t xid, const std::vector<std::string> &identities);

// All such statements, newest first, that touched any of these; at most 10,000.
std::vector<Statement> statements_since(uint64_t xid, const std::vector<std::string> &identities);

// Tells whether statements that another tool sent carry a migration's name.
bool has_statements_of(const std::string &migration);

} // namespace mg::drift
