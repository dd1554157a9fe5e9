// Hands a piece of text to a background worker of this database, which works in a transaction of its own.
#pragma once

#include <string>

#include "pg/boundary.hpp"

namespace mg::pg {

enum class WorkerOutcome
{
	done,
	no_slot, // max_worker_processes is used up
	failed,
	timed_out
};

// Starts a worker for the payload and waits until it is done, at most `timeout_ms`. Does not raise, checks no interrupts
// and needs no catalog: it may be called while an error is on its way through C++.
WorkerOutcome run_in_worker(const std::string &payload, int timeout_ms) noexcept;

// The body of the worker: connects to the caller's database and runs `job` on the payload in one transaction.
// `job` is plain server code and may raise.
using WorkerJob = void (*)(const char *payload, size_t length);
void worker_body_raw(Datum argument, WorkerJob job);

// The parts of which workers are made. `function` of this library gets the handle of the segment; `purpose` ends the worker's name.
// Registers a worker; when no slot is free, waits for one at most that long, since watchdogs soon give theirs back.
bool register_worker_raw(BackgroundWorker *worker, BackgroundWorkerHandle **handle, int timeout_ms);
BackgroundWorker describe_worker_raw(const char *function, const char *purpose, dsm_segment *segment);
// The segment, or nullptr when whoever made it is gone.
dsm_segment *attach_worker_raw(Datum argument, pqsigfunc on_sigterm);
void connect_worker_raw(Oid database);
void do_job_raw(const char *payload, size_t length, WorkerJob job);

} // namespace mg::pg
