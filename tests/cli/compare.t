#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# compare on captures of made-up boards: headlines, verdicts, notes, gates, messages, its page.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use JSON::PP;
use Test::More;

my $top = "$FindBin::Bin/../..";
my $built = $ENV{O} // 'build';
my ($tool, $maker) = ("$built/dmasynctop", "$built/unit/compare_captures");
plan skip_all => "$tool or $maker is not built" unless -x $tool && -x $maker;
my $dir = tempdir(CLEANUP => 1);

# Status, stdout, stderr.
sub run {
	my $pid = fork() // die "fork: $!";
	if (!$pid) {
		open(STDOUT, '>', "$dir/.out") or die;
		open(STDERR, '>', "$dir/.err") or die;
		exec(@_) or die "exec: $!";
	}
	waitpid($pid, 0);
	my $status = $? >> 8;
	my @text = map { local (@ARGV, $/) = $_; <> // '' } "$dir/.out", "$dir/.err";
	return ($status, @text);
}

sub compare { return run($tool, 'compare', @_) }

# $n captures NAME-1 .. NAME-$n, whose runs are numbered from $first.
sub captures {
	my ($name, $first, $n, @recipe) = @_;
	my @files = map { "$dir/$name-$_" } 1 .. $n;
	for my $i (0 .. $n - 1) {
		is((run($maker, $files[$i], "run=@{[$first + $i]}", @recipe))[0], 0, "made $name");
	}
	return @files;
}

sub rows {
	my ($status, $out) = compare('--json', @_);
	my %rows = map { ("$_->{op} $_->{dev}" => $_) }
		grep { $_->{type} eq 'row' } map { decode_json($_) } split(/\n/, $out);
	return \%rows;
}

my @old = captures('old', 1, 5);
my @new = captures('new', 11, 5, qw(dsb=1 ns=71000 kernel=7.3.1-arm64));
my $sg = 'map_sg 0000:00:01.0';

# A batched kernel against one that is not.
my ($status, $out, $err) = compare(@old, '--', @new);
is($status, 0, 'faster: status');
is($err, '', 'faster: nothing on stderr');
like($out, qr/^dma_map_sg -6\d\.\d % \[-6\d\.\d, -6\d\.\d\], dsb per call 128 -> 1$/m, 'headline');
like($out, qr/^dma_map_page (unclear|same within 2 %)/m, 'headline of what did not change');
like($out, qr/^map_sg +0000:00:01\.0 +\S+us +\S+us +-6\S+ % \[.*\] +faster$/m, 'table');
like($out, qr/\bseed 1\)/, 'the seed is printed');
like($out, qr/^  dsb\/call +128 +1 +-99\.2 %  exact$/m, 'barriers are exact');
like($out, qr/^  $_ /m, "tells $_")
	for qw(calls calls/s ns/call ns/entry ns/KiB p50 p90 p99 p99.9 dsb/entry), '% of a CPU';
is((grep { length > 80 } split(/\n/, $out)), 0, 'fits 80 columns');
is((compare(@old, '--', @new))[1], $out, 'the same again');
isnt((compare(@old, '--seed=7', '--', @new))[1], $out, 'not with another seed');

my $rows = rows(@old, '--', @new);
is(scalar keys %$rows, 3, '--json: rows');
my $row = $rows->{$sg};
is($row->{verdict}, 'faster', '--json: verdict');
cmp_ok(abs($row->{p_holm} - 3 * 2 / 252), '<', 1e-12, '--json: p by Holm over three rows');
my $ratio = $row->{ratios}{ns_per_call};
ok($ratio->{low} < $ratio->{ratio} && $ratio->{ratio} < $ratio->{high}, '--json: interval');
for my $name (sort keys %{ $row->{ratios} }) {
	my ($b, $a) = map { $row->{$_}{$name} } qw(before after);
	cmp_ok(abs($row->{ratios}{$name}{ratio} - $a / $b), '<', 1e-9, "--json: $name: the change is that of the values");
}
is("$row->{before}{dsb} $row->{after}{dsb}", 5 * 12 * 40 * 128 . ' ' . 5 * 12 * 40, '--json: dsb');

