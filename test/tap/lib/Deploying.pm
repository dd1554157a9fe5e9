# What the tests of deployments share: sessions that stay, migrations that are registered and called, and calls that are interrupted.
package Deploying;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use Governed;
use IPC::Run;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(session say_to ask_session wait_for end_session register_migration deployed call_of interrupted is_true one_of no_drift);

# Opens a session that stays; options: user, application, pgoptions.
sub session
{
	my ($node, $database, %options) = @_;
	my %session = (in => '', out => '', err => '', marker => 0);
	my $user = $options{user} // 'postgres';
	my $application = $options{application} // 'psql';

	local $ENV{PGOPTIONS} = $options{pgoptions} if defined $options{pgoptions};
	$session{run} = IPC::Run::start(
		[ 'psql', '-X', '-A', '-t', '-q', '-v', 'VERBOSITY=verbose', '-d', $node->connstr($database) . " user=$user application_name='$application'" ],
		'<', \$session{in}, '>', \$session{out}, '2>', \$session{err}, IPC::Run::timeout(120));
	return \%session;
}

# Sends SQL without waiting for its end.
sub say_to
{
	my ($session, $sql) = @_;

	$session->{marker}++;
	$session->{in} .= "$sql;\n\\echo done-$session->{marker}\n";
	$session->{run}->pump_nb;
	return;
}

# Waits for the end of what was sent last; gives what it printed.
sub wait_for
{
	my ($session) = @_;

	$session->{run}->pump until $session->{out} =~ /^done-$session->{marker}$/m;
	my $out = $session->{out};
	$session->{out} = '';
	$out =~ s/^done-\d+\n//mg;
	chomp $out;
	return $out;
}

sub ask_session
{
	my ($session, $sql) = @_;

	say_to($session, $sql);
	return wait_for($session);
}

# Ends a session; gives all that came to standard error.
sub end_session
{
	my ($session) = @_;

	$session->{in} .= "\\q\n";
	$session->{run}->finish;
	return $session->{err};
}

sub register_migration
{
	my ($node, $database, $name, $up, $down, %options) = @_;
	my $rest = $options{arguments} // '';

	$down = defined $down ? "\$down\$$down\$down\$" : 'NULL';
	my ($status, $out, $err) = run_sql($node, $database, "SELECT status FROM mg_register('$name', \$up\$$up\$up\$, $down $rest)", %options);
	diag("$name: $err") if $err =~ /ERROR/;
	return;
}

# Registers a migration and deploys it; gives what came to standard error.
sub deployed
{
	my ($node, $database, $name, $up, $down, %options) = @_;

	register_migration($node, $database, $name, $up, $down, %options);
	return call_of($node, $database, "CALL mg_deploy('$name')", %options);
}

# Runs SQL; gives what came to standard error.
sub call_of
{
	my ($node, $database, $sql, %options) = @_;
	my (undef, undef, $err) = run_sql($node, $database, $sql, %options);

	return $err;
}

# Starts a CALL while another session's transaction stands in its way, cancels it as soon as the condition holds, and lets the other go.
# Gives what came to standard error.
sub interrupted
{
	my ($node, $database, $call, $in_the_way, $condition, %options) = @_;
	my $other = session($node, $database);
	my $caller = session($node, $database, application => 'caller', %options);

	ask_session($other, "BEGIN; $in_the_way");
	say_to($caller, $call);
	is_true($node, $database, $condition);
	$node->safe_psql($database, $options{by} // "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'");
	if ($options{is_gone})
	{
		eval { $caller->{run}->finish };
		is_true($node, $database, "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'caller'");
	}
	else
	{
		wait_for($caller);
		end_session($caller);
	}
	ask_session($other, 'ROLLBACK');
	end_session($other);
	return $caller->{err};
}

# Waits until a query gives true.
sub is_true
{
	my ($node, $database, $sql) = @_;
	my $end = time + 30;

	while ($node->safe_psql($database, $sql) ne 't')
	{
		if (time > $end)
		{
			diag("never true: $sql");
			return 0;
		}
		sleep 0.05;
	}
	return 1;
}

sub one_of
{
	my ($node, $database, $sql) = @_;

	return $node->safe_psql($database, $sql);
}

# Passes when the drift report is empty and the records are whole.
sub no_drift
{
	my ($node, $database, $what) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($node->safe_psql($database, 'SELECT kind, object_type, identity, property, expected, actual FROM mg_drift_report()'), '', "$what: no drift");
	return;
}

1;
