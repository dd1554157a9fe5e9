# Who may sign and approve, as users that really log in; and what the checklist and the document say of it.
use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::RealBin/lib";
use Governed;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('main');
new_database($node, 'app');
$node->safe_psql('app', "CREATE ROLE ada LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE eve LOGIN; GRANT CREATE ON SCHEMA public TO ada;"
	  . " SELECT mg_grant_right('ada', 'apply'), mg_grant_right('ada', 'read'), mg_grant_right('bob', 'approve:review'), mg_grant_right('bob', 'read'), mg_grant_right('eve', 'read');"
	  . " SELECT mg_set_policy('required_approvals', 'review', 'four eyes')");
works($node, 'app', "SELECT mg_register('001_made', 'CREATE TABLE made (id int)', 'DROP TABLE made')", 'one registers', user => 'ada');

sub item
{
	my ($item, $user) = @_;
	return works($node, 'app', "SELECT done, by FROM mg_checklist('001_made') WHERE item = '$item'", "$user reads the checklist", user => $user);
}

like(item('reviewed', 'ada'), qr/^f\|$/, 'not reviewed');
fails_with($node, 'app', "SELECT mg_approve('001_made')", '42501', 'who may apply may not approve', user => 'ada');
works($node, 'app', "SELECT mg_approve('001_made', 'review', 'looks *fine*')", 'another approves', user => 'bob');
is(item('reviewed', 'eve'), 't|bob', 'reviewed');
like(works($node, 'app', "SELECT mg_doc('001_made')", 'a reader gets the document', user => 'eve'), qr/\| review \| given \| `bob` \| \S+ \S+ \| looks \\\*fine\\\* \|/, 'with the approval');

fails_with($node, 'app', "SELECT mg_sign('001_made', 'tested')", '42501', 'who may only read may not sign', user => 'eve');
works($node, 'app', "SELECT mg_sign('001_made', 'tested')", 'who may apply may', user => 'ada');
works($node, 'app', "SELECT mg_sign('001_made', 'tested')", 'who may approve may', user => 'bob');
is(item('tested', 'eve'), 't|ada, bob', 'both have signed');
$node->safe_psql('app', 'GRANT EXECUTE ON FUNCTION mg_sign TO eve');
fails_with($node, 'app', "SELECT mg_sign('001_made', 'tested')", '42501', 'EXECUTE is not the right', user => 'eve');
fails_with($node, 'app', "SET ROLE ada; SELECT mg_sign('001_made', 'tested')", '42501', 'nor is a role that it is no member of', user => 'eve');
$node->safe_psql('app', "SELECT mg_revoke_right('bob', 'approve:review')");
fails_with($node, 'app', "SELECT mg_sign('001_made', 'announced')", '42501', 'a right that was taken back', user => 'bob');
is(item('tested', 'eve'), 't|ada, bob', 'what was signed before stays');

fails_with($node, 'app', "SELECT mg_apply('001_made')", 'MG407', 'a review of who may not give it any more counts no more', user => 'ada');
$node->safe_psql('app', "SELECT mg_grant_right('bob', 'approve:review')");
works($node, 'app', "SELECT status FROM mg_apply('001_made')", 'applied', user => 'ada');
$node->safe_psql('app', "SELECT mg_revoke_right('bob', 'approve:review')");
is(item('reviewed', 'eve'), 't|bob', 'the review that it was applied with');
works($node, 'app', "SELECT mg_register('001_made', 'CREATE TABLE made (id int)', 'DROP TABLE made; SELECT 1')", 'another way back', user => 'ada');
like(item('tested', 'eve'), qr/^f\|$/, 'makes the signatures void');
like(works($node, 'app', "SELECT mg_doc('001_made')", 'the document', user => 'eve'), qr/\| review \| given, of other scripts \| `bob` \|/, 'and the approval');

# What somebody who may only read asks for, raises alerts all the same.
$node->safe_psql('app', 'CREATE TABLE by_hand ()');
works($node, 'app', 'SELECT count(*) FROM mg_drift_report()', 'a reader looks for drift', user => 'eve');
is($node->safe_psql('app', "SELECT by, message LIKE 'the schema differs %' FROM mg.alerts WHERE kind = 'drift'"), 'eve|t', 'and it is told');
fails_with($node, 'app', "INSERT INTO mg.alert (kind) VALUES ('drift')", '42501', 'nobody writes alerts by hand', user => 'eve');

$node->stop;
done_testing();
