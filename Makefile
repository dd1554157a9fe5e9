# Builds migration_governance with PGXS; `make demo`, `make test` and `make bench` are in test/test.mk.

PG_CONFIG ?= pg_config
EXTENSION  = migration_governance
MODULE_big = migration_governance
MG_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)
INSTALL_SQL = sql/$(EXTENSION)--$(MG_VERSION).sql

SRCS = $(sort $(wildcard src/*/*.cpp))
OBJS = $(SRCS:.cpp=.o)

DATA_built = $(INSTALL_SQL)
DATA       = $(filter-out $(INSTALL_SQL),$(wildcard sql/$(EXTENSION)--*--*.sql))

REGRESS      = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test --load-extension=$(EXTENSION)

PG_MAJOR    := $(shell $(PG_CONFIG) --version | sed -E 's,^[^0-9]*([0-9]+).*,\1,')
PG_CPPFLAGS  = -Isrc -DMG_VERSION='"$(MG_VERSION)"'
PG_CXXFLAGS  = -std=c++17 -Wall -Wextra -Wshadow -Wno-register -fvisibility=hidden -fvisibility-inlines-hidden
# The server's macros mark exports from 16 on; 15 leaves them empty, so hidden visibility would hide everything.
ifeq ($(PG_MAJOR),15)
PG_CPPFLAGS += -DPGDLLEXPORT='__attribute__((visibility("default")))'
endif
# Templates of Boost and the standard library would be exported whatever the visibility.
SHLIB_LINK   = -lstdc++ -Wl,--version-script=$(CURDIR)/src/entry/exports.map

# Bitcode of our functions would never be inlined, and 15's clang does not know C++17 by default.
override with_llvm := no

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# SHA-256 comes from the library that the server itself uses.
ifneq ($(findstring openssl,$(shell $(PG_CONFIG) --configure)),)
SHLIB_LINK += -lcrypto
endif

# The server's headers are system headers, so that warnings are about this project; core/ does not see them at all.
override CPPFLAGS := $(patsubst -I$(includedir_server),-isystem $(includedir_server),$(CPPFLAGS))
src/core/%.o: override CPPFLAGS = -Isrc

# More options for the compiler, after all others: make MG_CXXFLAGS=-O0
override CXXFLAGS += $(MG_CXXFLAGS)

# Servers are built without --enable-depend, so PGXS tracks no headers.
DEPS = $(OBJS:.o=.d)
src/%.o: src/%.cpp
	$(CXX) $(CXXFLAGS) $(CPPFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@
-include $(DEPS)

$(INSTALL_SQL): $(sort $(wildcard sql/[0-9]*.sql)) $(EXTENSION).control
	cat $(sort $(wildcard sql/[0-9]*.sql)) > $@

# Switching between majors leaves objects of the other one behind.
build_major := $(shell mkdir -p build && [ "$$(cat build/major 2>/dev/null)" = "$(PG_MAJOR)" ] || { echo $(PG_MAJOR) > build/major; find src -name '*.o' -delete; rm -f $(MODULE_big).so; })

EXTRA_CLEAN += $(DEPS)

-include test/test.mk
