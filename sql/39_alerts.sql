-- Alerts.

CREATE FUNCTION pg_catalog.mg_alert_rows()
	RETURNS TABLE (at timestamptz, severity text, message text, details jsonb, by_role text)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'mg_alert_rows';
COMMENT ON FUNCTION pg_catalog.mg_alert_rows() IS
'the sessions that have been at a migration for longer than the policy setting alert_after, or keep others waiting that long: what mg.alerts shows beside what is on record. Which migration it is, no other session can see';

CREATE VIEW mg.alerts AS
	SELECT a.id, a.at, a.kind, a.severity, a.migration, a.message, a.details, a.login_role AS by, a.installation
	FROM mg.alert a
	UNION ALL
	SELECT NULL, r.at, 'running', r.severity, NULL, r.message, r.details, r.by_role, (SELECT c.installation FROM mg.current c)
	FROM pg_catalog.mg_alert_rows() r
	ORDER BY 2, 1;
COMMENT ON VIEW mg.alerts IS 'what somebody should know of: one row for each alert on record, and, without an id, for each session that is at a migration for too long right now';
