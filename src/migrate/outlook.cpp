// Puts findings and locks together, statement by statement.
#include "migrate/outlook.hpp"

#include <algorithm>
#include <map>

#include "lint/rule.hpp"

namespace mg::migrate {

namespace {

void
add_finding(Outlook &outlook, const lint::Finding &finding)
{
	outlook.rewrites = outlook.rewrites || finding.work == lint::Work::rewrite;
	outlook.disk = std::max(outlook.disk, finding.disk);
	if (!finding.basis.empty() && (!outlook.duration.has_value() || finding.us > outlook.duration->us))
		outlook.duration = Duration{finding.us, finding.basis};
	if (finding.severity >= lint::Severity::warning && !finding.is_ignored)
		outlook.notes.push_back(finding.message);
}

void
add_lock(Outlook &outlook, const lint::Lock &lock, LOCKMODE &strongest)
{
	if (lock.mode <= strongest)
		return;
	strongest = lock.mode;
	outlook.lock_mode = GetLockmodeName(DEFAULT_LOCKMETHOD, lock.mode);
	outlook.object = pg::guarded([&] {
		const char *name = get_rel_name(lock.table);
		const char *schema = name != nullptr ? get_namespace_name(get_rel_namespace(lock.table)) : nullptr;
		return schema != nullptr ? quote_qualified_identifier(schema, name) : pstrdup("");
	});
}

} // namespace

std::vector<Outlook>
outlook_of(const script::Script &script, const lint::Findings &findings)
{
	const size_t count = script.statements().size();
	std::vector<Outlook> result(count);
	std::map<size_t, lint::Findings> by_statement;
	std::vector<LOCKMODE> strongest(count, NoLock);
	lint::Past past;

	for (const lint::Finding &finding : findings)
		if (finding.number >= 0 && static_cast<size_t>(finding.number) < count)
			by_statement[static_cast<size_t>(finding.number)].push_back(finding);
	for (const lint::Lock &lock : lint::locks(script, {}))
		if (lock.statement >= 0 && static_cast<size_t>(lock.statement) < count)
			add_lock(result[static_cast<size_t>(lock.statement)], lock, strongest[static_cast<size_t>(lock.statement)]);
	past.has_down = true;
	for (size_t i = 0; i < count; i++)
	{
		auto found = by_statement.extract(i);
		const lint::Findings its = found.empty() ? lint::Findings() : std::move(found.mapped());
		for (const lint::Finding &finding : its)
			add_finding(result[i], finding);
		result[i].risk = lint::word_of(lint::judge_risk(its, past).risk);
	}
	return result;
}

} // namespace mg::migrate
