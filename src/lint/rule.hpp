// Rules: one small function and one row of a table each.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "core/headers.hpp"
#include "lint/action.hpp"
#include "lint/finding.hpp"
#include "lint/others.hpp"
#include "lint/plans.hpp"

namespace mg::lint {

// What a rule's function found. Unless it says otherwise, about the action's table, at the action's place.
struct Report
{
	std::string message;
	std::string hint = ""; // in words; the steps are written behind it
	std::vector<Step> steps = {};
	LOCKMODE lock = NoLock;
	Work work = Work::none;
	const Table *table = nullptr;
	std::string object = ""; // where it is no table; quoted
	int location = -1;
	int statement = -1;      // an earlier one that it is about; the location is then that of the script
	bool afterwards = false; // the steps come behind the statement, not instead of it
	bool deployable = false; // mg_deploy runs what mg_apply refuses: no error, unless the policy names the rule
};

// An action of an earlier statement. The tables are as the model has them now.
struct Done
{
	What what;
	Table *table;
	Table *other;
	std::string name;
	int statement;    // its number in the script, from 0 on
	int location;     // in the script
	const Node *tree; // of its statement; nullptr for one in a body
	const Node *part;
	std::string schema; // of the table, and what it was called then
	std::string title;
};

// A lock of a statement of the script.
struct Taken
{
	int statement;
	Table *table;
	LOCKMODE mode;
};

// What a rule's function may ask, and where it says what it found.
class Context
{
public:
	virtual ~Context() = default;

	virtual void report(Report report) = 0;

	virtual Model &model() = 0;
	// Whether a table was there before the script, and others can see it.
	virtual bool is_existing(const Table &table) const = 0;
	// Whether it also has more than a few rows, so that locks and scans of it matter.
	virtual bool is_occupied(const Table &table) const = 0;
	// Earlier actions of the script, the present one not among them.
	virtual const std::vector<Done> &done() const = 0;
	// Where those of one kind are in it.
	virtual const std::vector<size_t> &done_of(What what) const = 0;
	// The strongest lock that the script has taken on a table before this statement, or NoLock.
	virtual LOCKMODE held(const Table &table) const = 0;
	// The locks of earlier statements, and those of the one that is looked at.
	virtual const std::vector<Taken> &taken() const = 0;
	// What others hold on a table just now, read once for a script.
	virtual const std::vector<OtherLock> &locks_of_others(const Table &table, LOCKMODE mode) = 0;
	virtual const std::vector<Taken> &taking() const = 0;
	// Tables with more than a few rows that nobody else can read, since an earlier statement.
	virtual const std::vector<Table *> &locked_out() const = 0;
	// A setting as it is here: the session's, unless the script sets it.
	virtual std::string setting(const std::string &name) const = 0;
	// Whether this rule has found something in the script already.
	virtual bool has_found() const = 0;
	// What the planner thinks of the present UPDATE, DELETE or INSERT.
	virtual const RowsPlan &plan() = 0;
	virtual int statement_number() const = 0;
	// Why mg_apply cannot run the statement; empty when it can.
	virtual std::string refusal() const = 0;
	// Whether mg_deploy runs it all the same.
	virtual bool is_deployable() const = 0;
	// Whether mg_deploy runs the statement in batches.
	virtual bool is_backfill() const = 0;
	// An earlier statement, by its number.
	virtual std::string text_of_statement(int number) const = 0;
	// All statements of the script, as parsed; statement_number() counts in them.
	virtual const std::vector<const Node *> &statements() const = 0;
	// Whether the statement is in the body of a DO block or function, and need not run.
	virtual bool is_in_body() const = 0;

	// The text of the statement, and the piece of it that begins at a location of its parse tree: up to the next comma, semicolon or closing
	// parenthesis that is not within parentheses.
	virtual std::string statement_text() const = 0;
	virtual std::string piece_at(int location) const = 0;
	// The location, as in the parse tree, of the first byte of statement_text(); negative where that is not in the script.
	virtual int text_location() const = 0;

	// What the script says about itself.
	virtual const std::vector<Header> &headers() const = 0;
};

// Whose tables a rule leaves alone. Small ones are those of lint_small_table at most.
enum class About
{
	anything, // every table, also new and empty ones
	existing, // not those that the script made, or temporary ones
	occupied  // those among them with more than a few rows
};

struct Rule
{
	const char *name; // kebab case
	const char *group;
	Severity severity;
	About about;
	std::vector<What> on;
	void (*check)(const Action &action, Context &context); // nullptr: the linter itself finds it
	const char *summary;                                   // what is found
	const char *why;
	const char *safe;    // what to do instead
	int since = 0;       // first major that it is true of
	int until = 0;       // last one
	bool breaks = false; // an application written for the old schema trips over it
	bool loses = false;  // rows or values are gone
};

// A rule on what an application written for the old schema trips over.
inline Rule
breaking(Rule rule)
{
	rule.breaks = true;
	return rule;
}

// Every rule, in the order of README.
const std::vector<Rule> &rules();
// Those that look at such an action.
const std::vector<const Rule *> &rules_on(What what);

// By name, or nullptr.
const Rule *rule_of(const std::string &name);

// The groups.
std::vector<Rule> constraint_rules();    // A
std::vector<Rule> reference_rules();     // A
std::vector<Rule> domain_rules();        // A
std::vector<Rule> column_rules();        // B
std::vector<Rule> column_change_rules(); // B
std::vector<Rule> type_rules();          // C
std::vector<Rule> index_rules();         // D
std::vector<Rule> partition_rules();     // E
std::vector<Rule> inheritance_rules();   // E
std::vector<Rule> destruction_rules();   // F
std::vector<Rule> loss_rules();          // F
std::vector<Rule> rename_rules();        // F
std::vector<Rule> callable_rules();      // F
std::vector<Rule> transaction_rules();   // G
std::vector<Rule> row_rules();           // H
std::vector<Rule> design_rules();        // I
std::vector<Rule> enum_rules();          // I
std::vector<Rule> publication_rules();   // I
std::vector<Rule> policy_rules();        // J
std::vector<Rule> function_rules();      // J
std::vector<Rule> privilege_rules();     // J
std::vector<Rule> routine_rules();       // K
std::vector<Rule> style_rules();         // T
std::vector<Rule> naming_rules();        // T
std::vector<Rule> script_rules();        // L

} // namespace mg::lint
