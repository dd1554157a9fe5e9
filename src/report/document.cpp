// Writes the document of a migration from what the ledger has of it.
#include "report/document.hpp"

#include <algorithm>

#include "core/json.hpp"
#include "core/markdown.hpp"
#include "core/text.hpp"
#include "ledger/history.hpp"
#include "migrate/approvals.hpp"
#include "migrate/lint.hpp"
#include "pg/subtransaction.hpp"
#include "pg/text.hpp"

namespace mg::report {

namespace {

using Cells = std::vector<std::string>;

std::string
words(const pg::Cell &cell)
{
	return markdown_text(cell.value_or(""));
}

std::string
code(const pg::Cell &cell)
{
	return markdown_code(cell.value_or(""));
}

std::string
time_of(const pg::Cell &microseconds)
{
	if (!microseconds.has_value())
		return "";
	const int64_t us = std::stoll(*microseconds);

	return us < 1000 * 1000 ? std::to_string(us / 1000) + "." + std::to_string(us % 1000 / 100) + " ms"
							: pg::span_text(us);
}

// The last successful run, the columns below in their order.
enum RunColumn
{
	run_id,
	run_installation,
	run_at,
	run_outcome,
	run_by,
	run_duration,
	run_statements,
	run_rows,
	run_before,
	run_after,
	run_growth,
	run_reason
};

constexpr const char *newest_run =
	"SELECT r.id, r.installation, r.at::timestamptz(0)::text, r.outcome, r.login_role, r.duration_us, r.statements, "
	"r.rows,"
	" pg_size_pretty(r.size_before), pg_size_pretty(r.size_after), pg_size_pretty(r.size_after - r.size_before), "
	"r.reason"
	" FROM mg.run r WHERE r.migration = $1 AND r.outcome = $2 ORDER BY r.at DESC, r.id DESC LIMIT 1";

// One migration's part of a document.
class Section
{
public:
	Section(Markdown &out, ledger::Registration known) : out_(out), known_(std::move(known)), name_(known_.migration)
	{
		const std::optional<ledger::LastRun> last = ledger::find_last_run(name_);

		is_applied_ = last.has_value() && last->applied;
		for (auto &[outcome, row] : {std::pair("applied", &applied_), std::pair("rolled back", &undone_)})
			if (std::vector<pg::Row> rows = ledger::query(newest_run, {name_, std::string(outcome)}); !rows.empty())
				*row = std::move(rows.front());
	}

	void write()
	{
		out_.heading(2, "Migration: " + code(name_));
		write_facts();
		write_purpose();
		write_risk();
		write_changes();
		write_verification();
		write_rollback();
		write_impact();
		write_approvals();
		write_attempts();
	}

private:
	// A script between fences; a sentence where there is none.
	void write_script(const std::optional<std::string> &checksum, const char *none)
	{
		if (checksum.has_value())
			out_.code("sql", ledger::read_script(*checksum).body);
		else
			out_.paragraph(none);
	}

	void write_facts()
	{
		std::vector<Cells> rows;
		auto add = [&](const char *title, const std::string &value) {
			if (!value.empty())
				rows.push_back({title, value});
		};
		const std::vector<pg::Row> facts = ledger::query(
			"SELECT s.status, n.version, n.at::timestamptz(0)::text, n.login_role, n.headers->>'author',"
			" n.headers->>'ticket', coalesce(n.headers->>'estimated_time', n.headers->>'estimated_duration'),"
			" n.headers->>'date', (SELECT e.body->>'name' FROM mg.evidence e WHERE e.kind = 'restore point'"
			" AND e.subject = s.migration ORDER BY e.at DESC, e.id DESC LIMIT 1)"
			" FROM mg.status s JOIN mg.newest_registration n ON n.migration = s.migration WHERE s.migration = $1",
			{name_});
		const pg::Row &fact = facts.front();

		add("Status", words(fact[0]));
		if (applied_.has_value())
			add("Applied", words((*applied_)[run_at]) + " by " + code((*applied_)[run_by]));
		if (undone_.has_value() && !is_applied_)
			add("Rolled back", words((*undone_)[run_at]) + " by " + code((*undone_)[run_by]));
		add("Registered", words(fact[2]) + " by " + code(fact[3]));
		add("Version", words(fact[1]));
		add("Author", words(fact[4]));
		add("Date", words(fact[7]));
		add("Ticket", words(fact[5]));
		add("Estimated time", words(fact[6]));
		std::string required;
		for (const std::string &name : known_.requirements)
			required += (required.empty() ? "" : ", ") + code(name);
		add("Requires", required);
		std::string dependants;
		for (const auto &[name, requirements] : ledger::all_requirements())
			if (std::find(requirements.begin(), requirements.end(), name_) != requirements.end())
				dependants += (dependants.empty() ? "" : ", ") + code(name);
		add("Required by", dependants);
		add("Restore point", code(fact[8]));
		add("Checksum", code(known_.up));
		out_.table({"", ""}, rows);
	}

