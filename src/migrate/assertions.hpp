// Assertions for tests of databases: lines in the Test Anything Protocol, counted by pgTAP where that is installed.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mg::migrate {

// Gives "ok 3 - description" or "not ok ...", with the diagnostics behind a failure as lines "# ...". With pgTAP in this
// database its ok() counts and words the line, and raises what it raises without a plan; else the line has no number.
std::string tap_line(bool ok, const std::string &description, const std::vector<std::string> &diagnostics);

// A text for a description of ours: a "#" in it would begin a directive, which can turn a failure into a success.
std::string tap_text(const std::string &text);

// Passes when a migration is applied, or not applied, as wanted.
std::string assert_applied(const std::string &migration, bool wanted, const std::optional<std::string> &description);

// Passes when mg_verify() finds nothing wrong: in one migration, or (nothing) anywhere.
std::string assert_verifies(const std::optional<std::string> &migration, const std::optional<std::string> &description);

// Passes when mg_drift_report() has no row.
std::string assert_no_drift(const std::optional<std::string> &description);

// Passes when the linter finds nothing in a script of that severity or a graver one; raises 22023 for a severity that is none.
std::string assert_lints(const std::string &script, const std::string &severity,
						 const std::optional<std::string> &description);

} // namespace mg::migrate