($status, $out) = compare('--markdown', @old, '--', @new);
like($out, qr/^- \*\*dma_map_sg -6.*dsb per call 128 -> 1\*\*$/m, '--markdown: headline');
my @table = grep { /^\|/ } split(/\n/, $out);
is(scalar @table, 5, '--markdown: rows');
is("@{[map { tr/|// } @table]}", '9 9 9 9 9', '--markdown: as many cells everywhere');

# What a few runs can carry.
$rows = rows(@old[0 .. 2], '--', @new[0 .. 2]);
is($rows->{$sg}{verdict}, 'unclear', '3 runs a side: unclear');
like($rows->{$sg}{why}, qr/at least 4 runs a side/, '3 runs a side: says what it takes');
$rows = rows($old[0], '--', $new[0]);
is($rows->{$sg}{verdict}, 'none', 'one run a side: no verdict');
ok(!defined $rows->{$sg}{ratios}{ns_per_call}{low}, 'one run a side: no interval');
$rows = rows(@old[0 .. 3], '--', @new[0 .. 3]);
like($rows->{$sg}{why}, qr/3 rows at once/, '4 runs a side, three rows: too few');
$rows = rows('-O', 'map_sg', @old[0 .. 3], '--', @new[0 .. 3]);
is($rows->{$sg}{verdict}, 'faster', '4 runs a side, one row: enough');

# Copies of a recording are not counted: they would make anything certain.
($status, $out, $err) = compare('--json', ($old[0]) x 4, '--', ($new[0]) x 4);
is(scalar(() = $err =~ /again: left out/g), 6, 'copies: named');
is((map { $_->{verdict} } grep { $_->{type} eq 'row' } map { decode_json($_) } split(/\n/, $out))[0], 'none',
	'copies: no verdict');
is((compare('--self-check', ($old[0]) x 8))[0], 1, 'copies: no self-check');

# Gates.
is((compare(@old, '--', @new, '--fail-on-regression', 5))[0], 0, 'gate: faster passes');
($status, $out, $err) = compare(@new, '--', @old, '--fail-on-regression=5%');
is($status, 5, 'gate: slower fails');
like($err, qr/regression: map_sg 0000:00:01\.0: time per call rose by more than 5 %/, 'gate: tells');
($status, $out, $err) = compare($new[0], '--', $old[0], '--fail-on-regression', 5);
is($status, 5, 'gate: barriers fail without any verdict');
like($err, qr/barriers per call rose/, 'gate: tells that it is the barriers');
($status, $out, $err) = compare($old[0], '--', $new[0], '--fail-on-regression', 5);
is($status, 0, 'gate: one run a side passes');
like($err, qr/time of 3 of 3 rows could not be judged/, 'gate: but says what it could not see');
my @worse = captures('worse', 21, 5, 'ns=216000');
is((compare(@old, '--', @worse, '--fail-on-regression', 5))[0], 5, 'gate: +8 % is above 5 %');
is((compare(@old, '--', @worse, '--fail-on-regression', 20))[0], 0, 'gate: but not above 20 %');

