// Gates: what holds a migration back here. Each judges values that others gather.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lint/finding.hpp"
#include "lint/risk.hpp"
#include "lint/sensitive.hpp"
#include "pg/boundary.hpp"

namespace mg::policy {

enum class Action
{
	apply,
	roll_back
};

// The newest rehearsal of the same scripts.
struct Rehearsed
{
	std::string verdict;
	std::string at;
	std::optional<std::string> stale; // why, if it is
	std::optional<int64_t> down_us;
};

// An approval that counts: of these very scripts, not taken back, not too old, and by nobody who registered them.
struct Approval
{
	std::string kind;
	std::string by;
};

// The scripts, approved, applied and verified in another environment.
struct Promotion
{
	std::string environment;
	std::string at;
};

// A transaction of another session, or a replica, that lags behind.
struct Laggard
{
	std::string title;
	double seconds;
};

// What gates ask about, each when a gate first wants it: most want little, and some of it takes its time.
class Circumstances
{
public:
	virtual ~Circumstances() = default;

	virtual Action action() const = 0;
	virtual const std::string &migration() const = 0;
	virtual std::string reason() const = 0; // of a rollback
	virtual bool has_down() const = 0;
	virtual bool has_verify() const = 0;
	virtual bool
	has_new_down() = 0; // a rollback, by another down script than the one that the migration was applied with
	virtual std::optional<std::string> header(const std::string &key) const = 0;

	virtual std::optional<Rehearsed> rehearsed() = 0;
	virtual const lint::Findings &findings() = 0;
	virtual const lint::RiskReport &risk() = 0;
	virtual const std::vector<lint::Sensitive> &sensitive() = 0;
	virtual std::vector<Approval> approvals() = 0;
	virtual std::vector<Promotion> promotions() = 0;
	virtual TimestampTz now() = 0;
	virtual std::optional<double> backup_age() = 0; // seconds
	virtual int64_t drift() = 0;                    // differences
	virtual std::optional<Laggard> oldest_transaction() = 0;
	virtual std::optional<Laggard> slowest_replica() = 0;
	virtual int64_t disk_needed() = 0;
	virtual int64_t disk_free() = 0; // below 0: nobody knows
};

struct Verdict
{
	std::string gate; // the setting that asks for it
	bool is_open;
	std::string why; // it is open, or not
	std::string way; // to open it
};

// A verdict for each gate that the policy wants for such an action, in the order of the settings.
std::vector<Verdict> judge(Circumstances &circumstances);

// An approval that the policy asks for, with what asks for it.
struct Wanted
{
	std::string kind;
	std::string why;
};
std::vector<Wanted> approvals_wanted(Circumstances &circumstances);

// The kinds of approval, and the gates by their settings.
const std::vector<std::string> &approval_kinds();
std::vector<std::string> gate_names();

} // namespace mg::policy
