#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Damaged and hostile captures end in one sentence and status 1, with bounded memory.
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

# Status, stdout and stderr of a shell command.
sub sh {
	my ($command) = @_;
	system("($command) >$dir/out 2>$dir/err");
	my $status = $? >> 8;
	return ($status, map { slurp($_) } "$dir/out", "$dir/err");
}

sub slurp {
	open(my $f, '<:raw', $_[0]) or die "$_[0]: $!";
	local $/;
	return scalar(<$f>) // '';
}

sub spew {
	my ($path, $data) = @_;
	open(my $f, '>:raw', $path) or die "$path: $!";
	print $f $data;
	close($f);
	return $path;
}

# Reading $path must fail in one sentence that names it and matches $why.
sub refused {
	my ($path, $why, $what) = @_;
	my ($status, $out, $err) = sh("$tool report $path");
	is($status, 1, "$what: status");
	is($out, '', "$what: nothing on stdout");
	is(() = $err =~ /\n/g, 1, "$what: one line on stderr");
	like($err, qr/^dmasynctop: \Q$path\E: (?:line \d+: )?$why/, "$what: says what and where");
	unlike($err, qr/[^\x20-\x7e\n]/, "$what: nothing that a terminal acts upon");
}

my $whole = "$dir/whole.dma";
system("$demo $whole 4") == 0 or die "$demo failed";
my $gz = slurp($whole);
my @lines = map { "$_\n" } split(/\n/, `gzip -dc $whole`);
is(scalar(@lines), 8, 'a header, two stacks, four intervals, an end');
my ($status, $out, $err) = sh("$tool report $whole");
is($status, 0, 'whole: status');
is($err, '', 'whole: no message');

# ---- cut off: read up to there, and said ----
for my $size (length($gz) - 1, length($gz) - 9, int(length($gz) * 0.7)) {
	my $cut = spew("$dir/cut.dma", substr($gz, 0, $size));
	my ($status, $out, $err) = sh("$tool report $cut");
	is($status, 0, "cut at $size: status");
	like($err, qr/^dmasynctop: warning: \Q$cut\E: cut off: .*; \d whole intervals? w\w+ read\n$/,
		"cut at $size: said");
	like($out, qr/^!!! +cut off: /m, "cut at $size: said in the report, too");
	like($out, qr/^TOTAL /m, "cut at $size: has what there is");
}
refused(spew("$dir/cut.dma", substr($gz, 0, 40)), qr/has no whole line: nothing was recorded$/,
	'cut in the header');
refused(spew("$dir/empty.dma", ''), qr/is empty: nothing was recorded$/, 'empty');
my $zeros = spew("$dir/zeros.dma", substr($gz, 0, int(length($gz) * 0.7)) . "\0" x 4096);
($status, $out, $err) = sh("$tool report $zeros");
is($status, 0, 'tail of zeros: status');
like($err, qr/cut off: the file ends in zeros, as files do after a power cut; [23] whole/, 'tail of zeros: said');
($status, $out, $err) = sh("$tool report " . spew("$dir/line.dma", join('', @lines[0 .. 4]) . '{"ty'));
is($status, 0, 'half a line: status');
like($err, qr/cut off: the last line is not whole; 2 whole intervals were read$/, 'half a line: said');

# ---- killed while it was written ----
system("DEMO_OPEN=1 $demo $dir/open.dma 3") == 0 or die;
($status, $out, $err) = sh("$tool report - <$dir/open.dma");
is($status, 0, 'never closed: status');
like($err, qr/stdin: cut off: there is no closing line; 3 whole intervals were read$/, 'never closed: said');

