// The text of a new migration: an up script and a down script with headers and a place for the statements.
#pragma once

#include <string>

namespace mg {

// What the headers of a new migration say; blanks and line ends in it become single blanks.
struct TemplateRequest
{
	std::string name;
	std::string kind;
	std::string description;
	std::string author;
	std::string ticket;
	std::string date;
};

// Two scripts without a statement in them.
struct MigrationTemplate
{
	std::string up;
	std::string down;
};

// Writes both scripts; raises UserError 22023 for a kind other than create, alter, drop, seed and fix.
MigrationTemplate write_template(const TemplateRequest &request);

} // namespace mg
