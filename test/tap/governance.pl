# People and databases: who may approve, which rights go with what, what a copy of a database takes for its environment, and promotion
# from one to the other.
use strict;
use warnings FATAL => 'all';

use Governed;
use Test::More;

my $server = new_cluster('governance', conf => [ preload() ]);
$server->safe_psql('postgres', "CREATE ROLE $_ LOGIN") for 'owner', 'ann', 'bob', 'cleo', 'dan', 'eve';
$server->safe_psql('postgres', 'CREATE ROLE reviewers; GRANT reviewers TO bob, cleo; CREATE ROLE hidden LOGIN NOINHERIT; GRANT reviewers TO hidden');
$server->safe_psql('postgres', "CREATE DATABASE $_ OWNER owner") for 'production', 'staging';
for my $database ('production', 'staging')
{
	$server->safe_psql($database, 'CREATE EXTENSION migration_governance; GRANT CREATE ON SCHEMA public TO ann, eve');
	works($server, $database, "SELECT mg_set_environment('$database'); SELECT mg_grant_right('ann', 'apply'); SELECT mg_grant_right('eve', 'apply'); SELECT mg_grant_right('reviewers', 'approve:review'); SELECT mg_grant_right('dan', 'approve:security'); SELECT mg_grant_right('dan', 'approve:promotion')",
		"the owner sets $database up", user => 'owner');
}
works($server, 'production', "SELECT mg_set_policy('required_approvals', 'review, security', 'four eyes', 'production')", 'and its policy', user => 'owner');

