-- The sums as SQL sees them, and how a result becomes a line of TAP.
CREATE SCHEMA sweep;
CREATE FUNCTION sweep.versions() RETURNS TABLE (classid oid, objid oid, sum bigint) LANGUAGE c AS 'mg_sweep', 'sweep_versions';
CREATE FUNCTION sweep.versions_of(classids text[], objids text[]) RETURNS TABLE (classid oid, objid oid, sum bigint) LANGUAGE c
    AS 'mg_sweep', 'sweep_versions_of';
CREATE FUNCTION sweep.units() RETURNS integer LANGUAGE c AS 'mg_sweep', 'sweep_count';
