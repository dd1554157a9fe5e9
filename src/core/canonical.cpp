// The length before each value is what makes the encoding unambiguous.
#include "core/canonical.hpp"

#include <stdexcept>

namespace mg {

void
CanonicalEncoder::field(std::string_view name, std::optional<std::string_view> value)
{
	if (name.empty() || name.find_first_of("=\n") != std::string_view::npos)
		throw std::invalid_argument("a canonical field needs a name without '=' and line feed");
	if (!value)
		return;
	text_.append(name).append("=").append(std::to_string(value->size())).append(":").append(*value).append("\n");
}

} // namespace mg
