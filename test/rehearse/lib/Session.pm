# A psql that stays, and tells how each statement ended.
package Session;

use strict;
use warnings FATAL => 'all';

use IO::Select;
use IPC::Open2;

my $most_seconds = 120;
my $count        = 0;

# Opens one to a database.
sub new
{
	my ($class, $database) = @_;

	local $ENV{PGOPTIONS} = '-c client_min_messages=error';
	my $psql = open2(my $out, my $in, "exec psql -X -q -A -t -v VERBOSITY=verbose -d $database 2>&1");
	my $self = bless { psql => $psql, in => $in, out => $out, text => '' }, $class;
	# What is loaded later brings settings of its own.
	$self->{backend} = $self->value("LOAD 'plpgsql'; SELECT pg_backend_pid()");
	return $self;
}

# Hands SQL over and does not wait for it.
sub begin
{
	my ($self, $sql) = @_;

	local $SIG{PIPE} = 'IGNORE';
	$self->{end} = 'session_end_' . ++$count;
	syswrite $self->{in}, "$sql\n;\n\\echo $self->{end} :SQLSTATE\n";
	return;
}

# Tells whether what was begun has said anything, which is mostly that it has ended.
sub has_spoken
{
	my ($self) = @_;
	return scalar IO::Select->new($self->{out})->can_read(0);
}

# Waits for what was begun. Gives what it printed and its SQLSTATE, which is "lost" when the session has ended with it.
sub finish
{
	my ($self) = @_;
	my $end = time + $most_seconds;

	while ($self->{text} !~ /^$self->{end} (\w+)\n/m)
	{
		die "no answer within $most_seconds s: $self->{text}\n" if !IO::Select->new($self->{out})->can_read($end - time);
		if (!sysread $self->{out}, $self->{text}, 65536, length $self->{text})
		{
			waitpid $self->{psql}, 0;
			$self->{psql} = 0;
			my $text = $self->{text};
			$self->{text} = '';
			return ($text, 'lost');
		}
	}
	my ($text, $state, $rest) = split /^$self->{end} (\w+)\n/m, $self->{text}, 2;
	$self->{text} = $rest;
	chomp $text;
	return ($text, $state);
}

sub run
{
	my ($self, $sql) = @_;
	$self->begin($sql);
	return $self->finish;
}

# Gives what a statement prints that has to succeed.
sub value
{
	my ($self, $sql) = @_;
	my ($text, $state) = $self->run($sql);

	die "$sql: $text\n" if $state ne '00000';
	return $text;
}

sub is_open
{
	my ($self) = @_;
	return $self->{psql} != 0;
}

sub close
{
	my ($self) = @_;

	local $SIG{PIPE} = 'IGNORE';
	CORE::close $self->{in};
	CORE::close $self->{out};
	waitpid $self->{psql}, 0 if $self->{psql};
	$self->{psql} = 0;
	return;
}

1;
