// Runs the scripts and looks at what they do.
#include "rehearse/rehearsal.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include "archive/account.hpp"
#include "capture/frame.hpp"
#include "drift/expected.hpp"
#include "drift/pictures.hpp"
#include "ledger/store.hpp"
#include "migrate/objects.hpp"
#include "migrate/own_history.hpp"
#include "pg/lock.hpp"
#include "pg/procedure.hpp"
#include "pg/session.hpp"
#include "pg/subtransaction.hpp"
#include "pg/wait.hpp"
#include "policy/policy.hpp"
#include "rehearse/beside.hpp"
#include "rehearse/deployment.hpp"
#include "rehearse/large.hpp"
#include "schema/schema.hpp"
#include "schema/sweep.hpp"

namespace mg::rehearse {

namespace {

constexpr int most_tries = 3;

/* While locks are held, others wait for them: no time to wait for more than a moment. */
constexpr int moment_ms = 5;
constexpr int look_ms = 1;

// Whether an error tells of the migration, rather than of the server or of somebody who wanted an end.
bool
is_verdict(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return false;
		default:
			return sqlerrcode != ERRCODE_DATA_CORRUPTED && sqlerrcode != ERRCODE_INDEX_CORRUPTED;
	}
}

// Raised inside to end a rehearsal whose verdict is known.
struct Ended
{
};

bool
is_order(const Deviation &deviation)
{
	return deviation.kind == "changed" && deviation.property == "position";
}

Verdict
verdict_of(const std::vector<Deviation> &deviations)
{
	if (deviations.empty())
		return Verdict::restores;
	return std::all_of(deviations.begin(), deviations.end(), is_order) ? Verdict::restores_but_order : Verdict::differs;
}

// Partitions are looked at one by one: a foreign one must not be read with the rights of the superuser who counts.
bool
has_rows(char kind)
{
	return kind == RELKIND_RELATION;
}

// The columns that are gone, whatever they are called by now.
std::vector<std::string>
dropped_columns(const Relation &before, const Relation &after)
{
	std::vector<std::string> result;

	for (const auto &[name, number] : before.columns)
		if (std::none_of(after.columns.begin(), after.columns.end(),
						 [number = number](const auto &column) { return column.second == number; }))
			result.push_back(name);
	return result;
}

// The whole of it; everything but `findings` is of use only while the subtransaction lives.
class Rehearsal
{
public:
	Rehearsal(const migrate::Migration &migration, bool applied, const std::set<std::string> &assumed, Missed missed,
			  Findings &findings)
		: migration_(migration), applied_(applied), assumed_(assumed), missed_(std::move(missed)),
		  scope_(drift::scope()), findings_(findings)
	{
	}

	// Within the subtransaction.
	void run()
	{
		pg::SettingsScope settings;

		watch_.emplace(look_ms);
		outside_.emplace(!may_reach_out());
		wait_for_missed();
		be_short(moment_ms);
		prepare();
		if (!applied_)
			migrate::check_requirements(migration_, true, assumed_);
		if (!pg::take_own_lock(pg::OwnLock::run, false))
			throw UserError("55P03", "another migration is running in this database")
				.hint("Try again when it has ended; mg.runs tells of it.");
		versions_ = schema::versions();
		findings_.fingerprint = schema::fingerprint_of(versions_);
		for (const schema::Version &version : versions_)
			if (int64_t scans = version.catalog == RelationRelationId ? scans_of(version.oid) : 0; scans != 0)
				scans_before_[version.oid] = scans;
		capture::Run run(ledger::new_id(), migration_.name);
		if (applied_)
			rehearse_back(run);
		else
			rehearse_forth(run);
	}

	// When everything is undone: nothing is waited for any more, and the watch would wake up whoever sleeps.
	void stop_watching()
	{
		if (watch_.has_value())
			waited_ = watch_->last();
		watch_.reset();
		if (!outside_.has_value())
			return;
		for (Effect &effect : outside_->seen())
			findings_.lasting.push_back(std::move(effect));
		refused_ = outside_->refused();
		outside_.reset();
	}

