# Passwords and the like never get into the ledger, whatever they are written like and wherever they are run. Every secret here is
# made of the word hush and a number, and is looked for in every table and view of the ledger.
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

my @statements = (
	[ 'CREATE ROLE', "CREATE ROLE s1 PASSWORD '%s'", "CREATE ROLE s1 PASSWORD '***'" ],
	[ 'CREATE ROLE', "CREATE ROLE s2 LOGIN ENCRYPTED PASSWORD '%s' VALID UNTIL '2030-01-01'", "CREATE ROLE s2 LOGIN ENCRYPTED PASSWORD '***' VALID UNTIL '2030-01-01'" ],
	[ 'CREATE ROLE', "CREATE USER s3 WITH PASSWORD E'x\\'%s'" ],
	[ 'CREATE ROLE', "CREATE USER s4 PASSWORD U&'\\0078%s'" ],
	[ 'CREATE ROLE', "CREATE USER s5 PASSWORD U&'!0078%s' UESCAPE '!'" ],
	[ 'CREATE ROLE', "CREATE USER s6 PASSWORD \$\$%s\$\$" ],
	[ 'CREATE ROLE', "CREATE USER s7 PASSWORD \$a\$it's \$\$%s\$\$\$a\$" ],
	[ 'CREATE ROLE', "CREATE USER s8\n  PASSWORD -- the password 'x'\n  /* of /* the */ user */\n  '%s'" ],
	[ 'CREATE ROLE', "CREATE USER s9 PASSWORD 'part'\n  '%s'" ],
	[ 'CREATE ROLE', "CREATE USER s10 PASSWORD 'part' -- and then\n  '%s'" ],
	[ 'CREATE ROLE', "CREATE USER s11 PassWord'%s'IN ROLE s1" ],
	[ 'CREATE ROLE', "CREATE GROUP s12 PASSWORD '%s'" ],
	[ 'ALTER ROLE', "ALTER ROLE s1 PASSWORD '%s'" ],
	[ 'ALTER ROLE', "ALTER USER s1 WITH ENCRYPTED PASSWORD '%s' CREATEDB", "ALTER USER s1 WITH ENCRYPTED PASSWORD '***' CREATEDB" ],
	[ 'ALTER ROLE', "ALTER ROLE CURRENT_USER PASSWORD '%s'" ],
	[ 'ALTER ROLE', "ALTER ROLE s1 PASSWORD NULL", "ALTER ROLE s1 PASSWORD NULL" ],
	[ 'CREATE SERVER', "CREATE SERVER srv FOREIGN DATA WRAPPER fdw OPTIONS (host 'db.example', api_key '%s')", "CREATE SERVER srv FOREIGN DATA WRAPPER fdw OPTIONS (host 'db.example', api_key '***')" ],
	[ 'ALTER SERVER', "ALTER SERVER srv OPTIONS (ADD token '%s', SET host 'other.example')", "ALTER SERVER srv OPTIONS (ADD token '***', SET host 'other.example')" ],
	[ 'ALTER SERVER', "ALTER SERVER srv OPTIONS (SET \"api_key\" E'%s')" ],
	[ 'ALTER SERVER', "ALTER SERVER srv OPTIONS (DROP token)", "ALTER SERVER srv OPTIONS (DROP token)" ],
	[ 'CREATE USER MAPPING', "CREATE USER MAPPING FOR s1 SERVER srv OPTIONS (user 'bob', password '%s')", "CREATE USER MAPPING FOR s1 SERVER srv OPTIONS (user 'bob', password '***')" ],
	[ 'CREATE USER MAPPING', "CREATE USER MAPPING IF NOT EXISTS FOR s2 SERVER srv OPTIONS (\"Secret\" '%s')" ],
	[ 'ALTER USER MAPPING', "ALTER USER MAPPING FOR s1 SERVER srv OPTIONS (SET password '%s')" ],
	[ 'ALTER USER MAPPING', "ALTER USER MAPPING FOR s1 SERVER srv OPTIONS (ADD passcode \$\$%s\$\$, SET password '%s')" ],
	[ 'CREATE SUBSCRIPTION', "CREATE SUBSCRIPTION sub1 CONNECTION 'host=h dbname=d password=%s' PUBLICATION p WITH (connect = false)", "CREATE SUBSCRIPTION sub1 CONNECTION '***' PUBLICATION p WITH (connect = false)" ],
	[ 'CREATE SUBSCRIPTION', "CREATE SUBSCRIPTION sub2 CONNECTION 'postgresql://bob:%s\@h/d' PUBLICATION p WITH (connect = false)" ],
	[ 'CREATE SUBSCRIPTION', "CREATE SUBSCRIPTION sub3 CONNECTION 'postgres://h/d?password=%s' PUBLICATION p WITH (connect = false)" ],
	[ 'ALTER SUBSCRIPTION', "ALTER SUBSCRIPTION sub1 CONNECTION 'host=h sslpassword=%s'" ],
	[ 'ALTER SYSTEM', "ALTER SYSTEM SET primary_conninfo = 'host=h password=%s'", "ALTER SYSTEM SET primary_conninfo = '***'" ],
	[ 'ALTER SYSTEM', "ALTER SYSTEM SET primary_conninfo TO \$\$host=h password=%s\$\$" ],
	[ 'ALTER SYSTEM', "ALTER SYSTEM SET \"primary_conninfo\" = 'password=%s'" ],
	[ 'ALTER SYSTEM', "ALTER SYSTEM SET ssl_passphrase_command = 'echo %s'" ],
);
my $tidy = join ';', 'DROP SERVER IF EXISTS srv CASCADE',
  (map { ("ALTER SUBSCRIPTION sub$_ DISABLE", "ALTER SUBSCRIPTION sub$_ SET (slot_name = NONE)", "DROP SUBSCRIPTION sub$_") } 1 .. 3),
  'ALTER SYSTEM RESET primary_conninfo', 'ALTER SYSTEM RESET ssl_passphrase_command', (map { "DROP ROLE IF EXISTS s$_" } 1 .. 12), '';