# A reader that goes away has what it wanted; the gate's status is kept.
my @pipes = (
	[ "compare @old -- @new", 0 ],
	[ "compare --json @old -- @new", 0 ],
	[ "compare --markdown @old -- @new", 0 ],
	[ "compare --fail-on-regression 5 @new -- @old", 5 ],
	[ "report $top/tests/fixtures/ahci-6.12.dma", 0 ],
	[ "flame $top/tests/fixtures/ahci-6.12.dma", 0 ],
);
for my $case (@pipes) {
	my ($args, $want) = @$case;
	($status, $out, $err) = run('bash', '-c', "set -o pipefail; (sleep 0.3; exec $tool $args) | true");
	is($status, $want, 'closed pipe: status of ' . $args =~ s/ .*//r);
	unlike($err, qr/^dmasynctop: (?!regression)/m, 'closed pipe: quiet');
}

# Captures of real kernels, the whole output.
my $expected = do { local (@ARGV, $/) = "$top/tests/fixtures/expected/compare-ahci-6.12-7.3.txt"; <> } // '';
($status, $out, $err) = compare("$top/tests/fixtures/ahci-6.12.dma", '--', "$top/tests/fixtures/ahci-7.3.dma");
is($status, 0, 'fixtures: status');
is($out, $expected, 'fixtures: all of the output');

# Notes.
my %notes = (
	governor => [ 'governor=ondemand', qr/governors differ: before performance; after ondemand/ ],
	floor => [ 'floor=300', qr/85ns before,\s+300ns after/ ],
	attach => [ 'rung=kprobe', qr/map_sg is attached by fentry before\s+and kprobe after/ ],
	backend => [ 'backend=ftrace', qr/measured by other means: before bpf; after ftrace/ ],
	loss => [ 'lost=7', qr/events were lost: 0 before, 35 after/ ],
	drift => [ 'drift=40', qr/map_sg 0000:00:01\.0: ns\/call went \+2\d\.\d %/ ],
	mix_size => [ 'entries=300', qr/128 entries a call\s+before and\s+300\s+after/ ],
	mix_direction => [ 'to_device=1', qr/calls were\s+to_device\s+before and 100 % after/ ],
	bounces => [ 'bounces=1', qr/0 % of the entries were bounced before and 100 %/ ],
	machine => [ 'model=linux,dummy-virt', qr/machines differ/ ],
	devices => [ 'device=0000:00:02.0', qr/device 0000:00:02\.0 \(ahci\): calls only after/ ],
	cut_off => [ 'cut=1', qr/changed-1: \S+/ ],
	boot => [ 'boot=one', qr/the runs after are all of one boot/ ],
);
for my $kind (sort keys %notes) {
	my ($recipe, $want) = @{ $notes{$kind} };
	my @changed = captures('changed', 31, 5, $recipe);
	($status, $out) = compare(@old, '--', @changed);
	is($status, 0, "$kind: status");
	like($out =~ s/\n +/ /gr, $want, "$kind: note");
	is((grep { length > 80 } grep { !m{/} } split(/\n/, $out)), 0, "$kind: fits");
	unlike((compare(@old, '--', @old))[1], $want, "$kind: not without");
}
my @longer = captures('longer', 31, 5, 'entries=300');
like((compare(@old, '--', @longer))[1], qr/^    256\+ \(0 %, 100 %\)/m, 'classes are told apart');

# What batches of single buffers would save: by driver with a verdict, by place without.
sub storms {
	my ($status, $out) = compare('--json', @_);
	return grep { $_->{type} =~ /^storm/ } map { decode_json($_) } split(/\n/, $out);
}
my @single = captures('single', 1, 5, 'storm=32');
my @pairs = captures('pairs', 11, 5, 'storm=4');
my @batched = captures('batched', 21, 5, 'storm=1');
my @lighter = captures('lighter', 31, 5, qw(storm=32 waits=500));
($status, $out, $err) = compare(@single, '--', @pairs);
is("$status$err", 0, 'storms: status');
like($out =~ s/\n +/ /gr, qr/^storms +batches of single buffers would save barriers: 1142 a second before \(9\.18 % of all\), 923 a second after \(7\.42 % of all\)\nDRIVER/m,
	'storms: all of them');
like($out, qr/^e1000e +968 +746 +-22\.9 % \[-2\d\.\d, -2\d\.\d\] +31\.6 > 3\.99 fewer\nigc +175 +177 .* (unclear|same)$/m, 'storms: by driver');
like($out, qr/^ +968 +746 +-22\.9 % \[.*\] +e1000e map_page\n +dma_map_page_attrs < e1000e < a_poll < __napi_poll < net_rx_action <\n +handle_softirqs$/m,
	'storms: by place, whatever was interrupted there');
is((grep { length > 80 } split(/\n/, $out)), 0, 'storms: fits');
my ($sum, @storms) = storms(@single, '--', @pairs);
is(scalar @storms, 4, 'storms: --json: two drivers, two places');
for my $side (qw(before after)) {
	my @drivers = grep { !$_->{op} } @storms;
	my @places = grep { $_->{op} } @storms;
	my ($d, $p) = map { my $n = 0; $n += $_->{$side}{saved} for @$_; $n } \@drivers, \@places;
	is($p, $d, "storms: --json: places add up to drivers $side");
	is($_->{$side}{calls} - $_->{$side}{runs_of_calls}, $_->{$side}{saved}, "storms: --json: $_->{driver}: saved $side") for @drivers;
	cmp_ok(abs($d / 60 - $sum->{"saved_per_s_$side"}), '<', 1e-6, "storms: --json: a second $side");
}
my ($first) = @storms;
is("$first->{driver} $first->{verdict} $first->{tested}", 'e1000e fewer 1', '--json: verdict');
cmp_ok(abs($first->{p_holm} - 2 * 2 / 252), '<', 1e-12, 'storms: --json: p by Holm over two drivers');
cmp_ok($first->{saved_per_s}{high}, '<', 0.98, 'storms: --json: interval');
is((storms(@pairs, '--', @single))[1]{verdict}, 'more', 'storms: the other way round');
is((storms(@batched, '--', @single))[1]{verdict}, 'more', 'storms: from nothing');
($sum, $first) = storms(@single, '--', @batched);
is("$first->{verdict} $first->{after}{saved} " . ($first->{saved_per_s}{ratio} // 'null'), 'fewer 0 null', 'storms: nothing left');
like((compare(@single, '--', @batched))[1], qr/^e1000e +968 +0 +-100 % +31\.6 > 1 fewer$/m, 'storms: nothing left, as text');
($sum, $first) = storms(@single, '--', @lighter);
is($first->{verdict}, 'unclear', 'storms: half the work is no change of the driver');
like($first->{why}, qr/runs are as long as before/, 'storms: and says so');
($sum, $first) = storms(@single[0 .. 2], '--', @pairs[0 .. 2]);
like("$first->{verdict} $first->{why}", qr/unclear 3 and 3 runs cannot tell it from chance: needs at least 4 a side/, 'storms: 3 runs a side');
($sum, $first) = storms($single[0], '--', $pairs[0]);
is("$first->{verdict} " . ($first->{saved_per_s}{low} // 'null'), 'none null', 'storms: one run a side: no verdict, no interval');
($status, $out) = compare('-D', '0000:03:*', @single, '--', @pairs);
unlike($out, qr/e1000e/, 'storms: -D');
like($out, qr/^igc /m, 'storms: -D: the other');
($status, $out) = compare('--markdown', @single, '--', @pairs);
my ($storm_table) = $out =~ /^Storms: .*\n\n((?:\|.*\n)+)/m;
is("@{[map { tr/|// } split(/\n/, $storm_table // '')]}", '8 8 8 8', '--markdown: storms');
for my $sides ([ @old, '--', @new ], [ @single, '--', @new ], [ @old, '--', @pairs ]) {
	is(scalar(() = storms(@$sides)), 0, 'storms: not where a side does not tell of any');
	unlike((compare(@$sides))[1], qr/^storms/m, 'storms: nor in the text');
}
($status, $out) = compare(("$top/tests/fixtures/storms-7.3.dma") x 1, '--', "$top/tests/fixtures/storms-7.3.dma");
like($out, qr/^nvme +124 +124 +0\.0 % +32 > 32 -$/m, 'storms: of a real kernel');

# Steps of the dma-buf chain stand where barriers do.
my @stepwise = captures('stepwise', 1, 5, qw(plain=1 steps=16384));
my @blockwise = captures('blockwise', 11, 5, qw(plain=1 steps=64));
($status, $out) = compare(@stepwise, '--', @blockwise);
is($status, 0, 'chain: status, without any call of the DMA API');
like($out, qr/^dmabuf_mmap -99\.\d % \[.*\], steps per call 16384 -> 64$/m, 'chain: headline');
like($out, qr/^  steps\/call +16384 +64 +-99\.6 %  exact\n  steps\/entry +1 +0\.00391 +-99\.6 %  exact$/m, 'chain: exact');
unlike($out, qr/^  dsb/m, 'chain: no barriers');
unlike((compare(@old, '--', @new))[1], qr/^  steps/m, 'chain: no steps elsewhere');
$row = rows(@stepwise, '--', @blockwise)->{'dmabuf_mmap -'};
is("$row->{before}{steps} $row->{after}{steps} $row->{verdict}", 5 * 12 * 2 * 16384 . ' ' . 5 * 12 * 2 * 64 . ' faster', 'chain: --json');
cmp_ok(abs($row->{ratios}{steps_per_call}{ratio} - 1 / 256), '<', 1e-12, 'chain: --json: ratio');
like((compare('--markdown', @stepwise, '--', @blockwise))[1], qr/ 16384 -> 64 steps \| faster \|$/m, 'chain: --markdown');
($status, $out, $err) = compare($blockwise[0], '--', $stepwise[0], '--fail-on-regression', 5);
is($status, 5, 'chain: more steps are a regression');
like($err, qr/dmabuf_mmap -: steps per call rose/, 'chain: which is said');
my @both = captures('both', 21, 5, 'steps=64');
$row = rows(@old, '--', @both)->{$sg};
cmp_ok($row->{after}{time_share}, '>', 0.5, 'chain: is no part of the time in DMA calls');

# A/A.
my @quiet = captures('quiet', 41, 8);
($status, $out) = compare('--self-check', @quiet);
is($status, 0, '--self-check: status');
like($out, qr/^claimed +in \d of 70 splits of 8 runs into 4 and 4/m, '--self-check: splits');
like($out, qr/^verdict +quiet enough/m, '--self-check: quiet');
my @noisy = captures('noisy', 51, 8, 'spread=0.3');
like((compare('--self-check', @noisy))[1], qr/^verdict +noisy/m, '--self-check: noisy');
my @warming = map { captures("warming$_", 60 + $_, 1, "ns=@{[200000 * (1 + 0.05 * $_)]}") } 1 .. 8;
like((compare('--self-check', @warming))[1], qr/^verdict +not quiet.*drifts/ms, '--self-check: drift');
my $check = decode_json((compare('--self-check', '--json', @quiet))[1]);
is($check->{splits}, 70, '--self-check --json');

for my $n (4, 5, 7) {
	($status, $out, $err) = compare('--self-check', @quiet[0 .. $n - 1]);
	is($status, 0, "--self-check of $n: status");
	is($err, '', "--self-check of $n: nothing on stderr");
	my $half = int($n / 2);
	like($out, qr/^claimed +in 0 of \d+ splits of $n runs into $half and @{[$n - $half]}: too few for any/m,
		"--self-check of $n: splits");
	my $side = $n < 5 ? 5 : $n;
	like($out =~ s/\n +/ /gr, qr/^verdict +too few runs to see a drift, .* with $side runs a side/m,
		"--self-check of $n: promises nothing that compare does not keep");
}
for my $json ([], ['--json']) {
	($status, $out, $err) = compare('--self-check', '-D', 'nothing', @$json, @quiet);
	is($status, 1, '--self-check of nothing: status');
	like($err, qr/nothing to compare: .*-D and -O/, '--self-check of nothing: message');
}

# Wrong usage is 2, what cannot be read or compared is 1.
my @wrong = (
	[ [], qr/no --: give captures as BEFORE\.\.\. -- AFTER/ ],
	[ [ $old[0] ], qr/no --/ ],
	[ [ $old[0], '--' ], qr/no capture behind --/ ],
	[ [ '--', $old[0] ], qr/no capture in front of --/ ],
	[ [ $old[0], '--', $new[0], '--', $new[1] ], qr/--: given twice/ ],
	[ [ $old[0], '--', $new[0], '--noise=much' ], qr/--noise 'much': is not a percentage; valid: 0 to 50/ ],
	[ [ $old[0], '--', $new[0], '--noise=51' ], qr/--noise '51': is out of range/ ],
	[ [ '--fail-on-regression=nan', $old[0], '--', $new[0] ], qr/'nan': is not a percentage/ ],
	[ [ '--seed=x', $old[0], '--', $new[0] ], qr/--seed 'x': is not a number/ ],
	[ [ '-O', 'map', $old[0], '--', $new[0] ], qr/-O 'map': is not an operation; valid: map_sg/ ],
	[ [ '--json', '--markdown', $old[0], '--', $new[0] ], qr/choose one/ ],
	[ [ '--self-check', @quiet[0 .. 2] ], qr/at least 4 captures/ ],
	[ [ '--self-check', @quiet, '--', @old ], qr/leave -- out/ ],
	[ [ '--colour', $old[0], '--', $new[0] ], qr/unrecognized option/ ],
);
for my $case (@wrong) {
	($status, $out, $err) = compare(@{ $case->[0] });
	is($status, 2, "usage: status of $case->[1]");
	like($err, $case->[1], 'usage: message');
	is($out, '', 'usage: nothing on stdout');
}
open(my $garbage, '>', "$dir/garbage") or die;
print $garbage "this is no capture\n" x 10;
close($garbage);
for my $file ("$dir/missing", "$dir/garbage", $dir) {
	($status, $out, $err) = compare($old[0], '--', $file);
	is($status, 1, "$file: status");
	like($err, qr/^dmasynctop: .*\Q$file\E/, "$file: named");
}
($status, $out, $err) = compare('-D', 'nobody', $old[0], '--', $new[0]);
is($status, 1, 'nothing in common: status');
like($err, qr/nothing to compare: .*-D and -O/, 'nothing in common: message');
is((run('sh', '-c', "$tool compare $old[0] -- $new[0] >/dev/full"))[0], 1, 'full disk: status');

# Completion: subcommands, options of the subcommand, captures.
sub complete {
	my ($before, $word) = @_;
	my $n = split(/ /, $before);
	return join(' ', split(/\n/, (run('bash', '-c', "source $top/doc/dmasynctop.bash; COMP_CWORD=$n; " .
		"COMP_WORDS=($before '$word'); _dmasynctop $tool '$word' ''; printf '%s\n' \"\${COMPREPLY[@]}\""))[1]));
}
is(complete($tool, 'comp'), 'compare', 'completion: subcommand');
is(complete("$tool compare", '--s'), '--seed --self-check', 'completion: options');
is(complete("$tool compare", "$dir/old-1"), "$dir/old-1", 'completion: captures');

# The page has exactly the options that there are, and every name in JSON.
SKIP: {
	skip('mandoc is not installed', 4) if system('command -v mandoc >/dev/null');
	my $page = "$top/doc/dmasynctop-compare.1";
	my @lint = grep { !/mandoc\.db|not found: Xr dmasynctop/ } `mandoc -T lint $page 2>&1`;
	is("@lint", '', 'page: mandoc -T lint');
	my $source = do { local (@ARGV, $/) = $page; <> } // '';
	my ($help, $described) = ((compare('--help'))[1], '');
	my %options = map { ($_ => 1) } $help =~ /^ {2,6}(?:-\w, )?(--[a-z-]+)/mg;
	delete @options{qw(--help --usage --version)};
	my %has = map { ("-$_" => 1) } map { s/\\&//gr } $source =~ /^\.It (?:Fl \w , )?Fl (-[a-z-]+)/mg;
	is("@{[sort keys %has]}", "@{[sort keys %options]}", 'page: options');
	my %names;
	my $collect;
	$collect = sub {
		my ($value) = @_;
		if (ref $value eq 'HASH') {
			$names{$_} = 1 for keys %$value;
			$collect->($_) for values %$value;
		} elsif (ref $value eq 'ARRAY') {
			$collect->($_) for @$value;
		}
	};
	for my $args ([ @old, '--', @longer ], [ @single, '--', @pairs ], [ @stepwise, '--', @blockwise ], [ '--self-check', @quiet ]) {
		$collect->(decode_json($_)) for split(/\n/, (compare('--json', @$args))[1]);
	}
	delete $names{type};
	cmp_ok(scalar keys %names, '>', 60, 'page: names in JSON');
	is("@{[grep { $source !~ /\b\Q$_\E\b/ } sort keys %names]}", '', 'page: has them all');
}

done_testing();
