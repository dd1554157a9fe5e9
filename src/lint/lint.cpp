// Walks a script and asks the rules.
#include "lint/lint.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "lint/bodies.hpp"
#include "lint/facts.hpp"
#include "lint/ignore.hpp"
#include "lint/indexes.hpp"
#include "lint/locks.hpp"
#include "lint/rule.hpp"
#include "lint/settings.hpp"
#include "lint/trees.hpp"
#include "lint/walk.hpp"
#include "lint/words.hpp"
#include "pg/subtransaction.hpp"
#include "pg/text.hpp"
#include "script/discard.hpp"

namespace mg::lint {

namespace {

// How deep bodies within bodies are looked into.
constexpr int max_depth = 4;

bool
is_of_this_major(const Rule &rule)
{
	constexpr int major = PG_VERSION_NUM / 10000;

	return (rule.since == 0 || major >= rule.since) && (rule.until == 0 || major <= rule.until);
}

// Where the statement that is looked at stands.
struct Source
{
	size_t base = 0;   // of its text within the script: locations of its parse tree count from there
	bool exact = true; // false: they count in a text that is not in the script
	bool in_body = false;
	size_t fixed = 0; // where it is told to stand, if not exact
	std::string text; // that the locations count in; empty: the script's
};

class Linter final : public Context
{
public:
	Linter(const script::Script &script, const Options &options, std::vector<Sensitive> *sensitive = nullptr)
		: script_(script), text_(script.text()), options_(options), lines_(script.text()), ignores_(ignores_of(script)),
		  sensitive_(sensitive)
	{
		if (sensitive_ != nullptr)
			discards_ = script::discards_of(script);
		severities_.reserve(rules().size());
		for (const Rule &rule : rules())
			severities_.push_back(is_of_this_major(rule) ? severity_of(rule, options_.severities) : Severity::off);
	}

	void run(const std::vector<const script::Script *> &before)
	{
		for (const script::Script *earlier : before)
		{
			Trees trees{std::string(earlier->text())};
			for (size_t i = 0; i < trees.size(); i++)
				walk(trees[i], model_, [](const Action &) {});
		}
		model_.forget_transaction();

		Trees trees(text_);
		for (size_t i = 0; i < trees.size(); i++)
			statements_.push_back(trees[i]);
		for (size_t i = 0; i < trees.size() && i < script_.statements().size(); i++)
		{
			pg::guarded([] { CHECK_FOR_INTERRUPTS(); });
			next_statement(static_cast<int>(i));
			statement_ = &script_.statements()[i];
			source_ = {};
			source_.fixed = statement_->offset;
			/* Before it there was a commit, and behind it there is one. */
			if (statement_->alone)
				forget_locks();
			look_at(trees[i], 0);
			if (statement_->alone || (statement_->control && !script_.is_unwrapped()))
				forget_locks();
		}
		if (script_.statements().empty())
			return;
		taking_.clear();
		Action end;
		end.what = What::script_end;
		look(end);
		report_ignores();
	}

	// The strongest lock of each table by each statement.
	std::vector<Lock> locks() const
	{
		std::vector<Lock> result;

		for (const Taken &lock : taken_)
		{
			auto known = std::find_if(result.begin(), result.end(), [&](const Lock &one) {
				return one.statement == lock.statement && one.table == lock.table->oid;
			});
			if (known == result.end())
				result.push_back({lock.statement, lock.table->oid, lock.mode});
			else
				known->mode = std::max(known->mode, lock.mode);
		}
		return result;
	}

	Findings findings;

private:
	// At the end of one of the script's transactions.
	void forget_locks()
	{
		held_.clear();
		locked_out_.clear();
		counted_ = taken_.size();
	}

	// Looks at a statement, and at what it runs.
	void look_at(const Node *statement, int depth)
	{
		foresee(statement);
		walk(statement, model_, [&](Action &action) { look(action); });
		taken_.insert(taken_.end(), taking_.begin(), taking_.end());
		taking_.clear();
		if (IsA(statement, CreateFunctionStmt))
			bodies_[names_in(castNode(CreateFunctionStmt, statement)->funcname).back()] = body_of(statement);
		if (depth >= max_depth)
			return;
		if (IsA(statement, DoStmt))
			look_into(body_of(statement), depth);
		else
			for (const std::vector<std::string> &name : calls_of(statement))
				look_into(called(name), depth);
	}

	// The body of a routine, as the script made it or as it is.
	Body called(const std::vector<std::string> &name)
	{
		if (auto made = bodies_.find(name.back()); made != bodies_.end())
		{
			Body body = made->second;
			body.location = -1;
			return body;
		}
		if (auto known = routines_.find(name); known != routines_.end())
			return known->second;
		return routines_[name] = routine_body(name);
	}

