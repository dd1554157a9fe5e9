-- Changes that commit on their way: large UPDATEs in batches.

CREATE PROCEDURE pg_catalog.mg_backfill(table_name text, set_clause text, where_clause text DEFAULT NULL, batch_size integer DEFAULT NULL, pause interval DEFAULT NULL)
	LANGUAGE c AS 'MODULE_PATHNAME', 'mg_backfill';
COMMENT ON PROCEDURE pg_catalog.mg_backfill(text, text, text, integer, interval) IS
'runs UPDATE table_name SET set_clause WHERE where_clause in batches, each in a transaction of its own and on record in mg.journal; called again after it was stopped, it goes on behind the last batch, so that no row is changed twice. Goes by the primary key, or a unique index of columns that are NOT NULL, or else by pages, which takes a where_clause that leaves out what is done. batch_size fixes how many rows a batch looks at, pause is slept after each. Raises 22023, 42601, 42809, 55P03 while another session runs it, 25001 within a transaction block';
