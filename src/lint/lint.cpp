// Walks a script and asks the rules.
#include "lint/lint.hpp"

#include <algorithm>

#include "lint/rule.hpp"
#include "lint/walk.hpp"
#include "pg/memory.hpp"
#include "pg/text.hpp"

namespace mg::lint {

namespace {

// The parse trees of a script, which live as long as this.
class Trees
{
public:
	explicit Trees(const script::Script &script) : memory_("migration_governance lint"), text_(script.text())
	{
		trees_ = pg::guarded([&] {
			MemoryContext outer = MemoryContextSwitchTo(memory_.get());
			List *found = raw_parser(text_.c_str(), RAW_PARSE_DEFAULT);
			MemoryContextSwitchTo(outer);
			return found;
		});
	}

	size_t size() const { return static_cast<size_t>(list_length(trees_)); }
	const Node *operator[](size_t i) const
	{
		return static_cast<RawStmt *>(list_nth(trees_, static_cast<int>(i)))->stmt;
	}

private:
	pg::MemoryScope memory_;
	const std::string text_;
	List *trees_;
};

bool
is_of_this_major(const Rule &rule)
{
	constexpr int major = PG_VERSION_NUM / 10000;

	return (rule.since == 0 || major >= rule.since) && (rule.until == 0 || major <= rule.until);
}

class Linter final : public Context
{
public:
	Linter(const script::Script &script, const Options &options)
		: script_(script), options_(options), lines_(script.text())
	{
	}

	void run(const std::vector<const script::Script *> &before)
	{
		for (const script::Script *earlier : before)
		{
			Trees trees(*earlier);
			for (size_t i = 0; i < trees.size(); i++)
				walk(trees[i], model_, [](const Action &) {});
		}
		forget_transaction();

		Trees trees(script_);
		for (size_t i = 0; i < trees.size() && i < script_.statements().size(); i++)
		{
			pg::guarded([] { CHECK_FOR_INTERRUPTS(); });
			statement_ = &script_.statements()[i];
			walk(trees[i], model_, [&](Action &action) { look(action); });
		}
		if (script_.statements().empty())
			return;
		Action end;
		end.what = What::script_end;
		look(end);
	}

	std::vector<Finding> findings;

private:
	// What was made in an earlier migration is committed by now.
	void forget_transaction()
	{
		for (const std::unique_ptr<Table> &table : model_.tables())
			for (TableConstraint &constraint : table->constraints)
				constraint.made_here = false;
	}

	void look(const Action &action)
	{
		action_ = &action;
		for (const Rule *rule : rules_on(action.what))
		{
			rule_ = rule;
			if (is_of_this_major(*rule) && !is_exempt(*rule, action.table))
				rule->check(action, *this);
		}
	}

	void report(const std::string &message, const std::string &hint, LOCKMODE lock) override
	{
		Finding finding;
		Place place = statement_->place;

		if (action_->location >= 0)
			place = lines_.place_of(static_cast<size_t>(action_->location));
		finding.rule = rule_;
		finding.severity = rule_->severity;
		finding.line = place.line;
		finding.column = place.column;
		finding.statement = statement_->secret ? statement_->tag : pg::excerpt(script_.text_of(*statement_), 200);
		finding.lock = lock;
		finding.message = message;
		finding.hint = hint;
		if (action_->table != nullptr)
		{
			finding.object = action_->table->title();
			finding.bytes = action_->table->bytes;
			finding.rows = action_->table->rows;
		}
		findings.push_back(std::move(finding));
	}

	Model &model() override { return model_; }

	bool is_occupied(const Table &table) const override
	{
		return is_existing(table) && table.bytes > options_.small_bytes;
	}

	static bool is_existing(const Table &table) { return !table.made_here && table.persistence != RELPERSISTENCE_TEMP; }

	// Whether a rule has nothing to say about a table, whatever is done to it: the exemptions of every rule, in one place.
	bool is_exempt(const Rule &rule, const Table *table) const
	{
		if (rule.about == About::anything)
			return false;
		return table == nullptr || (rule.about == About::existing ? !is_existing(*table) : !is_occupied(*table));
	}

	const script::Script &script_;
	const Options &options_;
	const LineIndex lines_;
	Model model_;
	const script::Statement *statement_ = nullptr;
	const Action *action_ = nullptr;
	const Rule *rule_ = nullptr;
};

} // namespace

const char *
word_of(Severity severity)
{
	switch (severity)
	{
		case Severity::error:
			return "error";
		case Severity::warning:
			return "warning";
		case Severity::info:
			break;
	}
	return "info";
}

std::vector<Finding>
lint(const script::Script &script, const std::vector<const script::Script *> &before, const Options &options)
{
	Linter linter(script, options);

	linter.run(before);
	std::stable_sort(linter.findings.begin(), linter.findings.end(), [](const Finding &a, const Finding &b) {
		return std::tie(a.line, a.column) < std::tie(b.line, b.column);
	});
	return std::move(linter.findings);
}

} // namespace mg::lint
