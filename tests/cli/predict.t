#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# predict on captures of the modelled core: held against what the patched kernel took; refusals, page.
use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use JSON::PP;
use Test::More;

my $top = "$FindBin::Bin/../..";
my $built = $ENV{O} // 'build';
my $tool = "$built/dmasynctop";
plan skip_all => "$tool is not built" unless -x $tool;
my $dir = tempdir(CLEANUP => 1);
my $fixtures = "$top/tests/fixtures/predict";
my ($base, $batched) = map { "$fixtures/sizes-$_.dma" } qw(base batched);
delete $ENV{COLUMNS};
$ENV{LC_ALL} = 'C';

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
	return ($status, map { local (@ARGV, $/) = $_; <> // '' } "$dir/.out", "$dir/.err");
}

sub predict { return run($tool, 'predict', @_) }

# The object about all, and rows by operation and direction.
sub json {
	my ($status, $out) = predict('--json', @_);
	my ($all, @rows) = map { decode_json($_) } split(/\n/, $out);
	return ($all, { map { ("$_->{op} $_->{dir}" => $_) } @rows }, $status);
}

# What calls of another capture took, without the probes' floor, and their barriers.
sub measured {
	my ($file) = @_;
	my @objects = map { decode_json($_) } split(/\n/, (run($tool, 'report', '--json', $file))[1]);
	my $floor = $objects[0]{probe_floor_ns};
	return { map { ("$_->{op} $_->{dir}" => { %$_, now => $_->{ns} / $_->{calls} - $floor }) } @{ $objects[-1]{rows} } };
}

# Is what was predicted of @before what $after measured?
sub holds {
	my ($what, $after, $want, @before) = @_;
	my ($all, $rows, $status) = json(@before);
	my $true = measured($after);
	is($status, 0, "$what: status");
	my ($n, $saved, $ns) = (0, 0, 0);
	for my $key (sort keys %$rows) {
		my $row = $rows->{$key};
		next if $row->{how} eq 'none' || !$true->{$key};
		is($row->{dsb_after}, $true->{$key}{dsb}, "$what: $key: barriers, exactly");
		next if $row->{how} eq 'nothing';
		my $saving = 1 - $true->{$key}{now} / $row->{ns_per_call};
		my ($low, $high) = @{ $row->{saving} }{qw(low high)};
		ok($low <= $saving && $saving <= $high, sprintf("%s: %s: %.1f %% is in [%.1f, %.1f]",
			$what, $key, map { 100 * $_ } $saving, $low, $high));
		cmp_ok($high - $low, '<', $want, "$what: $key: the interval says something");
		isnt($row->{sure}, 'none', "$what: $key: is a prediction");
		$n++;
		$saved += ($row->{ns_per_call} - $true->{$key}{now}) * $row->{calls};
	}
	my $share = $saved / $all->{ns};
	ok($all->{saving}{low} <= $share && $share <= $all->{saving}{high}, sprintf("%s: of all: %.1f %%", $what, 100 * $share));
	return $n;
}

is(holds('sizes', $batched, 0.10, $base), 6, 'six operations that wait');
is(holds('behind an IOMMU', "$fixtures/iommu-batched.dma", 0.35, "$fixtures/iommu-base.dma"), 4, 'IOMMU: all that wait');

# The whole output, of which README and manual show a part.
my $expected = do { local (@ARGV, $/) = "$fixtures/sizes-base.txt"; <> } // '';
my ($status, $out, $err) = predict($base);
is($status, 0, 'text: status');
is($out, $expected, 'text: all of it');
my ($shown) = do { local (@ARGV, $/) = "$top/README.md"; <> } =~ /<!-- predict: .*-->\n```\n(.*?)```/s;
is($shown, $expected, 'README: shows it');
is($err, '', 'text: nothing on stderr');
is((grep { length > 80 } split(/\n/, $out)), 0, 'text: fits 80 columns');
is((predict($base))[1], $out, 'text: the same again');
($status, $out) = predict('--markdown', $base);
my @table = grep { /^\|/ } split(/\n/, $out);
is(scalar @table, 8, '--markdown: rows');
is("@{[map { tr/|// } @table]}", join(' ', (9) x 8), '--markdown: as many cells everywhere');

# Linux 7.1 waits also where nothing waited.
my ($all, $rows) = json($base);
my (undef, $upstream) = json('--flavour=upstream', $base);
is($rows->{'unmap_sg to_device'}{how}, 'nothing', 'unmap of writes: nothing to save');
is($rows->{'unmap_sg to_device'}{dsb_after}, 0, 'this series leaves it alone');
is($upstream->{'unmap_sg to_device'}{dsb_after}, $rows->{'unmap_sg to_device'}{calls}, 'Linux 7.1 adds a barrier a call');
cmp_ok($upstream->{'unmap_sg to_device'}{saving}{low}, '<', 0, '... which may cost time');
is($upstream->{'map_sg to_device'}{dsb_after}, $rows->{'map_sg to_device'}{dsb_after}, 'map is the same');

# Entries of one size tell nothing but a bound; what is known elsewhere does.
my $alike = "$fixtures/alike-base.dma";
($status, $out, $err) = predict($alike);
is($status, 3, 'alike: status');
like($out, qr/every\s+entry\s+has\s+about\s+4096\s+bytes/, 'alike: says why');
like($out, qr/barriers \d+ -> \d+,\s+exact/, 'alike: barriers all the same');
like($err, qr/do not tell .*man dmasynctop-predict/, 'alike: what to do');
my $after = measured("$fixtures/alike-batched.dma")->{'map_sg from_device'}{now};
for my $help ([ '--wait=114' ], [ '--line=1' ], [ "$fixtures/arch-base.dma" ], [ $base ]) {
	my ($about, $told, $got) = json($alike, '-D', 'dmasync_bench', @$help);
	is($got, 0, "alike, @$help: status");
	next if $help->[0] eq $base;
	my $row = $told->{'map_sg from_device'};
	my $saving = 1 - $after / $row->{ns_per_call};
	ok($row->{saving}{low} <= $saving && $saving <= $row->{saving}{high}, "alike, @$help: $row->{how}: has what was measured");
	cmp_ok($row->{saving}{high} - $row->{saving}{low}, '<', 0.25, "alike, @$help: says something");
}

# Refusals.
($status, $out, $err) = predict($batched);
is($status, 3, 'batched already: status');
like($err, qr/nothing to predict: .*batches already/, 'batched already: says so');
($all) = json($batched);
like($all->{refused}, qr/batches already/, 'batched already: in JSON');
is((predict("$fixtures/arch-base.dma"))[0], 3, 'arch level alone: status');
like((predict("$fixtures/arch-base.dma"))[1], qr/its\s+times\s+hold\s+the\s+probes/, 'arch level alone: says why');
($status, undef, $err) = predict($base, "$top/tests/fixtures/ahci-6.12.dma");
is($status, 1, 'two kernels: status');
like($err, qr/of another kernel or machine/, 'two kernels: says so');
system("gzip -dc $base | sed 's/\"coherent\":false/\"coherent\":true/g; s/\"dsb\":[0-9]*/\"dsb\":0/g' >$dir/coherent") and die;
($status, $out) = predict("$dir/coherent");
is($status, 3, 'coherent: status');
like($out, qr/the\s+device\s+is\s+coherent/, 'coherent: says so');
system("gzip -dc $base | sed 's/\"bytes\":true/\"bytes\":false/; s/\"bytes\":[0-9][0-9]*/\"bytes\":0/g' >$dir/no-bytes") and die;
($status, $out) = predict("$dir/no-bytes");
is($status, 3, '--no-bytes: status');
like($out, qr/bytes\s+were\s+not\s+recorded/, '--no-bytes: says so');

# Filters choose what is shown, not what is learned from.
my (undef, $some) = json('-O', 'map_sg', $base);
is("@{[sort keys %$some]}", 'map_sg from_device map_sg to_device', '-O');
is($some->{'map_sg to_device'}{saving}{high}, $rows->{'map_sg to_device'}{saving}{high}, '-O: the same prediction');
is(scalar keys %{ (json('-D', 'nobody', $base))[1] }, 0, '-D');

# Usage and failures.
my @wrong = (
	[ [], qr/no capture/ ],
	[ [ '--json', '--markdown', $base ], qr/choose one/ ],
	[ [ '--flavour', 'mine', $base ], qr/--flavour 'mine': is unknown; valid: dmasync, upstream/ ],
	[ [ '--wait', '1h', $base ], qr/--wait '1h': is not a number of ns/ ],
	[ [ '--line=-1', $base ], qr/--line '-1': is out of range/ ],
	[ [ '--line=nan', $base ], qr/is not a number/ ],
	[ [ '-O', 'mop', $base ], qr/valid: map_sg/ ],
	[ [ '--colour', $base ], qr/unrecognized option/ ],
);
for my $case (@wrong) {
	($status, $out, $err) = predict(@{ $case->[0] });
	is($status, 2, "usage: status of $case->[1]");
	like($err, $case->[1], 'usage: message');
	is($out, '', 'usage: nothing on stdout');
}
is((predict("$dir/missing"))[0], 1, 'missing: status');
is((run('sh', '-c', "$tool predict $base >/dev/full"))[0], 1, 'full disk: status');
is((run('bash', '-c', "set -o pipefail; (sleep 0.3; exec $tool predict $base) | true"))[0], 0, 'closed pipe: status');

# Hostile names reach no terminal.
system("gzip -dc $base | sed 's/dmasync_bench/d|\\\\u001b[31m/g' >$dir/hostile") and die;
for my $form ([], ['--markdown'], ['--json']) {
	($status, $out, $err) = predict(@$form, "$dir/hostile");
	unlike("$out$err", qr/\033/, "hostile: no escape sequence @$form");
}
@table = grep { /^\|/ } split(/\n/, (predict('--markdown', "$dir/hostile"))[1]);
is("@{[map { tr/|// } @table]}", join(' ', (9) x 8), 'hostile: cells of the table');

# The page has exactly the options that there are, and every name in JSON.
SKIP: {
	skip('mandoc is not installed', 4) if system('command -v mandoc >/dev/null');
	my $page = "$top/doc/dmasynctop-predict.1";
	my @lint = grep { !/mandoc\.db|not found: Xr dmasynctop/ } `mandoc -T lint $page 2>&1`;
	is("@lint", '', 'page: mandoc -T lint');
	my $source = do { local (@ARGV, $/) = $page; <> } // '';
	my %options = map { ($_ => 1) } ((predict('--help'))[1]) =~ /^ {2,6}(?:-\w, )?(--[a-z-]+)/mg;
	delete @options{qw(--help --usage --version)};
	my %has = map { ("-$_" => 1) } map { s/\\&//gr } $source =~ /^\.It (?:Fl \w , )?Fl (-[a-z-]+)/mg;
	is("@{[sort keys %has]}", "@{[sort keys %options]}", 'page: options');
	my (%names, $collect);
	$collect = sub {
		my ($value) = @_;
		if (ref $value eq 'HASH') {
			$names{$_} = 1 for keys %$value;
			$collect->($_) for values %$value;
		} elsif (ref $value eq 'ARRAY') {
			$collect->($_) for @$value;
		}
	};
	$collect->(decode_json($_)) for split(/\n/, (predict('--json', $base))[1]);
	delete $names{type};
	cmp_ok(scalar keys %names, '>', 40, 'page: names in JSON');
	is("@{[grep { $source !~ /\b\Q$_\E\b/ } sort keys %names]}", '', 'page: has them all');
}

done_testing();