my $number = 0;
sub next_secret { return sprintf('hush%05d', ++$number); }

my $server = new_cluster('secrets', conf => [ preload(), 'wal_level = logical', 'log_min_error_statement = panic' ]);
for my $database ('direct', 'nested')
{
	new_database($server, $database);
	$server->safe_psql($database, 'CREATE FOREIGN DATA WRAPPER fdw');
}

# Each one as it is, in a DO block, and in a function.
for my $entry (@statements)
{
	my ($tag, $template, $expected) = @$entry;
	my $secret = next_secret();
	(my $sql = $template) =~ s/%s/$secret/g;
	my $after = newest($server, 'direct');
	works($server, 'direct', $sql, "works: $template");
	is(statements($server, 'direct', $after, 'tag'), $tag, '  is on record');
	is(statements($server, 'direct', $after, 'statement'), $expected, '  with its text, but for the secret') if defined $expected;
	is(places_of($server, 'direct', $secret), '', '  without the secret');
}
run_sql($server, 'direct', $tidy, on_error_stop => 0);

for my $entry (@statements)
{
	my ($tag, $template) = @$entry;
	next if $tag eq 'ALTER SYSTEM';
	my $secret = next_secret();
	(my $sql = $template) =~ s/%s/$secret/g;
	my $after = newest($server, 'nested');
	$server->safe_psql('nested', "DO \$do\$BEGIN EXECUTE \$sql\$$sql\$sql\$; END\$do\$");
	is(statements($server, 'nested', $after, 'tag, nested'), "$tag|t", "in a DO block: $template");
	is(places_of($server, 'nested', $secret), '', '  without the secret');
}
run_sql($server, 'nested', $tidy, on_error_stop => 0);

# Several in one string, one of them not a statement that may hold a secret.
my $secret = next_secret();
my ($ok, $output) = pgbench_script($server, 'direct', "CREATE ROLE e1 PASSWORD '$secret';\nALTER ROLE e1 PASSWORD '$secret';\nDROP ROLE e1;\n");
ok($ok, 'by the extended protocol') or diag $output;
is(places_of($server, 'direct', $secret), '', '  without the secret');
system('psql', '-X', '-q', '-d', $server->connstr('direct'), '-c', "CREATE TABLE one (x int); CREATE ROLE e1 PASSWORD '$secret'; DROP ROLE e1; CREATE TABLE two (x int)");
is(places_of($server, 'direct', $secret), '', 'several statements in one string: without the secret');
is($server->safe_psql('direct', "SELECT count(*) FROM mg.statement WHERE statement IN ('CREATE TABLE one (x int)', 'CREATE TABLE two (x int)')"), '2', '  and each with its own text');

