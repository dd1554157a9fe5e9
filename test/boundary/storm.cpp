// Measures memory and takes it away.
#include "boundary/storm.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <sys/resource.h>
#include <unistd.h>

#include "boundary/failures.hpp"
#include "pg/query.hpp"

namespace mg::boundary {

namespace {

struct Block
{
	Block *next;
};

// What exhaust() took; the callback of an aborted transaction gives it back.
Block *blocks = nullptr;

// Reads column `column` of /proc/self/statm in bytes.
int64
statm(int column)
{
	long pages[3] = {0};
	FILE *file = fopen("/proc/self/statm", "r");

	if (file == nullptr || fscanf(file, "%ld %ld %ld", &pages[0], &pages[1], &pages[2]) != 3)
		abort();
	fclose(file);
	return static_cast<int64>(pages[column]) * sysconf(_SC_PAGESIZE);
}

// Limits the address space of this process to `bytes` more than it has; 0 takes the limit away.
void
limit_memory(int64 bytes)
{
	rlimit limit;

	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur = bytes == 0 ? limit.rlim_max : static_cast<rlim_t>(statm(0) + bytes);
	setrlimit(RLIMIT_AS, &limit);
}

// Takes every byte that malloc() still has to give.
void
exhaust()
{
	for (size_t size = 1 << 20; size >= sizeof(Block); size /= 2)
		while (auto *block = static_cast<Block *>(malloc(size)))
		{
			block->next = blocks;
			blocks = block;
		}
}

} // namespace

Usage
usage()
{
	return {static_cast<int64>(MemoryContextMemAllocated(TopMemoryContext, true)), statm(1) - statm(2), Witness::alive};
}

std::string
compare(const Usage &early, const Usage &late)
{
	constexpr int64 tolerance = 1024 * 1024;
	std::string text;

	if (late.allocated > early.allocated + tolerance)
		text += "memory contexts grew from " + std::to_string(early.allocated) + " to " +
				std::to_string(late.allocated) + " ";
	if (late.resident > early.resident + tolerance)
		text +=
			"the process grew from " + std::to_string(early.resident) + " to " + std::to_string(late.resident) + " ";
	if (late.witnesses > early.witnesses)
		text += std::to_string(late.witnesses - early.witnesses) + " objects were not destroyed";
	return text;
}

void
release_memory() noexcept
{
	while (blocks != nullptr)
	{
		Block *block = blocks;
		blocks = block->next;
		free(block);
	}
}

} // namespace mg::boundary

using namespace mg::boundary;

// Gives the members of Usage and the number of memory contexts that carry an error.
MG_FUNCTION(boundary_usage)
{
	Usage now = usage();
	int errors = 0;

	for (MemoryContext child = TopMemoryContext->firstchild; child != nullptr; child = child->nextchild)
		errors += strcmp(child->name, "migration_governance error") == 0 ? 1 : 0;
	return mg::pg::composite_datum(fcinfo, {std::to_string(now.allocated), std::to_string(now.resident),
											std::to_string(now.witnesses), std::to_string(errors)});
}

// Fails with no memory left at all: no block of any size can be had until the transaction has been aborted.
MG_FUNCTION(boundary_exhaust)
{
	std::string kind = mg::pg::text_argument(fcinfo, 0).value_or("");
	Witness witness;

	exhaust();
	fail_bare(kind.c_str());
	release_memory();
	PG_RETURN_VOID();
}

// Allocates text in pieces until the limit says no, in std::string or, if asked to, in a memory context.
MG_FUNCTION(boundary_devour)
{
	if (PG_GETARG_BOOL(0))
		mg::pg::guarded([] {
			for (;;)
				memset(palloc(100000), 0, 100000);
		});
	std::string heap;
	for (;;)
		heap.append(100000, 'x');
	PG_RETURN_VOID();
}

MG_FUNCTION(boundary_limit)
{
	limit_memory(PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

// Raises in a catch clause, as no code must, to prove that such a leak is seen.
extern "C" {
PGDLLEXPORT Datum boundary_leak(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(boundary_leak);
Datum boundary_leak([[maybe_unused]] PG_FUNCTION_ARGS)
{
	try
	{
		throw mg::UserError("BD004", std::string(200, 'l'));
	}
	catch (const mg::UserError &error)
	{
		ereport(ERROR, (errcode(MAKE_SQLSTATE('B', 'D', '0', '0', '4')), errmsg_internal("%s", error.what())));
	}
	PG_RETURN_VOID();
}
}
