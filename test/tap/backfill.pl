# mg_backfill(): keys of every kind, tables of every kind, stops of every kind; each row is changed exactly once.
use strict;
use warnings FATAL => 'all';

use Governed;
use IPC::Run;
use Test::More;
use Time::HiRes qw(sleep);

my $server = new_cluster('backfill', streaming => 1, conf => [ preload(), 'restart_after_crash = on', 'max_worker_processes = 8' ]);
new_database($server, 'app');

# Runs SQL in database app; `user` and `pgoptions` as in run_sql().
sub sql { return $server->safe_psql('app', $_[0]) }
sub run_fine { my ($sql, $what, @options) = @_; return works($server, 'app', $sql, $what, @options) }
sub refused { my ($sql, $state, $what, @options) = @_; return fails_with($server, 'app', $sql, $state, $what, @options) }

# Which numbers of changes there are, and of how many rows.
sub changes { my ($table) = @_; return sql("SELECT string_agg(n || ':' || c, ' ' ORDER BY n) FROM (SELECT n, count(*) AS c FROM $table GROUP BY n) x") }

# What the newest backfill by itself has on record.
sub newest_events { return sql("SELECT string_agg(event, ' ' ORDER BY id) FROM mg.journal WHERE deployment = (SELECT max(deployment) FROM mg.journal WHERE event = 'begun') AND event NOT IN ('batch', 'blocked')") }
sub batches { return sql("SELECT count(*) FROM mg.journal WHERE deployment = (SELECT max(deployment) FROM mg.journal WHERE event = 'begun') AND event = 'batch'") }

sub batches_of_all { return sql("SELECT count(*) FROM mg.journal WHERE event = 'batch'") }

