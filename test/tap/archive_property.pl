# Random migrations that destroy, and their way back: the schema, every row and whatever others have written meanwhile are there. Every second
# way back from what only drops is written by mg_generate_down().
#
#   MG_ARCHIVES (100)  how many; 300 take five minutes
#   MG_SEED            to have the same again
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

my $many = $ENV{MG_ARCHIVES} // 100;
my $seed = $ENV{MG_SEED} // time;
note("MG_SEED=$seed");

my $server = new_cluster('archive_property', conf => [ preload(), 'fsync = off', 'client_min_messages = error' ]);
new_database($server, 'app');
$server->safe_psql('app', 'CREATE ROLE reader; CREATE ROLE writer');
sub sql { return $server->safe_psql('app', $_[0]) }

sub any { return $_[ int(rand(@_)) ] }
sub chance { return rand() < $_[0] }

# Types with a value for row i; %s is the case's schema.
my @types = (
	[ 'int', 'i' ], [ 'bigint', 'i::bigint * 1000000007' ], [ 'text', "'t' || i" ], [ 'text', 'repeat(md5(i::text), 200)' ], [ 'text COLLATE "C"', "chr(65 + i % 26)" ],
	[ 'numeric(12,3)', 'i / 7.0' ], [ 'numeric', "CASE i WHEN 1 THEN 'NaN' ELSE i / 3.0 END::numeric" ], [ 'boolean', 'i % 2 = 0' ], [ 'date', "date '2024-01-01' + i" ],
	[ 'timestamptz', "timestamptz '2024-03-30 22:00+00' + i * interval '17.000001 min'" ], [ 'time', "time '00:00' + i * interval '1 min'" ], [ 'interval', "i * interval '-1 month 3 days'" ],
	[ 'jsonb', "jsonb_build_object('k', i)" ], [ 'json', "json_build_object('k', i)" ], [ 'text[]', "ARRAY['a,\"b' || i, NULL]" ], [ 'int[][]', 'ARRAY[[i, 2], [3, 4]]' ],
	[ 'uuid', 'md5(i::text)::uuid' ], [ 'bytea', "decode(md5(i::text), 'hex')" ], [ '%s.mood', "(enum_range(NULL::%s.mood))[1 + i % 3]" ], [ '%s.positive', 'i' ], [ '%s.pair', "ROW(nullif(i % 4, 1), nullif('p, \"' || i % 3, 'p, \"1'))::%s.pair" ],
	[ 'int4range', 'int4range(i, i + 2)' ], [ 'inet', "'10.0.0.0'::inet + i" ], [ 'float8', "i * 0.1 / 3" ], [ 'char(5)', "'c' || i" ], [ 'varchar(20)', "'v' || i" ], [ 'tsvector', "('w' || i)::tsvector" ],
	[ 'point', 'point(i, -i)' ], [ 'bit(6)', 'i::bit(6)' ], [ 'xid8', 'i::text::xid8' ]);