# Not preloaded.
my $lazy = new_cluster('lazy', conf => ['wal_level = logical']);
new_database($lazy, 'app');
$lazy->safe_psql('app', 'CREATE FOREIGN DATA WRAPPER fdw; CREATE ROLE s1; CREATE ROLE s2; CREATE SERVER srv0 FOREIGN DATA WRAPPER fdw');
for my $entry (@statements)
{
	my ($tag, $template) = @$entry;
	next if $tag =~ /ROLE|SYSTEM/;
	my $own = next_secret();
	(my $sql = $template) =~ s/%s/$own/g;
	for my $how ('simple', 'in a string', 'nested')
	{
		my $run = $how eq 'nested' ? "DO \$do\$BEGIN EXECUTE \$sql\$$sql\$sql\$; END\$do\$" : $sql;
		if ($how eq 'in a string') { system('psql', '-X', '-q', '-d', $lazy->connstr('app'), '-c', "BEGIN; $run; CREATE TABLE beside (x int); ROLLBACK") }
		else { run_sql($lazy, 'app', $how eq 'nested' ? $run : "BEGIN; $run; ROLLBACK; $run") }
		is(places_of($lazy, 'app', $own), '', "not preloaded, $how: $template");
	}
}
my $own = next_secret();
run_sql($lazy, 'app', "DO \$\$BEGIN CREATE TABLE t1 (x int); EXECUTE 'CREATE ROLE n1 PASSWORD ''$own'''; END\$\$");
is(places_of($lazy, 'app', $own), '', 'not preloaded: a DO block that makes a table and a role');
$own = next_secret();
run_sql($lazy, 'app', "SET application_name = 'x'; SELECT 1; CREATE TABLE t2 (x int); CREATE ROLE n2 PASSWORD '$own'");
is(places_of($lazy, 'app', $own), '', 'not preloaded: a role after a table');
$lazy->stop;

# In migrations: refused, and the text is kept nowhere, not even by the record of the refused attempt.
for my $entry (@statements)
{
	my ($tag, $template, $expected) = @$entry;
	next if $template !~ /%s/;
	for my $call (
		[ 'mg_apply: up', "SELECT mg_apply('m', \$up\$%s\$up\$)" ],
		[ 'mg_apply: down', "SELECT mg_apply('m', 'SELECT 1', \$up\$%s\$up\$)" ],
		[ 'mg_apply: verify', "SELECT mg_apply('m', 'SELECT 1', 'SELECT 1', \$up\$%s\$up\$)" ],
		[ 'mg_apply: precondition', "SELECT mg_apply('m', 'SELECT 1', precondition => \$up\$%s\$up\$)" ],
		[ 'mg_register: up', "SELECT mg_register('m', \$up\$CREATE TABLE m (x int);\n%s;\nDROP TABLE m\$up\$)" ])
	{
		my ($what, $sql) = @$call;
		my $hidden = next_secret();
		(my $script = $template) =~ s/%s/$hidden/g;
		(my $full = $sql) =~ s/%s/$script/;
		fails_with($server, 'direct', $full, qr/ERROR:  (MG007|0A000):/, "$what refuses: $template");
		is(places_of($server, 'direct', $hidden), '', '  and keeps nothing of it');
	}
}

# The parts of an error message: a syntax error beside a secret, a failing statement, a statement that cannot run in a transaction.
for my $script (
	"CREATE ROLE x PASSWORD '%s' BOGUS",
	"CREATE ROLE x PASSWORD '%s",
	"ALTER ROLE nobody_at_all PASSWORD '%s'",
	"CREATE SUBSCRIPTION x CONNECTION 'host=h password=%s' PUBLICATION p",
	"ALTER SYSTEM SET primary_conninfo = 'password=%s'",
	"SELECT 1; CREATE USER MAPPING FOR nobody SERVER nothing OPTIONS (password '%s') oops",
	"COMMIT; CREATE ROLE x PASSWORD '%s'",
	"CREATE ROLE x PASSWORD '%s'; COPY t FROM STDIN",
	"CREATE ROLE x PASSWORD '%s';\n\\connect other")
{
	for my $call ("SELECT mg_apply('e', \$up\$%s\$up\$)", "SELECT mg_apply('e', 'SELECT 1', \$up\$%s\$up\$)", "SELECT mg_register('e', \$up\$%s\$up\$)")
	{
		my $hidden = next_secret();
		(my $text = $script) =~ s/%s/$hidden/g;
		(my $full = $call) =~ s/%s/$text/;
		fails_with($server, 'direct', $full, qr/ERROR/, "refused: $full");
		is(places_of($server, 'direct', $hidden), '', '  and nothing of it is kept');
	}
}

# mg_parse() shows that there is a secret.
is($server->safe_psql('direct', "SELECT refusal FROM mg_parse('CREATE ROLE x PASSWORD ''y''')"), 'literal secret', 'mg_parse() says so');
is($server->safe_psql('direct', "SELECT coalesce(refusal, 'none') FROM mg_parse('CREATE ROLE x LOGIN; ALTER ROLE x PASSWORD NULL; CREATE SERVER s FOREIGN DATA WRAPPER f OPTIONS (host ''h'', port ''1'')')"),
	"none\nnone\nnone", 'and that there is none');
is($server->safe_psql('direct', "SELECT count(*) FROM mg_verify() WHERE NOT ok"), '0', 'the ledger fits its hashes and seals');
$server->stop;
done_testing();
