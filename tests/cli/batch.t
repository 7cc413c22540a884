#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Batch mode on a made-up session: output, limits, commands, signals, and outputs that fail.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Handle;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

my $tool = ($ENV{O} // 'build') . '/unit/batch_demo';
# Behind a shell's & they are ignored, which programs inherit.
$SIG{INT} = $SIG{QUIT} = 'DEFAULT';
plan skip_all => "$tool is not built" unless -x $tool;
my $dir = tempdir(CLEANUP => 1);
$ENV{COLUMNS} = 80;

# Runs a shell command line in which TOOL is the program; status, stdout and stderr.
sub sh {
	my ($line, %env) = @_;
	local @ENV{keys %env} = values %env;
	local $ENV{DEMO_CLOSED} = "$dir/closed";
	unlink("$dir/closed");
	$line =~ s/\bTOOL\b/$tool/g;
	my $status = system('bash', '-c', "{ $line ; } >$dir/out 2>$dir/err");
	local $/;
	open(my $o, '<', "$dir/out") or die;
	open(my $e, '<', "$dir/err") or die;
	return ($status >> 8, scalar(<$o>) // '', scalar(<$e>) // '');
}

my ($status, $out, $err) = sh('TOOL -b -n 2 -i 50ms');
is($status, 0, 'text: status');
is($err, '', 'text: nothing on stderr');
like($out, qr/^kernel +6\.12\.43\+deb12-arm64 aarch64, 4 CPUs/m, 'text: kernel');
like($out, qr/^barriers +per-entry: .*\(derived\)$/m, 'text: barriers and their source');
like($out, qr/fentry x2, kprobe x1; absent: dma_map_phys, dma_iova_link$/m, 'text: rungs');
like($out, qr/^own cost +85ns .* 344ns/m, 'text: own cost');
is(() = $out =~ /^DEVICE +OP /mg, 3, 'text: two intervals and a total');
like($out, qr/^0000:00:01\.0 map_sg +<- +n +128 15488 .* 15488 +121 /m, 'text: totals add up');
like($out, qr/^! failed 4 calls .*unmap_sg/m, 'text: failures apart');
like($out, qr/^  bounced 24 of 7200 entries/m, 'text: bounces');
like($out, qr/^no events lost in 2 intervals$/m, 'text: loss');
my @long = grep { length > 88 } split(/\n/, $out);
is("@long", '', 'text: readable at 80 columns');

unlike($out, qr/not watched/, 'text: every hook attached');

($status, $out) = sh('TOOL -b -n 1 -i 20ms', DEMO_REFUSED => 1);
like($out, qr/x1; absent: dma_map_phys, dma_iova_link\n/, 'text: a refused hook is not absent');
like($out, qr/^!!! +not watched: dma_unmap_phys \(load: Permission denied\): /m, 'text: but lost');
($status, $out) = sh('TOOL --json -n 1 -i 20ms', DEMO_REFUSED => 1);
is(join(' ', map { $_->{name} } grep { $_->{refused} } @{ decode_json((split /\n/, $out)[0])->{hooks} }),
	'dma_unmap_phys', 'json: the hook that was refused');

($status, $out) = sh('TOOL -b -n 1 -i 20ms --hist');
like($out, qr/^ +\S+ \.\. +\S+ +\d+ \|\S+ *\| p50$/m, 'histogram');
my $once = () = $out =~ /^  \d+ calls: min /mg;
($status, $out) = sh('TOOL -b -n 2 -i 20ms --hist');
is(scalar(() = $out =~ /^  \d+ calls: min /mg), 3 * $once, 'histograms of two intervals and of both, but once of one');
like($out, qr/^batching would save \d+ of \d+ dsb\/s(?:, up to \d+ % of this|; time: record more sizes, predict)$/m, 'what batching would save');
($status, $out) = sh('TOOL -b -n 1 -i 20ms --by process');
like($out, qr/^ +812 dd +/m, 'processes');
unlike($out, qr/\033/, 'no escape sequence of a process name reaches the terminal');

($status, $out, $err) = sh('TOOL -b -n 1 -i 20ms -p 4194303');
is($status, 1, '-p: no such process is a failure');
is($err, "dmasynctop: -p 4194303: there is no such process\n", '-p: says so, once');

# ---- JSON ----
($status, $out, $err) = sh('TOOL --json -n 3 -i 30ms');
is($status, 0, 'json: status');
my @objects = map { decode_json($_) } split(/\n/, $out);
is(join(' ', map { $_->{type} } @objects), 'header interval interval interval end', 'json: order');
my %sum;
for my $object (@objects[1 .. 3]) {
	$sum{"$_->{op} $_->{dev}"} += $_->{ns} for @{$object->{rows}};
}
my %end = map { ("$_->{op} $_->{dev}" => $_->{ns}) } @{$objects[4]{rows}};
is_deeply(\%end, \%sum, 'json: totals are the sum of the intervals');
my $row = $objects[1]{rows}[0];
ok(exists $row->{$_}, "json: row has $_")
	for qw(op dev driver coherent iommu dir calls entries bytes ns min_ns max_ns p50_ns p90_ns
	       p99_ns dsb dsb_source);
ok(exists $objects[1]{loss}{$_}, "json: loss has $_") for qw(events recursion_misses stacks);
my @starts = map { $_->{t_ns} - $_->{dur_ns} } @objects[2, 3];
is_deeply(\@starts, [ map { $_->{t_ns} } @objects[1, 2] ], 'json: intervals join without a gap');

# ---- limits ----
my $t = time();
($status, $out) = sh('TOOL --json -d 1s -i 400ms');
ok(time() - $t < 4, '-d ends it');
my @intervals = grep { $_->{type} eq 'interval' } map { decode_json($_) } split(/\n/, $out);
is(scalar(@intervals), 3, '-d: the last interval is shorter');
ok($intervals[2]{dur_ns} < 300e6, '-d: by as much as is left');

# Ticks keep their phase however long a read takes to print.
($status, $out) = sh('TOOL --json -n 10 -i 50ms');
@intervals = grep { $_->{type} eq 'interval' } map { decode_json($_) } split(/\n/, $out);
my $span = $intervals[9]{t_ns} - $intervals[0]{t_ns};
ok(abs($span - 450e6) < 30e6, 'ticks do not drift') or diag("span $span");

# ---- the measured command ----
for my $case ([ 'true', 0 ], [ 'false', 1 ], [ "sh -c 'exit 7'", 7 ], [ "sh -c 'kill -9 \$\$'", 137 ],
	      [ '/nonexistent', 127 ], [ '/dev/null', 126 ]) {
	my ($cmd, $want) = @$case;
	$t = time();
	($status, $out, $err) = sh("TOOL -b -i 30s -- $cmd");
	is($status, $want, "command $cmd: status $want");
	ok(time() - $t < 5, "command $cmd: its end ends the interval");
	ok(-e "$dir/closed", "command $cmd: the session is closed");
}
like($err, qr/cannot start '\/dev\/null': Permission denied/, 'command: why it did not start');
($status, $out) = sh('TOOL -b -i 30s -- echo from the command');
like($out, qr/^from the command$/m, 'command: its output passes through');
like($out, qr/^TOTAL/m, 'command: totals follow');
($status, $out) = sh("TOOL -b -i 30s -- sh -c 'kill -TERM \$\$; sleep 9'");
is($status, 143, 'command: SIGTERM is not blocked for it');
($status, $out) = sh('TOOL -b -i 20ms -n 2 -- sleep 30');
is($status, 0, 'command: ended when the measurement is over');
($status, $out) = sh("TOOL -b -n 1 -i 20ms -- sh -c 'exec cat /proc/self/status'");
like($out, qr/^SigBlk:\s0+$/m, 'command: starts with no signal blocked');
unlike($out, qr/^SigIgn:\s\w*1\w{3}$/m, 'command: starts with SIGPIPE not ignored');

# ---- signals ----
# Waits until the tool, or its command, has written that into a file.
sub wait_for {
	my ($file, $text) = @_;
	for (1 .. 600) {
		my $now = -s $file ? do { local (@ARGV, $/) = $file; <> } : '';
		return if $now =~ /$text/;
		sleep(0.05);
	}
}

for my $signal (qw(TERM HUP)) {
	($status, $out) = sh("TOOL -b -i 30s & until grep -q ^legend $dir/out; do sleep 0.1; done; kill -$signal \$!; wait \$!");
	is($status, 0, "SIG$signal: ends cleanly");
	like($out, qr/^TOTAL/m, "SIG$signal: with totals");
}
# The shell starts background jobs with SIGINT ignored, so this one needs a child of our own.
my $pid = fork() // die;
if (!$pid) {
	open(STDOUT, '>', "$dir/int");
	exec($tool, '-b', '-i', '30s');
}
wait_for("$dir/int", qr/^legend/m);
kill('INT', $pid);
waitpid($pid, 0);
is($?, 0, 'SIGINT: ends cleanly');
like(do { local (@ARGV, $/) = "$dir/int"; <> }, qr/^TOTAL/m, 'SIGINT: with totals');
$pid = fork() // die;
if (!$pid) {
	open(STDOUT, '>', "$dir/int");
	exec($tool, '-b', '-i', '30s', '--', 'sh', '-c', 'trap "echo got it; exit 5" INT; echo ready; while :; do sleep 0.1; done');
}
wait_for("$dir/int", qr/^ready/m);
kill('INT', $pid);
waitpid($pid, 0);
is($? >> 8, 5, 'SIGINT during a command: its status');
like(do { local (@ARGV, $/) = "$dir/int"; <> }, qr/got it.*^TOTAL/ms,
     'SIGINT during a command: it gets it, and totals follow');

# ---- outputs that fail ----
($status, $out, $err) = sh('TOOL -b -i 20ms | head -n 1; exit ${PIPESTATUS[0]}');
is($status, 0, '| head: quiet success');
is($err, '', '| head: no message');
ok(-e "$dir/closed", '| head: the session is closed');
for my $format ('-b', '--json') {
	($status, $out, $err) = sh("TOOL $format -n 1 -i 20ms >/dev/full");
	is($status, 1, "$format on a full disk: status");
	like($err, qr/cannot write to stdout: No space left/, "$format on a full disk: message");
	ok(-e "$dir/closed", "$format on a full disk: the session is closed");
}
($status, $out, $err) = sh("TOOL --json -n 1 -i 20ms -o $dir/file");
is($out, '', '-o: nothing on stdout');
like(do { local (@ARGV, $/) = "$dir/file"; <> }, qr/^\{"type":"header".*"type":"end"/s, '-o: file');
($status, $out, $err) = sh("TOOL -n 1 -o $dir/no/such");
is($status, 1, '-o: cannot be created: status');
like($err, qr/cannot write to \S+such: No such file/, '-o: cannot be created: message');

# ---- loss and failures ----
($status, $out, $err) = sh('TOOL -b -n 2 -i 20ms', DEMO_LOSS => 3);
is($status, 0, 'loss: tolerated without --max-loss');
like($out, qr/^!!! 6 events lost: 6 probes skipped/m, 'loss: loud in the output');
like($err, qr/warning: 6 events lost/, 'loss: and on stderr');
is((sh('TOOL -b -n 2 -i 20ms --max-loss 6', DEMO_LOSS => 3))[0], 0, 'loss: within --max-loss');
is((sh('TOOL -b -n 2 -i 20ms --max-loss 5', DEMO_LOSS => 3))[0], 4, 'loss: beyond --max-loss');
is((sh('TOOL --json -n 1 -i 20ms --max-loss 0'))[0], 0, 'loss: none');
is((sh('TOOL -b', DEMO_OPEN => $_))[0], 3, "session_open fails with $_: not possible here")
	for POSIX::EPERM, POSIX::EOPNOTSUPP, POSIX::ENOSYS;
is((sh('TOOL -b', DEMO_OPEN => POSIX::ENOMEM))[0], 1, 'session_open fails otherwise');
($status, $out, $err) = sh('TOOL -b -i 20ms', DEMO_READ => 2);
is($status, 1, 'a read fails: status');
is($err, "dmasynctop: made-up read failure\n", 'a read fails: one message');
ok(-e "$dir/closed", 'a read fails: the session is closed');

done_testing();
