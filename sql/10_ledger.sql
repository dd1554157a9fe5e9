-- The ledger: tables that are only ever inserted into, and only by the extension.
\echo Use "CREATE EXTENSION migration_governance" to load this file. \quit

CREATE SCHEMA mg;
COMMENT ON SCHEMA mg IS 'migration_governance: the ledger of migrations and its views';

-- (installation, id) is the key of every record. An id is the transaction's xid8 times a million plus the record's number
-- in the transaction: a sequence would change what lastval() says to the session whose statement is recorded.

-- The only table that is not dumped: a restored database is a new installation.
CREATE TABLE mg.current (
	installation      uuid   NOT NULL PRIMARY KEY,
	system_identifier bigint NOT NULL,
	database_oid      bigint NOT NULL
);
COMMENT ON TABLE mg.current IS 'which installation this database is; not dumped, so that a restored database becomes a new one';

CREATE TABLE mg.installation (
	installation      uuid        NOT NULL,
	id                bigint      NOT NULL,
	xid               xid8        NOT NULL,
	at                timestamptz NOT NULL,
	version           text COLLATE "C" NOT NULL,
	server_version    text COLLATE "C" NOT NULL,
	system_identifier bigint      NOT NULL,
	database_name     text COLLATE "C" NOT NULL,
	login_role        text COLLATE "C",
	session_role      text COLLATE "C",
	acting_role       text COLLATE "C",
	hash              text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.installation IS 'one record for each CREATE EXTENSION whose records are kept here';

CREATE TABLE mg.script (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	checksum     text COLLATE "C" NOT NULL,
	token_hash   text COLLATE "C",
	algorithm    integer     NOT NULL,
	body         text COLLATE "C" NOT NULL,
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.script IS 'the text of every script, found by its checksum: SHA-256 over the text with normalised line ends';
CREATE INDEX script_checksum ON mg.script (checksum);

CREATE TABLE mg.registration (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	migration    text COLLATE "C" NOT NULL,
	version      text COLLATE "C" NOT NULL,
	sort_key     text COLLATE "C" NOT NULL,
	up           text COLLATE "C" NOT NULL,
	down         text COLLATE "C",
	verify       text COLLATE "C",
	precondition text COLLATE "C",
	requires     text[] COLLATE "C" NOT NULL,
	headers      jsonb       NOT NULL,
	login_role   text COLLATE "C",
	session_role text COLLATE "C",
	acting_role  text COLLATE "C",
	application  text COLLATE "C",
	client       text COLLATE "C",
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.registration IS 'what a migration says, by the checksums of its scripts; the newest record of a name counts';
CREATE INDEX registration_migration ON mg.registration (migration);
CREATE INDEX registration_sort_key ON mg.registration (sort_key);

CREATE TABLE mg.run (
	installation   uuid        NOT NULL,
	id             bigint      NOT NULL,
	xid            xid8        NOT NULL,
	at             timestamptz NOT NULL,
	migration      text COLLATE "C" NOT NULL,
	action         text COLLATE "C" NOT NULL,
	outcome        text COLLATE "C" NOT NULL,
	reason         text COLLATE "C",
	checksum       text COLLATE "C",
	down_checksum  text COLLATE "C",
	started_at     timestamptz NOT NULL,
	duration_us    bigint      NOT NULL,
	statements     integer     NOT NULL,
	rows           bigint      NOT NULL,
	timings        jsonb,
	objects        jsonb,
	locks          jsonb,
	rewrites       jsonb,
	evidence       jsonb,
	size_before    bigint,
	size_after     bigint,
	phase          text COLLATE "C",
	line           integer,
	statement      text COLLATE "C",
	sqlstate       text COLLATE "C",
	error          text COLLATE "C",
	detail         text COLLATE "C",
	hint           text COLLATE "C",
	login_role     text COLLATE "C",
	session_role   text COLLATE "C",
	acting_role    text COLLATE "C",
	application    text COLLATE "C",
	client         text COLLATE "C",
	server_version text COLLATE "C",
	hash           text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.run IS 'one record for each attempt at a migration, failed ones too';
COMMENT ON COLUMN mg.run.at IS 'when it ended; strictly rising among the runs that changed the schema, whatever the clock does';
CREATE INDEX run_migration ON mg.run (migration);
CREATE INDEX run_at ON mg.run (at);

CREATE TABLE mg.statement (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	run          bigint,
	migration    text COLLATE "C",
	origin       text COLLATE "C" NOT NULL,
	nested       boolean     NOT NULL,
	login_role   text COLLATE "C",
	session_role text COLLATE "C",
	acting_role  text COLLATE "C",
	application  text COLLATE "C",
	client       text COLLATE "C",
	tag          text COLLATE "C" NOT NULL,
	object_type  text COLLATE "C",
	identity     text COLLATE "C",
	objects      jsonb,
	statement    text COLLATE "C",
	duration_us  bigint,
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.statement IS 'one record for each statement that changed the schema, whoever ran it';

CREATE TABLE mg.policy_event (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	setting      text COLLATE "C" NOT NULL,
	environment  text COLLATE "C",
	value        text COLLATE "C",
	reason       text COLLATE "C" NOT NULL,
	login_role   text COLLATE "C",
	session_role text COLLATE "C",
	acting_role  text COLLATE "C",
	application  text COLLATE "C",
	client       text COLLATE "C",
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.policy_event IS 'every change of a policy setting, with who and why; the newest record of a setting in an environment counts, NULL takes it back';

CREATE TABLE mg.rehearsal (
	installation   uuid        NOT NULL,
	id             bigint      NOT NULL,
	xid            xid8        NOT NULL,
	at             timestamptz NOT NULL,
	migration      text COLLATE "C",
	checksum       text COLLATE "C" NOT NULL,
	down_checksum  text COLLATE "C",
	verdict        text COLLATE "C" NOT NULL,
	fingerprint    text COLLATE "C" NOT NULL,
	server_version text COLLATE "C" NOT NULL,
	up_us          bigint,
	down_us        bigint,
	again_us       bigint,
	facts          jsonb       NOT NULL,
	steps          jsonb       NOT NULL,
	before         jsonb       NOT NULL,
	login_role     text COLLATE "C",
	session_role   text COLLATE "C",
	acting_role    text COLLATE "C",
	application    text COLLATE "C",
	client         text COLLATE "C",
	hash           text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.rehearsal IS 'the receipt of each rehearsal: what a migration and its way back did to this schema on this server';
COMMENT ON COLUMN mg.rehearsal.steps IS 'each statement of the first script: time, rows, locks, rewritten relations, and the table that it went through';
COMMENT ON COLUMN mg.rehearsal.before IS 'what the first script touched, as it was before';
CREATE INDEX rehearsal_checksum ON mg.rehearsal (checksum);

CREATE TABLE mg.environment (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	name         text COLLATE "C" NOT NULL,
	system_identifier bigint NOT NULL,
	database_oid bigint      NOT NULL,
	reason       text COLLATE "C",
	login_role   text COLLATE "C",
	session_role text COLLATE "C",
	acting_role  text COLLATE "C",
	application  text COLLATE "C",
	client       text COLLATE "C",
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.environment IS 'which environment this database was said to be, and which server and database said so; the newest record counts, as long as it is of this server and database';

CREATE TABLE mg.approval (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	migration    text COLLATE "C" NOT NULL,
	kind         text COLLATE "C" NOT NULL,
	given        boolean     NOT NULL,
	checksum     text COLLATE "C" NOT NULL,
	note         text COLLATE "C",
	login_role   text COLLATE "C",
	session_role text COLLATE "C",
	acting_role  text COLLATE "C",
	application  text COLLATE "C",
	client       text COLLATE "C",
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.approval IS 'approvals given and taken back, each of the scripts with this checksum';
CREATE INDEX approval_migration ON mg.approval (migration);

CREATE TABLE mg.evidence (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	kind         text COLLATE "C" NOT NULL,
	subject      text COLLATE "C" NOT NULL,
	body         jsonb       NOT NULL,
	note         text COLLATE "C",
	login_role   text COLLATE "C",
	session_role text COLLATE "C",
	acting_role  text COLLATE "C",
	application  text COLLATE "C",
	client       text COLLATE "C",
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.evidence IS 'what people and other databases have said: rights granted, backups taken, attestations, signatures, exceptions';
CREATE INDEX evidence_kind ON mg.evidence (kind, subject);

CREATE TABLE mg.alert (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	kind         text COLLATE "C" NOT NULL,
	severity     text COLLATE "C" NOT NULL,
	migration    text COLLATE "C",
	message      text COLLATE "C" NOT NULL,
	details      jsonb       NOT NULL,
	login_role   text COLLATE "C",
	session_role text COLLATE "C",
	acting_role  text COLLATE "C",
	application  text COLLATE "C",
	client       text COLLATE "C",
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.alert IS 'what somebody should know of: failures, rollbacks, drift, exceptions';
CREATE INDEX alert_at ON mg.alert (at);

CREATE TABLE mg.journal (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	deployment   bigint      NOT NULL,
	migration    text COLLATE "C",
	action       text COLLATE "C" NOT NULL,
	event        text COLLATE "C" NOT NULL,
	step         integer,
	kind         text COLLATE "C",
	line         integer,
	statement    text COLLATE "C",
	attempt      integer,
	rows         bigint,
	duration_us  bigint,
	pid          integer,
	sqlstate     text COLLATE "C",
	error        text COLLATE "C",
	details      jsonb,
	login_role   text COLLATE "C",
	session_role text COLLATE "C",
	acting_role  text COLLATE "C",
	application  text COLLATE "C",
	client       text COLLATE "C",
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.journal IS 'what deployments and backfills did, step by step: begun, started, done, blocked, failed, interrupted, planned, batch, resumed, ended';
COMMENT ON COLUMN mg.journal.deployment IS 'the id of the record with which it began; a deployed migration''s run in mg.runs has it too';
CREATE INDEX journal_deployment ON mg.journal (deployment);
CREATE INDEX journal_migration ON mg.journal (migration);

CREATE TABLE mg.archive (
	installation  uuid        NOT NULL,
	id            bigint      NOT NULL,
	xid           xid8        NOT NULL,
	at            timestamptz NOT NULL,
	run           bigint,
	migration     text COLLATE "C",
	script        text COLLATE "C",
	tag           text COLLATE "C",
	kind          text COLLATE "C" NOT NULL,
	source_schema text COLLATE "C" NOT NULL,
	source_name   text COLLATE "C" NOT NULL,
	source_column text COLLATE "C",
	relation      text COLLATE "C",
	key           text[] COLLATE "C",
	rows          bigint,
	about         bigint,
	bytes         bigint,
	expires       timestamptz,
	details       jsonb,
	login_role    text COLLATE "C",
	session_role  text COLLATE "C",
	acting_role   text COLLATE "C",
	application   text COLLATE "C",
	client        text COLLATE "C",
	hash          text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.archive IS 'what was kept before a statement destroyed it: a table, its contents, a column, the values of a column before its type changed, a sequence';
COMMENT ON COLUMN mg.archive.relation IS 'the table in schema mg_archive that has the rows';
COMMENT ON COLUMN mg.archive.key IS 'the columns that tell its rows apart; NULL where whole rows are kept';
CREATE INDEX archive_migration ON mg.archive (migration);

-- A schema of its own, so that the tables in it are dumped like any others; nobody but superusers can look into it.
CREATE SCHEMA mg_archive;
REVOKE ALL ON SCHEMA mg_archive FROM PUBLIC;
COMMENT ON SCHEMA mg_archive IS 'migration_governance: rows that were kept before a statement destroyed them; see mg.archives';

CREATE TABLE mg.seal (
	installation uuid        NOT NULL,
	id           bigint      NOT NULL,
	xid          xid8        NOT NULL,
	at           timestamptz NOT NULL,
	covers       uuid        NOT NULL,
	horizon      xid8        NOT NULL,
	members      int8multirange NOT NULL,
	records      bigint      NOT NULL,
	previous     text COLLATE "C" NOT NULL,
	digest       text COLLATE "C" NOT NULL,
	hash         text COLLATE "C" NOT NULL,
	PRIMARY KEY (installation, id)
);
COMMENT ON TABLE mg.seal IS 'the chain: each seal covers committed records of one installation and names the digest of the seal before it';

SELECT pg_catalog.pg_extension_config_dump('mg.installation', '');
SELECT pg_catalog.pg_extension_config_dump('mg.script', '');
SELECT pg_catalog.pg_extension_config_dump('mg.registration', '');
SELECT pg_catalog.pg_extension_config_dump('mg.run', '');
SELECT pg_catalog.pg_extension_config_dump('mg.statement', '');
SELECT pg_catalog.pg_extension_config_dump('mg.policy_event', '');
SELECT pg_catalog.pg_extension_config_dump('mg.rehearsal', '');
SELECT pg_catalog.pg_extension_config_dump('mg.environment', '');
SELECT pg_catalog.pg_extension_config_dump('mg.approval', '');
SELECT pg_catalog.pg_extension_config_dump('mg.evidence', '');
SELECT pg_catalog.pg_extension_config_dump('mg.alert', '');
SELECT pg_catalog.pg_extension_config_dump('mg.journal', '');
SELECT pg_catalog.pg_extension_config_dump('mg.archive', '');
SELECT pg_catalog.pg_extension_config_dump('mg.seal', '');