	void look_into(const Body &body, int depth)
	{
		if (body.text.empty())
			return;
		const Source outer = source_;
		size_t start = 0;
		const bool exact = body.location >= 0 && outer.exact &&
						   literal_start(text_, outer.base + static_cast<size_t>(body.location), body.text, &start);
		std::vector<Piece> pieces;
		const bool is_read = !pg::try_and_undo([&] {
								  if (body.language == "plpgsql")
									  pieces = pieces_of_block(body.text);
							  }).has_value();
		if (!is_read || body.language != "plpgsql")
			pieces = {{body.text, 0, body.language == "sql", true}};
		for (const Piece &piece : pieces)
		{
			source_ = {};
			source_.in_body = true;
			source_.exact = exact && piece.exact;
			source_.base = start + piece.offset;
			source_.fixed = exact ? start + piece.offset : outer.fixed;
			source_.text = piece.sql;
			look_at_piece(piece, depth);
		}
		source_ = outer;
	}

	void look_at_piece(const Piece &piece, int depth)
	{
		std::optional<Trees> trees;
		if (!piece.seen || pg::try_and_undo([&] { trees.emplace(piece.sql); }).has_value())
		{
			Action unseen;
			unseen.what = What::unseen;
			unseen.name = piece.sql;
			look(unseen);
			return;
		}
		for (size_t i = 0; i < trees->size(); i++)
			look_at((*trees)[i], depth + 1);
	}

	void look(const Action &action)
	{
		action_ = &action;
		for (const Rule *rule : rules_on(action.what))
		{
			rule_ = rule;
			severity_ = severities_[static_cast<size_t>(rule - rules().data())];
			if (severity_ != Severity::off && !is_exempt(*rule, action.table) && !is_left_out(*rule, action))
				rule->check(action, *this);
		}
		if (sensitive_ != nullptr && action.what != What::script_end)
			add_sensitive(action);
		remember(action);
	}

	// Once for each kind and statement.
	void add_sensitive(const Action &action)
	{
		std::vector<Sensitive> found;

		for (const script::Discard &discard : discards_)
			if (discard.statement < 0 || statement_ == &script_.statements()[static_cast<size_t>(discard.statement)])
				found.push_back({"retention", 0, "what it destroys is not kept: " + script::words_of(discard)});
		for (Sensitive &one : sensitive_in(action, statement_text(), options_.sensitivities))
			found.push_back(std::move(one));
		for (Sensitive &one : found)
		{
			one.line = statement_->place.line;
			const bool is_known = std::any_of(sensitive_->begin(), sensitive_->end(), [&](const Sensitive &known) {
				return known.kind == one.kind && known.line == one.line;
			});
			if (!is_known)
				sensitive_->push_back(std::move(one));
		}
	}

	// Of the risk, what a script leaves undone says nothing, unless a comment waits for it to be found.
	bool is_left_out(const Rule &rule, const Action &action) const
	{
		return options_.for_risk && action.what == What::script_end && severity_ == Severity::info && !rule.breaks &&
			   !rule.loses && ignores_.empty();
	}

	void remember(const Action &action)
	{
		if (action.what == What::script_end)
			return;
		done_of_[static_cast<size_t>(action.what)].push_back(done_.size());
		done_.push_back({action.what, action.table, action.other, action.name, number_,
						 static_cast<int>(offset_of(action.location)), source_.in_body ? nullptr : action.statement,
						 source_.in_body ? nullptr : action.part, action.table != nullptr ? action.table->schema : "",
						 action.table != nullptr ? action.table->name : ""});
		if (action.what == What::set_variable || action.what == What::select)
			remember_setting(action.statement);
	}

	void foresee(const Node *statement)
	{
		Action whole;

		whole.what = What::statement;
		whole.statement = statement;
		taking_.clear();
		plan_.reset();
		for (const TableLock &lock : locks_of(whole, model_))
			taking_.push_back({number_, lock.table, lock.mode});
	}

	// What the statements before have locked is held from here on; a rule that asks about one sees what was held before it.
	void next_statement(int number)
	{
		number_ = number;
		for (; counted_ < taken_.size(); counted_++)
		{
			const Taken &lock = taken_[counted_];
			LOCKMODE &mode = held_[lock.table];
			if (lock.mode == AccessExclusiveLock && mode < lock.mode && is_occupied(*lock.table))
				locked_out_.push_back(lock.table);
			mode = std::max(mode, lock.mode);
		}
	}

	LOCKMODE held(const Table &table) const override
	{
		auto found = held_.find(&table);
		return found != held_.end() ? found->second : NoLock;
	}

	const std::vector<Taken> &taken() const override { return taken_; }
	const std::vector<Taken> &taking() const override { return taking_; }
	const std::vector<Table *> &locked_out() const override { return locked_out_; }

