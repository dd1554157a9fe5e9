// Follows the transactions of a script.
#include "script/steps.hpp"

#include "script/backfill.hpp"
#include "script/discard.hpp"

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
			else if (statement.alone || script_.backfill_at(i) != nullptr)
				by_itself(i);
			else
				add(i);
			if (statement.adds_enum_value && begin_ == nullptr)
				close();
		}
		close();
		return std::move(steps_);
	}

private:
	void begin(std::size_t i)
	{
		/* What stands before a BEGIN that is otherwise around the script is in the same transaction for mg_apply as well. */
		if (!script_.is_unwrapped())
			close();
		begin_ = &script_.statements()[i];
		extend(i);
	}

	void commit(std::size_t i)
	{
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

		if (begin_ != nullptr)
			script_.refuse(statement, "an UPDATE in batches cannot run between BEGIN and COMMIT",
						   "Put it behind COMMIT, or before the BEGIN in line " + std::to_string(begin_->place.line) +
							   "; without -- mg:backfill it runs as one statement.");
		close();
		steps_.push_back({statement.alone ? Step::Kind::alone : Step::Kind::backfill, i, i});
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
	discards_of(script);
	return Cutter(script).cut();
}

} // namespace mg::script
