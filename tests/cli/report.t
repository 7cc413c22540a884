#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What "report" says of a capture is what is in the capture, in every form.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Cpanel::JSON::XS;
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
	$command =~ s/\breport\b/$tool report/;
	system("($command) >$dir/out 2>$dir/err");
	my $status = $? >> 8;
	return ($status, map { open(my $f, '<', $_) or die; local $/; scalar(<$f>) // '' } "$dir/out", "$dir/err");
}

my $file = "$dir/run.dma";
system("DEMO_QUIET=1 DEMO_STACKS=30 $demo $file 12") == 0 or die;
my @lines = map { decode_json($_) } `gzip -dc $file`;
my ($header) = grep { $_->{type} eq 'header' } @lines;
my @intervals = grep { $_->{type} eq 'interval' } @lines;
my ($end) = grep { $_->{type} eq 'end' } @lines;
my @stacks = grep { $_->{type} eq 'stack' } @lines;

# ---- text ----
my ($status, $out, $err) = sh("report $file");
is($status, 0, 'text: status');
is($err, '', 'text: no message');
like($out, qr/^capture +\S+: 12 intervals of 1\.00s, 12\.0s in all$/m, 'text: intervals');
like($out, qr/^recorded +2025-10-09 08:53:20 UTC by dmasynctop \S+: dmasynctop record -o$/m, 'text: when, and by what');
like($out, qr/^machine +Cortex-A76 x4, governor performance$/m, 'text: CPU and governor');
like($out, qr/^kernel +6\.12\.43\S+ aarch64, 4 CPUs, linux,dummy-virt$/m, 'text: kernel');
like($out, qr/^barriers +per-entry: /m, 'text: flavour');
like($out, qr/^own cost +85ns inside/m, 'text: floor');
like($out, qr/^TOTAL 12\.0s: 36224 calls, .* dsb 152704 derived$/m, 'text: totals');
like($out, qr/^0000:00:01\.0 map_sg +<- +n +512 /m, 'text: a row');
like($out, qr/^no events lost in 12 intervals$/m, 'text: loss');
is(scalar(grep { length > 80 } split(/\n/, $out)), 0, 'text: 80 columns');
unlike($out, qr/[^\n -~]/, 'text: ASCII in the C locale');
my $sum = 0;
$sum += $_->{calls} for map { @{$_->{rows}} } @intervals;
is($sum, 36224, 'text: the sum of what the intervals hold');

# ---- bytes that nobody summed ----
{
	# Of lists; single buffers have theirs.
	open(my $to, "| gzip >$dir/unsized.dma") or die;
	for my $line (`gzip -dc $file`) {
		$line =~ s/"bytes":true/"bytes":false/;
		$line =~ s/("op":"\w*_sg\w*"[^{}]*?"bytes":)\d+/$1null/g;
		print $to $line;
	}
	close($to) or die;
	my ($status, $out, $err) = sh("COLUMNS=200 report $dir/unsized.dma");
	is($status, 0, 'unknown bytes: status') or diag($err);
	like($out, qr/^DEVICE .* CALLS +ENTRS +MB /m, 'unknown bytes: a column for those that are known');
	like($out, qr/^0000:00:01\.0 .* map_sg .* 512 +6\d+ +- /m, 'unknown bytes: - of a list');
	like($out, qr/^0000:01:00\.0 .* unmap_page .* 12000 +12000 +49\.2 /m, 'unknown bytes: those of single buffers');
	($status, $out) = sh("report --json $dir/unsized.dma");
	my @rows = map { @{ decode_json($_)->{rows} // [] } } grep { /"type":"end"/ } split(/\n/, $out);
	my @lists = grep { $_->{op} =~ /_sg/ } @rows;
	my @single = grep { $_->{op} !~ /_sg/ } @rows;
	ok(@lists && @single, 'unknown bytes: both kinds of rows');
	is((grep { defined $_->{bytes} } @lists), 0, 'unknown bytes: null of lists, also in sums');
	is((grep { !defined $_->{bytes} } @single), 0, 'unknown bytes: those of single buffers are numbers');
	($status, $out) = sh("report --csv $dir/unsized.dma");
	like($out, qr/,map_sg,from_device,512,61952,,/, 'unknown bytes: CSV: nothing');
	like($out, qr/,unmap_page,from_device,12000,12000,49152000,/, 'unknown bytes: CSV: those that are known');
}

# ---- time line ----
like($out, qr/^time line 12 columns, each 1\.00s$/m, 'time line: columns');
like($out, qr/^calls\/s {3}##_##_##_##_  +0 \.\. 4528$/m, 'time line: calls');
my ($latency) = $out =~ /^avg {7}(.{12})  /m;
like($latency, qr/^(\S\S ){4}$/, 'time line: nothing where nothing was called');
like($out, qr/^dsb\/s {5}##_##_##_##_  +0 \.\. 19088$/m, 'time line: barriers');
($status, $out) = sh("LC_ALL=C.UTF-8 report $file");
like($out, qr/^calls\/s {3}(?:\xe2\x96\x88\xe2\x96\x88\xe2\x96\x81){4}  /m, 'time line: blocks in UTF-8');
system("DEMO_PLAIN=1 DEMO_QUIET=1 $demo $dir/long.dma 3000") == 0 or die;
($status, $out) = sh("report $dir/long.dma");
like($out, qr/^time line (\d+) columns, each (\d+) intervals, /m, 'time line: merged when it is long');
my ($columns, $each) = $out =~ /^time line (\d+) columns, each (\d+) intervals/m;
cmp_ok($columns * $each, '>=', 3000, 'time line: covers all');
cmp_ok(($columns - 1) * $each, '<', 3000, 'time line: and no more');
is(scalar(grep { length > 80 } split(/\n/, $out)), 0, 'time line: 80 columns');
like($out, qr/^TOTAL 50\.0m: 9056000 calls/m, 'long: totals');
for (
	[ '1290 1200 1250', '3 columns, each 1.20s to 1.29s' ],
	[ '1200 1200 300', '3 columns, each 1.20s, the last 300ms' ],
	[ '1290 1200 300', '3 columns, each 1.20s to 1.29s, the last 300ms' ],
	[ '300', '1 column, each 300ms' ],
) {
	my ($ms, $want) = @$_;
	my @ms = split / /, $ms;
	open(my $f, '>', "$dir/uneven") or die;
	print $f encode_json($_->{type} eq 'interval' && $_->{rows}[0] ? {%$_, dur_ns => 1e6 * shift @ms} : $_), "\n"
		for $header, @stacks, (grep { @{$_->{rows}} } @intervals)[0 .. $#ms];
	close($f);
	($status, $out) = sh("report $dir/uneven");
	like($out, qr/^time line \Q$want\E$/m, "time line: $ms ms");
}

# ---- groups, order, filters ----
($status, $out) = sh("report --by device -s calls $file");
is(join(' ', $out =~ /^(0000:\S+|fe\S+) +\S/mg), '0000:01:00.0 fe310000.mmc 0000:00:01.0', '--by device, -s calls');
($status, $out) = sh("report --by driver $file");
like($out, qr/^DRIVER .*\nahci +n +1024 /m, '--by driver');
($status, $out) = sh("report --by process $file");
like($out, qr/^ +812 dd +1024 /m, '--by process');
unlike($out, qr/\033/, '--by process: no escape sequence reaches the terminal');
($status, $out) = sh("report --by process -c dd $file");
is(() = $out =~ /^ +\d+ \w+ +\d+ /mg, 1, '--by process -c: one');
($status, $out) = sh("report -D '0000:00*' -O map_sg,unmap_sg $file");
like($out, qr/^TOTAL 12\.0s: 1024 calls/m, '-D -O: totals');
like($out, qr/^selected +devices 0000:00\*/m, '-D: said');
($status, $out) = sh("report --from 3s --to 6s $file");
like($out, qr/3 intervals of 1\.00s, 3\.00s in all$/m, '--from, --to: intervals');
like($out, qr/^TOTAL 3\.00s: 9056 calls/m, '--from, --to: totals');
($status, $out) = sh("report --from 1h $file");
is($status, 0, '--from behind the end: status');
like($out, qr/^no interval in the selected time$/m, '--from behind the end: said');
($status, $out) = sh("report --hist -D '*mmc' $file");
like($out, qr/^fe310000\.mmc sdhci-dwcmshc sync_sg_for_cpu bidirectional\n  7200 calls: min \S+ p50 \S+ p90 \S+ p99 \S+ max/m, '--hist');
like($out, qr/\|#+ *\| p50$/m, '--hist: a bar');

# ---- stacks ----
($status, $out, $err) = sh("report --by stack $file");
like($out, qr/^ +512 +\S+ +121 +\S+  0000:00:01\.0 ahci map_sg from_device\n {8}dma_map_sg_attrs < ahci_qc_prep \[ahci\] < /m, '--by stack: innermost first');
like($out, qr/^\d+ more stacks: -v prints them all$/m, '--by stack: says what is left out');
is(scalar(grep { length > 80 } split(/\n/, $out)), 0, '--by stack: 80 columns');
my ($more) = $out =~ /^(\d+) more stacks/m;
my $shown = () = $out =~ /^ +\d+ +\S+ +\d+ +\S+  \S/mg;
($status, $out) = sh("report --by stack -v $file");
is(scalar(() = $out =~ /^ +\d+ +\S+ +\d+ +\S+  \S/mg), $shown + $more, '--by stack -v: all of them');
($status, $out) = sh("report --by stack -p 812 $file");
is(scalar(() = $out =~ /^ +\d+ +\S+ +\d+ +\S+  \S/mg), 1, '--by stack -p: one');
($status, $out, $err) = sh("report --by stack $dir/long.dma");
is($status, 1, 'no stacks: status');
is($err, "dmasynctop: $dir/long.dma: does not tell calls by stack; record without --no-stacks\n", 'no stacks: said');

# ---- JSON: the same contract, and readable again ----
($status, $out, $err) = sh("report --json $file");
is($status, 0, 'json: status');
my @again = map { decode_json($_) } split(/\n/, $out);
is_deeply(\@again, \@lines, 'json: what the capture holds');
sh("report --json $file | $tool report --json - >$dir/twice");
is_deeply([map { decode_json($_) } do { open(my $f, '<', "$dir/twice"); <$f> }], \@lines, 'json: can be read again');
($status, $out) = sh("report --json -D 'fe*' --to 2s $file");
my @part = map { decode_json($_) } split(/\n/, $out);
is(join(' ', map { $_->{type} } grep { $_->{type} ne 'stack' } @part), 'header interval interval end', 'json: selected intervals');
is_deeply([map { $_->{dev} } @{$part[-1]{rows}}], ['fe310000.mmc'], 'json: selected rows');
is($part[-1]{rows}[0]{calls}, 1800, 'json: their sums');
system("DEMO_OPEN=1 $demo $dir/open.dma 3") == 0 or die;
($status, $out) = sh("report --json $dir/open.dma");
is(decode_json((split /\n/, $out)[-1])->{cut_off}, 'cut off: there is no closing line', 'json: cut off is said');
my $once = $out;
($status, $out, $err) = sh("report --json $dir/open.dma 2>$dir/quiet | $tool report --json -");
is($out, $once, 'json: read again it is still cut off');
is($err, "dmasynctop: warning: stdin: cut off: there is no closing line; 3 whole intervals were read\n", '... and that is said');

# ---- texts that are commands for terminals: CSI of 7 and of 8 bits, an override of direction ----
for my $hostile (1, 2) {
	local $ENV{DEMO_HOSTILE} = $hostile;
	local $ENV{DEMO_REFUSED} = 1;
	local $ENV{DEMO_STACKS} = 30;
	system("$demo $dir/hostile.dma 2 && DEMO_BATCHED=1 $demo $dir/hostile2.dma 2") == 0 or die;
	for my $locale ('C', 'C.UTF-8') {
		for my $args ("report -v", "report --by device", "report --by process", "report --by stack -v", "report --hist",
			"report --csv", "report --csv --by stack", "report --csv --by process", "report --json", "$tool flame --folded",
			"$tool compare $dir/hostile2.dma --", "$tool compare --markdown $dir/hostile2.dma --", "$tool compare --json $dir/hostile2.dma --") {
			($status, $out, $err) = sh("LC_ALL=$locale $args $dir/hostile.dma");
			is($status, 0, "hostile: $args, $locale: status");
			cmp_ok(length($out), '>', 50, "hostile: $args, $locale: prints");
			$out =~ s/\x7f//g if $args =~ /json/; # which JSON need not escape, and terminals ignore
			is(join('|', "$out$err" =~ /^(.*(?:[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]).*)$/mg), '',
				"hostile: $args, $locale: nothing for the terminal");
			next if $args =~ /csv|folded/;
			is(join('|', "$out$err" =~ /^(.*[^\x00-\x7f].*)$/mg), '', "hostile: $args: ASCII in the C locale") if $locale eq 'C';
		}
	}
}
($status, $out) = sh("LC_ALL=C.UTF-8 report --csv --by stack $dir/hostile.dma");
like($out, qr/worker_0\?\[31m\?31m\?\?\xc3\xa9;/, 'hostile: other characters stay');
($status, $out) = sh("report --json $dir/open.dma | sed 's/\\(\"cut_off\":\"\\)/\\1\\\\u001b[31m\\\\u009b/' | $tool report -");
like($out, qr/^!!! +\?\[31m\?cut off: there/m, 'hostile: cut_off, on stdout');
like((sh("report --json $dir/open.dma | sed 's/\\(\"cut_off\":\"\\)/\\1\\\\u001b[31m\\\\u009b/' | $tool report -"))[2],
	qr/warning: stdin: \?\[31m\?cut off: there/, 'hostile: cut_off, on stderr');

# ---- CSV ----
# RFC 4180, by its grammar.
sub csv {
	my ($text) = @_;
	my @records;
	while ($text =~ /\G((?:"(?:[^"]|"")*"|[^",\r\n]*)(?:,(?:"(?:[^"]|"")*"|[^",\r\n]*))*)\r\n/gc) {
		my $record = $1;
		push @records, [map { s/^"(.*)"$/$1/s; s/""/"/gr } $record =~ /(?:^|,)("(?:[^"]|"")*"|[^",]*)/g];
	}
	return (pos($text) // 0) == length($text) ? \@records : [];
}

for my $by (qw(row device driver process stack)) {
	($status, $out) = sh("report --csv --by $by $file");
	my $records = csv($out);
	cmp_ok(scalar(@$records), '>', 1, "csv by $by: is CSV") or next;
	my $names = shift @$records;
	is(scalar(grep { @$_ != @$names } @$records), 0, "csv by $by: as many fields as names");
	my %column = map { $names->[$_] => $_ } 0 .. $#$names;
	my $calls = 0;
	$calls += $_->[$column{calls}] for @$records;
	my $want = 0;
	$want += $_->{calls} for $by eq 'process' ? @{$end->{processes}}
		: $by eq 'stack' ? map { @{$_->{stacks} // []} } @intervals : @{$end->{rows}};
	is($calls, $want, "csv by $by: calls");
	next unless $by eq 'row';
	my ($line) = grep { $_->[$column{op}] eq 'map_sg' } @$records;
	my ($row) = grep { $_->{op} eq 'map_sg' } @{$end->{rows}};
	is($line->[$column{$_}], $row->{$_}, "csv: $_")
		for qw(entries bytes ns min_ns max_ns p50_ns p90_ns p99_ns dsb dsb_source driver dir failed bounces);
}

# ---- recorded on real kernels: barriers are exact ----
my %barriers = ('6.1' => [32, 1024], '6.12' => [8, 1024], '7.3' => [8, 8]);
for my $kernel (sort keys %barriers) {
	($status, $out, $err) = sh("report tests/fixtures/ahci-$kernel.dma");
	is("$status$err", '0', "$kernel: status");
	my ($calls, $dsb) = @{$barriers{$kernel}};
	like($out, qr/^TOTAL \S+: $calls calls, .*dsb $dsb derived$/m, "$kernel: calls and barriers");
	($status, $out) = sh("report --by stack tests/fixtures/ahci-$kernel.dma");
	like($out, qr/^ {8}\S*dma_map_sg\S* < /m, "$kernel: stacks end in the API");
}

# ---- ways to end ----
($status, $out, $err) = sh("report --json $dir/long.dma | head -n 1");
is($err, '', '| head: quiet');
is(() = $out =~ /\n/g, 1, '| head: one line');
($status, $out, $err) = sh("set -o pipefail; report --json $dir/long.dma | head -n 1 | cat >/dev/null");
SKIP: {
	skip('no /dev/full', 4) unless -w '/dev/full';
	($status, $out, $err) = sh("report $file >/dev/full");
	is($status, 1, 'disk full: status');
	is($err, "dmasynctop: cannot write to stdout: No space left on device\n", 'disk full: message');
	($status, $out, $err) = sh("report --schema >/dev/full");
	is($status, 1, 'disk full, --schema: status');
	is($err, "dmasynctop: cannot write to stdout: No space left on device\n", 'disk full, --schema: message');
}
($status, $out, $err) = sh("report -o $dir/report.txt $file");
is("$status$out$err", '0', '-o: quiet');
like(do { open(my $f, '<', "$dir/report.txt"); local $/; <$f> }, qr/^TOTAL 12\.0s: 36224 calls/m, '-o: there');
($status, $out, $err) = sh("report -o $dir/report.txt $dir/none");
is($status, 1, '-o, no capture: status');
like($err, qr/none: No such file/, '-o, no capture: message');
cmp_ok(-s "$dir/report.txt", '>', 1000, '-o, no capture: the old report is still there');
($status, $out, $err) = sh("report --schema -o $dir/schema.txt");
is("$status$out$err", '0', '--schema -o: quiet');
is(decode_json(do { open(my $f, '<', "$dir/schema.txt"); local $/; <$f> })->{'$schema'},
	'https://json-schema.org/draft/2020-12/schema', '--schema -o: there');
my $packed = -s $file;
symlink($file, "$dir/other") or die;
for my $args ("-o $file $file", "-o $dir/other $file", "--json -o $file - <$file") {
	($status, $out, $err) = sh("report $args");
	is($status, 1, "report $args: status");
	like($err, qr/-o \S+: that is the capture itself; name another file/, "report $args: message");
	is(-s $file, $packed, "report $args: the capture is still there");
}
is((sh("report -o /dev/null $file"))[0], 0, '-o /dev/null');
system("DEMO_LOSS=5 $demo $dir/loss.dma 2") == 0 or die;
($status, $out) = sh("report $dir/loss.dma");
like($out, qr/^!!! 10 events lost: 10 probes skipped by the kernel$/m, 'loss: said');

# ---- wrong usage ----
for (
	[ '', qr/which FILE\?/ ],
	[ "$file $file", qr/one FILE at a time/ ],
	[ "--json --csv $file", qr/only one of them/ ],
	[ "-p 1 $file", qr/rows are not told by process; add --by process or --by stack/ ],
	[ "--json -c dd $file", qr/JSON has all processes/ ],
	[ "--by process -D x $file", qr/processes are not told by device/ ],
	[ "--by stack -s p99 $file", qr/-s p99: stacks have sums/ ],
	[ "--by cpu $file", qr/--by 'cpu': is not a grouping; valid: row, device, driver, process, stack/ ],
	[ "--from 2s --to 1s $file", qr/nothing lies between/ ],
	[ "--from x $file", qr/--from 'x': is not a number; valid: times such as/ ],
	[ "--schema $file", qr/needs no FILE/ ],
) {
	my ($args, $why) = @$_;
	($status, $out, $err) = sh("report $args");
	is($status, 2, "report $args: status");
	like($err, $why, "report $args: message");
}

# ---- schema ----
SKIP: {
	my ($python) = grep { !system("$_ -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null") }
		qw(/usr/bin/python3 python3);
	skip('python3-jsonschema is not installed', 5) unless $python;
	my $check = "$python $dir/check.py $dir/schema.json";
	open(my $f, '>', "$dir/check.py") or die;
	print $f <<'PYTHON';
import json, sys
from jsonschema import Draft202012Validator as Validator
schema = json.load(open(sys.argv[1]))
Validator.check_schema(schema)
validator = Validator(schema)
for n, line in enumerate(sys.stdin, 1):
    for error in validator.iter_errors(json.loads(line)):
        print(f"line {n}: {error.json_path}: {error.message[:200]}")
PYTHON
	close($f);
	($status, $out) = sh("report --schema");
	is($status, 0, 'schema: status');
	open($f, '>', "$dir/schema.json") or die;
	print $f $out;
	close($f);
	for my $capture ($file, "$dir/open.dma", "$dir/loss.dma", glob('tests/fixtures/*.dma')) {
		is(`gzip -dc $capture 2>/dev/null | $check 2>&1`, '', 'schema: ' . $capture =~ s|.*/||r);
	}
	# Every field that is written is in the schema, and none may be of another kind or missing.
	my (%written, $names, $spoil);
	$names = sub {
		my ($v) = @_;
		if (ref $v eq 'HASH') {
			$written{$_} = 1 for keys %$v;
			$names->($_) for values %$v;
		} elsif (ref $v eq 'ARRAY') {
			$names->($_) for @$v;
		}
	};
	$names->($_) for @lines;
	is("@{[grep { $out !~ /\"\Q$_\E\"/ } sort keys %written]}", '', 'schema: has every field');
	my $json = Cpanel::JSON::XS->new->canonical;
	my ($first) = grep { $_->{type} eq 'interval' } @lines;
	my @spoilt;
	# What older captures do not have yet may be missing.
	my %optional = map { $_ => 1 } qw(processes samples iommu_walker backend backend_reason);
	for my $line ($header, $stacks[0], $first, $end) {
		for my $key (grep { !$optional{$_} && !($_ eq 'stacks' && $line->{type} eq 'interval') } sort keys %$line) {
			my %copy = %$line;
			delete $copy{$key};
			push @spoilt, $json->encode(\%copy);
		}
		push @spoilt, $json->encode({%$line, $_ => {}}) for sort keys %$line;
	}
	for my $key (sort keys %{$first->{rows}[0]}) {
		push @spoilt, $json->encode({%$first, rows => [{%{$first->{rows}[0]}, $key => {}}]});
	}
	open($f, '>', "$dir/spoilt") or die;
	print $f "$_\n" for @spoilt;
	close($f);
	my %bad = map { $_ => 1 } `$check <$dir/spoilt` =~ /^line (\d+):/mg;
	is(scalar(keys %bad), scalar(@spoilt), 'schema: refuses each of ' . @spoilt . ' spoilt lines');
}

done_testing();