	// A script may have caught the error.
	void admit_refusal()
	{
		if (!refused_.has_value())
			return;
		findings_.verdict = Verdict::cannot;
		if (!findings_.trouble.has_value())
			findings_.trouble = Trouble{phase_,
										0,
										"",
										"0A000",
										"a rehearsal does not call " + refused_->object,
										"No rollback takes back what it does: " + refused_->what + ".",
										""};
	}

	// Afterwards: what was seen is compared with how things are.
	void compare()
	{
		std::map<Oid, Relation> before = relations_now(relations_);

		if (OidIsValid(waited_.relation) && findings_.verdict == Verdict::cannot)
			locks_.emplace(waited_.relation, Lock{waited_.mode, 0, 0, 0});

		if (compared_)
		{
			findings_.deviations = drift::deviations_between(drift::pictures_of(scope_, changed_), pictures_);
			if (!applied_)
				set_anticipated_apart(migration_.name, findings_);
			/* What differs is most often why a second time fails. */
			const Verdict seen = verdict_of(findings_.deviations);
			if (findings_.verdict == Verdict::restores ||
				(findings_.verdict == Verdict::second_up_fails && seen == Verdict::differs))
				findings_.verdict = seen;
		}
		findings_.steps = recorder_.steps(before);
		findings_.before = drift::pictures_of(scope_, touched_);
		add_touched(before);
		findings_.blockers = blockers_of(locks_);
		add_rows();
	}

	Verdict verdict_of_trouble() const
	{
		if (phase_ == "precondition")
			return Verdict::cannot;
		if (phase_ == "up again")
			return Verdict::second_up_fails;
		return phase_ == "down" ? Verdict::down_fails : Verdict::up_fails;
	}
	// Of the script that ran last.
	bool commits_enum_value() const
	{
		return rehearse::commits_enum_value(phase_ == "down" ? *migration_.down : migration_.up);
	}
	const migrate::Progress &progress() const { return progress_; }
	const std::string &phase() const { return phase_; }

	// What it waited for in vain, if that is a relation and was wanted by a statement of a script.
	Missed missed() const { return {waited_, phase_, progress_.line, progress_.statement}; }
	bool is_waiting_first() const { return phase_ == "waiting"; }

private:
	// Waits for locks no longer than this, or than the session or the script wants to.
	static void be_short(int milliseconds)
	{
		if (LockTimeout == 0 || LockTimeout > milliseconds)
			pg::guarded([&] {
				set_config_option("lock_timeout", std::to_string(milliseconds).c_str(), PGC_USERSET, PGC_S_SESSION,
								  GUC_ACTION_SAVE, true, 0, false);
			});
	}

	// The one lock that is waited for in earnest: what an earlier try could not have, before anything else is held.
	void wait_for_missed()
	{
		if (!OidIsValid(missed_.lock.relation))
			return;
		phase_ = "waiting";
		pg::SettingsScope settings;
		be_short(std::max(policy::milliseconds("rehearsal_lock_timeout"), 1));
		pg::guarded([&] { LockRelationOid(missed_.lock.relation, missed_.lock.mode); });
	}

	// Raises 0A000 for what not even mg_deploy runs.
	void prepare()
	{
		for (const std::optional<script::Script> *script : {&migration_.verify, &migration_.precondition})
			if (script->has_value())
				(*script)->require_runnable();
		if (Deployment::is_wanted(migration_.up))
			deployments_.emplace("up", Deployment(migration_.up, !applied_));
		if (migration_.down.has_value() && Deployment::is_wanted(*migration_.down))
			deployments_.emplace("down", Deployment(*migration_.down, applied_));
		for (const auto &[what, deployment] : deployments_)
			findings_.notes.push_back({"deployment", what, 0, "", deployment.summary()});
	}

	Observer observer_of(const char *phase) const
	{
		return missed_.phase == phase ? Observer(missed_.lock, missed_.line) : Observer();
	}

