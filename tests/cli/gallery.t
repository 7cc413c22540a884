#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# flamegraphs/ belongs together: from its captures `scripts/gallery --draw` makes every other file
# again, and what they tell is what the captures hold.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use List::Util qw(sum0);
use Test::More;

my $tool = ($ENV{O} // 'build') . '/dmasynctop';
plan skip_all => "$tool is not built" unless -x $tool;
my $dir = 'flamegraphs';
my $scratch = tempdir(CLEANUP => 1);

sub slurp { local (@ARGV, $/) = @_; return scalar <> }

sub names
{
	my ($from) = @_;
	return sort map { s{.*/}{}r } grep { -f } glob("$from/*");
}

my $said = `scripts/gallery --draw --captures $dir/captures --out $scratch 2>&1`;
is("$? $said", '0 ', 'draws without a guest');
is_deeply([ names($scratch) ], [ names($dir) ], 'the same files');
# Not is(): a picture as a diagnosis is of no use.
ok(slurp("$scratch/$_") eq slurp("$dir/$_"), "$_ is what its captures say") for names($scratch);

# Folded stacks add up to what the capture's rows do.
sub total
{
	my ($capture, $key) = @_;
	my @objects = map { decode_json($_) } split /\n/, `$tool report --json $capture`;
	return sum0 map { $_->{$key} } map { @{ $_->{rows} } } grep { $_->{type} eq 'interval' } @objects;
}

my $checked = 0;
for my $file (glob("$dir/*.folded")) {
	my ($load, $side, $weight) = $file =~ m{([^/.]+)\.(before|after)\.(dsb|time)\.folded$} or next;
	my $want = total("$dir/captures/$load.$side-1.dma", $weight eq 'time' ? 'ns' : 'dsb');
	my $sum = sum0 map { / (\d+)$/ } split /\n/, slurp($file);
	is($sum, $want, "$load, $side: folded $weight");
	like(slurp("$dir/$load.$side.$weight.svg"), qr{<svg }, "$load, $side: has its picture");
	$checked++;
}
cmp_ok($checked, '>=', 8, 'there are folded stacks');

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
ok(-e "$dir/$_", "README: $_ exists") for sort keys %linked;
ok($linked{$_}, "README: links $_") for grep { $_ ne 'README.md' } names($dir);
like(slurp('README.md'), qr{\]\(flamegraphs/README\.md\)}, 'the main README links it');
my $size = sum0 map { -s } glob("$dir/* $dir/captures/*");
cmp_ok($size, '<', 3 << 20, 'it is small');

done_testing();
