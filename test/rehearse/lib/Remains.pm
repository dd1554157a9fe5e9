# Everything of a database that a rehearsal must leave as it is.
package Remains;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';

our @EXPORT = qw(prepare_state state_of session_state difference dump_of strays sizes_of remove_strays);

# Makes a session ready for state_of(), until the tables are others.
#
# Every catalog, and of the ledger all but receipts and seals: the row versions and their places, which is more than their values. That
# has each sequence, dependency (also those of shared objects) and file's number in it. Every user's table: its values.
sub prepare_state
{
	my ($session) = @_;
	my $parts = $session->value(<<'SQL');
SELECT string_agg(CASE
	WHEN n.nspname IN ('pg_catalog', 'mg')
	THEN format('SELECT %L, count(*) || '' row versions, sum '' || coalesce(sum(hashtidextended(ctid, xmin::text::bigint)), 0) FROM %s', c.oid::regclass, c.oid::regclass)
	ELSE format('SELECT %L, count(*) || '' rows, sum '' || coalesce(sum(hashtextextended(mg_row::text, 0)), 0) FROM ONLY %s mg_row', c.oid::regclass, c.oid::regclass) END,
	' UNION ALL ')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_(toast|temp)'
AND (n.nspname, c.relname) NOT IN (('mg', 'rehearsal'), ('mg', 'seal'))
SQL
	$session->value('DEALLOCATE ALL');
	$session->value(<<"SQL");
PREPARE state AS $parts
UNION ALL SELECT 'fingerprint', mg_fingerprint()
UNION ALL SELECT 'ledger: ' || kind, count(*)::text FROM mg.record WHERE kind NOT IN ('seal', 'rehearsal') GROUP BY kind
UNION ALL SELECT 'locks of others', coalesce(string_agg(concat_ws(' ', locktype, relation::regclass, objid, mode), ', '), 'none')
	FROM pg_locks WHERE pid IS DISTINCT FROM pg_backend_pid()
UNION ALL SELECT 'prepared transactions', count(*)::text FROM pg_prepared_xacts
SQL
	return;
}

# Gives what there is by name. Files that wait for a checkpoint to go are gone.
sub state_of
{
	my ($session, $folder) = @_;

	$session->value('CHECKPOINT');
	my ($text, $state) = $session->run('EXECUTE state');
	return { error => $text } if $state ne '00000';
	my %state = map { split /\|/, $_, 2 } split /\n/, $text;
	my @strays = strays($session, $folder);
	$state{'files of no relation'} = @strays ? scalar(@strays) . ": @strays" : 'none';
	return \%state;
}

# What a session has of its own.
sub session_state
{
	my ($session) = @_;
	my %state = map { split /\|/, $_, 2 } split /\n/, $session->value(<<'SQL');
SELECT 'setting ' || name, coalesce(setting, 'NULL') FROM pg_settings WHERE name <> 'application_name'
UNION ALL SELECT 'session: ' || word, n::text FROM (VALUES ('prepared statements', (SELECT count(*) FROM pg_prepared_statements)),
	('cursors', (SELECT count(*) FROM pg_cursors WHERE name <> '')), ('channels', (SELECT count(*) FROM pg_listening_channels())),
	('temporary tables', (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()))) AS w (word, n)
SQL
	return \%state;
}

# Says what differs between two states, a line each.
sub difference
{
	my ($before, $after) = @_;
	my %names = (%$before, %$after);

	return map { "$_: " . ($before->{$_} // 'nothing') . ' before, ' . ($after->{$_} // 'nothing') . ' after' }
	  grep { ($before->{$_} // '') ne ($after->{$_} // '') } sort keys %names;
}

# The schema and the rows as pg_dump writes them. What the ledger has is in the state, and values of sequences are used up by design.
sub dump_of
{
	my ($database) = @_;

	open(my $out, '-|', 'pg_dump', '--exclude-table-data=mg.*', '-d', $database) or die "pg_dump: $!";
	my @lines = grep { !/^(\\(un)?restrict |SELECT pg_catalog\.setval\()/ } <$out>;
	CORE::close $out or die "pg_dump of $database fails\n";
	return join '', @lines;
}

# The files of a database that no relation has, and relations without their file, after "!".
sub strays
{
	my ($session, $folder) = @_;
	my %owned = map { $_ => 0 } split /\n/,
	  $session->value("SELECT pg_relation_filenode(oid) FROM pg_class WHERE NOT relisshared AND pg_relation_filenode(oid) IS NOT NULL");
	my @strays;

	opendir(my $handle, $folder) or die "$folder: $!";
	for my $file (readdir $handle)
	{
		next if $file !~ /^(t\d+_)?(\d+)(_\w+)?(\.\d+)?$/;
		if (defined $1 || !exists $owned{$2}) { push @strays, $file; }
		else                                  { $owned{$2} = 1; }
	}
	closedir $handle;
	push @strays, glob("$folder/../pgsql_tmp/*");
	return sort(@strays), map { "!$_" } sort grep { !$owned{$_} } keys %owned;
}

# The kinds and sizes of stray files, without their numbers.
sub sizes_of
{
	my ($folder, @strays) = @_;
	return join ', ', sort map { my $file = $_; (s/^(t\d+_)?\d+//r) . ' ' . (-s "$folder/$file" // 'gone') } @strays;
}

sub remove_strays
{
	my ($folder, @strays) = @_;
	unlink map { "$folder/$_" } grep { !/^!/ } @strays;
	return;
}

1;