# A table: its columns beside the key, and the statements that make it and what hangs on it.
sub table_of
{
	my ($schema, $name) = @_;
	my %table = (name => "$schema.$name", columns => [], parts => []);
	my $key = any(qw(int identity serial uuid two none));
	my %key_sql = (int => 'id int PRIMARY KEY', identity => 'id int GENERATED ' . any('ALWAYS', 'BY DEFAULT') . ' AS IDENTITY PRIMARY KEY', serial => 'id serial PRIMARY KEY',
		uuid => 'id int NOT NULL, u uuid PRIMARY KEY DEFAULT gen_random_uuid()', two => 'id int, k text, PRIMARY KEY (id, k)', none => 'id int');
	my %key_columns = (int => [ id => 'i' ], identity => [ id => 'i' ], serial => [ id => 'i' ], uuid => [ id => 'i', u => "md5('u' || i)::uuid" ], two => [ id => 'i', k => "'k' || i % 3" ], none => [ id => 'i % 7' ]);
	my @columns = $key_sql{$key};
	my @names = @{ $key_columns{$key} };
	my $partitioned = $key =~ /^(int|none)$/ && chance(0.2);

	for my $i (1 .. 1 + int(rand(5)))
	{
		my ($type, $value) = @{ any(@types) };
		s/%s/$schema/g for $type, $value;
		my %column = (name => any('c', 'Col ', 'd"') . $i, type => $type, null => chance(0.3));
		$column{quoted} = '"' . $column{name} =~ s/"/""/gr . '"';
		$column{definition} = "$column{quoted} $type" . ($column{null} ? '' : ' NOT NULL');
		push @columns, $column{definition};
		push @names, $column{quoted} => $column{null} ? "CASE WHEN i % 3 <> 0 THEN $value END" : $value;
		push @{ $table{columns} }, \%column;
		push @{ $column{parts} }, "COMMENT ON COLUMN $table{name}.$column{quoted} IS 'a comment'" if chance(0.2);
		push @{ $column{parts} }, "GRANT SELECT ($column{quoted}) ON $table{name} TO reader" if chance(0.2);
		push @{ $column{parts} }, "CREATE INDEX ${name}_i$i ON $table{name} ($column{quoted})" if chance(0.2) && $type !~ /json$|point|xid8/;
	}
	push @columns, 'twice int GENERATED ALWAYS AS (id * 2) STORED' if chance(0.2);
	my $make = 'CREATE ' . (chance(0.1) ? 'UNLOGGED ' : '') . "TABLE $table{name} (" . join(', ', @columns) . ')';
	if ($partitioned)
	{
		$make =~ s/UNLOGGED //;
		$make .= ' PARTITION BY RANGE (id)';
		push @{ $table{parts} }, "CREATE TABLE $table{name}_low PARTITION OF $table{name} FOR VALUES FROM (MINVALUE) TO (10)", "CREATE TABLE $table{name}_rest PARTITION OF $table{name} DEFAULT";
	}
	$table{identity} = $key eq 'identity';
	$table{counts} = $key =~ /identity|serial/;
	$table{keyed} = $key ne 'none';
	$table{unique} = $key =~ /^(int|identity|serial)$/;
	push @{ $table{parts} }, "CREATE STATISTICS $schema.${name}_st ON id, $table{columns}[0]{quoted} FROM $table{name}" if $table{columns}[0]{type} !~ /json$|point|xid8/ && !$partitioned && chance(0.1) && ($table{columns}[0]{tied} = 1);
	push @{ $table{parts} }, "GRANT SELECT, INSERT ON $table{name} TO writer" if chance(0.3);
	push @{ $table{parts} }, "ALTER TABLE $table{name} ENABLE ROW LEVEL SECURITY", "CREATE POLICY p ON $table{name} TO reader USING (id > 0)" if chance(0.2);
	push @{ $table{parts} }, "CREATE TRIGGER tr BEFORE INSERT OR UPDATE ON $table{name} FOR EACH ROW EXECUTE FUNCTION $schema.spoil()" if chance(0.2) && ($table{spoils} = 1);
	push @{ $table{parts} }, "COMMENT ON TABLE $table{name} IS 'it''s one'" if chance(0.2);
	$table{make} = [ $make, @{ $table{parts} }, map { @{ $_->{parts} // [] } } @{ $table{columns} } ];
	my %values = @names;
	$table{fill} = sub {
		my ($from, $to) = @_;
		my @list = grep { defined $values{$_} } sort keys %values;
		return "INSERT INTO $table{name} (" . join(', ', @list) . ") OVERRIDING SYSTEM VALUE SELECT " . join(', ', map { $values{$_} } @list) . " FROM generate_series($from, $to) i";
	};
	return \%table;
}

my %plain = map { $_ => 1 } 'int', 'bigint', 'text', 'boolean', 'date', 'numeric';

# What an operation destroys, how it comes back, and the tables that are there in between.
sub destroy_table
{
	my ($case) = @_;
	my $table = any(@{ $case->{tables} });
	my $drop = "DROP TABLE $table->{name}" . ($table->{referenced} ? ' CASCADE' : any('', ' CASCADE'));
	$drop = "DO \$do\$ BEGIN $drop; END \$do\$" if chance(0.2);
	return { up => $drop, down => join(";\n", @{ $table->{make} }, $table->{referenced} ? $table->{referenced} : ()), gone => { $table->{name} => 1 }, kind => 'table' };
}

sub destroy_column
{
	my ($case) = @_;
	my $table = any(@{ $case->{tables} });
	my @columns = grep { !$_->{tied} } @{ $table->{columns} } or return;
	my $column = any(@columns);
	my $last = $column == $table->{columns}[-1] && $table->{make}[0] !~ /twice/;
	return { up => "ALTER TABLE $table->{name} DROP COLUMN $column->{quoted}", down => join(";\n", "ALTER TABLE $table->{name} ADD COLUMN $column->{definition}", @{ $column->{parts} // [] }), gone => {}, less => { $table->{name} => 1 }, moved => !$last, null => $column->{null}, kind => 'column' };
}

sub destroy_contents
{
	my ($case) = @_;
	my $table = any(@{ $case->{tables} });
	return { up => "TRUNCATE $table->{name}" . any('', ' RESTART IDENTITY') . ' CASCADE', down => 'SELECT 1', gone => {}, kind => 'contents' };
}

sub destroy_values
{
	my ($case) = @_;
	my $table = any(grep { $_->{keyed} } @{ $case->{tables} }) or return;
	my ($column) = grep { $_->{type} =~ /^(text|numeric\(12,3\)|timestamptz|float8)$/ && !$_->{parts} && !$_->{tied} } @{ $table->{columns} } or return;
	my %to = (text => "varchar(2) USING left($column->{quoted}, 2)", 'numeric(12,3)' => 'int', timestamptz => 'date', float8 => 'int');
	return { up => "SET LOCAL timezone = 'UTC'; ALTER TABLE $table->{name} ALTER COLUMN $column->{quoted} TYPE $to{$column->{type}}", down => "SET LOCAL timezone = 'UTC'; ALTER TABLE $table->{name} ALTER COLUMN $column->{quoted} TYPE $column->{type}", gone => {}, less => { $table->{name} => 1 }, kind => 'values' };
}

sub destroy_schema
{
	my ($case) = @_;
	return { up => "DROP SCHEMA $case->{schema} CASCADE", down => join(";\n", @{ $case->{make} }), gone => { map { $_->{name} => 1 } @{ $case->{tables} } }, kind => 'schema' };
}

sub destroy_several
{
	my ($case) = @_;
	my @tables = @{ $case->{tables} };
	return { up => 'DROP TABLE ' . join(', ', map { $_->{name} } @tables) . ' CASCADE', down => join(";\n", (map { @{ $_->{make} } } @tables), grep { defined } map { $_->{referenced} } @tables), gone => { map { $_->{name} => 1 } @tables }, kind => 'several' };
}

sub content { my ($table) = @_; return sql("SELECT count(*) || ' ' || coalesce(md5(string_agg(r, E'\\n' ORDER BY r)), '') FROM (SELECT to_jsonb(t)::text AS r FROM $table t) x") }

my (%tried, $failed);
for my $number (1 .. $many)
{
	srand($seed + $number);
	my $schema = "s$number";
	my %case = (schema => $schema, tables => [ map { table_of($schema, "t$_") } 1 .. 1 + int(rand(3)) ]);
	my @make = ("CREATE SCHEMA $schema", "CREATE TYPE $schema.mood AS ENUM ('sad', 'ok', 'glad')", "CREATE DOMAIN $schema.positive AS int CHECK (VALUE > 0)", "CREATE TYPE $schema.pair AS (a int, b text)",
		"CREATE FUNCTION $schema.spoil() RETURNS trigger LANGUAGE plpgsql AS \$f\$ BEGIN RAISE 'a trigger has fired'; END \$f\$", map { @{ $_->{make} } } @{ $case{tables} });
	my ($referenced) = grep { $_->{unique} && $_->{make}[0] !~ /PARTITION|UNLOGGED/ } @{ $case{tables} };
	if ($referenced && chance(0.5))
	{
		$referenced->{referenced} = "CREATE TABLE $schema.child (id int REFERENCES $referenced->{name}); ";
		my $constraint = "ALTER TABLE $schema.child ADD CONSTRAINT child_fk FOREIGN KEY (id) REFERENCES $referenced->{name}";
		push @make, "CREATE TABLE $schema.child (id int)", $constraint;
		$referenced->{referenced} = $constraint;
	}
	$case{make} = \@make;
	my @tables = (@{ $case{tables} }, $referenced && $referenced->{referenced} ? { name => "$schema.child", fill => sub { "INSERT INTO $schema.child SELECT i FROM generate_series(1, 5) i" }, columns => [] } : ());
	sql(join(";\n", @make));
	sql(join(";\n", 'SET session_replication_role = replica', map { $_->{fill}->(1, 20) } @tables));
	sql("SELECT setval(pg_get_serial_sequence('$_->{name}', 'id'), 20)") for grep { $_->{counts} } @tables;

	my $destroy;
	$destroy = any(\&destroy_table, \&destroy_table, \&destroy_column, \&destroy_column, \&destroy_column, \&destroy_contents, \&destroy_values, \&destroy_schema, \&destroy_several)->(\%case) until $destroy;
	my $is_busy = chance(0.4) && $destroy->{kind} !~ /schema/;
	my $fingerprint = sql('SELECT mg_fingerprint()');
	my %before = map { $_->{name} => content($_->{name}) } @tables;
	my $what = "$number: $destroy->{kind}: $destroy->{up}";
	my ($status, $out, $err) = (0, '', '');
	my @wrong;

	if ($destroy->{up} =~ /^(DROP|ALTER TABLE \S+ DROP)/ && chance(0.5))
	{
		sql("SELECT mg_register('m$number', \$up\$$destroy->{up}\$up\$)");
		($status, $out, $err) = run_sql($server, 'app', "SELECT mg_generate_down('m$number')");
		push @wrong, "generated down: $err" if $status;
		$destroy->{down} = $out;
		$tried{generated}++;
	}
	($status, $out, $err) = run_sql($server, 'app', "SELECT mg_apply('m$number', \$up\$$destroy->{up}\$up\$, \$down\$$destroy->{down}\$down\$)") if !$status;
	push @wrong, "up: $err" if $status && !@wrong;
	my %theirs;
	if (!$status && $is_busy)
	{
		# Others write into what is there.
		for my $table (grep { !$destroy->{gone}{ $_->{name} } && !$_->{spoils} && $_->{name} !~ /child$/ } @tables)
		{
			next if $destroy->{less}{ $table->{name} } && ($destroy->{kind} eq 'values' || !$destroy->{null});
			my $more = $table->{fill}->(1001, 1003);
			next if $destroy->{less}{ $table->{name} };
			sql($more);
			$theirs{ $table->{name} } = 3;
		}
	}
	if (!$status)
	{
		($status, $out, $err) = run_sql($server, 'app', "SELECT mg_rollback('m$number')");
		push @wrong, "down: $err" if $status;
	}
	if (!$status)
	{
		for my $table (@tables)
		{
			my $name = $table->{name};
			if ($theirs{$name})
			{
				my $own = sql("SELECT count(*) || ' ' || coalesce(md5(string_agg(r, E'\\n' ORDER BY r)), '') FROM (SELECT to_jsonb(t)::text AS r FROM $name t ORDER BY ctid) x");
				my ($count) = content($name) =~ /^(\d+)/;
				my ($was) = $before{$name} =~ /^(\d+)/;
				push @wrong, "$name has $count rows, not $was + 3" if $count != $was + 3;
				sql("SET session_replication_role = replica; DELETE FROM $name WHERE id > 1000") if $table->{keyed};
				push @wrong, "$name has other rows" if $table->{keyed} && content($name) ne $before{$name};
			}
			elsif (content($name) ne $before{$name}) { push @wrong, "$name: " . content($name) . ", not $before{$name}" }
			push @wrong, "$name counts on from elsewhere" if $table->{counts} && !$theirs{$name} && sql("SELECT nextval(pg_get_serial_sequence('$name', 'id'))") ne '21';
		}
		push @wrong, 'the schema is another' if !$destroy->{moved} && sql('SELECT mg_fingerprint()') ne $fingerprint;
	}
	$tried{ $destroy->{kind} }++;
	fail($what), diag(join("\n", @wrong, 'made by:', @make, 'down:', $destroy->{down})), $failed++ if @wrong;
	sql("DROP SCHEMA IF EXISTS $schema CASCADE");
	last if ($failed // 0) >= ($ENV{MG_FAILURES} // 10);
}
ok(!$failed, "$many migrations and their way back: " . join(', ', map { "$tried{$_} $_" } sort keys %tried));
is(sql("SELECT string_agg(check_name || ' ' || object || ' ' || actual, '; ') FROM mg_verify() WHERE NOT ok AND check_name ~ 'ledger|seal|hash'"), '', 'the ledger verifies');
done_testing();
