-- Documents and checklists of migrations.

CREATE FUNCTION pg_catalog.mg_doc(name text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_doc';
COMMENT ON FUNCTION pg_catalog.mg_doc(text) IS
'gives the document of a registered migration in Markdown: purpose, risk, what it changed, verification, rollback with its proof, measured impact, approvals, every attempt; of a pending one what is known so far. NULL is all of them, with a table of contents. Raises MG004 for no migration';

CREATE FUNCTION pg_catalog.mg_checklist(name text)
	RETURNS TABLE (stage text, item text, task text, done boolean, by text, evidence text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_checklist';
COMMENT ON FUNCTION pg_catalog.mg_checklist(text) IS
'gives the checklist of a registered migration: stage pre, during or post; what is done is ticked by the evidence that the database has, the rest by who signed it with mg_sign(); done is NULL for what is not asked for here or not on record. Verifies an applied migration, with the caller''s rights. Raises MG004 for no migration';

CREATE FUNCTION pg_catalog.mg_sign(name text, item text, note text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_sign';
COMMENT ON FUNCTION pg_catalog.mg_sign(text, text, text) IS
'answers for an item of a migration''s checklist that the database cannot know; void when one of its scripts changes or it is rolled back. Needs the right apply or approve:KIND. Raises 22023 for an item that there is not or that the database ticks, MG004 for no migration, MG406 for what comes after it while it is not applied';
