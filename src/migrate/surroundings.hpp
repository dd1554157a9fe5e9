// Gathers what the gates ask about.
#pragma once

#include "migrate/migration.hpp"
#include "policy/gates.hpp"

namespace mg::migrate {

// Of one migration. Names mean what they mean to the caller: not within pg::SqlScope.
class Surroundings final : public policy::Circumstances
{
public:
	Surroundings(const Migration &migration, policy::Action action, std::string reason);

	policy::Action action() const override { return action_; }
	const std::string &migration() const override { return migration_.name; }
	std::string reason() const override { return reason_; }
	bool has_down() const override { return migration_.down.has_value(); }
	bool has_verify() const override { return migration_.verify.has_value(); }
	bool has_new_down() override;
	std::optional<std::string> header(const std::string &key) const override;

	std::optional<policy::Rehearsed> rehearsed() override;
	const lint::Findings &findings() override;
	const lint::RiskReport &risk() override;
	const std::vector<lint::Sensitive> &sensitive() override;
	std::vector<policy::Approval> approvals() override;
	std::vector<policy::Promotion> promotions() override;
	TimestampTz now() override;
	std::optional<double> backup_age() override;
	int64_t drift() override;
	std::optional<policy::Laggard> oldest_transaction() override;
	std::optional<policy::Laggard> slowest_replica() override;
	int64_t disk_needed() override;
	int64_t disk_free() override;

	// Whether a gate has asked for the findings.
	bool has_findings() const { return findings_.has_value(); }

private:
	const Migration &migration_;
	policy::Action action_;
	std::string reason_;
	const std::optional<ledger::Receipt> &receipt();
	bool judges_down() const { return action_ == policy::Action::roll_back && migration_.down.has_value(); }

	std::optional<std::optional<ledger::Receipt>> receipt_;
	std::optional<lint::Findings> findings_;
	std::optional<lint::RiskReport> risk_;
	std::vector<lint::Sensitive> sensitive_;
	bool knows_way_back_ = false; // what its down script asks for is in sensitive_
};

// Raises MG407 with all gates that are closed, and the way to open each; mg_gates() shows them before.
void require_gates(Surroundings &surroundings);

// Makes a named restore point, if the policy wants it, and puts its name on record. Raises 42501 for who may not.
void make_restore_point(const Migration &migration);

// Rows of mg_gates(): gate, is_open, why, way.
std::vector<pg::Row> gates_of(const std::string &name, const std::string &action);

} // namespace mg::migrate
