// What each statement of the first script did, for plans.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "migrate/runner.hpp"
#include "rehearse/large.hpp"
#include "rehearse/observer.hpp"

namespace mg::rehearse {

// One statement as it ran; relations by the names they had before.
struct Step
{
	std::string phase; // up or down
	int line;
	std::string statement; // shortened, without secrets
	int64_t duration_us;
	int64_t rows;
	std::vector<std::pair<std::string, LOCKMODE>> locks; // new, or stronger than before, strongest first
	std::vector<std::string> rewritten;
	std::string table; // that was read or written from end to end, or empty
	std::string why;
	int64_t bytes;        // its size before
	std::string note;     // how it was rehearsed in another way than it is deployed, or empty
	bool partial = false; // not at all, or on a sample: its time tells nothing
};
std::string to_json(const std::vector<Step> &steps);

// Notes what is seen between two statements.
class StepRecorder
{
public:
	void before(const Fit &fit);
	void after(const migrate::Progress &progress, const std::vector<Taken> &taken, const std::string &note = "",
			   bool is_partial = false);

	// What was seen, once it is known how relations were before.
	std::vector<Step> steps(const std::map<Oid, Relation> &before) const;

private:
	struct Seen
	{
		Step step;
		std::vector<Taken> taken;
		std::map<Oid, Oid> files; // of relations that had another one when last looked at, or were not looked at yet
		Fit fit;
		int64_t scans;
	};

	std::vector<Seen> seen_;
	std::map<Oid, Oid> files_; // of the relations locked so far
	Fit fit_;
	int64_t scans_ = 0;
};

} // namespace mg::rehearse
