-- The policy: settings by environment, gates, approvals, rights, and what others say.

CREATE FUNCTION pg_catalog.mg_policy(environment text DEFAULT NULL)
	RETURNS TABLE (setting text, value text, in_environment text, source text, meaning text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_policy';
COMMENT ON FUNCTION pg_catalog.mg_policy(text) IS
'the policy settings as they hold in an environment, NULL: in this one; in_environment is NULL for what holds in all that have no value of their own';

CREATE VIEW mg.policy AS SELECT p.setting, p.value, p.in_environment AS environment, p.source, p.meaning FROM pg_catalog.mg_policy() p;
COMMENT ON VIEW mg.policy IS 'each policy setting, the value that holds here, of which environment it is, who set it, and what it means';

CREATE FUNCTION pg_catalog.mg_set_policy(setting text, value text, reason text, environment text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_set_policy';
COMMENT ON FUNCTION pg_catalog.mg_set_policy(text, text, text, text) IS
'changes a policy setting for an environment, NULL: for all that have no value of their own; a NULL value takes back what was set. On record with its reason; needs the right policy, or to own the database. Raises 22023 for what the setting cannot be';

CREATE FUNCTION pg_catalog.mg_set_environment(name text, reason text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_set_environment';
COMMENT ON FUNCTION pg_catalog.mg_set_environment(text, text) IS
'says which environment this database is: development, preview, staging, production, or a name of your own. It holds for this database of this server: a copy of it is none until somebody says so. For superusers and members of pg_database_owner';

CREATE FUNCTION pg_catalog.mg_environment(OUT name text, OUT confirmed boolean, OUT doubt text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_environment';
COMMENT ON FUNCTION pg_catalog.mg_environment() IS
'which environment this database is, and whether that was said of this very database; if not, the strictest environment that has settings holds, which is the name then';

CREATE FUNCTION pg_catalog.mg_gates(name text, action text DEFAULT 'apply')
	RETURNS TABLE (gate text, is_open boolean, why text, way text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_gates';
COMMENT ON FUNCTION pg_catalog.mg_gates(text, text) IS
'the gates that a registered migration has to pass here, for action apply or roll back: whether each is open, why not, and the way to open it. Runs nothing';

CREATE FUNCTION pg_catalog.mg_approve(name text, kind text DEFAULT 'review', note text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_approve';
COMMENT ON FUNCTION pg_catalog.mg_approve(text, text, text) IS
'approves of a registered migration as it is now; void when any of its scripts changes. Kinds are review, architecture, security and retention, each needs the right approve:KIND. Raises MG408 for who registered it, MG004 for no migration';

CREATE FUNCTION pg_catalog.mg_revoke_approval(name text, kind text DEFAULT 'review', note text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_revoke_approval';
COMMENT ON FUNCTION pg_catalog.mg_revoke_approval(text, text, text) IS 'takes one''s approval back';

CREATE FUNCTION pg_catalog.mg_grant_right(role_name text, right_name text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_grant_right';
COMMENT ON FUNCTION pg_catalog.mg_grant_right(text, text) IS
'gives a role a right: read, apply, policy, break_glass or approve:KIND, and grants the functions and views that go with it. For superusers and members of pg_database_owner';

CREATE FUNCTION pg_catalog.mg_revoke_right(role_name text, right_name text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_revoke_right';
COMMENT ON FUNCTION pg_catalog.mg_revoke_right(text, text) IS
'takes a right back, and the functions that only this right gives; reading stays until the right read is taken back';

CREATE FUNCTION pg_catalog.mg_attest(name text) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_attest';
COMMENT ON FUNCTION pg_catalog.mg_attest(text) IS
'says, for mg_accept_attestation() in another environment, that a migration is applied and verified here: one line of JSON with its hash. Raises MG406, MG402, 55000 where nobody has said which environment this is';

CREATE FUNCTION pg_catalog.mg_accept_attestation(attestation text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_accept_attestation';
COMMENT ON FUNCTION pg_catalog.mg_accept_attestation(text) IS
'takes what mg_attest() gave in another environment as evidence that its scripts passed there; its hash shows what was cut or mistyped, not who wrote it, so it needs the right approve:promotion. Raises 22023';

CREATE FUNCTION pg_catalog.mg_record_backup(label text, location text DEFAULT NULL, taken_at timestamptz DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_record_backup';
COMMENT ON FUNCTION pg_catalog.mg_record_backup(text, text, timestamptz) IS
'puts on record that a backup was taken (NULL: now), for the policy setting backup_max_age; needs the right policy';

CREATE FUNCTION pg_catalog.mg_use_preset(name text, reason text DEFAULT 'preset', environment text DEFAULT NULL, history_schema text DEFAULT NULL)
	RETURNS TABLE (setting text, value text, in_environment text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_use_preset';
COMMENT ON FUNCTION pg_catalog.mg_use_preset(text, text, text, text) IS
'sets what a team''s written policy says: lootaura, scout, omnia, devices, rewards or supabase; with an environment only what it says of that one. Where the team''s scripts write into a history table of their own, mg_history_view() makes it in history_schema, NULL: not. Gives what it has set; what it does not speak of stays. On record, needs the right policy. Raises 22023';

CREATE FUNCTION pg_catalog.mg_presets()
	RETURNS TABLE (preset text, about text, setting text, value text, in_environment text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_presets';
COMMENT ON FUNCTION pg_catalog.mg_presets() IS 'what each preset would set';