	void rehearse_forth(capture::Run &run)
	{
		phase_ = "precondition";
		check(migration_.precondition);
		Observer observer = observer_of("up");
		turn(migration_.up, "up", run, observer);
		look(observer, run);
		phase_ = "verification";
		check(migration_.verify);
		if (!migration_.down.has_value())
		{
			findings_.verdict = Verdict::no_down;
			return;
		}
		Observer others;
		turn(*migration_.down, "down", run, others);
		look_back();
		turn(migration_.up, "up again", run, others);
		check(migration_.verify);
		findings_.verdict = Verdict::restores;
	}

	void rehearse_back(capture::Run &run)
	{
		if (!migration_.down.has_value())
		{
			findings_.verdict = Verdict::no_down;
			return;
		}
		Observer observer = observer_of("down");
		turn(*migration_.down, "down", run, observer);
		look(observer, run);
		Observer others;
		turn(migration_.up, "up again", run, others);
		look_back();
		check(migration_.verify);
		findings_.verdict = Verdict::restores;
	}

	void turn(const script::Script &script, const char *phase, capture::Run &run, Observer &observer)
	{
		pg::SettingsScope settings;
		const int64_t start = capture::clock_us();

		phase_ = phase;
		progress_ = {};
		stand_in_ = {};
		left_out_ = 0;
		migrate::Watch watch = {nullptr, [&](const std::string &sql) { before_statement(sql); },
								[&](int line) { after_statement(observer, line); }};
		auto deployment = deployments_.find(script.what());
		deployment_ = deployment != deployments_.end() ? &deployment->second : nullptr;
		if (deployment_ != nullptr)
			watch.instead = [&](const script::Statement &statement) { return instead_of(statement); };
		migrate::run_script(script, migration_.name, run, progress_, watch);
		migrate::check_constraints(migration_.name, progress_);
		migrate::note_listed(migration_.name, script.what() == "up");
		if (findings_.turns.empty())
			locks_ = observer.locks();
		add_kept(archive::accounts_of(capture::current_run()->id));
		findings_.turns.push_back({phase, capture::clock_us() - start,
								   static_cast<int>(progress_.timings.size()) - left_out_, progress_.timings});
	}

	// What a second way forth destroys again is the first one's; what it brings back is not.
	void add_kept(std::vector<archive::Account> kept)
	{
		if (findings_.turns.size() == 2)
			kept.resize(findings_.kept.size());
		findings_.kept = std::move(kept);
	}

	std::optional<std::string> instead_of(const script::Statement &statement)
	{
		stand_in_ = deployment_->stand_in(statement);
		if (!stand_in_.sql.has_value())
		{
			left_out_++;
			recorder_.before({});
		}
		const bool is_told = phase_ == "up again" && !applied_;
		if (!stand_in_.aspect.empty() && !is_told)
			findings_.notes.push_back({stand_in_.aspect, phase_, progress_.line, progress_.statement, stand_in_.what});
		return stand_in_.sql;
	}

	void before_statement(const std::string &sql)
	{
		be_short(moment_ms);
		Fit fit = require_fit(sql, stand_in_.aspect == "sample");
		if (fit.lasting.has_value())
			findings_.lasting.push_back({phase_ + ", line " + std::to_string(progress_.line), *fit.lasting});
		if (findings_.turns.empty())
			recorder_.before(fit);
	}

	void after_statement(Observer &observer, int line)
	{
		const std::vector<Taken> taken = observer.look(line, deployment_ != nullptr ? &deployment_->locks() : nullptr);

		if (findings_.turns.empty())
			recorder_.after(progress_, taken, stand_in_.aspect.empty() ? "" : stand_in_.what,
							stand_in_.aspect == "sample" || stand_in_.aspect == "left out");
		if (deployment_ != nullptr && deployment_->ends_step())
			observer.end_step();
	}

	void check(const std::optional<script::Script> &script)
	{
		if (!script.has_value())
			return;
		for (migrate::Finding &finding : migrate::run_checks(*script, migration_.name, progress_))
		{
			findings_.checks.push_back(finding);
			if (finding.ok)
				continue;
			findings_.trouble =
				Trouble{script->what(),
						finding.line,
						finding.query,
						script->what() == "verify" ? "MG402" : "MG401",
						script->what() + " query: expected " + finding.expected + ", got " + finding.actual,
						"",
						""};
			findings_.verdict = verdict_of_trouble();
			throw Ended();
		}
	}