# Starts a CALL in a session of its own.
sub start
{
	my ($call, %options) = @_;
	my %session = (out => '', err => '', batches => batches_of_all());
	local $ENV{PGOPTIONS} = $options{pgoptions} if defined $options{pgoptions};
	$session{run} = IPC::Run::start([ 'psql', '-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose', '-v', 'ON_ERROR_STOP=1', '-d', $server->connstr('app') . ' application_name=' . ($options{name} // 'runner'), '-c', $call ],
		'<', \undef, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(120));
	return \%session;
}

sub finish
{
	my ($session) = @_;
	local $SIG{PIPE} = 'IGNORE';
	eval { $session->{run}->finish; 1 } or $session->{run}->kill_kill;
	return $session->{err};
}

sub pid_of { my ($name) = @_; return sql("SELECT pid FROM pg_stat_activity WHERE application_name = '$name'") }
sub wait_for { my ($query, $expected) = @_; return $server->poll_query_until('app', $query, $expected // 't') }
# Waits until so many batches more are done than when the session began, or than `from`.
sub wait_for_batches { my ($session, $count, $from) = @_; my $enough = ($from // $session->{batches}) + $count; return wait_for("SELECT count(*) >= $enough FROM mg.journal WHERE event = 'batch'") }

my $has_citext = $server->psql('app', 'CREATE EXTENSION citext') == 0;

# A fuse in the SET clause: while it is set, the row that has `at` raises; each row takes `pause` seconds, so that there is something to stop
# on a fast machine too.
sql(<<'SQL');
CREATE TABLE fuse (at int, pause float8 NOT NULL DEFAULT 0);
INSERT INTO fuse VALUES (NULL);
CREATE FUNCTION burn(i int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE f record;
BEGIN
	SELECT * INTO f FROM public.fuse;
	IF i = f.at THEN RAISE 'blown at %', i; END IF;
	IF f.pause > 0 THEN PERFORM pg_sleep(f.pause); END IF;
	RETURN 1;
END $$;
SQL

subtest 'keys' => sub {
	sql("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); ALTER TYPE mood ADD VALUE 'grim' BEFORE 'sad'; CREATE TYPE pair AS (a int, b text); CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE COLLATION backwards (provider = icu, locale = 'und-u-kf-upper')");
	sql('CREATE DOMAIN email AS citext') if $has_citext;
	my @one = (
		[ smallint => 'i' ], [ int => '25 - i' ], [ bigint => 'i::bigint << 40' ], [ uuid => 'md5(i::text)::uuid' ], [ 'text COLLATE "C"' => q{chr(96 + i % 26) || ' " \ '' ' || i} ], [ 'text COLLATE "und-x-icu"' => q{CASE WHEN i % 2 = 0 THEN 'Ä' ELSE 'a' END || i} ],
		[ 'text COLLATE backwards' => q{CASE WHEN i % 2 = 0 THEN 'B' ELSE 'b' END || i} ], [ 'varchar(20)' => q{'v' || i} ], [ 'char(8)' => q{'c' || i} ], [ '"char"' => q{chr(60 + i)::"char"} ], [ name => q{('n' || i)::name} ],
		[ timestamptz => q{timestamptz '2024-03-30 22:00+00' + i * interval '17.000001 min'} ], [ timestamp => q{CASE i WHEN 1 THEN '-infinity' WHEN 2 THEN 'infinity' WHEN 3 THEN '0044-03-15 BC' ELSE timestamp '2024-01-01' + i * interval '1 day' END} ],
		[ date => q{CASE i WHEN 1 THEN 'infinity'::date ELSE date '0002-01-20 BC' + i * 100 END} ], [ time => q{time '00:00' + i * interval '47.5 min'} ], [ timetz => q{timetz '12:00+02' + i * interval '1 min'} ],
		[ interval => q{i * interval '-1 month 3 days -04:05:06.789'} ], [ numeric => q{CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' ELSE i / 7.0 END::numeric} ], [ float8 => q{CASE i WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' WHEN 3 THEN 0 ELSE i * 0.1 / 3 END::float8} ],
		[ float4 => q{(CASE i WHEN 1 THEN 'NaN' ELSE (i * 0.1 / 3)::text END)::float4} ], [ bytea => q{decode(md5(i::text), 'hex') || '\x5c00'::bytea} ], [ oid => 'i::oid' ], [ 'int[]' => 'ARRAY[i % 3, NULL, i]' ], [ 'text[]' => q{ARRAY['a,"b' || i, '']} ], [ int4range => 'int4range(i, i + 2)' ],
		[ tstzrange => q{tstzrange('2024-01-01', timestamptz '2024-01-01' + i * interval '1 s')} ], [ inet => q{'10.0.0.0'::inet + i * 1000} ], [ macaddr => q{('08:00:2b:01:02:' || to_hex(16 + i))::macaddr} ], [ 'bit varying' => 'i::bit(6)' ], [ 'bit(6)' => 'i::bit(6)' ],
		[ jsonb => q{jsonb_build_object('k', i, 'q', '"')} ], [ pair => q{ROW(i, 'p, "' || i)::pair} ], [ positive => 'i' ], [ boolean => 'i = 1', 2 ], [ mood => '(enum_range(NULL::mood))[i]', 4 ], [ tsvector => q{('w' || i)::tsvector} ], [ 'pg_lsn' => q{('0/' || i)::pg_lsn} ], [ tid => "('(' || i || ',1)')::tid" ]);
	push @one, [ email => q{CASE WHEN i % 2 = 0 THEN 'A' ELSE 'a' END || i || '@example.com'} ] if $has_citext;
	# Settings of whoever goes on are not those of whoever began.
	my @settings = ("-c DateStyle=German -c IntervalStyle=postgres_verbose -c TimeZone=Asia/Kathmandu -c bytea_output=escape -c extra_float_digits=0 -c standard_conforming_strings=off -c escape_string_warning=off",
		"-c DateStyle=SQL,DMY -c IntervalStyle=sql_standard -c TimeZone=America/St_Johns -c bytea_output=hex -c extra_float_digits=-15");
	my $number = 0;

	my $try = sub {
		my ($what, $columns, $values, $rows, $key) = @_;
		my $table = 'k' . ++$number;
		sql("CREATE TABLE $table ($columns, n int NOT NULL DEFAULT 0, i int); INSERT INTO $table SELECT $values, 0, i FROM generate_series(1, $rows) i; $key->{$table}" =~ s/TABLE_HERE/$table/gr);
		my $size = $rows > 10 ? 7 : 1;
		my $at = $rows > 10 ? 3 : 1;
		sql("UPDATE fuse SET at = (SELECT i FROM $table ORDER BY $key->{order} OFFSET $rows - $at LIMIT 1)");
		refused("CALL mg_backfill('$table', 'n = n + burn(i)', NULL, $size)", 'P0001', "$what: stops", pgoptions => $settings[0]);
		my $before = changes($table);
		sql('UPDATE fuse SET at = NULL');
		my ($status, $out, $err) = run_sql($server, 'app', "CALL mg_backfill('$table', 'n = n + burn(i)', NULL, $size)", pgoptions => $settings[1]);
		like($err, qr/NOTICE.*resuming the backfill of public\.$table by its/, '  and goes on');
		is($before . ' then ' . changes($table), "0:$at 1:" . ($rows - $at) . " then 1:$rows", '  changes each row once') if $size == 1;
		like($before, qr/^0:\d+ 1:\d+$/, '  where some were done') if $size != 1;
		is(changes($table), "1:$rows", '  each row is changed once');
		return;
	};
	for my $case (@one)
	{
		my ($type, $value, $rows) = @$case;
		next if $type eq 'tid';    # no btree order that a primary key takes on 15
		$try->($type, "k $type PRIMARY KEY", $value, $rows // 24, { order => 'k', map { ("k$_" => '') } 1 .. 99 });
	}
	my @more = (
		[ 'two columns', 'a int, b text', "i % 3, 'b' || i", 'PRIMARY KEY (a, b)', 'a, b' ],
		[ 'three columns', 'a int, b timestamptz, c float8', "i % 2, timestamptz '2024-01-01' + i % 3 * interval '1 day', i", 'PRIMARY KEY (a, b, c)', 'a, b, c' ],
		[ 'a name to be quoted', '"Odd "" name" int', 'i', 'PRIMARY KEY ("Odd "" name")', '"Odd "" name"' ],
		[ 'a unique index, downwards', 'a int NOT NULL', 'i', 'CREATE UNIQUE INDEX ON TABLE_HERE (a DESC)', 'a DESC' ],
		[ 'nulls where they are not usual', 'a int NOT NULL, b int NOT NULL', 'i % 4, i', 'CREATE UNIQUE INDEX ON TABLE_HERE (a NULLS FIRST, b)', 'a, b' ],
		[ 'all downwards', 'a int NOT NULL, b text NOT NULL', "i % 4, 'b' || i", 'CREATE UNIQUE INDEX ON TABLE_HERE (a DESC, b DESC)', 'a DESC, b DESC' ],
		[ 'mixed directions', 'a int NOT NULL, b text NOT NULL', "i % 4, 'b' || i", 'CREATE UNIQUE INDEX ON TABLE_HERE (a, b DESC)', 'a, b DESC' ],
		[ 'three of mixed directions', 'a int NOT NULL, b int NOT NULL, c int NOT NULL', "i % 2, i % 3, i", 'CREATE UNIQUE INDEX ON TABLE_HERE (a DESC, b, c DESC)', 'a DESC, b, c DESC' ],
		[ 'an operator class of its own', 'a text NOT NULL', q{CASE WHEN i % 2 = 0 THEN 'Z' ELSE 'a' END || i}, 'CREATE UNIQUE INDEX ON TABLE_HERE (a text_pattern_ops)', 'a COLLATE "C"' ],
		[ 'a collation of its own', 'a text COLLATE "C" NOT NULL, b int NOT NULL', q{CASE WHEN i % 2 = 0 THEN 'Z' ELSE 'a' END, i}, 'CREATE UNIQUE INDEX ON TABLE_HERE (a COLLATE "und-x-icu", b)', 'a COLLATE "und-x-icu", b' ],
		[ 'columns besides the key', 'a int NOT NULL, b int', 'i, NULL', 'CREATE UNIQUE INDEX ON TABLE_HERE (a) INCLUDE (b)', 'a' ],
		[ 'a primary key that is deferrable', 'a int', 'i', 'PRIMARY KEY (a) DEFERRABLE INITIALLY DEFERRED', 'a' ]);
	push @more, [ 'operators of two schemas', 'a int, b citext', "i % 3, 'B' || i", 'PRIMARY KEY (a, b)', 'a, b' ] if $has_citext;
	for my $case (@more)
	{
		my ($what, $columns, $values, $key, $order) = @$case;
		my $is_index = $key =~ /^CREATE/;
		$try->($what, $is_index ? $columns : "$columns, $key", $values, 24, { order => $order, map { ("k$_" => $is_index ? $key : '') } 1 .. 99 }) if $is_index;
		if (!$is_index)
		{
			# Constraints stand behind all columns.
			my $table = 'k' . ($number + 1);
			$try->($what, $columns, $values, 24, { order => $order, map { ("k$_" => "ALTER TABLE TABLE_HERE ADD $key") } 1 .. 99 });
		}
	}
};

subtest 'which key' => sub {
	my %way = (
		'id int PRIMARY KEY, b int NOT NULL UNIQUE' => qr/by its primary key w_pkey \(id\)/,
		'id int NOT NULL UNIQUE' => qr/by its unique index w_id_key \(id\)/,
		'id int UNIQUE' => qr/by its pages/,
		'id int NOT NULL UNIQUE DEFERRABLE' => qr/by its pages/,
		'id money PRIMARY KEY' => qr/by its pages/,
		'id regclass PRIMARY KEY' => qr/by its pages/,
		'id int GENERATED ALWAYS AS (n + 1) STORED PRIMARY KEY' => qr/by its pages/,
		'id int NOT NULL, EXCLUDE USING btree (id WITH =)' => qr/by its pages/);
	for my $columns (sort keys %way)
	{
		sql("DROP TABLE IF EXISTS w; CREATE TABLE w (n int, $columns)");
		my ($status, $out, $err) = run_sql($server, 'app', "CALL mg_backfill('w', 'n = 1', 'n IS NULL')");
		like($err, $way{$columns}, "($columns)");
	}
	for my $index ('(id) WHERE id > 0', '((id + 1))', '(id, n)')
	{
		sql("DROP TABLE IF EXISTS w; CREATE TABLE w (id int NOT NULL, n int); CREATE UNIQUE INDEX ON w $index");
		my ($status, $out, $err) = run_sql($server, 'app', "CALL mg_backfill('w', 'n = 1', 'n IS NULL')");
		like($err, qr/by its pages/, "index $index is no key");
	}
	sql('DROP TABLE w; CREATE TABLE w (id int NOT NULL, n int); INSERT INTO w VALUES (1), (1)');
	$server->psql('app', 'CREATE UNIQUE INDEX CONCURRENTLY w_broken ON w (id)');
	my ($status, $out, $err) = run_sql($server, 'app', "CALL mg_backfill('w', 'n = 1', 'n IS NULL')");
	like($err, qr/by its pages/, 'an invalid index is no key');
	if (major($server) >= 18)
	{
		sql('DROP TABLE w; CREATE TABLE w (id int UNIQUE, n int NOT NULL DEFAULT 0); INSERT INTO w VALUES (NULL), (1); ALTER TABLE w ADD CONSTRAINT nn NOT NULL id NOT VALID');
		# What is updated has to keep to it.
		run_fine("CALL mg_backfill('w', 'id = coalesce(id, 2), n = n + 1', 'n = 0')", 'NOT NULL that is not validated');
		is(changes('w'), '1:2', '  makes no key: no row is left out');
	}
};

subtest 'without a key' => sub {
	sql('CREATE TABLE heap (n int NOT NULL DEFAULT 0, i int, filler text); INSERT INTO heap SELECT 0, i, repeat(\'x\', 100) FROM generate_series(1, 5000) i; ANALYZE heap');
	refused("CALL mg_backfill('heap', 'n = n + 1')", '22023', 'needs a WHERE clause');
	refused("CALL mg_backfill('heap', 'n = n + 1', '')", '22023', 'an empty one is none');
	like((run_sql($server, 'app', "CALL mg_backfill('heap', 'n = n + 1')"))[2], qr/DETAIL:.*rows do not stay.*HINT:/s, '  and says why');
	is(sql("SELECT count(*) FROM mg.journal WHERE details->>'table' = 'public.heap'"), '0', '  which leaves nothing on record');
	sql('UPDATE fuse SET at = 4500');
	refused("CALL mg_backfill('heap', 'n = n + burn(i)', 'n = 0', 200)", 'P0001', 'stops');
	like(changes('heap'), qr/^0:\d+ 1:4\d{3}$/, '  in the midst');
	sql('UPDATE fuse SET at = NULL');
	run_fine("CALL mg_backfill('heap', 'n = n + burn(i)', 'n = 0', 200)", 'goes on');
	is(changes('heap'), '1:5000', '  each row is changed once');
	cmp_ok(batches(), '>', 10, '  in batches');
};

subtest 'indexes are used' => sub {
	my %tables = (
		e1 => 'a int, b int, PRIMARY KEY (a, b)', e2 => 'a int NOT NULL, b int NOT NULL; CREATE UNIQUE INDEX ON e2 (a DESC, b)', e3 => 'a int NOT NULL, b int NOT NULL; CREATE UNIQUE INDEX ON e3 (a DESC NULLS LAST, b DESC)',
		e4 => 'a int, b int PRIMARY KEY');
	for my $table (sort keys %tables)
	{
		my ($columns, $index) = split /; /, $tables{$table};
		sql("CREATE TABLE $table (n int NOT NULL DEFAULT 0, $columns); " . ($index // '') . "; INSERT INTO $table SELECT 0, i % 3, i FROM generate_series(1, 50000) i");
		$server->safe_psql('app', "VACUUM ANALYZE $table");
		my $before = sql("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = '$table'");
		run_fine("CALL mg_backfill('$table', 'n = n + 1', NULL, 1000)", $tables{$table});
		wait_for("SELECT n_tup_upd = 50000 FROM pg_stat_user_tables WHERE relname = '$table'");
		is(changes($table), '1:50000', '  each row is changed once');
		cmp_ok(sql("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = '$table'") - $before, '<=', 100000, '  no batch reads the whole table');
		cmp_ok(sql("SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE relname = '$table'"), '<', 400000, '  nor the whole index');
	}
	sql("CREATE TABLE e5 (n int NOT NULL DEFAULT 0, filler text); INSERT INTO e5 SELECT 0, repeat('x', 500) FROM generate_series(1, 20000)");
	$server->safe_psql('app', 'VACUUM ANALYZE e5');
	run_fine("CALL mg_backfill('e5', 'n = n + 1', 'n = 0', 500)", 'pages');
	wait_for("SELECT n_tup_upd = 20000 FROM pg_stat_user_tables WHERE relname = 'e5'");
	cmp_ok(sql("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'e5'"), '<', 100000, '  no batch reads the whole table');
};

subtest 'partitions and children' => sub {
	sql("CREATE TABLE p (id int, part int, n int NOT NULL DEFAULT 0, PRIMARY KEY (part, id)) PARTITION BY LIST (part); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2) PARTITION BY RANGE (id); CREATE TABLE p2a PARTITION OF p2 FOR VALUES FROM (0) TO (500); CREATE TABLE p2b PARTITION OF p2 DEFAULT; INSERT INTO p SELECT i, 1 + i % 2, 0 FROM generate_series(1, 1000) i");
	my ($status, $out, $err) = run_sql($server, 'app', "CALL mg_backfill('p', 'n = p.n + 1', 'p.id > 10', 90)");
	like($err, qr/backfilling public\.p by its primary key p_pkey \(part, id\)/, 'by key over the whole');
	is(changes('p'), '0:10 1:990', '  each row is changed once');
	is(batches(), '12', '  in batches of the whole');

	sql("CREATE TABLE q (id int, part int, n int NOT NULL DEFAULT 0) PARTITION BY LIST (part); CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1); CREATE TABLE q2 PARTITION OF q FOR VALUES IN (2) PARTITION BY RANGE (id); CREATE TABLE q2a PARTITION OF q2 FOR VALUES FROM (0) TO (500); CREATE TABLE q2b PARTITION OF q2 DEFAULT; ALTER TABLE q2b ADD PRIMARY KEY (id); INSERT INTO q SELECT i, 1 + i % 2, 0 FROM generate_series(1, 1000) i; ANALYZE q");
	refused("CALL mg_backfill('q', 'n = n + 1')", '22023', 'without a key of the whole');
	sql('UPDATE fuse SET at = 601');
	refused("CALL mg_backfill('q', 'n = q.n + burn(q.id)', 'q.n = 0', 90)", 'P0001', 'each in turn');
	like(changes('q'), qr/^0:\d+ 1:\d+$/, '  stops in the midst');
	sql('UPDATE fuse SET at = NULL');
	($status, $out, $err) = run_sql($server, 'app', "CALL mg_backfill('q', 'n = q.n + burn(q.id)', 'q.n = 0', 90)");
	like($err, qr/resuming.*which is 3 tables.*public\.q1 by its pages.*public\.q2b by its primary key/s, '  goes on');
	is(changes('q'), '1:1000', '  each row is changed once');

	sql("CREATE TABLE parent (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent); CREATE TABLE grandchild (PRIMARY KEY (id)) INHERITS (child); INSERT INTO parent SELECT i FROM generate_series(1, 100) i; INSERT INTO child SELECT i FROM generate_series(1, 100) i; INSERT INTO grandchild SELECT i FROM generate_series(1, 100) i");
	run_fine("CALL mg_backfill('parent', 'n = n + 1', NULL, 30)", 'a parent with children');
	is(changes('parent'), '1:300', '  each row is changed once, those of the same key too');
	run_fine("CALL mg_backfill('child', 'n = n + 1', 'child.id > 50', 30)", 'one in the middle');
	is(changes('ONLY parent') . ' ' . changes('child'), '1:100 1:100 2:100', '  is the root of its own');
};

subtest 'what cannot be filled' => sub {
	sql("CREATE TABLE plain (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO plain SELECT i FROM generate_series(1, 100) i; CREATE VIEW v AS TABLE plain; CREATE MATERIALIZED VIEW mv AS TABLE plain; CREATE SEQUENCE s; CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE f (id int, n int) SERVER files OPTIONS (filename '/dev/null'); CREATE TABLE fp (id int, n int); CREATE FOREIGN TABLE fc () INHERITS (fp) SERVER files OPTIONS (filename '/dev/null')");
	refused("CALL mg_backfill('$_', 'n = 1', 'n = 0')", '42809', "no: $_") for 'v', 'mv', 's', 'f', 'fp', 'plain_pkey', 'pg_class', 'information_schema.sql_features', 'mg.run', 'mg.journal', 'mg.current';
	refused("CALL mg_backfill('nowhere', 'n = 1')", '42P01', 'no such table');
	refused("CALL mg_backfill('nowhere.plain', 'n = 1')", '3F000', 'no such schema');
	refused("CALL mg_backfill($_)", '22004', "no: $_") for "NULL, 'n = 1'", "'plain', NULL";
	refused("CALL mg_backfill('plain', '$_')", '22023', "writes its key: $_") for 'id = id + 1', 'n = 1, id = 2', '(n, id) = (1, 2)', '"id" = 1', 'id = DEFAULT';
	refused("CALL mg_backfill('plain', 'n = 1', NULL, $_)", '22023', "no batch size: $_") for 0, -1;
	refused("CALL mg_backfill('plain', 'n = 1', NULL, 1, '-1 s')", '22023', 'no pause');
	refused("CALL mg_backfill('plain', 'nothing = 1')", '42703', 'no such column');
	refused("CALL mg_backfill('plain', 'n = 1', 'nothing')", '42703', 'no such column to ask');
	refused("CALL mg_backfill('plain', 'n = ''x''')", '22P02', 'no such value');
	refused("CALL mg_backfill('plain', \$c\$$_\$c\$)", qr/ERROR:  (42601|22023)/, "out of SET: $_") for 'n = 1; DROP TABLE plain', 'n = 1 WHERE true', 'n = 1 --', 'n = 1 /*', 'n = (1', 'n = 1) ; SELECT (1', 'n = 1 FROM fuse', 'n = 1 RETURNING n', 'n = 1 WHERE id IN (SELECT 1', '', ' ', "n = 'x", 'n = $$x', 'n = $1 +';
	refused("CALL mg_backfill('plain', 'n = 1', \$c\$$_\$c\$)", qr/ERROR:  (42601|22023)/, "out of WHERE: $_") for 'true; DROP TABLE plain', 'true) OR (true', 'true) --', 'true RETURNING n', 'true /*', '(true', 'CURRENT OF c', ';', ' ', 'SELECT true', "'", 'true) UPDATE plain SET n = (1';
	refused("CALL mg_backfill('$_', 'n = 1')", qr/ERROR:  (42601|22023|42602|42P01|42703|0A000)/, "out of the name: $_") for 'plain; DROP TABLE plain', 'plain AS x', 'ONLY plain', 'plain x', 'plain SET n = 2 --', '', 'a.b.c.d', 'plain *';
	is(changes('plain'), '0:100', 'none has changed anything');
	is(sql("SELECT count(*) FROM mg.journal WHERE details->>'table' = 'public.plain'"), '0', 'nor is it on record');
	refused("BEGIN; CALL mg_backfill('plain', 'n = 1')", '25001', 'in a transaction block');
	refused("DO \$\$ BEGIN PERFORM 1; BEGIN CALL mg_backfill('plain', 'n = 1'); EXCEPTION WHEN division_by_zero THEN NULL; END; END \$\$", '25001', 'in a block that catches errors');
	sql("CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN CALL mg_backfill('plain', 'n = 1'); END \$\$");
	refused('SELECT f()', '25001', 'in a function');
	refused("SELECT * FROM mg_apply('b', 'CALL mg_backfill(''plain'', ''n = 1'')')", qr/ERROR:  (25001|0A000)/, 'in a migration');
	refused("SET default_transaction_read_only = on; CALL mg_backfill('plain', 'n = 1')", '25006', 'read-only');
	is(changes('plain'), '0:100', 'nothing has changed');
};

subtest 'clauses' => sub {
	sql('CREATE SCHEMA mine; CREATE TABLE mine.stock (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, "Odd name" text, other int); INSERT INTO mine.stock SELECT i FROM generate_series(1, 300) i');
	run_fine("CALL mg_backfill('mine.stock', 'n = mine.stock.n + 1', 'mine.stock.id % 2 = 0', 70)", 'columns by schema and table');
	run_fine("CALL mg_backfill('mine.stock', 'n = /* more */ n -- of\n + 1', '-- odd\nid % 2 = 1 /* ones */', 70)", 'comments') ;
	is(changes('mine.stock'), '1:300', '  each row is changed once');
	run_fine(q{SET search_path = mine; CALL mg_backfill('stock', '"Odd name" = ''it''''s '' || id, (n, other) = (SELECT stock.n + 1, max(x) FROM generate_series(1, 3) x)', 'id IN (SELECT id FROM stock) OR false', 70)}, 'sub-selects, by the search_path');
	is(changes('mine.stock'), '2:300', '  each row is changed once');
	is(sql(q{SELECT count(*) FROM mine.stock WHERE "Odd name" = 'it''s ' || id AND other = 3}), '300', '  as it says');
	run_fine("CALL mg_backfill('mine.stock', 'n = n + 1', 'false')", 'no row at all');
	is(changes('mine.stock'), '2:300', '  is changed');
	sql('TRUNCATE mine.stock');
	run_fine("CALL mg_backfill('mine.stock', 'n = n + 1')", 'an empty table');
	is(newest_events(), 'begun planned ended', '  is done at once');
};

subtest 'a hostile search_path' => sub {
	sql("CREATE SCHEMA evil; CREATE FUNCTION evil.gt(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT false'; CREATE OPERATOR evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.gt); CREATE OPERATOR evil.<= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.gt); CREATE OPERATOR evil.< (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.gt); CREATE OPERATOR evil.>= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.gt)");
	sql("CREATE DOMAIN evil.int4 AS text; CREATE DOMAIN evil.uuid AS text; CREATE TABLE evil.pg_class (x int); CREATE TABLE evil.pg_index (x int); CREATE TABLE evil.prey (id int); CREATE TABLE prey (id int PRIMARY KEY, u uuid, n int NOT NULL DEFAULT 0); INSERT INTO prey SELECT i, gen_random_uuid() FROM generate_series(1, 300) i");
	run_fine("SET search_path = evil, pg_catalog, public; CALL mg_backfill('public.prey', 'n = n + 1', NULL, 70)", 'operators and types in front of pg_catalog');
	is(changes('prey'), '1:300', '  each row is changed once');
	sql('ALTER TABLE prey DROP CONSTRAINT prey_pkey, ADD PRIMARY KEY (u)');
	run_fine("SET search_path = evil, pg_catalog, public; CALL mg_backfill('public.prey', 'n = n + 1', NULL, 70)", 'with another key');
	is(changes('prey'), '2:300', '  each row is changed once');
	run_fine("SET quote_all_identifiers = on; SET search_path = ''; CALL mg_backfill('public.prey', 'n = n + 1', NULL, 70)", 'an empty path, all names quoted');
	is(changes('prey'), '3:300', '  each row is changed once');
};

subtest 'stops' => sub {
	sql("CREATE TABLE big (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, i int); INSERT INTO big SELECT i, 0, i FROM generate_series(1, 20000) i; ANALYZE big; UPDATE fuse SET pause = 0.0002");
	my $call = "CALL mg_backfill('big', 'n = n + burn(i)', NULL, 100, '20 ms')";

	my $session = start($call);
	wait_for_batches($session, 5);
	my $pid = pid_of('runner');
	sql("SELECT pg_terminate_backend($pid)");
	like(finish($session), qr/57P01/, 'pg_terminate_backend()');
	like(changes('big'), qr/^0:\d+ 1:\d+$/, '  keeps what is done');
	is(newest_events(), 'begun planned', '  says nothing');
	wait_for("SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'");

	$session = start($call);
	wait_for_batches($session, 5);
	$pid = pid_of('runner');
	refused($call, qr/ERROR:  55P03: this backfill of public\.big is running already, by pid $pid\n/, 'at the same time');
	like((run_sql($server, 'app', "CALL mg_backfill('big', 'i = i', 'id < 5')"))[2], qr/has ended/, '  but another one runs');
	sql("SELECT pg_cancel_backend($pid)");
	my $err = finish($session);
	like($err, qr/NOTICE.*resuming the backfill of public\.big.* \d+ batches with \d+ rows are done/, 'pg_cancel_backend()');
	like($err, qr/57014.*HINT:  What was committed stays: the same CALL goes on behind the last batch/s, '  says how to go on');
	is(sql("SELECT string_agg(event, ' ' ORDER BY id) FROM mg.journal WHERE event NOT IN ('batch') AND deployment = (SELECT deployment FROM mg.journal WHERE event = 'begun' AND details->>'table' = 'public.big' AND details->>'set' ~ 'burn')"), 'begun planned resumed interrupted', '  and is on record');

	sql('UPDATE fuse SET at = 5050');
	refused($call, 'P0001', 'an error of the data');
	is(sql("SELECT string_agg(n || ' ' || i, ', ' ORDER BY i) FROM big WHERE i IN (4999, 5000, 5001, 5099)"), '1 4999, 1 5000, 0 5001, 0 5099', '  undoes its batch alone');
	is(sql("SELECT event || ' ' || sqlstate || ' ' || error || ' ' || (hash IS NOT NULL) FROM mg.journal ORDER BY id DESC LIMIT 1"), 'failed P0001 blown at 5050 true', '  and is on record');
	sql('UPDATE fuse SET at = NULL');

	$session = start($call);
	wait_for('SELECT count(*) > 6000 FROM big WHERE n = 1');
	$server->stop('immediate');
	finish($session);
	$server->start;
	like(changes('big'), qr/^0:\d+ 1:\d+$/, 'after an immediate shutdown');

	$session = start($call);
	wait_for('SELECT count(*) > 8000 FROM big WHERE n = 1');
	kill 9, pid_of('runner');
	finish($session);
	$server->poll_query_until('postgres', 'SELECT 1', '1');
	like(changes('big'), qr/^0:\d+ 1:\d+$/, 'after kill -9 of the backend');

	$session = start($call);
	wait_for('SELECT count(*) > 10000 FROM big WHERE n = 1');
	$server->kill9;
	finish($session);
	# Until the last of its processes is gone, no other server can start there.
	for (1 .. 100) { sleep 0.3; $server->{_pid} = undef; last if $server->start(fail_ok => 1); }
	like(changes('big'), qr/^0:\d+ 1:\d+$/, 'after kill -9 of the server');

	# Rows that come meanwhile are not waited for.
	$session = start($call);
	wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'runner'");
	my $added = 0;
	while ($session->{run}->pumpable && $added < 400) { sql('INSERT INTO big SELECT max(id) + 1, 0, 0 FROM big'); $added++; eval { $session->{run}->pump_nb }; }
	$err = finish($session);
	like($err, qr/backfill of public\.big has ended: \d+ rows changed in \d+ batches/, 'it ends while rows come in');
	is(sql('SELECT string_agg(n || \' \' || c, \', \' ORDER BY n) FROM (SELECT n, count(*) AS c FROM big WHERE id <= 20000 GROUP BY n) x'), '1 20000', 'each row is changed once, after all that');
	is(sql('SELECT count(*) FROM big WHERE id > 20000 AND n <> 0'), '0', 'and none of those that came');
	is(sql("SELECT sum(rows) FROM mg.journal WHERE event = 'batch' AND deployment = (SELECT deployment FROM mg.journal WHERE event = 'begun' AND details->>'table' = 'public.big' AND details->>'set' ~ 'burn')"), '20000', 'the journal has them all');
	is(sql("SELECT string_agg(check_name || ' ' || object || ' ' || actual, '; ') FROM mg_verify() WHERE NOT ok AND check_name ~ 'ledger|seal|hash'"), '', 'and verifies');
	my ($status, $out, $again) = run_sql($server, 'app', "CALL mg_backfill('big', 'n = n + burn(i)', 'id <= 100')");
	unlike($again, qr/resuming/, 'the same again begins anew');
	sql('UPDATE fuse SET pause = 0');
};

subtest 'locks' => sub {
	sql('CREATE TABLE l (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO l SELECT i FROM generate_series(1, 3000) i; ANALYZE l');
	my $holder = start('BEGIN; UPDATE l SET n = n WHERE id = 1500; SELECT pg_sleep(4); COMMIT', name => 'holder');
	wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'");
	run_fine("SET lock_timeout = '300ms'; CALL mg_backfill('l', 'n = n + 1', NULL, 500)", 'a row that somebody has locked');
	finish($holder);
	is(changes('l'), '1:3000', '  each row is changed once');
	like(sql("SELECT string_agg(DISTINCT sqlstate, ' ') FROM mg.journal WHERE event = 'blocked' AND deployment = (SELECT max(deployment) FROM mg.journal WHERE event = 'begun')"), qr/^55P03$/, '  what it waited for is on record');
	cmp_ok(sql("SELECT max(attempt) FROM mg.journal WHERE event = 'batch' AND deployment = (SELECT max(deployment) FROM mg.journal WHERE event = 'begun')"), '>', 1, '  and how often');

	$holder = start('BEGIN; LOCK TABLE l; SELECT pg_sleep(2); COMMIT', name => 'holder');
	wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'");
	run_fine("SET lock_timeout = '200ms'; CALL mg_backfill('l', 'n = n + 1', NULL, 500)", 'a table that somebody has locked');
	finish($holder);
	is(changes('l'), '2:3000', '  each row is changed once');

	sql('UPDATE l SET n = 0');
	run_fine("SET default_transaction_isolation = 'serializable'; CALL mg_backfill('l', 'n = n + 1', NULL, 500)", 'serializable');
	is(changes('l'), '1:3000', '  each row is changed once');

	# Others wait for a batch: the next one is smaller.
	sql("CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql AS \$\$ BEGIN FOR t IN 1 .. 300 LOOP EXIT WHEN i <> 1200 OR EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'); PERFORM pg_sleep(0.1); END LOOP; RETURN 1; END \$\$; SELECT mg_set_policy('backfill_batch_time', '10min', 'test')");
	# In the order in which the rows are stored, whatever the plan is.
	sql('CREATE TABLE queue (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO queue SELECT i FROM generate_series(1, 6000) i');
	my $session = start("CALL mg_backfill('queue', 'n = n + slow(id)')");
	wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'runner' AND wait_event = 'PgSleep'");
	my $waiter = start('UPDATE queue SET n = n WHERE id = 1100', name => 'waiter');
	finish($waiter);
	finish($session);
	is(sql("SELECT string_agg((details->>'size'), ' ' ORDER BY id) FROM mg.journal WHERE event = 'batch' AND deployment = (SELECT max(deployment) FROM mg.journal WHERE event = 'begun')"), '1000 2000 1000 2000', 'after a batch that another session waited for comes half of it');
	sql("SELECT mg_set_policy('backfill_batch_time', NULL, 'test')");
};

subtest 'roles' => sub {
	sql("CREATE ROLE filler LOGIN; CREATE ROLE reader LOGIN; CREATE TABLE r (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, owner name); INSERT INTO r SELECT i, 0, CASE WHEN i % 2 = 0 THEN 'filler' ELSE 'reader' END FROM generate_series(1, 100) i");
	refused("CALL mg_backfill('r', 'n = n + 1')", '42501', 'who has no right to the procedure', user => 'filler');
	sql("SELECT mg_grant_right('filler', 'apply'); SELECT mg_grant_right('reader', 'apply')");
	refused("CALL mg_backfill('r', 'n = n + 1')", '42501', 'who has none to the table', user => 'filler');
	is(sql("SELECT count(*) FROM mg.journal WHERE details->>'table' = 'public.r'"), '0', '  is not even on record');
	sql('GRANT SELECT, UPDATE (n) ON r TO filler; GRANT SELECT ON r TO reader');
	refused("CALL mg_backfill('r', 'n = n + 1')", '42501', 'who may only read it', user => 'reader');
	refused("CALL mg_backfill('r', 'owner = NULL')", '42501', 'who may not write that column', user => 'filler');
	my ($status, $out, $err) = run_sql($server, 'app', "CALL mg_backfill('r', 'n = n + 1')", user => 'filler');
	like($err, qr/has ended: 100 rows/, 'who may');
	like($err, qr/WARNING.*(permission denied to vacuum|skipping|only table or database owner)/, '  but not VACUUM: a warning');
	sql("ALTER TABLE r ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON r USING (owner = current_user); UPDATE r SET n = 0");
	run_fine("CALL mg_backfill('r', 'n = n + 1', NULL, 10)", 'row level security', user => 'filler');
	is(sql("SELECT string_agg(owner || ' ' || n || ' ' || c, ', ' ORDER BY owner) FROM (SELECT owner, n, count(*) AS c FROM r GROUP BY 1, 2) x"), 'filler 1 50, reader 0 50', '  hides rows');
	sql("SELECT mg_revoke_right('filler', 'apply')");
	refused("CALL mg_backfill('r', 'n = n + 1')", '42501', 'a right that was taken away', user => 'filler');
};

subtest 'policy' => sub {
	sql("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO t SELECT i FROM generate_series(1, 500) i; CREATE TABLE fired (id int); CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.fired VALUES (new.id); RETURN new; END'; CREATE TRIGGER fire BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION fire()");
	run_fine("CALL mg_backfill('t', 'n = n + 1')", 'triggers');
	is(sql('SELECT count(*) FROM fired'), '500', '  fire');
	sql("TRUNCATE fired; SELECT mg_set_policy('backfill_triggers', 'off', 'test')");
	run_fine("CALL mg_backfill('t', 'n = n + 1'); SHOW session_replication_role", 'backfill_triggers off');
	is(sql('SELECT count(*) FROM fired') . ' ' . changes('t'), '0 2:500', '  none fires');
	sql("SELECT mg_grant_right('filler', 'apply'); GRANT SELECT, UPDATE ON t TO filler");
	like((run_sql($server, 'app', "CALL mg_backfill('t', 'n = n + 1')", user => 'filler'))[2], qr/42501: .*switch triggers off.*HINT:.*GRANT SET ON PARAMETER session_replication_role/s, '  which takes a right');
	sql('GRANT SET ON PARAMETER session_replication_role TO filler');
	run_fine("CALL mg_backfill('t', 'n = n + 1')", '  that can be given', user => 'filler');
	is(sql('SELECT count(*) FROM fired') . ' ' . changes('t'), '0 3:500', '  none fires');
	sql("SELECT mg_set_policy('backfill_triggers', NULL, 'test')");
	refused("SELECT mg_set_policy('$_->[0]', '$_->[1]', 'test')", '22023', "no: $_->[0] $_->[1]") for [ 'backfill_triggers', 'maybe' ], [ 'backfill_batch_time', 'soon' ], [ 'backfill_dead_rows', '-1' ], [ 'backfill_replica_lag', 'x' ];

	# VACUUM on the way, in a worker, and at the end.
	sql("CREATE TABLE d (id int PRIMARY KEY, n int NOT NULL DEFAULT 0) WITH (autovacuum_enabled = off); INSERT INTO d SELECT i FROM generate_series(1, 40000) i; ANALYZE d");
	run_fine("CALL mg_backfill('d', 'n = n + 1', NULL, 5000)", 'half of the rows are dead');
	wait_for("SELECT vacuum_count = 3 AND analyze_count = 2 FROM pg_stat_user_tables WHERE relname = 'd'");
	is(sql("SELECT vacuum_count || ' ' || analyze_count FROM pg_stat_user_tables WHERE relname = 'd'"), '3 2', '  twice on the way, and once at the end with ANALYZE');
	sql("SELECT mg_set_policy('backfill_dead_rows', '0', 'test')");
	run_fine("CALL mg_backfill('d', 'n = n + 1', NULL, 5000)", 'backfill_dead_rows 0');
	wait_for("SELECT vacuum_count >= 4 AND analyze_count = 3 FROM pg_stat_user_tables WHERE relname = 'd'");
	is(sql("SELECT vacuum_count || ' ' || analyze_count FROM pg_stat_user_tables WHERE relname = 'd'"), '4 3', '  at the end alone');
	sql("SELECT mg_set_policy('backfill_dead_rows', NULL, 'test')");
	is(changes('d'), '2:40000', 'each row is changed once');

	# The size follows the time.
	sql("SELECT mg_set_policy('backfill_batch_time', '1ms', 'test')");
	sql("CREATE FUNCTION slowly(i int) RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.0001); RETURN i; END'");
	run_fine("CALL mg_backfill('d', 'n = slowly(n + 1)', 'id <= 3000')", 'backfill_batch_time of a millisecond');
	like(sql("SELECT string_agg((details->>'size'), ' ' ORDER BY id) FROM mg.journal WHERE event = 'batch' AND deployment = (SELECT max(deployment) FROM mg.journal WHERE event = 'begun')"), qr/^1000 500 250 125 100 100 100 /, '  makes them smaller, down to 100');
	sql("SELECT mg_set_policy('backfill_batch_time', NULL, 'test')");

	# Rests while somebody else is at work: here, after the first batch, for more than a second on however many processors.
	my $resting = "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'runner' AND state = 'active' AND wait_event = 'Extension'";
	my $other = start('SELECT pg_sleep(100)', name => 'other');
	sql("SELECT mg_set_policy('backfill_rest', '100000000', 'test')");
	my $runner = start("CALL mg_backfill('t', 'n = n + 1', 'n < 1000', 50)");
	wait_for_batches($runner, 1);
	ok(wait_for($resting), 'backfill_rest');
	is(batches(), '1', '  after a batch');
	sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'runner'");
	like(finish($runner), qr/57014/, '  can be cancelled');
	sql("SELECT mg_set_policy('backfill_rest', '0', 'test')");
	run_fine("CALL mg_backfill('t', 'n = n + 1', 'n < 1000', 50)", '  not at 0');
	sql("SELECT mg_set_policy('backfill_rest', NULL, 'test'), pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'other'");
	finish($other);
	is(changes('t'), '4:500', '  each row is changed once');

	my $started = time;
	run_fine("CALL mg_backfill('t', 'n = n + 1', NULL, 100, '400 ms')", 'pause');
	cmp_ok(time - $started, '>=', 1, '  is slept');
	my ($status, $out, $err) = run_sql($server, 'app', "CREATE TEMP TABLE tt AS SELECT i AS id, 0 AS n FROM generate_series(1, 100) i; ALTER TABLE tt ADD PRIMARY KEY (id); CALL mg_backfill('tt', 'n = n + 1', NULL, 30); SELECT min(n), max(n) FROM tt");
	is("$out|$err" =~ /WARNING|ERROR/ ? "$out|$err" : $out, '1|1', 'a temporary table');
};

subtest 'a step of a deployment' => sub {
	sql("CREATE TABLE s1 (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO s1 SELECT i FROM generate_series(1, 1000) i; UPDATE fuse SET at = 555");
	sql("SELECT mg_register('fill', E'SET search_path = public;\nALTER TABLE s1 ADD more int;\n-- mg:backfill batch_size=100\nUPDATE s1 SET n = n + burn(id), more = id WHERE id > 100;\n-- mg:backfill\nUPDATE s1 SET more = 0 WHERE id <= 100;')");
	refused("CALL mg_deploy('fill')", 'P0001', 'stops');
	is(changes('s1'), '0:600 1:400', '  and keeps what is done');
	sql('UPDATE fuse SET at = NULL');
	my ($status, $out, $err) = run_sql($server, 'app', "CALL mg_resume('fill')");
	like($err, qr/resuming the backfill of public\.s1 .* 5 batches with 400 rows are done/, 'goes on');
	is(changes('s1'), '0:100 1:900', '  each row is changed once');
	is(sql("SELECT count(*) FROM s1 WHERE more = CASE WHEN id > 100 THEN id ELSE 0 END"), '1000', '  with the next one');
	is(sql("SELECT status FROM mg.status WHERE migration = 'fill'"), 'applied', '  and is applied');
};

subtest 'a replica that is behind' => sub {
	$server->backup('copy');
	my $standby = PostgreSQL::Test::Cluster->new('backfill_standby');
	$standby->init_from_backup($server, 'copy', has_streaming => 1);
	$standby->append_conf('postgresql.conf', "recovery_min_apply_delay = '3s'\nwal_receiver_status_interval = '1s'\n");
	$standby->start;
	sql("SELECT mg_set_policy('backfill_replica_lag', '1s', 'test'); CREATE TABLE b (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO b SELECT i FROM generate_series(1, 1000) i");
	wait_for('SELECT coalesce(bool_or(replay_lag > interval \'2 s\'), false) FROM pg_stat_replication');
	my $session = start("CALL mg_backfill('b', 'n = n + 1', NULL, 100)");
	wait_for("SELECT count(*) = 100 FROM b WHERE n = 1");
	sleep 1;
	is(changes('b'), '0:900 1:100', 'is waited for after a batch');
	sql("SELECT mg_set_policy('backfill_replica_lag', '', 'test'); SELECT pg_cancel_backend(" . pid_of('runner') . ')');
	like(finish($session), qr/57014/, '  until somebody cancels');
	run_fine("CALL mg_backfill('b', 'n = n + 1', NULL, 100)", 'backfill_replica_lag empty');
	is(changes('b'), '1:1000', '  waits for none');
	$standby->stop;
};

# A standby that never comes is what a COMMIT that waits can be told by.
subtest 'commits' => sub {
	sql('CREATE TABLE lazy (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO lazy SELECT i FROM generate_series(1, 2000) i; ANALYZE lazy');
	my $session = start("CALL mg_backfill('lazy', 'n = n + 1', NULL, 20, '20 ms')");
	wait_for_batches($session, 2);
	sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	$server->reload;
	wait_for("SELECT current_setting('synchronous_standby_names') = 'nobody'");
	ok(wait_for_batches($session, 20, batches_of_all()), 'batches wait for no standby');
	ok(wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), '  the end does');
	sql('ALTER SYSTEM RESET synchronous_standby_names');
	$server->reload;
	like(finish($session), qr/has ended: 2000 rows changed in 100 batches/, '  until it need not');

	# So do a deployment's steps: what comes after one may wait, but no longer with its locks.
	sql("SELECT mg_register('widen', 'ALTER TABLE lazy ADD COLUMN more int; SELECT pg_sleep(3); BEGIN; SELECT 1; COMMIT')");
	$session = start("CALL mg_deploy('widen')");
	wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'runner' AND wait_event = 'PgSleep'");
	sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	$server->reload;
	ok(wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'runner' AND wait_event = 'SyncRep'"), 'a deployment waits for a standby');
	is(sql("SET lock_timeout = '2s'; SELECT count(more) FROM lazy"), '0', '  without the locks of the step that is done');
	sql('ALTER SYSTEM RESET synchronous_standby_names');
	$server->reload;
	like(finish($session), qr/"widen" is deployed/, '  until it need not');
	is(changes('lazy'), '1:2000', '  each row is changed once');
};

subtest 'no worker to be had' => sub {
	$server->append_conf('postgresql.conf', 'max_worker_processes = 0');
	$server->restart;
	sql('CREATE TABLE lonely (id int PRIMARY KEY, n int NOT NULL DEFAULT 0); INSERT INTO lonely SELECT i FROM generate_series(1, 100) i');
	my ($status, $out, $err) = run_sql($server, 'app', "CALL mg_backfill('lonely', 'n = n + 1')");
	like($err, qr/WARNING:  01000: the backfill goes on without VACUUM .*public\.lonely\n.*DETAIL:  It cannot run: no background worker slot is free.*HINT:  max_worker_processes.*has ended: 100 rows/s, 'VACUUM is left out with a warning');
	is($status . ' ' . newest_events(), '0 begun planned ended', '  and all is well');
	is(sql("SELECT reltuples FROM pg_class WHERE relname = 'lonely'"), '100', '  ANALYZE runs');
};

done_testing();