	const std::vector<OtherLock> &locks_of_others(const Table &table, LOCKMODE mode) override
	{
		static const std::vector<OtherLock> none;

		if (!is_kept_from(table.oid, mode))
			return none;
		if (!others_.has_value())
			others_ = lint::locks_of_others();
		auto found = others_->find(table.oid);
		return found != others_->end() ? found->second : none;
	}

	bool has_found() const override { return found_.count(rule_) != 0; }
	std::string refusal() const override { return statement_->refusal; }
	bool is_deployable() const override { return statement_->deployable; }
	std::string text_of_statement(int number) const override
	{
		return std::string(script_.text_of(script_.statements()[static_cast<size_t>(number)]));
	}

	const RowsPlan &plan() override
	{
		if (!plan_.has_value())
			plan_ = action_->table != nullptr && plans_++ < max_plans
						? plan_of(action_->statement, *action_->table, model_)
						: RowsPlan();
		return *plan_;
	}

	void remember_setting(const Node *statement)
	{
		for (auto &[name, value] : settings_in(statement))
			settings_[name] = value;
	}

	std::string setting(const std::string &name) const override
	{
		if (auto own = settings_.find(name); own != settings_.end() && own->second.has_value())
			return *own->second;
		const bool is_reset = settings_.count(name) != 0;
		const char *value = pg::guarded([&] {
			return is_reset ? GetConfigOptionResetString(name.c_str()) : GetConfigOption(name.c_str(), true, false);
		});
		return text_of(value);
	}

	size_t offset_of(int location) const
	{
		return source_.exact && location >= 0 ? source_.base + static_cast<size_t>(location) : source_.fixed;
	}

	// The number of the statement that a finding is about: at the end of the script that of its place, or -1.
	int subject_of(const Report &report) const
	{
		if (report.statement >= 0)
			return report.statement;
		if (action_->what != What::script_end || report.location < 0)
			return action_->what != What::script_end ? number_ : -1;
		auto after = std::upper_bound(
			script_.statements().begin(), script_.statements().end(), static_cast<size_t>(report.location),
			[](size_t location, const script::Statement &statement) { return location < statement.offset; });
		return static_cast<int>(after - script_.statements().begin()) - 1;
	}

	std::string excerpt_of(int number) const
	{
		if (number < 0)
			return "";
		const script::Statement &statement = script_.statements()[static_cast<size_t>(number)];
		if (statement.secret)
			return statement.tag;
		return pg::excerpt(number == number_ && action_->what != What::script_end
							   ? statement_text()
							   : std::string(script_.text_of(statement)),
						   200);
	}

	void report(Report report) override
	{
		Finding finding;
		const int subject = subject_of(report);
		const Table *table = report.table != nullptr ? report.table : action_->table;
		const Place place = lines_.place_of(
			report.statement >= 0 ? static_cast<size_t>(std::max(report.location, 0))
								  : offset_of(report.location >= 0 ? report.location : action_->location));

		found_.insert(rule_);
		finding.rule = rule_;
		finding.severity = severity_;
		if (report.deployable && options_.severities.count(rule_->name) == 0 &&
			options_.severities.count(rule_->group) == 0)
			finding.severity = std::min(severity_, Severity::warning);
		finding.number = subject >= 0 ? subject : number_;
		finding.line = place.line;
		finding.column = place.column;
		finding.statement = excerpt_of(subject);
		finding.lock = report.lock;
		finding.work = report.work;
		finding.message = std::move(report.message);
		finding.hint = std::move(report.hint);
		finding.steps = std::move(report.steps);
		finding.afterwards = report.afterwards;
		finding.object = std::move(report.object);
		if (finding.object.empty() && table != nullptr)
		{
			finding.object = table->title();
			finding.bytes = table->bytes;
			finding.rows = table->rows;
			if (options_.with_disk)
				finding.disk = written_bytes(*action_, *table, report.work);
		}
		for (Ignore &ignore : ignores_)
			if (ignore.rule == rule_->name && !ignore.reason.empty() &&
				(ignore.statement < 0 || ignore.statement == subject))
			{
				ignore.used = true;
				finding.is_ignored = true;
				finding.reason = ignore.reason;
			}
		findings.push_back(std::move(finding));
	}

	// Comments that ignore nothing.
	void report_ignores()
	{
		for (const Ignore &ignore : ignores_)
		{
			if (rule_of(ignore.rule) == nullptr)
				report_ignore(ignore, "ignore-unknown-rule",
							  ignore.rule.empty() ? "mg:ignore names no rule"
												  : "mg:ignore names \"" + ignore.rule + "\", which is no rule",
							  "mg_lint_rules() lists them.");
			else if (ignore.reason.empty())
				report_ignore(ignore, "ignore-without-reason", "mg:ignore gives no reason, and ignores nothing",
							  "Write it behind the rule: -- mg:ignore " + ignore.rule +
								  " the table is empty until launch");
			else if (!ignore.used)
				report_ignore(ignore, "ignore-unused",
							  "there is nothing for \"mg:ignore " + ignore.rule + "\" to ignore",
							  "Take the comment out.");
		}
	}

