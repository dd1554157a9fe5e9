// Follows the transactions of a script.
#include "script/steps.hpp"

#include <algorithm>

#include "script/backfill.hpp"

namespace mg::script {

namespace {

class Cutter
{
public:
	explicit Cutter(const Script &script) : script_(script) {}

	std::vector<Step> cut()
	{
		const std::vector<Statement> &statements = script_.statements();

		for (std::size_t i = 0; i < statements.size(); i++)
		{
			const Statement &statement = statements[i];
			if (statement.control)
				statement.commits ? commit(i) : begin(i);
			else if (statement.alone || is_backfill(i))
				by_itself(i);
			else
				add(i);
			if (statement.adds_enum_value && begin_ == nullptr)
				close();
		}
		if (begin_ != nullptr)
			script_.refuse(*begin_, "BEGIN without COMMIT in a migration",
						   "End the transaction with COMMIT, or leave BEGIN out.");
		close();
		return std::move(steps_);
	}

private:
	void begin(std::size_t i)
	{
		if (begin_ != nullptr)
			script_.refuse(script_.statements()[i], "BEGIN within a transaction in a migration",
						   "COMMIT the transaction that began in line " + std::to_string(begin_->place.line) +
							   ", or leave this BEGIN out.");
		/* What stands before a BEGIN that is otherwise around the script is in the same transaction for mg_apply as well. */
		if (!script_.is_unwrapped())
			close();
		begin_ = &script_.statements()[i];
		extend(i);
	}

	void commit(std::size_t i)
	{
		if (begin_ == nullptr)
			script_.refuse(script_.statements()[i], "COMMIT without BEGIN in a migration",
						   "Put BEGIN where the transaction is to begin, or leave COMMIT out.");
		extend(i);
		begin_ = nullptr;
		close();
	}

	void add(std::size_t i)
	{
		extend(i);
		is_empty_ = false;
	}

	void by_itself(std::size_t i)
	{
		const Statement &statement = script_.statements()[i];
		const bool batches = !statement.alone;

		if (begin_ != nullptr)
			script_.refuse(statement,
						   batches ? "an UPDATE in batches cannot run between BEGIN and COMMIT"
								   : statement.refusal + ", and stands between BEGIN and COMMIT",
						   "Put it behind COMMIT, or before the BEGIN in line " + std::to_string(begin_->place.line) +
							   (batches ? "; without -- mg:backfill it runs as one statement." : "."));
		close();
		steps_.push_back({batches ? Step::Kind::backfill : Step::Kind::alone, i, i});
	}

	void extend(std::size_t i)
	{
		if (!is_open_)
			open_ = {Step::Kind::transaction, i, i};
		open_.last = i;
		is_open_ = true;
	}

	void close()
	{
		if (is_open_ && !is_empty_)
			steps_.push_back(open_);
		is_open_ = false;
		is_empty_ = true;
	}

	bool is_backfill(std::size_t i) const
	{
		return std::any_of(script_.backfills().begin(), script_.backfills().end(),
						   [i](const Directive &one) { return one.statement == static_cast<int>(i); });
	}

	const Script &script_;
	std::vector<Step> steps_;
	Step open_ = {Step::Kind::transaction, 0, 0};
	bool is_open_ = false;
	bool is_empty_ = true;
	const Statement *begin_ = nullptr; // of the transaction that is open
};

} // namespace

std::vector<Step>
steps_of(const Script &script)
{
	if (const Statement *statement = script.first_undeployable())
		script.refuse(*statement);
	require_backfills(script);
	return Cutter(script).cut();
}

} // namespace mg::script
