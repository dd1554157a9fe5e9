// Puts together what is known of a statement.
#include "rehearse/steps.hpp"

#include <algorithm>

#include "core/json.hpp"

namespace mg::rehearse {

namespace {

// The number of a relation's file; 0 if it has none or is gone.
Oid
file_of(Oid relation)
{
	return pg::guarded([&]() -> Oid {
		HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
		if (!HeapTupleIsValid(row))
			return InvalidOid;
		Oid file = reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relfilenode;
		ReleaseSysCache(row);
		return file;
	});
}

int64_t
scans_now(const Fit &fit)
{
	return OidIsValid(fit.table) ? scans_of(fit.table) : 0;
}

} // namespace

void
StepRecorder::before(const Fit &fit)
{
	fit_ = fit;
	scans_ = scans_now(fit);
}

void
StepRecorder::after(const migrate::Progress &progress, const std::vector<Taken> &taken, const std::string &note,
					bool is_partial)
{
	const migrate::Timing &timing = progress.timings.back();
	Seen seen = {{progress.phase,
				  timing.line,
				  progress.statement,
				  timing.duration_us,
				  timing.rows,
				  {},
				  {},
				  "",
				  "",
				  0,
				  note,
				  is_partial},
				 taken,
				 {},
				 fit_,
				 scans_now(fit_) - scans_};

	for (const Taken &lock : taken)
		if (lock.mode >= ShareUpdateExclusiveLock)
			files_.emplace(lock.relation, InvalidOid);
	for (auto &[relation, file] : files_)
		if (Oid now = file_of(relation); now != file)
			file = seen.files[relation] = now;
	seen_.push_back(std::move(seen));
}

std::vector<Step>
StepRecorder::steps(const std::map<Oid, Relation> &before) const
{
	std::vector<Step> result;
	std::map<Oid, Oid> files;

	for (const auto &[oid, relation] : before)
		files[oid] = relation.file;
	for (const Seen &seen : seen_)
	{
		Step step = seen.step;
		for (const Taken &lock : seen.taken)
			if (auto relation = before.find(lock.relation); relation != before.end())
				step.locks.emplace_back(relation->second.name, lock.mode);
		std::stable_sort(step.locks.begin(), step.locks.end(),
						 [](const auto &a, const auto &b) { return a.second > b.second; });
		for (const auto &[oid, file] : seen.files)
			if (auto known = files.find(oid); known != files.end() && file != InvalidOid && known->second != file)
			{
				known->second = file;
				step.rewritten.push_back(before.at(oid).name);
			}
		/* The text says "may"; without the server's counters that must do. */
		auto table = before.find(seen.fit.table);
		if (table != before.end() && (seen.scans > 0 || !step.rewritten.empty() || !pgstat_track_counts))
		{
			step.table = table->second.name;
			step.why = seen.fit.what;
			step.bytes = seen.fit.bytes;
		}
		result.push_back(std::move(step));
	}
	return result;
}

std::string
to_json(const std::vector<Step> &steps)
{
	JsonArray result;

	for (const Step &step : steps)
	{
		JsonArray locks;
		JsonArray rewritten;
		for (const auto &[relation, mode] : step.locks)
			locks.json(
				JsonObject().text("relation", relation).text("mode", GetLockmodeName(DEFAULT_LOCKMETHOD, mode)).str());
		for (const std::string &relation : step.rewritten)
			rewritten.text(relation);
		JsonObject json;
		json.text("phase", step.phase)
			.number("line", step.line)
			.text("statement", step.statement)
			.number("duration_us", step.duration_us)
			.number("rows", step.rows)
			.json("locks", locks.str())
			.json("rewritten", rewritten.str());
		if (!step.note.empty())
			json.text("note", step.note);
		if (step.partial)
			json.json("partial", "true");
		if (!step.table.empty())
			json.text("table", step.table).text("why", step.why).number("bytes", step.bytes);
		result.json(json.str());
	}
	return result.str();
}

} // namespace mg::rehearse
