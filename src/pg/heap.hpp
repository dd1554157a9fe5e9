// Memory of C++ objects, which is not the server's.
#pragma once

namespace mg::pg {

// Gives what is free back to the system. The C library keeps it otherwise, for as long as the session lives.
void return_free_memory();

} // namespace mg::pg
