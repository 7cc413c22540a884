#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# flamegraphs/ and flamegraphs/series/ belong together: from their captures `scripts/gallery --draw` and
# `scripts/lab-compare --draw` make every other file again, and what they tell is what the captures hold.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Cpanel::JSON::XS qw(decode_json);
use List::Util qw(sum0);
use Test::More;

my $tool = ($ENV{O} // 'build') . '/dmasynctop';
plan skip_all => "$tool is not built" unless -x $tool;
sub slurp { local (@ARGV, $/) = @_; return scalar <> }

sub names
{
	my ($from) = @_;
	return sort map { s{.*/}{}r } grep { -f } glob("$from/*");
}

# Folded stacks add up to what the capture's rows do.
sub total
{
	my ($capture, $key) = @_;
	my @objects = map { decode_json($_) } split /\n/, `$tool report --json $capture`;
	return sum0 map { $_->{$key} } map { @{ $_->{rows} } } grep { $_->{type} eq 'interval' } @objects;
}

sub check_gallery
{
	my ($command, $dir, $want) = @_;
	my $scratch = tempdir(CLEANUP => 1);
	my $said = `$command --draw --captures $dir/captures --out $scratch 2>&1`;
	is($?, 0, "$dir: draws without a guest") or diag($said);
	is_deeply([ names($scratch) ], [ names($dir) ], "$dir: the same files");
	# Not is(): a picture as a diagnosis is of no use.
	ok(slurp("$scratch/$_") eq slurp("$dir/$_"), "$dir/$_ is what its captures say") for names($scratch);

	my $checked = 0;
	for my $file (glob("$dir/*.folded")) {
		my ($load, $side, $weight) = $file =~ m{([^/.]+)\.(before|after)\.(dsb|time)\.folded$} or next;
		my $total = total("$dir/captures/$load.$side-1.dma", $weight eq 'time' ? 'ns' : 'dsb');
		my $sum = sum0 map { / (\d+)$/ } split /\n/, slurp($file);
		is($sum, $total, "$dir/$load, $side: folded $weight");
		like(slurp("$dir/$load.$side.$weight.svg"), qr{<svg }, "$dir/$load, $side: has its picture");
		$checked++;
	}
	cmp_ok($checked, '>=', $want, "$dir: there are folded stacks");

	# Pictures can be read, need nothing else, and say what their times are.
	for my $file (glob("$dir/*.svg")) {
		is(system('xmllint', '--noout', $file), 0, "$file: XML");
		my $text = slurp($file);
		unlike($text, qr{(?:href|src|url)\s*[=(]\s*["']?(?!#)\w}, "$file: refers to nothing");
		like($text, qr{<title id="picture-title">[^<]*(?:modelled core \(S [\d.]+ ns, L \d+ ns, Q \d+, IPC [\d.]+, [\d.]+ GHz\), not silicon|barriers)},
			"$file: its title says what it is");
	}

	my $readme = slurp("$dir/README.md");
	my %linked = map { $_ => 1 } $readme =~ /\]\(([^)]+)\)/g;
	ok(-e "$dir/$_", "$dir/README: $_ exists") for sort keys %linked;
	ok($linked{$_}, "$dir/README: links $_") for grep { !/^(?:README|tables)\.md$/ } names($dir);
	like(slurp('README.md'), qr{\]\(\Q$dir\E/README\.md\)}, "the main README links $dir");
	my $size = sum0 map { -s } glob("$dir/* $dir/captures/*");
	cmp_ok($size, '<', 3 << 20, "$dir: it is small");
}

check_gallery('scripts/gallery', 'flamegraphs', 8);
check_gallery('scripts/lab-compare', 'flamegraphs/series', 8);

# The main table of the README is what the command prints of what was counted.
my ($table) = slurp('README.md') =~ /^<!-- table: (?:.*) -->\n((?:\|.*\n)+)/m;
is($table, scalar `scripts/lab-compare --table barriers`, 'the table of the README is the one that is printed');
ok(-e $_, "the main README links $_") for slurp('README.md') =~ m{\]\((flamegraphs/[^)]+)\)}g;
# Its figures are those of the rule book: one call of n entries, of which b bounce.
my %want = (
	'6.12-base' => sub { my ($op, $to, $skip, $n, $b, $iommu) = @_;
		$op eq 'map_sg' ? ($skip ? 0 : $n) : $op eq 'unmap_sg' ? ($skip || $to ? 0 : $n) : $op eq 'sync_sg_for_device' ? $n : $to ? 0 : $n },
	'6.12-dmasync' => sub { my ($op, $to, $skip) = @_;
		$op eq 'map_sg' ? !$skip : $op eq 'unmap_sg' ? !$skip && !$to : $op eq 'sync_sg_for_device' ? 1 : !$to },
	'7.3' => sub { my ($op, $to, $skip, $n, $b, $iommu) = @_;
		$op eq 'map_sg' ? ($skip ? !$iommu : 1 + $b) : $op eq 'unmap_sg' ? ($skip ? !$iommu : 1 + ($to ? 0 : $b))
			: $op eq 'sync_sg_for_device' ? 1 : 1 + ($to ? 0 : $b) },
);
my $counted = 0;
for my $r (map { decode_json($_) } split /\n/, slurp('flamegraphs/series/captures/barriers.ndjson')) {
	my $n = $r->{entries} / $r->{calls};
	my $dsb = $want{ $r->{kernel} }->($r->{op}, $r->{dir} eq 'to_device', $r->{attrs} ne 'none', $n,
		$r->{path} eq 'bounced' ? $n : 0, $r->{path} eq 'smmuv3');
	is($r->{dsb} / $r->{calls}, $dsb || 0, "$r->{kernel}, $r->{path}: $r->{op} $r->{dir} $r->{attrs}");
	$counted++;
}
is($counted, 3 * 3 * 6 * 4, 'every cell was counted');

done_testing();
