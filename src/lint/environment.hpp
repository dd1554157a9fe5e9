// Literals that hold a value of one environment.
#pragma once

#include <string>

namespace mg::lint {

// What kind of such value a literal is: a URL, an e-mail address, an IP address, where to connect to; nullptr for any other. Names that are
// reserved for examples (RFC 2606) are none.
const char *environment_in(const std::string &value);

} // namespace mg::lint
