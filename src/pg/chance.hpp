// Numbers by chance.
#pragma once

namespace mg::pg {

// A number from 0 to 1, not 1 itself, of the server's own generator: not setseed()'s.
double chance() noexcept;

} // namespace mg::pg
