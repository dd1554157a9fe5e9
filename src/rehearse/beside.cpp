// Tells what a way back undoes that was done beside the migration.
#include "rehearse/beside.hpp"

#include <algorithm>

#include "drift/accept.hpp"

namespace mg::rehearse {

void
set_anticipated_apart(const std::string &migration, Findings &findings)
{
	if (findings.deviations.empty())
		return;

	const std::vector<Deviation> done = drift::attributed(migration);
	auto is_undone = [&](const Deviation &deviation) {
		return std::any_of(done.begin(), done.end(), [&](const Deviation &one) {
			return deviation.type == one.type && deviation.identity == one.identity &&
				   ((deviation.kind == "missing" && one.kind == "unexpected") ||
					(deviation.kind == "unexpected" && one.kind == "missing"));
		});
	};
	auto apart = std::stable_partition(findings.deviations.begin(), findings.deviations.end(),
									   [&](const Deviation &deviation) { return !is_undone(deviation); });
	findings.anticipated.assign(apart, findings.deviations.end());
	findings.deviations.erase(apart, findings.deviations.end());
}

} // namespace mg::rehearse
