#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Whole outputs for captures of real kernels; tests/fixtures/README tells how the expected ones are renewed.
use strict;
use warnings;
use Test::More;

my $tool = ($ENV{O} // 'build') . '/dmasynctop';
plan skip_all => "$tool is not built" unless -x $tool;
delete $ENV{COLUMNS};
$ENV{LC_ALL} = 'C';

my %forms = (
	txt => [qw(report)],
	csv => [qw(report --csv)],
	folded => [qw(flame --folded --weight dsb)],
);
my %storms = (
	txt => [qw(report --storms)],
	csv => [qw(report --storms --csv)],
	folded => [qw(flame --folded --weight saved)],
);
my @captures = sort glob('tests/fixtures/*.dma');
cmp_ok(scalar @captures, '>=', 3, 'there are captures');

# Comparisons are compare.t's.
my %expected = map { $_ => 1 } grep { !m{/compare-} } glob('tests/fixtures/expected/*');
for my $capture (@captures) {
	my ($name) = $capture =~ m{([^/]+)\.dma$};
	my $forms = $name =~ /^storms-/ ? \%storms : \%forms;
	for my $form (sort keys %$forms) {
		my $file = "tests/fixtures/expected/$name.$form";
		ok(delete $expected{$file}, "$name.$form: expected") or next;
		my $want = do { local (@ARGV, $/) = $file; <> };
		my @command = ($tool, @{$forms->{$form}}, $capture);
		open(my $pipe, '-|', @command) or die "$tool: $!";
		my $got = do { local $/; <$pipe> };
		ok(close($pipe), "$name.$form: status");
		is($got, $want, "$name.$form: @command[1 .. $#command]");
	}
}
is("@{[sort keys %expected]}", '', 'none is expected of captures that are not there');

done_testing();