	// After the first script.
	void look(const Observer &observer, const capture::Run &run)
	{
		relations_ = observer.relations();
		between_ = relations_now(relations_);
		rewrites_ = run.rewrites();
		const drift::Change change = migrate::change_of(run, run.objects());
		touched_ = change.incomplete ? schema::changed_between(versions_, schema::versions()) : change.touched;
		for (auto &[oid, relation] : between_)
			if (auto scans = scans_before_.find(oid); scans != scans_before_.end())
				relation.scans -= scans->second;
		for (const auto &[oid, relation] : between_)
			if (wants_rows(relation))
				rows_between_[oid] = contents_of(relation);
	}

	// After the second script: things should be as they were.
	void look_back()
	{
		schema::Versions now = schema::versions();

		changed_ = schema::changed_between(versions_, now);
		pictures_ = drift::pictures_of(scope_, changed_);
		compared_ = true;
		after_ = relations_now(relations_);
		for (const auto &[oid, relation] : after_)
			if (wants_rows(relation))
				rows_after_[oid] = contents_of(relation);
	}

	bool wants_rows(const Relation &relation) const
	{
		auto lock = locks_.find(relation.oid);
		return has_rows(relation.kind) && lock != locks_.end() && lock->second.mode >= RowExclusiveLock &&
			   relation.bytes <= policy::bytes("rehearsal_count_size");
	}

	void add_touched(const std::map<Oid, Relation> &before)
	{
		for (Oid oid : relations_)
		{
			Touched touched;
			auto find = [&](const std::map<Oid, Relation> &relations) {
				auto found = relations.find(oid);
				return found != relations.end() ? std::optional<Relation>(found->second) : std::nullopt;
			};
			touched.before = find(before);
			touched.after = find(between_);
			if (!touched.before.has_value() && !touched.after.has_value())
				continue;
			touched.name = touched.before.has_value() ? touched.before->name : touched.after->name;
			if (auto lock = locks_.find(oid); lock != locks_.end())
				touched.lock = lock->second;
			for (const capture::Rewrite &rewrite : rewrites_)
				if (rewrite.relation == touched.name ||
					(touched.after.has_value() && rewrite.relation == touched.after->name))
					touched.rewritten = rewrite.reason;
			findings_.touched.push_back(touched);
		}
	}

	void add_rows()
	{
		for (const Touched &touched : findings_.touched)
		{
			const Relation &relation = touched.before.has_value() ? *touched.before : *touched.after;
			if (!has_rows(relation.kind) || !touched.lock.has_value() || touched.lock->mode < RowExclusiveLock)
				continue;
			Rows rows;
			rows.table = touched.name;
			rows.counted = relation.bytes <= policy::bytes("rehearsal_count_size");
			rows.estimate = relation.estimate;
			auto counted = [&](const std::map<Oid, Contents> &contents) {
				auto found = contents.find(relation.oid);
				return found != contents.end() ? std::optional<Contents>(found->second) : std::nullopt;
			};
			rows.between = counted(rows_between_);
			rows.after = counted(rows_after_);
			if (touched.before.has_value() && rows.counted)
				rows.before = contents_of(relation);
			if (touched.before.has_value() && touched.after.has_value())
				rows.lost = dropped_columns(*touched.before, *touched.after);
			if (auto after = after_.find(relation.oid); after != after_.end() && touched.after.has_value())
				rows.lost_by_down = dropped_columns(*touched.after, after->second);
			findings_.rows.push_back(std::move(rows));
		}
	}

