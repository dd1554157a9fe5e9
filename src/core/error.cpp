// Construction and the fluent setters of UserError.
#include "core/error.hpp"

#include <utility>

namespace mg {

// Makes an error; a SQLSTATE that is not five characters long becomes XX000, since it is our bug.
UserError::UserError(std::string sqlstate, std::string message)
	: sqlstate_(sqlstate.size() == 5 ? std::move(sqlstate) : "XX000"), message_(std::move(message))
{
}

// Sets the DETAIL: whole sentences with capital letter and full stop.
UserError &
UserError::detail(std::string text) &
{
	detail_ = std::move(text);
	return *this;
}

// Sets the DETAIL of an error that is about to be thrown.
UserError &&
UserError::detail(std::string text) &&
{
	detail_ = std::move(text);
	return std::move(*this);
}

// Sets the HINT: what to do about it, in whole sentences.
UserError &
UserError::hint(std::string text) &
{
	hint_ = std::move(text);
	return *this;
}

// Sets the HINT of an error that is about to be thrown.
UserError &&
UserError::hint(std::string text) &&
{
	hint_ = std::move(text);
	return std::move(*this);
}

// Sets the CONTEXT: what was being done when it happened.
UserError &
UserError::context(std::string text) &
{
	context_ = std::move(text);
	return *this;
}

// Sets the CONTEXT of an error that is about to be thrown.
UserError &&
UserError::context(std::string text) &&
{
	context_ = std::move(text);
	return std::move(*this);
}

} // namespace mg
