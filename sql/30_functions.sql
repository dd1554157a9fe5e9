-- What people call. Functions are in pg_catalog, so that they resolve whatever the search_path is.

CREATE FUNCTION pg_catalog.mg_apply(
	name text, up text DEFAULT NULL, down text DEFAULT NULL, verify text DEFAULT NULL,
	requires text[] DEFAULT NULL, precondition text DEFAULT NULL,
	OUT migration text, OUT status text, OUT execution_time interval, OUT statements integer, OUT objects integer,
	OUT risk text, OUT checksum text, OUT run_id bigint)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_apply';
COMMENT ON FUNCTION pg_catalog.mg_apply(text, text, text, text, text[], text) IS
'applies a migration in the caller''s transaction, all or nothing: precondition, up, verify; with its name alone a registered one. Status is applied, or skipped when the same text is applied already. Raises MG001 to MG007, MG401, MG402, or what a statement raises';

CREATE FUNCTION pg_catalog.mg_register(
	name text, up text, down text DEFAULT NULL, verify text DEFAULT NULL,
	requires text[] DEFAULT NULL, precondition text DEFAULT NULL,
	OUT migration text, OUT status text, OUT risk text, OUT checksum text, OUT findings integer, OUT approvals_needed integer)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_register';
COMMENT ON FUNCTION pg_catalog.mg_register(text, text, text, text, text[], text) IS
'keeps a migration as pending, in place of an earlier text of it; of an applied one it replaces the down, verify and precondition scripts. Raises MG001 to MG005, MG007';

CREATE FUNCTION pg_catalog.mg_rollback(
	name text DEFAULT NULL, reason text DEFAULT NULL,
	OUT migration text, OUT status text, OUT execution_time interval, OUT statements integer, OUT objects integer,
	OUT risk text, OUT checksum text, OUT run_id bigint)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_rollback';
COMMENT ON FUNCTION pg_catalog.mg_rollback(text, text) IS
'rolls an applied migration back by its down script, all or nothing; NULL is the newest. The objects that up made must be gone afterwards. Raises MG403 to MG406, or what a statement raises';

CREATE FUNCTION pg_catalog.mg_rollback_to(name text, reason text DEFAULT NULL)
	RETURNS TABLE (migration text, status text, execution_time interval, statements integer, objects integer, risk text,
	               checksum text, run_id bigint)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_rollback_to';
COMMENT ON FUNCTION pg_catalog.mg_rollback_to(text, text) IS
'rolls back every migration that was applied after the one named, newest first, all or nothing; the one named stays. Raises what mg_rollback() raises';

CREATE FUNCTION pg_catalog.mg_verify(name text DEFAULT NULL)
	RETURNS TABLE (migration text, check_name text, object text, ok boolean, expected text, actual text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_verify';
COMMENT ON FUNCTION pg_catalog.mg_verify(text) IS
'checks an applied migration: its verification queries (each undone afterwards), the objects it made and their state; NULL is all of them, whatever else is in the database, the required tables, and the hashes and seals of the ledger';

CREATE FUNCTION pg_catalog.mg_rehearse(name text)
	RETURNS TABLE (aspect text, object text, value text, ok boolean)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_rehearse';
COMMENT ON FUNCTION pg_catalog.mg_rehearse(text) IS
'runs a registered migration up, down and up again (an applied one down and up) on this database and undoes all of it; tells whether the way back restores the schema, which locks were held, what was rewritten, counted and lost, and how long it took. Only the receipt stays';

CREATE FUNCTION pg_catalog.mg_rehearse(up text, down text)
	RETURNS TABLE (aspect text, object text, value text, ok boolean)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_rehearse_scripts';
COMMENT ON FUNCTION pg_catalog.mg_rehearse(text, text) IS
'the same for two scripts; down may be NULL';

CREATE FUNCTION pg_catalog.mg_rehearse_all(first text DEFAULT NULL, last text DEFAULT NULL)
	RETURNS TABLE (migration text, verdict text, up_time interval, down_time interval, differences integer)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_rehearse_all';
COMMENT ON FUNCTION pg_catalog.mg_rehearse_all(text, text) IS
'rehearses the pending migrations in their order, each on top of the ones before, and undoes all of them; a row each, up to the first that cannot be applied';

CREATE FUNCTION pg_catalog.mg_status()
	RETURNS TABLE (aspect text, value text, ok boolean, hint text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_status';
COMMENT ON FUNCTION pg_catalog.mg_status() IS
'says how the extension is set up here: version, capture and its gaps, event triggers, the head of the ledger, workers';

CREATE FUNCTION pg_catalog.mg_parse(script text)
	RETURNS TABLE (ordinal integer, line integer, col integer, tag text, captured boolean, refusal text, statement text)
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_parse';
COMMENT ON FUNCTION pg_catalog.mg_parse(text) IS
'cuts a script into statements as mg_apply() does, runs nothing: place, command tag, whether it goes on record, and why it could not run in a migration';

CREATE FUNCTION pg_catalog.mg_template(
	kind text, description text, author text DEFAULT NULL, ticket text DEFAULT NULL,
	OUT name text, OUT up text, OUT down text)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_template';
COMMENT ON FUNCTION pg_catalog.mg_template(text, text, text, text) IS
'gives the next name and empty scripts in the naming convention of the policy; kind is create, alter, drop, seed or fix';

CREATE FUNCTION pg_catalog.mg_seal() RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_seal';
COMMENT ON FUNCTION pg_catalog.mg_seal() IS
'covers what committed transactions have recorded by a new seal and gives the head of the chain, to be kept elsewhere';

CREATE FUNCTION pg_catalog.mg_allow_removal(reason text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_allow_removal';
COMMENT ON FUNCTION pg_catalog.mg_allow_removal(text) IS
'lets this session drop the extension, and the ledger with it; for superusers and members of pg_database_owner. The reason goes to the server log';

CREATE FUNCTION pg_catalog.mg_export() RETURNS jsonb
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_export';
COMMENT ON FUNCTION pg_catalog.mg_export() IS 'gives the whole ledger as one value, for mg_import() in another database';

CREATE FUNCTION pg_catalog.mg_import(dump jsonb, OUT rows_taken bigint, OUT seals_checked bigint)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_import';
COMMENT ON FUNCTION pg_catalog.mg_import(jsonb) IS
'takes the records of an export that are not here yet and checks every hash and seal; for superusers and members of pg_database_owner. Raises MG302, and takes nothing, when one does not fit';