	const migrate::Migration &migration_;
	const bool applied_;
	const std::set<std::string> &assumed_;
	const Missed missed_;
	const schema::Scope scope_;
	Findings &findings_;
	migrate::Progress progress_;
	std::string phase_ = "start";
	std::optional<pg::WaitWatch> watch_;
	std::optional<OutsideWatch> outside_;
	std::optional<Effect> refused_;
	pg::Awaited waited_ = {InvalidOid, NoLock}; // last
	schema::Versions versions_;
	bool compared_ = false;
	std::vector<schema::Address> changed_;
	std::vector<Picture> pictures_;
	StepRecorder recorder_;
	std::map<std::string, Deployment, std::greater<>> deployments_; // by script: up, down
	Deployment *deployment_ = nullptr;                              // of the script that runs
	StandIn stand_in_;
	int left_out_ = 0;
	std::vector<schema::Address> touched_; // by the first script
	std::vector<Oid> relations_;
	std::map<Oid, Lock> locks_;
	std::map<Oid, Relation> between_;
	std::map<Oid, Relation> after_;
	std::map<Oid, int64_t> scans_before_;
	std::map<Oid, Contents> rows_between_;
	std::map<Oid, Contents> rows_after_;
	std::vector<capture::Rewrite> rewrites_;
};

Trouble
trouble_of(const pg::Error &error, const Rehearsal &rehearsal)
{
	const ErrorData &data = error.data();
	auto text = [](const char *value) { return std::string(value != nullptr ? value : ""); };

	return {rehearsal.phase(),
			rehearsal.progress().line,
			rehearsal.progress().statement,
			unpack_sql_state(data.sqlerrcode),
			text(data.message),
			text(data.detail),
			text(data.hint)};
}

} // namespace

void
require_possible()
{
	if (RecoveryInProgress())
		throw UserError("25006", "cannot rehearse a migration on a standby");
	if (capture::is_running())
		throw UserError("55000", "cannot rehearse a migration within a migration");
}

Findings
rehearse(const migrate::Migration &migration, bool applied, const std::set<std::string> &assumed)
{
	Missed missed;

	require_possible();
	for (int tries = 1;; tries++)
	{
		Findings findings;
		pg::AdvisoryLocks locks;
		Rehearsal rehearsal(migration, applied, assumed, missed, findings);
		std::optional<pg::Error> error;

		try
		{
			std::optional<pg::Error> raised = pg::try_and_undo([&] {
				/* The subtransaction's end puts it back. */
				XactReadOnly = false;
				rehearsal.run();
			});
			if (raised.has_value())
				error.emplace(std::move(*raised));
		}
		catch (const Ended &)
		{
		}
		catch (const UserError &refusal)
		{
			findings.verdict = Verdict::cannot;
			findings.trouble = Trouble{rehearsal.phase(),
									   rehearsal.progress().line,
									   rehearsal.progress().statement,
									   refusal.sqlstate(),
									   refusal.what(),
									   refusal.detail(),
									   refusal.hint()};
		}
		rehearsal.stop_watching();
		if (error.has_value() && !is_verdict(error->data().sqlerrcode))
			throw std::move(*error);
		if (error.has_value())
		{
			const bool locked = error->data().sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
			if (locked && tries < most_tries && !rehearsal.is_waiting_first())
			{
				missed = rehearsal.missed();
				/* For a row that another session has written, there is nothing to queue for. */
				if (!OidIsValid(missed.lock.relation))
					pg::sleep_ms(policy::milliseconds("rehearsal_lock_timeout"));
				continue;
			}
			findings.verdict = locked ? Verdict::cannot : rehearsal.verdict_of_trouble();
			findings.trouble = trouble_of(*error, rehearsal);
			if (error->data().sqlerrcode == ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE && rehearsal.commits_enum_value())
			{
				findings.verdict = Verdict::cannot;
				findings.trouble->hint =
					"mg_deploy() commits the value before the statement that uses it; a rehearsal and "
					"mg_apply() are one transaction.";
			}
			if (rehearsal.is_waiting_first())
			{
				findings.trouble->phase = missed.phase;
				findings.trouble->line = missed.line;
				findings.trouble->statement = missed.statement;
			}
		}
		rehearsal.admit_refusal();
		/* To look at something locks it too. */
		if (std::optional<pg::Error> failure = pg::try_and_undo([&] { rehearsal.compare(); }))
			throw std::move(*failure);
		return findings;
	}
}

} // namespace mg::rehearse
