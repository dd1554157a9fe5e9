-- What each object must look like: a projection of what happened, written anew by every run and by mg_accept_drift().

CREATE TABLE mg.object (
	installation uuid        NOT NULL,
	catalog      oid         NOT NULL,
	object       oid         NOT NULL,
	type         text COLLATE "C" NOT NULL,
	identity     text COLLATE "C" NOT NULL,
	definition   jsonb       NOT NULL,
	versions     bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	run          bigint,
	server_major integer     NOT NULL,
	PRIMARY KEY (installation, catalog, object)
);
COMMENT ON TABLE mg.object IS 'what each object must look like, as of the last run that touched it; rows of other installations hold until a run replaces them';
COMMENT ON COLUMN mg.object.versions IS 'a sum over the versions of its catalog rows: while it is the same, nothing of the object was changed';
CREATE INDEX object_identity ON mg.object (type, identity);

SELECT pg_catalog.pg_extension_config_dump('mg.object', '');
