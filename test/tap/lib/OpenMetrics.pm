# Reads OpenMetrics 1.0 and takes nothing that is not quite as the specification has it.
package OpenMetrics;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';

our @EXPORT = qw(read_metrics);

my %suffixes = (gauge => [''], counter => ['_total'], histogram => [qw(_bucket _count _sum)]);
my $name = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $value = qr/-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|\+Inf|NaN/;

# Gives {"name{label="value",...}" => number} of an exposition, with labels in their order and escaped as they came, and the faults found.
sub read_metrics
{
	my ($exposition) = @_;
	my (%samples, %families, @faults, $family);
	my $place = 0;
	my $fault = sub { push @faults, "line $place: $_[0]"; };

	push @faults, 'does not end with # EOF' unless $exposition =~ s/^# EOF\n?\z//m;
	push @faults, 'a carriage return' if $exposition =~ /\r/;
	for my $line (split /\n/, $exposition, -1)
	{
		$place++;
		last if $line eq '' && $place > ($exposition =~ tr/\n//);
		if ($line =~ /^# (TYPE|UNIT|HELP) ($name) (.+)$/)
		{
			my ($what, $of, $text) = ($1, $2, $3);
			$fault->("family $of comes twice") if $families{$of} && $family ne $of;
			$family = $of;
			$fault->("$what of $of comes twice") if exists $families{$of}{$what};
			$fault->("$what of $of after its samples") if $families{$of}{samples};
			$families{$of}{$what} = $text;
			$fault->("unknown type $text") if $what eq 'TYPE' && !$suffixes{$text};
			$fault->("$of does not end with its unit") if $what eq 'UNIT' && $of !~ /_\Q$text\E$/;
			$fault->('help is not escaped') if $what eq 'HELP' && $text =~ /(?<!\\)(?:\\\\)*(?:"|\\(?![\\n"]))/;
		}
		elsif ($line =~ /^($name)(?:\{(.*)\})? ($value)$/)
		{
			my ($sample, $labels, $number) = ($1, $2, $3);
			my ($suffix) = defined $family && $sample =~ /^\Q$family\E(.*)$/ ? $1 : undef;
			if (!defined $suffix || !grep { $_ eq $suffix } @{ $suffixes{ $families{$family}{TYPE} // '' } // [] })
			{
				$fault->("$sample belongs to no family");
				next;
			}
			my $set = $families{$family};
			$set->{samples}++;
			my $rest = $labels // '';
			my @pairs;
			while ($rest =~ s/^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"(?:,(?=.)|$)//)
			{
				$fault->("label $1 comes twice") if grep { $_->[0] eq $1 } @pairs;
				$fault->("label $1 begins with __") if substr($1, 0, 2) eq '__';
				push @pairs, [ $1, $2 ];
			}
			$fault->("labels are not as they should be: $rest") if $rest ne '' || (defined $labels && !@pairs);
			my $key = $sample . (@pairs ? '{' . join(',', map { "$_->[0]=\"$_->[1]\"" } sort { $a->[0] cmp $b->[0] } @pairs) . '}' : '');
			$fault->("$key comes twice") if exists $samples{$key};
			$samples{$key} = $number;
			$fault->("$key is negative or no number") if $set->{TYPE} ne 'gauge' && $number !~ /^[0-9.]+$/;
			histogram($set, $suffix, \@pairs, $number, $fault) if $set->{TYPE} eq 'histogram';
		}
		else
		{
			$fault->("neither metadata nor sample: $line");
		}
	}
	for my $of (sort keys %families)
	{
		push @faults, "$of has no $_" for grep { !defined $families{$of}{$_} } qw(TYPE HELP);
		for my $other (grep { $_ ne $of } keys %families)
		{
			push @faults, "$of and $other get in each other's way" if grep { "$of$_" eq $other } map { @$_ } values %suffixes;
		}
		for my $group (map { [ $_, $families{$of}{groups}{$_} ] } sort keys %{ $families{$of}{groups} // {} })
		{
			my ($labels, $bars) = @$group;
			push @faults, "$of\{$labels} has no +Inf, count or sum" unless defined $bars->{'+Inf'} && defined $bars->{count} && defined $bars->{sum};
			push @faults, "$of\{$labels}: count is not that of +Inf" unless ($bars->{'+Inf'} // 0) == ($bars->{count} // 0);
			push @faults, "$of\{$labels}: a sum of nothing" if !$bars->{count} && $bars->{sum} != 0;
		}
	}
	return (\%samples, \@faults);
}

# Buckets rise in their limit and in their number, and the last one is that of everything.
sub histogram
{
	my ($set, $suffix, $pairs, $number, $fault) = @_;
	my ($limit) = map { $_->[1] } grep { $_->[0] eq 'le' } @$pairs;
	my $labels = join ',', map { "$_->[0]=\"$_->[1]\"" } grep { $_->[0] ne 'le' } @$pairs;
	my $group = $set->{groups}{$labels} //= {};

	if ($suffix ne '_bucket')
	{
		$fault->("$suffix with a limit") if defined $limit;
		$fault->('a count that is no whole number') if $suffix eq '_count' && $number !~ /^\d+$/;
		$group->{ substr $suffix, 1 } = $number;
		return;
	}
	return $fault->('a bucket without a limit') if !defined $limit;
	return $fault->("a limit that is not spelled as the format asks for: $limit") if $limit !~ /^(?:\d+\.\d+|\+Inf)$/;
	my $as_number = $limit eq '+Inf' ? 9**9**9 : $limit;
	$fault->("limit $limit is not above the one before") if defined $group->{last} && $as_number <= $group->{last};
	$fault->("bucket $limit has less than the one before") if defined $group->{most} && $number < $group->{most};
	@$group{qw(last most)} = ($as_number, $number);
	$group->{'+Inf'} = $number if $limit eq '+Inf';
	return;
}

1;
