#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The manual page of report and the description of captures have what there is, and no more.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use Test::More;

my $top = "$FindBin::Bin/../..";
my $tool = ($ENV{O} // 'build') . '/dmasynctop';
plan skip_all => "$tool is not built" unless -x $tool;

sub slurp {
	local (@ARGV, $/) = @_;
	return scalar(<>);
}

# ---- manual page ----
my $path = "$top/doc/dmasynctop-report.1";
my $page = slurp($path);
SKIP: {
	skip('mandoc is not installed', 1) if system('command -v mandoc >/dev/null');
	my @lint = grep { !/mandoc\.db|manual not found/ } `mandoc -T lint $path 2>&1`;
	is("@lint", '', 'page: mandoc -T lint');
}
my %options = map { ($_ => 1) } map { /^ {2,6}(?:(-\w), )?(--[a-z-]+)/ ? grep { defined } $1, $2 : () }
	`$tool report --help`;
delete @options{qw(-? --help --usage -V --version)};
cmp_ok(scalar keys %options, '>', 12, 'page: the help text was understood');
my %has;
for (map { s/\\&//gr } grep { /^\.It Fl / } split(/\n/, $page)) {
	$has{"-$1"} = 1 while /Fl (\S+)/g;
}
is("@{[sort keys %has]}", "@{[sort keys %options]}", 'page: options');
for my $option ('-s', '--by') {
	my ($valid) = `$tool report $option nonsense x 2>&1` =~ /valid: (.*)/;
	is("@{[grep { $page !~ /\b\Q$_\E\b/ } split(/, /, $valid // 'none')]}", '', "page: words of $option");
}
like($page, qr/^3600 intervals of \d+ rows and \d+ stack rows:\n\d+ MB packed, \d+ MB unpacked; report takes [\d.]+ s of CPU, \d+ MiB\n/m,
	'page: OVERHEAD as make bench-report prints it');

like(`$tool report --help` =~ s/\s+/ /gr, qr/ --by=WHAT [\w ]+: row \(the default\), device, driver, process or stack /, '--help: words of --by, and the default');

# ---- all manual pages ----
my %pages = map { m|([\w-]+)\.([18])$| ? ("$1 $2" => slurp($_)) : () } glob("$top/doc/*.[18]");
cmp_ok(scalar keys %pages, '>=', 5, 'pages: found');
for my $name (sort keys %pages) {
	my ($also) = $pages{$name} =~ /^\.Sh SEE ALSO\n((?:\.Xr .*\n)*)/m;
	my %named = map { $_ => 1 } ($also // '') =~ /^\.Xr (\S+ \d)/mg;
	is("@{[grep { $_ ne $name && !$named{$_} } sort keys %pages]}", '', "$name: names the other pages");
}
SKIP: {
	skip('mandoc is not installed', 1) if system('command -v mandoc >/dev/null');
	my $text = `mandoc -T ascii $path | col -b` =~ s/\s+/ /gr;
	my $opened = 0;
	for ($text =~ /[()]/g) {
		$opened += $_ eq '(' ? 1 : -1;
		last if $opened < 0;
	}
	is($opened, 0, 'page: parentheses match');
}
for my $command (qw(record report compare predict flame)) {
	like(`$tool $command --help` =~ s/\s+/ /gr, qr/Exit status: 0 ok, .*2 wrong usage/, "$command --help: exit status");
}

# ---- format ----
my $format = slurp("$top/doc/capture-format.md");
my $schema = decode_json(scalar `$tool report --schema`);
my (%fields, $collect);
$collect = sub {
	my ($v) = @_;
	if (ref $v eq 'HASH') {
		$fields{$_} = 1 for keys %{ref $v->{properties} eq 'HASH' ? $v->{properties} : {}};
		$fields{$_} = 1 for ref $v->{required} eq 'ARRAY' ? @{$v->{required}} : ();
		$collect->($_) for values %$v;
	} elsif (ref $v eq 'ARRAY') {
		$collect->($_) for @$v;
	}
};
$collect->($schema);
cmp_ok(scalar keys %fields, '>', 75, 'format: the schema was understood');
is("@{[grep { $format !~ /`\Q$_\E`/ } sort keys %fields]}", '', 'format: has every field of the schema');
my %cells = map { $_ => 1 } map { /^\| (`[^|]*) \|/ ? $1 =~ /`(\w+)`/g : () } split(/\n/, $format);
delete @cells{qw(header stack interval end)};
is("@{[grep { !$fields{$_} } sort keys %cells]}", '', 'format: and no other');

my $limits = slurp("$top/include/dmasync/capture.h");
for (
	[ qr/LINE_MAX \((\d+)u << 20\)/, 'lines above %d MiB' ],
	[ qr/JSON_MAX \((\d+)u << 20\)/, 'more than %d MiB of memory when parsed' ],
	[ qr/ROWS_MAX (\d+)u/, '%d rows, processes or stack rows' ],
	[ qr/STACK_BYTES_MAX \((\d+)u << 20\)/, 'stacks, or %d MiB of them' ],
) {
	my ($n) = $limits =~ $_->[0];
	my $want = sprintf($_->[1], $n);
	like($format =~ s/\s+/ /gr, qr/\Q$want\E/, "format: limit: $want");
}
my ($command, $example) = $format =~ /^`(gzip [^`]*)`:\n\n```json\n(.*?)```/ms;
is(`cd $top && $command` =~ s/\n?\z/\n/r, $example =~ s/\n?\z/\n/r, 'format: the example is what the command prints');
like($format, qr/^fuzz: \d+ inputs in \d+ s, peak \d+ MiB, nothing found$/m, 'format: what make fuzz printed');

done_testing();