	void report_ignore(const Ignore &ignore, const char *rule, const std::string &message, const std::string &hint)
	{
		Finding finding;

		finding.rule = rule_of(rule);
		finding.severity = severity_of(*finding.rule, options_.severities);
		if (finding.severity == Severity::off)
			return;
		finding.line = ignore.place.line;
		finding.column = ignore.place.column;
		finding.statement = "-- mg:ignore " + ignore.rule;
		finding.message = message;
		finding.hint = hint;
		findings.push_back(std::move(finding));
	}

	Model &model() override { return model_; }
	const std::vector<Done> &done() const override { return done_; }
	const std::vector<size_t> &done_of(What what) const override { return done_of_[static_cast<size_t>(what)]; }
	int statement_number() const override { return number_; }
	const std::vector<const Node *> &statements() const override { return statements_; }
	bool is_backfill() const override { return script_.backfill_at(static_cast<size_t>(number_)) != nullptr; }
	bool is_in_body() const override { return source_.in_body; }

	std::string statement_text() const override
	{
		return source_.text.empty() ? std::string(script_.text_of(*statement_)) : source_.text;
	}

	std::string piece_at(int location) const override
	{
		if (location < 0)
			return "";
		return source_.text.empty() ? piece_of(statement_text(), static_cast<size_t>(location) - statement_->offset)
									: piece_of(source_.text, static_cast<size_t>(location));
	}

	int text_location() const override
	{
		return source_.text.empty() ? static_cast<int>(statement_->offset) : (source_.exact ? 0 : -1);
	}

	const std::vector<Header> &headers() const override { return script_.headers(); }

	bool is_existing(const Table &table) const override
	{
		return !table.made_here && table.persistence != RELPERSISTENCE_TEMP;
	}

	bool is_occupied(const Table &table) const override
	{
		return is_existing(table) && table.bytes > options_.small_bytes;
	}

	// Whether a rule has nothing to say about a table, whatever is done to it: the exemptions of every rule, in one place.
	bool is_exempt(const Rule &rule, const Table *table) const
	{
		if (rule.about == About::anything)
			return false;
		return table == nullptr || (rule.about == About::existing ? !is_existing(*table) : !is_occupied(*table));
	}

	const script::Script &script_;
	const std::string text_;
	const Options &options_;
	std::vector<Severity> severities_; // of the rules in their order; off for other majors too
	const LineIndex lines_;
	std::vector<Ignore> ignores_;
	std::vector<script::Discard> discards_; // when somebody asks for what is sensitive
	std::vector<Sensitive> *sensitive_ = nullptr;
	Model model_;
	std::vector<Done> done_;
	std::array<std::vector<size_t>, static_cast<size_t>(What::count)> done_of_;
	std::optional<std::map<Oid, std::vector<OtherLock>>> others_;
	std::vector<Taken> taken_;
	std::vector<Taken> taking_;
	std::optional<RowsPlan> plan_; // of the statement
	int plans_ = 0;
	size_t counted_ = 0; // of taken_, in held_
	std::map<const Table *, LOCKMODE> held_;
	std::vector<Table *> locked_out_;
	std::set<const Rule *> found_;
	std::map<std::string, std::optional<std::string>> settings_; // nothing: RESET
	std::vector<const Node *> statements_;
	std::map<std::string, Body> bodies_; // of routines that the script makes
	std::map<std::vector<std::string>, Body> routines_;
	const script::Statement *statement_ = nullptr;
	int number_ = 0;
	Source source_;
	const Action *action_ = nullptr;
	const Rule *rule_ = nullptr;
	Severity severity_ = Severity::info;
};

} // namespace

Findings
lint(const script::Script &script, const std::vector<const script::Script *> &before, const Options &options,
	 std::vector<Sensitive> *sensitive)
{
	const FactsScope facts_scope;
	Linter linter(script, options, sensitive);

	linter.run(before);
	std::stable_sort(linter.findings.begin(), linter.findings.end(), [](const Finding &a, const Finding &b) {
		return std::tie(a.line, a.column) < std::tie(b.line, b.column);
	});
	return std::move(linter.findings);
}

std::vector<Lock>
locks(const script::Script &script, const Options &options)
{
	const FactsScope facts_scope;
	Linter linter(script, options);

	linter.run({});
	return linter.locks();
}

} // namespace mg::lint
