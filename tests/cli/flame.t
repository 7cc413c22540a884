#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# dmasynctop flame: what it draws of captures whose stacks are known, and what it refuses.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $built = $ENV{O} // 'build';
my ($tool, $gen) = ("$built/dmasynctop", "$built/unit/flame_gen");
plan skip_all => "$tool or $gen is not built" unless -x $tool && -x $gen;
my $dir = tempdir(CLEANUP => 1);
for my $what (qw(before after arch hostile bare empty)) {
	is(system($gen, $what, "$dir/$what"), 0, "capture: $what");
}

# Status, stdout and stderr of `dmasynctop flame`.
sub flame {
	my $pid = fork() // die "fork: $!";
	if (!$pid) {
		open(STDOUT, '>', "$dir/out") or die;
		open(STDERR, '>', "$dir/err") or die;
		exec($tool, 'flame', @_) or die "exec: $!";
	}
	waitpid($pid, 0);
	my $status = $?;
	return ($status, map { local (@ARGV, $/) = "$dir/$_"; <> // '' } qw(out err));
}

sub drawn {
	my ($status, $out, $err) = flame(@_);
	is($status, 0, "@_: status");
	is($err, '', "@_: no message");
	return $out;
}

# Frames of a picture as {name => width in px}; of equal names the sum.
sub frames {
	my %width;
	while ($_[0] =~ m{<g([^>]*)><title>([^\n]*)\n[^<]*</title><rect class="(\S+)" x="\S+" y="\S+" width="(\S+)"}g) {
		next if $1 =~ /data-gone/;
		# Frames are drawn 0.6 px narrower.
		$width{$2} += $4 >= 2.4 ? $4 + 0.6 : $4 / 0.8;
	}
	return \%width;
}

my $have_xmllint = !system('command -v xmllint >/dev/null');
sub valid {
	my ($svg, $what) = @_;
	open(my $f, '>', "$dir/check.svg") or die;
	print $f $svg;
	close($f);
	SKIP: {
		skip('xmllint is not installed', 1) unless $have_xmllint;
		is(`xmllint --noout $dir/check.svg 2>&1`, '', "$what: well-formed XML");
	}
}

# ---- one capture ----
my $svg = drawn("$dir/before");
valid($svg, 'time');
my $w = frames($svg);
# 20 + 25 us of 675.4 us a round of calls, of 1200 px.
my $round = 45 + 40 + 800 + 790 + 0.4;
for (['all', $round], ['dma_map_sg_attrs', 45], ['dma_unmap_sg_attrs', 40], ['__dma_sync_sg_for_cpu', 800],
     ['dma_buf_ioctl', 1590.4], ['invoke_syscall', 1635.4]) {
	my ($name, $us) = @$_;
	cmp_ok(abs($w->{$name} - 1200 * $us / $round), '<', 0.05, "time: width of $name");
}
like($svg, qr/Width: time in DMA API calls\. All: 168ms in 500 calls, 335us a call, during 1\.00s\./, 'says what the width is');
like($svg, qr/linux,dummy-virt; Linux 6\.18\.15\+deb13-arm64 aarch64; flavour per-entry;.*? -- workload/s, 'says where it comes from');
like($svg, qr{<title>dma_map_sg_attrs\n100 calls, 4\.50ms \(4,500,000 ns\), average 45\.0us; 12,800 entries, 50\.0M \(52,428,800 bytes\), 12,800 dsb \(128 a call\)\n2\.69 % of all</title>}, 'tooltip');
unlike($svg, qr/https?:(?!\/\/www\.w3\.org\/)/, 'refers to nothing outside');
unlike($svg, qr/\bon\w+="/, 'has no handlers in attributes');
is(drawn("$dir/before"), $svg, 'is the same every time');

$w = frames(drawn("$dir/before", '--weight=dsb'));
my $dsb = 128 + 128 + 2560 + 2560 + 1;
cmp_ok(abs($w->{__dma_sync_sg_for_device} - 1200 * 2560 / $dsb), '<', 0.05, 'dsb: width');
like(drawn("$dir/before", '--weight=dsb'), qr/Width: dsb barriers .*?, exact \(derived .*? All: 537,700 dsb in 500 calls, 1,075 dsb a call/s, 'dsb: says exact');
like(drawn("$dir/arch", '--weight=dsb'), qr/exact \(counted by probes\)/, 'dsb: says how');
$w = frames(drawn("$dir/before", '--weight=calls'));
cmp_ok(abs($w->{dma_map_page_attrs} - 240), '<', 0.05, 'calls: width');
my $narrow = drawn("$dir/before", '--width=400', '--min-width=2', '--title=A <b>title</b>');
valid($narrow, 'narrow');
like($narrow, qr/<svg [^>]*width="400"/, '--width');
like($narrow, qr{class="h"[^>]*><tspan[^>]*>A &lt;b&gt;title&lt;/b&gt;<}, '--title');
like($narrow =~ s/<[^>]*>//gr, qr/Frames narrower than 2 px: 2, 0\.024 % of the\s+width, are not drawn\./, '--min-width: says what is missing');
is(frames($narrow)->{'old_path.isra.0'}, undef, '--min-width: and it is');
$w = frames(drawn("$dir/before", '--by=device'));
cmp_ok(abs($w->{'0000:00:01.0'} - 1200 * 85 / $round), '<', 0.05, '--by device');
like(drawn("$dir/before", '--by=device'), qr/Bottom frames: by device/, '--by: says so');

# ---- nested calls ----
$svg = drawn("$dir/arch");
like($svg, qr/Nested calls exceed the calls around them by 20ns in all/, 'nested: says what was too much');
like($svg, qr/Each call&#39;s time contains that of the probes, which was not measured\./, 'time: says that probes are in it');
like($svg, qr/Times of API calls contain the probes inside them \(--exact\)/, 'nested: says that probes are in it');
is(drawn("$dir/arch", '--folded'), <<END, 'nested: selves');
entry;driver;dma_map_sg_attrs 2000
entry;driver;dma_map_sg_attrs;dma_direct_map_sg;arch_sync_dma_for_device 8000
entry;driver;dma_map_page_attrs;arch_sync_dma_for_device 70
END

# ---- two captures ----
my $diff = drawn("$dir/after", "--diff=$dir/before", '--weight=dsb');
valid($diff, 'diff');
my %class;
$class{$1} = $2 while $diff =~ m{<title>([^\n]*)\n[^<]*</title><rect class="(\S+)"}g;
is_deeply({ map { $_ => $class{$_} } qw(__dma_sync_sg_for_cpu dma_map_sg_attrs new_path dma_map_phys old_path) },
	{ __dma_sync_sg_for_cpu => 'l5', dma_map_sg_attrs => 'l5', new_path => 'new', dma_map_phys => 'new', old_path => 'gone' },
	'diff: colours');
like($diff, qr/data-gone="1" data-b="\S+ \S+"><title>old_path\n/, 'diff: what is gone waits for the view of BEFORE');
like($diff =~ s/<[^>]*>//gr, qr/change of a frame&#39;s\s+total\s+per\s+entry\s+of\s+its\s+run,.*different\s+work\s+compare;\s+of\s+all:\s+-99\.9\s+%\.\s+Grey:\s+within\s+2\s+%\./s, 'diff: says how');
like($diff =~ s/<[^>]*>//gr, qr/After:\s+1,000\s+dsb\s+in\s+1,000\s+calls\s+with\s+1,075,400\s+entries,\s+0\.00093\s+dsb\s+an\s+entry,\s+during\s+1\.00s\.\s+Before:\s+537,700\s+dsb\s+in\s+500\s+calls\s+with\s+537,700\s+entries,\s+1\s+dsb\s+an\s+entry,/, 'diff: both amounts, by what they are divided by');
like($diff, qr/<title>__dma_sync_sg_for_cpu\n[^<]*\nper entry of the run: to 1\/2560</, 'diff: tooltip');
like(drawn("$dir/after", "--diff=$dir/before") =~ s/<[^>]*>//gr, qr/per\s+entry\s+of\s+its\s+run.*2\s+sigma/s, 'diff: time by the entry');
# The same 1024 entries in 32 calls, and in 8.
my $merged = drawn('tests/fixtures/ahci-6.12.dma', '--diff=tests/fixtures/ahci-6.1.dma', '--weight=dsb');
like($merged, qr/<title>all\nafter: 8 calls,[^<]*\nbefore: 32 calls,[^<]*\nper entry of the run: \+0\.0 %, within the noise</, 'diff: merged calls are no change');
for my $sides (["$dir/bare", "$dir/before"], ["$dir/after", "$dir/bare"]) {
	my $bare = drawn($sides->[0], "--diff=$sides->[1]");
	like($bare =~ s/<[^>]*>//gr, qr/total\s+per\s+call\s+of\s+its\s+run/, 'diff: by the call, where there are no entries');
	like($bare, qr/<title>all\n[^<]*\nper call of the run: /, 'diff: in the tooltip, too');
	unlike($bare, qr/an\s+entry/, 'diff: and no amount an entry');
}
like($diff, qr/After: linux,dummy-virt; Linux 7\.3\.4.*Before: linux,dummy-virt; Linux 6\.18\.15/s, 'diff: both sources');
like(drawn("$dir/after", "--diff=$dir/before", '--weight=bytes') =~ s/<[^>]*>//gr, qr/per\s+second\s+of\s+its\s+run.*2\s+sigma/s, 'diff: bytes by the second');
unlike(drawn("$dir/after", "--diff=$dir/after") =~ s/<style>.*<\/style>//sr, qr/<rect class="(?!same|page|[lm]\d" y="2"|new" y="2"|gone" y="2")/, 'diff: with itself all is grey');
like(drawn("$dir/after", "--diff=$dir/before", '--weight=dsb', '--folded'), qr/;old_path;dma_map_page_attrs 100 0\n/, 'diff: folded has both columns');

# ---- names that are not to be trusted ----
my $evil = drawn("$dir/hostile");
valid($evil, 'hostile');
is(() = $evil =~ /<script/g, 1, 'hostile: one script, our own');
is(() = $evil =~ /\]\]>/g, 1, 'hostile: one end of it');
unlike($evil, qr/[\x00-\x08\x0b-\x1f]/, 'hostile: no control characters');
valid(drawn("$dir/hostile", "--diff=$dir/before"), 'hostile diff');
my @lines = split(/\n/, drawn("$dir/hostile", '--folded'));
is(scalar @lines, 12, 'hostile: a line a stack');
is((grep { !/^\S.* \d+$/ } @lines)[0], undef, 'hostile: folded lines end in a number');

# ---- speedscope ----
my $scope = decode_json(drawn("$dir/before", '--speedscope', '--title=T'));
is($scope->{'$schema'}, 'https://www.speedscope.app/file-format-schema.json', 'speedscope: schema');
my $profile = $scope->{profiles}[0];
is_deeply([@$profile{qw(type unit startValue endValue)}], ['sampled', 'nanoseconds', 0, 167540000], 'speedscope: profile');
is(scalar @{$profile->{samples}}, scalar @{$profile->{weights}}, 'speedscope: a weight a sample');
my $sum = 0;
$sum += $_ for @{$profile->{weights}};
is($sum, 167540000, 'speedscope: weights add up');
is_deeply([map { $scope->{shared}{frames}[$_]{name} } @{$profile->{samples}[-1]}[-2, -1]], ['old_path.isra.0', 'dma_map_page_attrs'], 'speedscope: frames');
is(scalar @{decode_json(drawn("$dir/hostile", "--diff=$dir/before", '--speedscope'))->{profiles}}, 2, 'speedscope: two profiles');

# ---- files ----
is(drawn("$dir/before", '-o', "$dir/pic.svg"), '', '-o: nothing on stdout');
ok(-s "$dir/pic.svg", '-o: a file');
my $size = -s "$dir/before";
system("{ gzip -dc $dir/before 2>/dev/null || cat $dir/before; } |
	sed 's/\"bytes\":true/\"bytes\":false/; s/\"bytes\":[0-9][0-9]*/\"bytes\":null/g' >$dir/unsized") and die;
unlike(drawn("$dir/unsized"), qr/\d bytes\)/, 'bytes that are unknown are in no tip');
like(drawn("$dir/before"), qr/\d bytes\)/, 'and those that are known are');
for (
	[["$dir/before", '-o', "$dir/before"], 1, qr/that is the capture itself; name another file/],
	[["$dir/after", '--diff', "$dir/before", '-o', "$dir/before"], 1, qr/that is the capture itself/],
	[["$dir/before", '-o', "$dir/none/x.svg"], 1, qr/cannot write to .*: No such file/],
	[["$dir/missing"], 1, qr/missing.*No such file/],
	[["$dir/empty"], 1, qr/nothing to draw: no DMA API call was made/],
	[["$dir/unsized", '--weight=bytes'], 1, qr/nothing to draw: the bytes of its lists were not summed; record without --no-bytes/],
	[["$dir/before", '--weight=samples'], 1, qr/nothing to draw: it has no on-CPU profile; record one with --profile/],
	[[], 2, qr/no capture given/],
	[['a', 'b'], 2, qr/'b': one capture at a time/],
	[['a', '--weight=x'], 2, qr/--weight 'x': is not a weight; valid: time, calls, bytes, dsb, samples/],
	[['a', '--by=row'], 2, qr/--by 'row': .*valid: device, driver, process/],
	[['a', '--width=10'], 2, qr/--width '10': is too small; valid: 300 to 100000/],
	[['a', '--min-width=nan'], 2, qr/--min-width 'nan': .*valid: 0 to 100/],
	[['a', '--noise=x'], 2, qr/--noise 'x': is not a number; valid: 0 to 100/],
	[['a', '--folded', '--speedscope'], 2, qr/one output at a time/],
	[['a', '-o', ''], 2, qr/-o '': is empty/],
	[['a', '--weight=samples', '--by=device'], 2, qr/samples belong to no device/],
) {
	my ($args, $want, $message) = @$_;
	my ($status, $out, $err) = flame(@$args);
	is($status >> 8, $want, "@$args: status");
	like($err, $message, "@$args: message");
	is($out, '', "@$args: nothing on stdout");
}
is(-s "$dir/before", $size, 'the capture is whole');

SKIP: {
	skip('no /dev/full', 1) unless -c '/dev/full';
	my ($status, undef, $err) = flame("$dir/before", '-o', '/dev/full');
	is($status >> 8, 1, 'full disk: status');
	like($err, qr/cannot write to \/dev\/full: No space left/, 'full disk: message');
}

# ---- the manual page has every option, and no other ----
my $page = do { local (@ARGV, $/) = "doc/dmasynctop-flame.1"; <> };
my %help = map { $_ => 1 } `$tool flame --help` =~ /^ {2,6}(?:-\S, )?(--[a-z-]+)/mg;
delete @help{qw(--help --usage --version)};
my %described = map { s{\\}{}gr => 1 } map { "-$_" } $page =~ /^\.It (?:Fl \S , )?Fl (-\S+)/mg;
is("@{[sort keys %described]}", "@{[sort keys %help]}", "manual page: options");
cmp_ok(scalar keys %help, ">", 8, "manual page: the help text was understood");
SKIP: {
	skip("mandoc is not installed", 1) if system("command -v mandoc >/dev/null");
	is(join("", grep { !/mandoc\.db|referenced manual not found/ } `mandoc -T lint doc/dmasynctop-flame.1 2>&1`), "", "manual page: mandoc -T lint");
}

done_testing();