	void write_purpose()
	{
		const std::vector<pg::Row> headers =
			ledger::query("SELECT h.key, h.value FROM mg.newest_registration n, jsonb_each_text(n.headers) h"
						  " WHERE n.migration = $1 ORDER BY h.key NOT IN ('description', 'purpose'), h.key",
						  {name_});
		Cells others;

		out_.heading(3, "Purpose");
		auto says_what_for = [](const pg::Row &header) { return header[0] == "description" || header[0] == "purpose"; };
		if (headers.empty() || !says_what_for(headers.front()))
			out_.paragraph("The up script has no header comment Description or Purpose.");
		for (const pg::Row &header : headers)
			if (says_what_for(header))
				out_.paragraph(words(header[1]));
			else if (header[0] != "author" && header[0] != "ticket" && header[0] != "date" &&
					 header[0] != "migration" && header[0] != "estimated_time" && header[0] != "estimated_duration")
				others.push_back(words(header[0]) + ": " + words(header[1]));
		if (!others.empty())
			out_.bullets(others);
	}

	void write_risk()
	{
		Cells reasons;
		std::string risk;

		if (applied_.has_value() && is_applied_)
		{
			for (const pg::Row &row : ledger::query(
					 "SELECT e.v->>'actual', x.reason FROM mg.run r, jsonb_array_elements(r.evidence) e(v)"
					 " LEFT JOIN LATERAL jsonb_array_elements_text(CASE WHEN jsonb_typeof(e.v->'rows') = 'array'"
					 " THEN e.v->'rows' ELSE '[]' END) WITH ORDINALITY x(reason, place) ON true"
					 " WHERE r.installation = $1::uuid AND r.id = $2::int8 AND e.v->>'query' = 'risk class' ORDER BY "
					 "x.place",
					 {(*applied_)[run_installation], (*applied_)[run_id]}))
			{
				risk = row[0].value_or("");
				if (row[1].has_value())
					reasons.push_back(words(row[1]));
			}
		}
		else
		{
			const std::optional<pg::Error> error = pg::try_and_undo([&] {
				const migrate::Migration migration = migrate::Migration::from_ledger(known_);
				const lint::RiskReport report =
					migrate::risk_of(migration, migrate::findings_of(migration), migrate::receipt_of(migration));
				risk = lint::word_of(report.risk);
				for (const std::string &reason : report.reasons)
					reasons.push_back(markdown_text(reason));
				for (const std::string &broken : report.breaks)
					reasons.push_back("An application written for the old schema: " + markdown_text(broken));
			});
			if (error.has_value())
				reasons.push_back("The linter cannot tell: " + markdown_text(error->what()));
		}
		out_.heading(3, "Risk");
		out_.paragraph(risk.empty() ? "Not known." : "**" + markdown_text(risk) + "**");
		if (!reasons.empty())
			out_.bullets(reasons);
	}

	// Lines below an object's own: what is new in it, is gone from it, or was something else.
	static void add_differences(std::string &line, const std::string &json, const pg::Cell &object, const pg::Cell &was)
	{
		for (const pg::Row &row :
			 ledger::query("SELECT v->>'change', v->>'type', v->>'identity', v->>'property', v->>'before', v->>'after'"
						   " FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY d(v, place) ORDER BY place",
						   {json}))
		{
			const std::string part = row[2] == object || row[2] == was ? "" : words(row[1]) + " " + code(row[2]) + " ";
			line += "\n  - " + part;
			if (row[0] != "changed")
				line += words(row[0]);
			else
				line += words(row[3]) + ": " + (row[4].has_value() ? code(row[4]) : "nothing") + " became " +
						(row[5].has_value() ? code(row[5]) : "nothing");
		}
	}

