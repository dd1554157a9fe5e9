// An error that a person can act on, with everything the server shows about one.
#pragma once

#include <exception>
#include <string>

namespace mg {

// Carries SQLSTATE (five characters), primary message (lower case, no full stop), detail, hint and context to whoever reports it.
class UserError : public std::exception
{
public:
	UserError(std::string sqlstate, std::string message);

	const char *what() const noexcept override { return message_.c_str(); }

	const std::string &sqlstate() const noexcept { return sqlstate_; }
	const std::string &message() const noexcept { return message_; }
	const std::string &detail() const noexcept { return detail_; }
	const std::string &hint() const noexcept { return hint_; }
	const std::string &context() const noexcept { return context_; }

	UserError &detail(std::string text) &;
	UserError &&detail(std::string text) &&;
	UserError &hint(std::string text) &;
	UserError &&hint(std::string text) &&;
	UserError &context(std::string text) &;
	UserError &&context(std::string text) &&;

private:
	std::string sqlstate_;
	std::string message_;
	std::string detail_;
	std::string hint_;
	std::string context_;
};

} // namespace mg
