-- The views.
SELECT status FROM mg_apply('history one', E'-- Author: Ada\n-- Description: first\nCREATE TABLE history_one (i int);\nINSERT INTO history_one VALUES (1), (2);', 'DROP TABLE history_one');
SELECT migration_name, applied_by = session_user AS by_me, applied_at <= now() AS at, execution_time > '0' AS took_time, checksum, rollback_applied, rollback_at, metadata->'headers' AS headers, metadata->'rows' AS rows FROM mg.history WHERE migration_name = 'history one';
SELECT migration, status, checksum, risk, approvals FROM mg.status WHERE migration = 'history one';
SELECT migration, action, outcome, error, sqlstate, line, statement, rows, locks, rewrites, size_before > 0 AS before, coalesce(size_after >= size_before, true) AS after FROM mg.runs WHERE migration = 'history one';
SELECT migration, origin, tag, object_type, identity, statement, duration >= '0' AS took_time, nested FROM mg.statements WHERE migration = 'history one';
SELECT status FROM mg_rollback('history one', 'enough');
SELECT migration_name, rollback_applied, rollback_at >= applied_at AS later, metadata->>'rollback_reason' AS reason FROM mg.history WHERE migration_name = 'history one';
SELECT status, applied_at FROM mg.status WHERE migration = 'history one';
SELECT tag, statement FROM mg.statements WHERE migration = 'history one' ORDER BY at;
-- Nobody changes them.
DELETE FROM mg.run;
SELECT aspect, ok FROM mg_status() WHERE aspect IN ('extension', 'ledger protection', 'event triggers', 'installation') ORDER BY 1;
