// Group L: scripts themselves.
#include "lint/rule.hpp"
#include "lint/words.hpp"

#include <algorithm>

namespace mg::lint {

namespace {

void
not_looked_into(const Action &action, Context &context)
{
	/* Once for the statement of a function, however often the script calls it. */
	if (context.has_found() && std::any_of(context.done().begin(), context.done().end(), [&](const Done &done) {
			return done.what == What::unseen && done.name == action.name;
		}))
		return;
	context.report({"what runs here is made at run time, and nobody can tell from the text what it is",
					"mg_rehearse() runs it and tells."});
}

} // namespace

std::vector<Rule>
script_rules()
{
	using S = Severity;
	using W = What;

	return {
		{"not-looked-into",
		 "L",
		 S::info,
		 About::anything,
		 {W::unseen},
		 not_looked_into,
		 "a statement that is made at run time, or a body in another language",
		 "What it locks or drops cannot be read from the script.",
		 "Rehearse the migration."},
		{"conflicts-with-pending",
		 "L",
		 S::warning,
		 About::anything,
		 {},
		 nullptr,
		 "another pending migration touches the same table, view, routine or type",
		 "Which of the two comes first changes what both do, and nobody has said which.",
		 "Let one require the other. Only mg_lint_migration() and mg_plan() tell."},
		{"ignore-unknown-rule",
		 "L",
		 S::warning,
		 About::anything,
		 {},
		 nullptr,
		 "-- mg:ignore with a name that is no rule",
		 "It was meant to ignore something, and does not.",
		 "Take the name from mg_lint_rules()."},
		{"ignore-without-reason",
		 "L",
		 S::warning,
		 About::anything,
		 {},
		 nullptr,
		 "-- mg:ignore without a reason",
		 "Who reads the script later cannot tell whether it still holds. Nothing is ignored.",
		 "Write the reason behind the rule."},
		{"ignore-unused",
		 "L",
		 S::warning,
		 About::anything,
		 {},
		 nullptr,
		 "-- mg:ignore where there is nothing to ignore",
		 "It would hide what comes later.",
		 "Take it out."},
	};
}

} // namespace mg::lint
