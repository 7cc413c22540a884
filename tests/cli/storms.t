#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Runs of calls for single buffers: every form says what the capture holds, and what it does not.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use List::Util qw(sum0);
use Test::More;

my $built = $ENV{O} // 'build';
my $tool = "$built/dmasynctop";
my $demo = "$built/unit/capture_demo";
plan skip_all => "$tool or $demo is not built" unless -x $tool && -x $demo;

my $dir = tempdir(CLEANUP => 1);
$ENV{COLUMNS} = 80;
$ENV{LC_ALL} = 'C';

sub sh {
	my ($command) = @_;
	system("($tool $command) >$dir/out 2>$dir/err");
	my $status = $? >> 8;
	return ($status, map { open(my $f, '<', $_) or die; local $/; scalar(<$f>) // '' } "$dir/out", "$dir/err");
}

# A network card in ten intervals: 576 buffers put on in 21 runs, 320 taken off in 20.
my $file = "$dir/run.dma";
system("DEMO_STORMS=1 $demo $file 10") == 0 or die;
my @lines = map { decode_json($_) } `gzip -dc $file`;
my ($end) = grep { $_->{type} eq 'end' } @lines;
is($lines[0]{storms}, JSON::PP::true, 'header: tells of runs');

# ---- NDJSON ----
my ($status, $out, $err) = sh("report --json $file");
is("$status$err", 0, 'json: status');
my @read = map { decode_json($_) } split /\n/, $out;
is_deeply($read[-1]{storms}, $end->{storms}, 'json: the totals of the capture');
is_deeply([ map { @$_{qw(calls runs contexts longest saved saved_most)} } @{ $end->{storms} } ],
	[ 5760, 210, 110, 256, 5550, 5650, 3200, 200, 100, 16, 3000, 3100 ], 'json: sums, and the longest');
is_deeply($end->{storms}[0]{hist}, [ [ 16, 200 ], [ 256, 10 ] ], 'json: lengths');
for my $storm (@{ $end->{storms} }) {
	my $row = $end->{rows}[ $storm->{row} ];
	is("$row->{dev} $row->{saved}", "0000:02:00.0 $storm->{saved}", "json: the row of $row->{op} has the same");
}
my @stacks = map { @{ $_->{stacks} } } grep { $_->{type} eq 'interval' } @lines;
is(sum0(map { $_->{saved} } @stacks), 8550, 'json: stacks have their parts');

# ---- text ----
($status, $out, $err) = sh("report --storms $file");
is("$status$err", 0, 'text: status');
like($out, qr/^storms: 8960 calls for single buffers waited; batches would save 8550 dsb$/m, 'text: sum');
like($out, qr/^ +\(855\/s, 4\.28% of all 199840\), at most 8750$/m, 'text: rate, share, the most');
like($out, qr/^by driver: e1000e 8550 \(4\.28%\)$/m, 'text: by driver');
like($out, qr/^ +5550 +555 +\S+ +5650 +210 +1\d +256 +256 0000:02:00\.0 map_page <-\n +3000 +300 +\S+ +3100 +200 /m,
	'text: rows, the most first');
like($out, qr/^ +8550 +\S+ |^ +5550 +\S+ +5760  0000:02:00\.0 /m, 'text: stacks');
is(scalar(grep { length > 80 } split(/\n/, $out)), 0, 'text: 80 columns');
like((sh("report $file"))[1], qr/^storms: 8960 calls/m, 'text: below the totals of a plain report, too');

# ---- CSV ----
($status, $out) = sh("report --storms --csv $file");
my @csv = split /\r\n/, $out;
is($csv[0], 'device,driver,op,dir,saved,saved_per_s,saved_percent,saved_most,calls,runs,contexts,p50,p99,longest',
	'csv: names');
like($csv[1], qr/^0000:02:00\.0,e1000e,map_page,from_device,5550,555\.000,\d\.\d{3},5650,5760,210,110,17,256,256$/, 'csv: a row');
is(scalar(@csv), 3, 'csv: rows');

# ---- flame graph ----
($status, $out, $err) = sh("flame --folded --weight saved $file");
is("$status$err", 0, 'flame: status');
is(sum0(map { / (\d+)$/ } split /\n/, $out), 8550, 'flame: all of it');
($status, $out) = sh("flame --weight saved $file");
like($out, qr/Barriers that batches of single buffers would save/, 'flame: the picture says what it is');

# ---- selections ----
($status, $out) = sh("report --storms -D '0000:02*' $file");
like($out, qr/^ +\(855\/s, 95\.4% of all 8960\)/m, '-D: the share is of what was selected');
($status, $out) = sh("report --storms -D 'fe*' $file");
like($out, qr/^storms: no call for a single buffer waited$/m, '-D: none of that device');
($status, $out) = sh("report --storms --from 2s --to 4s $file");
like($out, qr/^storms: 1792 calls/m, '--from: two intervals');

# ---- what there is not ----
system("$demo $dir/without.dma 3") == 0 or die;
for my $command ("report --storms", "report --storms --csv", "flame --weight saved --folded") {
	($status, $out, $err) = sh("$command $dir/without.dma");
	is("$status$out", 1, "without: $command: status");
	like($err, qr/does not tell runs; record with --storms$/, "without: $command: message");
}
unlike(`gzip -dc $dir/without.dma`, qr/storms|saved/, 'without: the capture has no field of it');
# A comparison says which of the two paid for it.
($status, $out, $err) = sh("compare $dir/without.dma -- $file");
like($out =~ s/\s+/ /gr, qr/recorded with other options: .*?, storms,/, 'compare: tells that runs were followed');
my %wrong = (
	"report --storms --by driver $file" => qr/--storms and --by: /,
	"report --storms --by stack $file" => qr/--storms and --by: /,
	"report --storms -p 1 $file" => qr/-p and -c: runs are not told by process/,
	"record --storms -O map_page -o $dir/no.dma" => qr/-O: --storms has to see every operation/,
	"-b --storms -O map_page" => qr/-O: --storms has to see every operation/,
);
for my $command (sort keys %wrong) {
	($status, $out, $err) = sh($command);
	is("$status$out", 2, "$command: status");
	like($err, $wrong{$command}, "$command: message");
}

# ---- files that nobody vouches for ----
my $json = JSON::PP->new->canonical;
for (
	[ sub { $_[0]{row} = 999 }, qr/storms\[0\]\.row is no position in rows/ ],
	[ sub { $_[0]{runs} = $_[0]{calls} + 1 }, qr/storms\[0\]\.runs is too large/ ],
	[ sub { $_[0]{contexts} = $_[0]{runs} + 1 }, qr/storms\[0\]\.contexts is too large/ ],
	[ sub { $_[0]{longest} = $_[0]{calls} + 1 }, qr/storms\[0\]\.longest is too large/ ],
	[ sub { delete $_[0]{runs} }, qr/storms\[0\]\.runs is missing/ ],
	[ sub { $_[0]{hist} = [ [ 17, -1 ] ] }, qr/storms\[0\]\.hist has a pair / ],
) {
	my ($spoil, $message) = @$_;
	my ($interval) = map { decode_json($json->encode($_)) } grep { $_->{type} eq 'interval' } @lines;
	delete @$interval{qw(stacks samples)};
	$spoil->($interval->{storms}[0]);
	open(my $f, '>', "$dir/spoilt.dma") or die;
	print $f $json->encode($_), "\n" for $lines[0], $interval;
	close $f;
	($status, $out, $err) = sh("report --storms $dir/spoilt.dma");
	is($status, 1, "damaged: $message: status");
	like($err, $message, "damaged: $message");
}
done_testing();