# ---- bit flips: packed data has a checksum; none goes unnoticed, none crashes ----
# Between what was flushed are bits that say nothing: then the data is what it was.
my ($noticed, $idle, $flips) = (0, 0, 0);
srand(1);
for (1 .. 60) {
	my $bad = $gz;
	# The first ten bytes are gzip's header, which holds nothing of ours.
	my $at = 10 + int(rand(length($gz) - 10));
	vec($bad, $at * 8 + int(rand(8)), 1) ^= 1;
	my ($status, $out, $err) = sh("$tool report " . spew("$dir/flip.dma", $bad));
	$flips++;
	$noticed++ if ($status == 1 && $err =~ /^dmasynctop: \S+flip\.dma: .+\n\z/)
		|| ($status == 0 && $err =~ /cut off/);
	$idle++ if $status == 0 && $err eq '' && `gzip -dc $dir/flip.dma` eq join('', @lines);
}
is($noticed + $idle, $flips, "$flips bit flips in packed data are noticed, but for $idle in padding");
cmp_ok($idle, '<', 6, 'padding is rare');

# ---- lines that are wrong ----
# The capture with line $n (from 0) changed by $change.
sub changed {
	my ($n, $change) = @_;
	my @copy = @lines;
	local $_ = $copy[$n];
	$change->();
	$copy[$n] = $_;
	return spew("$dir/bad.dma", join('', @copy));
}