	void write_changes()
	{
		Cells changes;

		out_.heading(3, "Changes");
		if (applied_.has_value())
			for (const pg::Row &row :
				 ledger::query("SELECT initcap(o.v->>'change'), o.v->>'type', o.v->>'identity', o.v->>'was', "
							   "coalesce(o.v->'differences', '[]') FROM mg.run r, jsonb_array_elements(r.objects) WITH "
							   "ORDINALITY o(v, place) WHERE r.installation = $1::uuid AND r.id = $2::int8 ORDER BY "
							   "o.place",
							   {(*applied_)[run_installation], (*applied_)[run_id]}))
			{
				changes.push_back(words(row[0]) + " " + words(row[1]) + ": " + code(row[2]) +
								  (row[3].has_value() ? ", was " + code(row[3]) : std::string()));
				add_differences(changes.back(), row[4].value_or("[]"), row[2], row[3]);
			}
		if (!changes.empty())
			out_.bullets(changes);
		else
			out_.paragraph(applied_.has_value() ? "No object of the schema."
												: "Not applied yet: what it is going to do.");
		write_script(known_.up, "");

		std::string others;
		for (const pg::Row &row : ledger::query(
				 "SELECT s.at::timestamptz(0)::text, s.origin, s.login_role, coalesce(s.statement, s.tag), s.nested "
				 "FROM mg.statement s WHERE s.migration = $1 AND (s.nested OR s.origin <> 'migration')"
				 " ORDER BY s.at, s.id",
				 {name_}))
			others += "-- " + row[0].value_or("") + " " + row[1].value_or("") + (row[4] == "t" ? ", nested" : "") +
					  ", by " + row[2].value_or("?") + "\n" + row[3].value_or("") + ";\n";
		if (!others.empty())
		{
			out_.paragraph("Statements on record that its script does not have: of functions and blocks that it calls, "
						   "and those that were attributed to it.");
			out_.code("sql", others);
		}
	}

	void write_verification()
	{
		std::vector<Cells> results;

		out_.heading(3, "Verification");
		write_script(known_.verify, "It has no verification queries.");
		if (known_.precondition.has_value())
		{
			out_.paragraph("Precondition:");
			write_script(known_.precondition, "");
		}
		if (applied_.has_value())
			for (const pg::Row &row : ledger::query(
					 "SELECT e.v->>'query', e.v->>'status', e.v->>'actual' FROM mg.run r,"
					 " jsonb_array_elements(r.evidence) WITH ORDINALITY e(v, place) WHERE r.installation = $1::uuid"
					 " AND r.id = $2::int8 AND (e.v->>'line')::int > 0 ORDER BY e.place",
					 {(*applied_)[run_installation], (*applied_)[run_id]}))
				results.push_back({code(row[0]), words(row[1]), words(row[2])});
		if (!results.empty())
		{
			out_.paragraph("When it was applied, at " + words((*applied_)[run_at]) + ":");
			out_.table({"Query", "Result", "Value"}, results);
		}
		Cells later;
		for (const pg::Row &row :
			 ledger::query("SELECT a.at::timestamptz(0)::text, a.message FROM mg.alert a WHERE a.kind = 'verification'"
						   " AND a.migration = $1 ORDER BY a.at, a.id",
						   {name_}))
			later.push_back(words(row[0]) + ": " + words(row[1]));
		if (!later.empty())
			out_.bullets(later);
	}

