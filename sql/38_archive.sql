-- What was kept before a statement destroyed it, and the way back.

CREATE VIEW mg.archives AS
	SELECT a.id, a.at, a.kind,
	       CASE WHEN a.source_column IS NULL THEN pg_catalog.format('%I.%I', a.source_schema, a.source_name)
	            ELSE pg_catalog.format('%I.%I.%I', a.source_schema, a.source_name, a.source_column) END COLLATE "C" AS source,
	       a.migration, a.script, a.tag AS statement,
	       coalesce(a.rows, a.about) AS rows,
	       a.rows IS NOT NULL AS counted,
	       a.bytes,
	       (a.details->>'moved')::boolean AS moved,
	       CASE WHEN a.details ? 'discarded' THEN 'discarded'
	            WHEN p.at IS NOT NULL THEN 'purged'
	            WHEN a.relation IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c
	                 WHERE c.relnamespace = 'mg_archive'::pg_catalog.regnamespace AND c.relname = a.relation) THEN 'missing'
	            WHEN h.kind = 'archive held' THEN 'held'
	            WHEN r.at IS NOT NULL THEN 'restored'
	            ELSE 'kept' END AS state,
	       CASE WHEN p.at IS NULL THEN CASE WHEN s.is_whole THEN r.at ELSE a.expires END END AS expires,
	       (r.body->>'rows')::bigint AS rows_restored,
	       (r.body->>'conflicts')::bigint AS conflicts,
	       s.is_whole AS restored_whole,
	       CASE WHEN h.kind = 'archive held' THEN h.note END AS held_for,
	       (a.details->>'discarded') COLLATE "C" AS discarded_for,
	       a.relation, a.key, a.run AS run_id, a.login_role, a.installation
	FROM mg.archive a
	LEFT JOIN LATERAL (SELECT e.at FROM mg.evidence e WHERE e.installation = a.installation AND e.kind = 'archive purged'
	                   AND e.subject = a.id::text ORDER BY e.at DESC, e.id DESC LIMIT 1) p ON true
	LEFT JOIN LATERAL (SELECT e.at, e.body FROM mg.evidence e WHERE e.installation = a.installation AND e.kind = 'archive restored'
	                   AND e.subject = a.id::text ORDER BY e.at DESC, e.id DESC LIMIT 1) r ON true
	LEFT JOIN LATERAL (SELECT (r.body->>'conflicts')::bigint = 0 AND (r.body->>'same')::boolean AND r.body->'missing' = '[]' AS is_whole) s ON true
	LEFT JOIN LATERAL (SELECT e.kind, e.note FROM mg.evidence e WHERE e.installation = a.installation
	                   AND e.kind IN ('archive held', 'archive released')
	                   AND e.subject = a.id::text ORDER BY e.at DESC, e.id DESC LIMIT 1) h ON true
	ORDER BY a.at, a.id;
COMMENT ON VIEW mg.archives IS 'one row for each table, column or sequence that was kept before a statement of a migration destroyed it: kept, restored, held, purged, discarded as its script says, or missing where somebody has dropped it; rows are counted, or the planner''s estimate; moved is whether the table''s own files were kept, rather than a copy';

CREATE FUNCTION pg_catalog.mg_restore(archive_id bigint, target text DEFAULT NULL,
                                      OUT restored_into text, OUT rows bigint, OUT conflicts bigint) RETURNS record
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_restore';
COMMENT ON FUNCTION pg_catalog.mg_restore(bigint, text) IS
'brings back what an archive of mg.archives keeps: to where it was taken from, without triggers, where rows whose key is taken stay as they are and count as conflicts; or, with target, as rows of a table, which is made if it is not there, with the caller''s rights. Raises 42501 unless the caller has the right archive and could read the source when it was kept, 22023 for no such archive, 42P01 when the source is not there, 55000 for one without rows';

CREATE FUNCTION pg_catalog.mg_archive_diff(archive_id bigint, most bigint DEFAULT 1000) RETURNS TABLE (key jsonb, kept jsonb, present jsonb)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_archive_diff';
COMMENT ON FUNCTION pg_catalog.mg_archive_diff(bigint, bigint) IS
'the rows of an archive of mg.archives that their table has not as they were kept, "most" of them: kept, and, where both can be told by a key, the row that has that key now, or NULL; values are text. Reads the table with the caller''s rights. Raises 42501 unless the caller has the right archive, could read the source when it was kept and may read all rows of the table now, 22023 for no such archive and for "most" below 1, 42P01 when the table is not there, 55000 for an archive without rows';

CREATE FUNCTION pg_catalog.mg_purge_archives() RETURNS TABLE (archive_id bigint, source text, bytes bigint)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_purge_archives';
COMMENT ON FUNCTION pg_catalog.mg_purge_archives() IS
'drops archives that are past their time (policy setting archive_retention when they were kept) or have come back, unless they are held, and tells which; that they were there stays on record. Raises 42501 unless the caller has the right archive';

CREATE FUNCTION pg_catalog.mg_hold_archive(archive_id bigint, reason text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_hold_archive';
COMMENT ON FUNCTION pg_catalog.mg_hold_archive(bigint, text) IS
'keeps an archive from being purged until mg_release_archive(). Raises 42501 unless the caller has the right archive, 22023 for no such archive';

CREATE FUNCTION pg_catalog.mg_release_archive(archive_id bigint, reason text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_release_archive';
COMMENT ON FUNCTION pg_catalog.mg_release_archive(bigint, text) IS
'ends what mg_hold_archive() began. Raises 42501 unless the caller has the right archive, 22023 for no such archive';

CREATE FUNCTION pg_catalog.mg_generate_down(name text) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_generate_down';
COMMENT ON FUNCTION pg_catalog.mg_generate_down(text) IS
'the down script for a registered migration whose up script only drops, written from what is there now: statements that make all of it again, with owners, privileges and comments, while the rows come back from the archive. Of one that is applied without a down script, what was put on record then. Hand it in with mg_register(). Raises MG004 for an unknown name, 55000 when the migration is applied and there is none, 0A000 when the up script does more than drop, or drops what no statement is known for';