# What is asked for at a gate, by kind.
sub missing
{
	my ($name, $database) = @_;
	return $server->safe_psql($database // 'production', "SELECT coalesce(string_agg(m[1], ' ' ORDER BY m[1]), 'none') FROM mg_gates('$name') g, regexp_matches(g.why, 'no (\\w+) approval', 'g') m");
}
my $up = 'CREATE TABLE t (i int); GRANT SELECT ON t TO PUBLIC';
sub register
{
	my ($name, $script, $user) = @_;
	return works($server, 'production', "SELECT status, approvals_needed FROM mg_register('$name', '$script', 'DROP TABLE IF EXISTS $name')", "$user registers $name", user => $user);
}

# Who may approve.
is(register('t', $up, 'ann'), 'pending|2', '  which takes two approvals');
is(missing('t'), 'review security', 'both are missing');
fails_with($server, 'production', "SELECT mg_apply('t')", 'MG407', 'so that it is held back', user => 'ann');
fails_with($server, 'production', "SELECT mg_approve('t', '$_')", '42501', "ann has no right to approve ($_)", user => 'ann') for 'review', 'security';
fails_with($server, 'production', "SELECT mg_approve('t', 'security')", '42501', 'bob has only that of a review', user => 'bob');
fails_with($server, 'production', "SET SESSION AUTHORIZATION dan; SELECT mg_approve('t', 'security')", '42501', 'nor can he be dan', user => 'bob');
works($server, 'production', "SELECT mg_approve('t', 'review', 'looks fine')", 'bob approves', user => 'bob');
is(missing('t'), 'security', '  of it');
works($server, 'production', "SELECT mg_approve('t', 'security')", 'dan does too', user => 'dan');
is(missing('t'), 'none', '  and nothing is missing');
is($server->safe_psql('production', "SELECT approvals FROM mg.status WHERE migration = 't'"), '2', 'the status counts them');

# An approval is of a text.
is(register('t', "$up; SELECT 1", 'ann'), 'pending|2', 'another text is approved by nobody');
is(register('t', $up, 'ann'), 'pending|0', 'the old one still is');
works($server, 'production', "SELECT mg_register('t', '$up', 'DROP TABLE t')", 'another way back', user => 'ann');
is(missing('t'), 'review security', '  makes another migration of it');
is(register('t', $up, 'ann'), 'pending|0', 'the same again');
works($server, 'production', "SELECT mg_revoke_approval('t', 'review', 'on second thoughts')", 'bob takes his back', user => 'bob');
is(missing('t'), 'review', '  and it counts no more');
works($server, 'production', "SET ROLE reviewers; SELECT mg_approve('t')", 'somebody who must SET ROLE to use the right holds it as well', user => 'hidden');
is(missing('t'), 'none', '  and approves');
works($server, 'production', "SET ROLE reviewers; SELECT mg_revoke_approval('t')", 'not any more', user => 'hidden');

# Nobody approves of what they registered, whatever role they set or give to whom.
works($server, 'production', "SELECT mg_grant_right('ann', 'approve:review')", 'ann may review', user => 'owner');
fails_with($server, 'production', "SELECT mg_approve('t')", 'MG408', 'but not her own', user => 'ann');
fails_with($server, 'production', "SELECT mg_register('t', '$up')", '42501', 'bob has no right to register', user => 'bob');
works($server, 'production', "SELECT mg_grant_right('bob', 'apply')", 'bob may apply', user => 'owner');
works($server, 'production', "SELECT mg_approve('t')", 'bob approves of what ann registered', user => 'bob');
is(missing('t'), 'none', '  which counts,');
is(register('t', $up, 'bob'), 'pending|0', 'until he registers the very same');
works($server, 'production', "SELECT mg_register('t', '$up', 'DROP TABLE IF EXISTS t', 'SELECT true')", 'or changes another part of it', user => 'bob');
is(missing('t'), 'review security', '  which nobody has approved of');
fails_with($server, 'production', "SELECT mg_approve('t')", 'MG408', 'bob does not: he is an author of it now', user => 'bob');
fails_with($server, 'production', "SET ROLE reviewers; SELECT mg_approve('t')", 'MG408', '  with another role neither', user => 'bob');
works($server, 'production', "SELECT mg_approve('t')", 'cleo does', user => 'cleo');
works($server, 'production', "SELECT mg_approve('t', 'security')", 'and dan', user => 'dan');

# How many, and for how long.
works($server, 'production', "SELECT mg_set_policy('approval_quorum', '2', 'x', 'production')", 'two of each', user => 'owner');
is(missing('t'), 'review security', 'one of each is too little');
works($server, 'production', "SELECT mg_approve('t'); SELECT mg_approve('t')", 'nobody counts twice', user => 'cleo');
is(missing('t'), 'review security', '  for that');
works($server, 'production', "SELECT mg_set_policy('approval_quorum', '1', 'x', 'production'); SELECT mg_set_policy('approval_lifetime', '1s', 'x', 'production')", 'one of each, for a second', user => 'owner');
sleep 2;
is(missing('t'), 'review security', 'is over');
works($server, 'production', "SELECT mg_set_policy('approval_lifetime', NULL, 'x', 'production')", 'for ever', user => 'owner');
is(missing('t'), 'none', 'is not');
is(works($server, 'production', "SELECT status FROM mg_apply('t')", 'ann applies it', user => 'ann'), 'applied', '  at last');

# Ways around the gates.
fails_with($server, 'production', "SELECT mg_apply('u', 'CREATE TABLE u (i int)')", 'MG407', 'a script that nobody has registered', user => 'ann');
fails_with($server, 'production', "$_", '42501', "no: $_", user => 'ann') for "SELECT mg_set_policy('required_approvals', '', 'x', 'production')", "SELECT mg_set_environment('development')", "SELECT mg_grant_right('ann', 'approve:security')",
  "SELECT mg_accept_attestation('{}')", "SELECT mg_record_backup('x')", "SET ROLE owner", "SELECT mg_revoke_right('dan', 'approve:security')";
fails_with($server, 'production', $_, qr/ERROR:  (42501|55000)/, "not by the tables: $_", user => 'owner') for "INSERT INTO mg.approval SELECT * FROM mg.approval", 'DELETE FROM mg.approval', "INSERT INTO mg.environment SELECT * FROM mg.environment",
  "UPDATE mg.evidence SET subject = 'x'", 'TRUNCATE mg.policy_event', 'ALTER TABLE mg.approval DISABLE TRIGGER ALL', 'DROP TABLE mg.environment';
fails_with($server, 'production', "BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM mg.approval; COMMIT", qr/ERROR/, 'nor as a replica does', user => 'postgres');

# Rights that are taken away.
works($server, 'production', "SELECT mg_revoke_right('reviewers', 'approve:review')", 'the owner takes a right away', user => 'owner');
fails_with($server, 'production', "SELECT mg_approve('t')", '42501', 'bob cannot review', user => 'bob');
works($server, 'production', 'GRANT EXECUTE ON FUNCTION mg_approve TO bob', 'EXECUTE', user => 'owner');
fails_with($server, 'production', "SELECT mg_approve('t')", '42501', '  alone is no right', user => 'bob');
works($server, 'production', "SELECT mg_grant_right('eve', 'policy')", 'a right to the policy', user => 'owner');
works($server, 'production', "SELECT mg_set_policy('require_down', 'on', 'x', 'production')", 'is one', user => 'eve');
works($server, 'production', "SELECT mg_set_policy('require_down', NULL, 'x', 'production')", 'and back', user => 'eve');
works($server, 'production', 'TABLE mg.policy; TABLE mg.history; SELECT * FROM mg_gates(\'t\')', 'who may apply reads', user => 'ann');

# Promotion.
works($server, 'production', "SELECT mg_set_policy('required_approvals', '', 'x', 'production'); SELECT mg_set_policy('promoted_from', 'staging', 'x', 'production')", 'what was in staging before', user => 'owner');
my @scripts = ("'CREATE TABLE v (i int)'", "'DROP TABLE v'", "'SELECT count(*) = 0 FROM v'");
my $call = "'v', " . join(', ', @scripts);
fails_with($server, 'production', "SELECT mg_apply($call)", 'MG407', 'is let in', user => 'ann');
works($server, 'staging', "SELECT mg_apply($call)", 'applied in staging', user => 'eve');
my $word = works($server, 'staging', "SELECT mg_attest('v')", 'staging says so', user => 'eve');
like($word, qr/^\{.*"environment": "staging".*\}$/, '  in one line');
fails_with($server, 'production', "SELECT mg_accept_attestation('$word')", '42501', 'not everybody takes it to production', user => 'ann');
(my $forged = $word) =~ s/"migration": "v"/"migration": "w"/;
fails_with($server, 'production', "SELECT mg_accept_attestation('$forged')", '22023', 'changed, it is none', user => 'dan');
works($server, 'production', "SELECT mg_accept_attestation('$word')", 'dan does', user => 'dan');
fails_with($server, 'production', "SELECT mg_apply('v', $scripts[0], $scripts[1])", 'MG407', 'other scripts have not been there', user => 'ann');
is(works($server, 'production', "SELECT status FROM mg_apply($call)", 'the very same', user => 'ann'), 'applied', '  are let in');
works($server, 'staging', 'INSERT INTO v VALUES (1)', 'what fails its verification', user => 'eve');
fails_with($server, 'staging', "SELECT mg_attest('v')", 'MG402', '  is not attested', user => 'eve');

# Copies: an environment is said of one database of one server.
is($server->safe_psql('production', 'SELECT * FROM mg_environment()'), 'production|t|', 'production');
works($server, 'production', "SELECT mg_set_policy('freeze', '2020-01-01 00:00 to 2100-01-01 00:00', 'x', 'production'); SELECT mg_set_policy('require_down', 'on', 'x', 'staging'); SELECT mg_set_policy('require_verify', 'on', 'x', 'development')", 'policies of three', user => 'owner');
$server->safe_psql('postgres', 'CREATE DATABASE twin TEMPLATE production');
like($server->safe_psql('twin', 'SELECT * FROM mg_environment()'), qr/^production\|f\|this database was said to be "production" by owner at .*, as another database of this server$/, 'a copy by template is not');
$server->command_ok([ 'pg_dump', '-Fc', '-f', $server->basedir . '/dump', $server->connstr('production') ], 'dumped');
$server->safe_psql('postgres', 'CREATE DATABASE restored');
$server->command_ok([ 'pg_restore', '-d', $server->connstr('restored'), $server->basedir . '/dump' ], 'and restored');
is($server->safe_psql('restored', 'SELECT name, confirmed FROM mg_environment()'), 'production|f', 'nor is a restored dump');
for my $copy ('twin', 'restored')
{
	like($server->safe_psql($copy, "SELECT mg_set_policy('lint_small_table', '1MB', 'x'); SELECT string_agg(gate, ' ' ORDER BY gate) FROM mg_gates('t')"), qr/freeze.*promoted_from/, "$copy: the strictest environment's gates hold");
	my ($status, $out, $err) = run_sql($server, $copy, "SELECT mg_apply('w', 'CREATE TABLE w (i int)')");
	like($err, qr/MG407.*environment production.*environment: this database was said to be.*so that the strictest gates hold.*mg_set_environment/s, '  and the message says why');
	fails_with($server, $copy, "SELECT mg_attest('v')", '55000', '  it attests nothing');
	is($server->safe_psql($copy, "SELECT count(*) FROM mg_gates('t') WHERE gate = 'promoted_from' AND is_open"), '0', '  what was attested to production was not to it');
	works($server, $copy, "SELECT mg_set_environment('development', 'a copy to play with')", '  until somebody says what it is');
	is($server->safe_psql($copy, 'SELECT * FROM mg_environment()'), 'development|t|', '  which it is then');
	is($server->safe_psql($copy, "SELECT string_agg(gate, ' ' ORDER BY gate) FROM mg_gates('t')"), 'require_verify', '  with its own gates');
}
is($server->safe_psql('production', 'SELECT * FROM mg_environment()'), 'production|t|', 'the original stays what it was');

done_testing();