	void write_rollback()
	{
		out_.heading(3, "Rollback");
		write_script(known_.down, "It has no down script.");
		const std::optional<ledger::Receipt> receipt = ledger::newest_receipt(known_.up, known_.down);
		Cells facts;

		if (!receipt.has_value())
			facts.emplace_back("Never rehearsed with these scripts.");
		else
		{
			facts.push_back(
				"Rehearsed at " + markdown_text(receipt->at) + ": **" + markdown_text(receipt->verdict) + "**" +
				(receipt->down_us.has_value() ? ", way back in " + time_of(std::to_string(*receipt->down_us))
											  : std::string()) +
				", receipt " + std::to_string(receipt->id) +
				(receipt->stale.has_value() ? "; stale: " + markdown_text(*receipt->stale) : ""));
			for (const pg::Row &row : ledger::query(
					 "SELECT f.v->>'aspect', f.v->>'object', f.v->>'value' FROM mg.rehearsal r,"
					 " jsonb_array_elements(r.facts) WITH ORDINALITY f(v, place) WHERE r.installation = $1::uuid AND "
					 "r.id = $2::int8 AND f.v->>'aspect' IN ('difference', 'error', 'lost', 'lost by down', 'kept', 'kept by down', 'discarded', 'values', "
					 "'not undone', 'blocked by') ORDER BY f.place",
					 {receipt->installation, std::to_string(receipt->id)}))
				facts.push_back(words(row[0]) + ": " + code(row[1]) + ": " + words(row[2]));
		}
		if (undone_.has_value())
			facts.push_back("Rolled back at " + words((*undone_)[run_at]) + " by " + code((*undone_)[run_by]) + " in " +
							time_of((*undone_)[run_duration]) +
							((*undone_)[run_reason].has_value() ? ": " + words((*undone_)[run_reason])
																: std::string(", without a reason")));
		out_.bullets(facts);
	}

	void write_impact()
	{
		out_.heading(3, "Impact");
		if (!applied_.has_value())
		{
			write_expected_impact();
			return;
		}
		const pg::Row &run = *applied_;
		std::vector<Cells> rows = {{"Time", time_of(run[run_duration])},
								   {"Statements", words(run[run_statements])},
								   {"Rows", words(run[run_rows])},
								   {"Database before", words(run[run_before])}};
		if (run[run_after].has_value())
		{
			rows.push_back({"Database after", words(run[run_after])});
			rows.push_back({"Growth", words(run[run_growth])});
		}
		for (const pg::Row &row : ledger::query(
				 "SELECT 'Lock', l.v->>'relation', l.v->>'mode' FROM mg.run r, jsonb_array_elements(r.locks) l(v)"
				 " WHERE r.installation = $1::uuid AND r.id = $2::int8 UNION ALL"
				 " SELECT 'Rewritten', w.v->>'relation', w.v->>'reason' FROM mg.run r, "
				 "jsonb_array_elements(r.rewrites) w(v)"
				 " WHERE r.installation = $1::uuid AND r.id = $2::int8",
				 {run[run_installation], run[run_id]}))
			rows.push_back({words(row[0]), code(row[1]) + ": " + words(row[2])});
		out_.table({"Measured", ""}, rows);
	}

	// What a rehearsal measured.
	void write_expected_impact()
	{
		const std::optional<ledger::Receipt> receipt = ledger::newest_receipt(known_.up, known_.down);
		std::vector<Cells> rows;

		if (receipt.has_value())
			for (const pg::Row &row : ledger::query(
					 "SELECT f.v->>'aspect', f.v->>'object', f.v->>'value' FROM mg.rehearsal r,"
					 " jsonb_array_elements(r.facts) WITH ORDINALITY f(v, place) WHERE r.installation = $1::uuid AND "
					 "r.id = $2::int8 AND f.v->>'aspect' NOT IN ('verdict', 'error', 'difference', 'lost', "
					 "'lost by down', 'kept', 'kept by down', 'discarded', 'values', 'not undone', 'blocked by', 'statement', 'check') ORDER BY f.place",
					 {receipt->installation, std::to_string(receipt->id)}))
				rows.push_back({words(row[0]), code(row[1]), words(row[2])});
		if (rows.empty())
			out_.paragraph("Not measured yet.");
		else
			out_.table({"Rehearsed", "", ""}, rows);
	}