my @wrong = (
	[ 0, sub { s/"format":1/"format":99/ }, qr/format 99: this dmasynctop knows formats up to 1; read it with a newer one$/, 'unknown version' ],
	[ 0, sub { s/"format":1/"format":"1"/ }, qr/format is not a whole number/, 'format as text' ],
	[ 0, sub { s/"type":"header"/"type":"headline"/ }, qr/not a capture of dmasynctop: its first line is no header/, 'no header' ],
	[ 0, sub { s/"kernel":"[^"]*",// }, qr/kernel is missing/, 'missing field' ],
	[ 0, sub { s/"flavour":"[^"]*"/"flavour":"sour"/ }, qr/flavour is a word that this version does not know/, 'unknown flavour' ],
	[ 0, sub { s/"rung":"fentry"/"rung":7/ }, qr/hooks\[0\]\.rung is not a text/, 'rung as number' ],
	[ 0, sub { s/"cpus":4/"cpus":4294967297/ }, qr/cpus is too large/, 'very many CPUs' ],
	[ 0, sub { s/"kernel":"/"kernel":"${\('x' x 65)}/ }, qr/kernel is too long/, 'long text' ],
	[ 0, sub { s/"kernel":"/"kernel":"\\u0000/ }, qr/column \d+: \\u0000 is not allowed/, 'a NUL in a text' ],
	[ 0, sub { s/"probe_floor_ns":[\d.]+/"probe_floor_ns":-1/ }, qr/probe_floor_ns is negative/, 'negative floor' ],
	[ 1, sub { s/"id":0/"id":1/ }, qr/stack 1 where 0 is due/, 'stack out of order' ],
	[ 2, sub { s/"id":1/"id":0/ }, qr/stack 0 where 1 is due/, 'stack twice' ],
	[ 1, sub { s/"user":0/"user":9/ }, qr/user is too large/, 'more user frames than frames' ],
	[ 1, sub { s/"frames":\[/"frames":[7,/ }, qr/frames has an element that is not a text/, 'frame as number' ],
	[ 1, sub { my $f = join(',', ('"f"') x 161); s/"frames":\[.*\]/"frames":[$f]/ }, qr/frames has 161 elements; 160 are allowed/, 'deep stack' ],
	[ 3, sub { s/"calls":64/"calls":-64/ }, qr/rows\[0\]\.calls is negative/, 'negative count' ],
	[ 3, sub { s/"calls":64/"calls":1e3/ }, qr/rows\[0\]\.calls is not a whole number/, 'count as real' ],
	[ 3, sub { s/"calls":64/"calls":"64"/ }, qr/rows\[0\]\.calls is not a whole number/, 'count as text' ],
	[ 3, sub { s/"calls":64/"calls":null/ }, qr/rows\[0\]\.calls is not a whole number/, 'no count' ],
	[ 3, sub { s/"calls":64/"calls":99999999999999999999/ }, qr/column \d+: too big integer near '99999999999999999999'/, 'huge count' ],
	[ 3, sub { s/"calls":64/"calls":1e999/ }, qr/column \d+: real number overflow/, 'endless count' ],
	[ 3, sub { s/"calls":64/"calls":64,"calls":65/ }, qr/column \d+: duplicate object key/, 'field twice' ],
	[ 3, sub { s/"op":"map_sg"/"op":"calibrate"/ }, qr/rows\[0\]\.op is no operation that this version knows/, 'operation that is never shown' ],
	[ 3, sub { s/"dir":"from_device"/"dir":"up"/ }, qr/rows\[0\]\.dir is no direction/, 'unknown direction' ],
	[ 3, sub { s/"min_ns":\d+/"min_ns":9000000000/ }, qr/rows\[0\]\.min_ns is above max_ns/, 'minimum above maximum' ],
	[ 3, sub { s/"hist":\[\[\d+/"hist":[[17/ }, qr/rows\[0\]\.hist has a pair that is no bucket/, 'no bucket' ],
	[ 3, sub { s/"hist":\[\[/"hist":[[-1,1],[/ }, qr/rows\[0\]\.hist has a pair/, 'negative bucket' ],
	[ 3, sub { s/"hist":\[\[/"hist":[5,[/ }, qr/rows\[0\]\.hist has a pair/, 'bucket without count' ],
	[ 3, sub { s/"rows":\[/"rows":[7,/ }, qr/rows\[0\] is not an object/, 'row as number' ],
	[ 3, sub { s/"rows":\[/"rows":{},"more":[/ }, qr/rows is not a list/, 'rows as object' ],
	[ 3, sub { s/"row":0,"stack"/"row":5,"stack"/ }, qr/stacks\[0\]\.row is no position in rows/, 'row out of range' ],
	[ 3, sub { s/"row":0,"stack":0/"row":0,"stack":2/ }, qr/stacks\[0\]\.stack is a stack that no line before told/, 'stack out of range' ],
	[ 3, sub { s/"pid":812/"pid":4294967296/ }, qr/processes\[0\]\.pid is too large/, 'pid out of range' ],
	[ 3, sub { s/"loss":\{/"loss":[],"lost":{/ }, qr/loss is not an object/, 'loss as list' ],
	[ 3, sub { s/"t_ns":\d+,// }, qr/t_ns is missing/, 'no time' ],
	[ 3, sub { $_ = "[$_]" ; s/\n\]/]\n/ }, qr/begins with byte 0x5b instead of '\{'/, 'a list' ],
	[ 3, sub { $_ = "\n" }, qr/begins with byte 0x0a/, 'empty line' ],
	[ 3, sub { s/\}\n/}}\n/ }, qr/column \d+: end of file expected near/, 'one bracket more' ],
	[ 3, sub { $_ = $lines[0] }, qr/is a second header/, 'second header' ],
	[ 3, sub { $_ = '' }, qr/closes a capture of 4 intervals, but 3 are there/, 'an interval is missing' ],
	[ 7, sub { $_ .= $lines[3] }, qr/follows the closing line: captures cannot be joined/, 'a line behind the end' ],
	[ 3, sub { s/"comm":"dd"/"comm":"\033[2J\x07"/ }, qr/column \d+: control character 0x1b near/, 'escape sequence' ],
	[ 3, sub { s/"comm":"dd"/"comm":"\xff"/ }, qr/column \d+: unable to decode byte 0xff/, 'not UTF-8' ],
	[ 3, sub { $_ = '{"type":"interval","x":' . '[' x 100000 . "\n" }, qr/column \d+: maximum parsing depth reached/, 'deep nesting' ],
);
for my $case (@wrong) {
	my ($n, $change, $why, $what) = @$case;
	my $path = changed($n, $change);
	isnt(slurp($path), join('', @lines), "$what: differs") or next;
	refused($path, $why, $what);
}
refused(spew("$dir/two.dma", $gz . $gz), qr/something follows the end of the capture; captures cannot be joined by cat/, 'two in one');
refused($_, qr/not a capture of dmasynctop/, $_) for '/bin/sh', "$0";

# ---- what is newer than this reader ----
my $newer = changed(3, sub { s/^\{/{"new":{"deep":[1]},/; s/"op":/"hue":3,"op":/; s/^/{"type":"weather","rain":true}\n/ });
my @old = sh("$tool report " . spew("$dir/plain.dma", join('', @lines)));
my @new = sh("$tool report $newer");
is($new[0], 0, 'new fields and line types: status');
s/\S+\.dma/FILE/ for $old[1], $new[1];
is($new[1], $old[1], 'new fields and line types: nothing changes');
is($new[2], '', 'new fields and line types: no message');

# ---- size: memory stays bounded whatever the file says ----
# Most memory that reading what $command prints took, in MiB, and the message.
sub memory {
	my ($command) = @_;
	my ($status, undef, $err) = sh("$command | perl -e 'exec { \$ARGV[0] } \@ARGV' /usr/bin/env time -f 'rss %M' $tool report -");
	my ($kib) = $err =~ s/^rss (\d+)\n//m ? $1 : die "no figure: $err";
	$err =~ s/^Command exited .*\n//m;
	return ($status, $kib / 1024, $err);
}

my $header = spew("$dir/header", $lines[0]);
my @huge = (
	[ "head -c 10G /dev/zero | gzip -1", qr/not a capture/, 16, '10 GB of zeros' ],
	[ "(cat $header; head -c 10G /dev/zero) | gzip -1", qr/line 2: begins with byte 0x00/, 16, '10 GB of zeros behind a header' ],
	[ "(cat $header; printf '{\"type\":\"'; head -c 10G /dev/zero) | gzip -1", qr/line 2: longer than 64 MiB/, 160, '10 GB in one line' ],
	[ "(cat $header; printf '{\"type\":\"interval\",\"rows\":['; yes '{},' | head -c 60M | tr -d '\\n'; echo '{}]}')", qr/line 2: would take more than 256 MiB/, 160, 'very many objects' ],
	[ "(cat $header; printf '{\"type\":\"interval\",\"t_ns\":1,\"dur_ns\":1,\"loss\":{},\"rows\":['; yes 0, | head -n 1000000 | tr -d '\\n'; echo '0]}')", qr/line 2: rows has 1000001 elements; 65536 are allowed/, 160, 'a million rows' ],
	[ "(cat $header; perl -e 'printf qq({\"type\":\"stack\",\"id\":%d,\"frames\":[\"%s%08d\"]}\\n), \$_, \"f\" x 119, \$_ for 0 .. 3e6')", qr/line \d+: more than 1048576 stacks, or 256 MiB/, 420, 'very many stacks' ],
);
for my $case (@huge) {
	my ($command, $why, $most, $what) = @$case;
	my ($status, $mib, $err) = memory($command);
	is($status, 1, "$what: status");
	like($err, qr/^dmasynctop: stdin: $why[^\n]*\n\z|^dmasynctop: stdin: line \d+: $why[^\n]*\n\z/, "$what: message");
	cmp_ok($mib, '<', $most, sprintf('%s: %.0f MiB', $what, $mib));
}

# ---- files ----
($status, $out, $err) = sh("$tool report $dir/none");
is($status, 1, 'no such file: status');
is($err, "dmasynctop: cannot read $dir/none: No such file or directory\n", 'no such file: message');
($status, $out, $err) = sh("$tool report $dir");
is($err, "dmasynctop: cannot read $dir: Is a directory\n", 'directory: message');

done_testing();