	void write_approvals()
	{
		std::string bundle;
		std::vector<Cells> rows;
		const std::optional<pg::Error> error =
			pg::try_and_undo([&] { bundle = migrate::bundle_of(migrate::Migration::from_ledger(known_)); });

		for (const pg::Row &row :
			 ledger::query("SELECT a.kind, a.given, a.login_role, a.at::timestamptz(0)::text, a.checksum, a.note"
						   " FROM mg.approval a WHERE a.migration = $1 ORDER BY a.at, a.id",
						   {name_}))
			rows.push_back({words(row[0]),
							std::string(row[1] == "t" ? "given" : "taken back") +
								(row[4] == bundle || error.has_value() ? "" : ", of other scripts"),
							code(row[2]), words(row[3]), words(row[5])});
		for (const pg::Row &row :
			 ledger::query("SELECT e.body->>'environment', e.body->>'applied_by', e.body->>'applied_at',"
						   " e.body->>'checksum' FROM mg.evidence e WHERE e.kind = 'attestation' AND e.subject = $1"
						   " ORDER BY e.at, e.id",
						   {name_}))
			rows.push_back({"applied and verified in " + words(row[0]),
							row[3] == bundle || error.has_value() ? "attested" : "attested, of other scripts",
							code(row[1]), words(row[2]), ""});
		out_.heading(3, "Approvals");
		if (rows.empty())
			out_.paragraph("None.");
		else
			out_.table({"Kind", "", "By", "At", "Note"}, rows);
	}

	void write_attempts()
	{
		std::vector<Cells> rows;

		for (const pg::Row &row : ledger::query(
				 "SELECT r.at::timestamptz(0)::text, r.action, r.outcome, r.login_role, r.duration_us, r.reason,"
				 " r.phase, r.line, r.sqlstate, r.error FROM mg.run r WHERE r.migration = $1 ORDER BY r.at, r.id",
				 {name_}))
		{
			std::string note = words(row[5]);
			if (row[9].has_value())
				note += (note.empty() ? "" : "; ") + words(row[6]) + (row[7].has_value() ? ", line " + *row[7] : "") +
						": " + words(row[8]) + " " + markdown_text(pg::excerpt(*row[9], 300));
			rows.push_back({words(row[0]), words(row[1]), words(row[2]), code(row[3]), time_of(row[4]), note});
		}
		out_.heading(3, "History");
		if (rows.empty())
			out_.paragraph("No attempt yet.");
		else
			out_.table({"At", "Action", "Outcome", "By", "Time", "Note"}, rows);
	}

	Markdown &out_;
	ledger::Registration known_;
	std::string name_;
	bool is_applied_ = false;
	std::optional<pg::Row> applied_;
	std::optional<pg::Row> undone_;
};

void
write_all(Markdown &out)
{
	const std::vector<pg::Row> all =
		ledger::query("SELECT s.migration, s.status, s.applied_at::timestamptz(0)::text FROM mg.status s"
					  " LEFT JOIN mg.history h ON h.migration_name = s.migration ORDER BY h.id NULLS LAST");
	Cells contents;

	out.heading(1, "Migrations of " + code(ledger::query_cell("SELECT current_database()")));
	for (size_t i = 0; i < all.size(); i++)
		contents.push_back("[" + code(all[i][0]) + "](#migration-" + std::to_string(i + 1) + "): " + words(all[i][1]) +
						   (all[i][2].has_value() ? ", " + words(all[i][2]) : ""));
	if (contents.empty())
		out.paragraph("None is registered.");
	else
		out.bullets(contents);
	for (size_t i = 0; i < all.size(); i++)
	{
		out.anchor("migration-" + std::to_string(i + 1));
		Section(out, *ledger::find_registration(*all[i][0])).write();
	}
}

} // namespace

std::string
document(const std::optional<std::string> &migration)
{
	Markdown out;

	ledger::place();
	if (!migration.has_value())
	{
		write_all(out);
		return out.str();
	}
	std::optional<ledger::Registration> known = ledger::find_registration(*migration);
	if (!known.has_value())
		throw UserError("MG004", "migration \"" + *migration + "\" is not registered")
			.hint("SELECT migration, status FROM mg.status tells which are.");
	Section(out, std::move(*known)).write();
	return out.str();
}

} // namespace mg::report
