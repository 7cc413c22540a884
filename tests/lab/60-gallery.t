#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# `scripts/gallery` in small: one load, one run a side, on the kernels of flamegraphs/.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use File::Temp qw(tempdir);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
for my $tool ("$build/arm64/dmasynctop", "$build/dmasynctop") {
	plan skip_all => "no $tool: make ARCH=arm64, make" unless -x $tool;
}
my $dir = tempdir(CLEANUP => 1);
my $load = "ahci-direct";
my $err = `'$Lab::top/scripts/gallery' --runs 1 --load $load --out '$dir' 2>&1`;
is($?, 0, "runs") or diag($err);
is_deeply([ sort map { s{.*/}{}r } glob("$dir/captures/*") ], [ "$load.after-1.dma", "$load.before-1.dma" ],
	"a capture a side");
is_deeply([ sort map { s{.*/}{}r } grep { -f } glob("$dir/*") ],
	[ sort "README.md", "$load.compare.md", map { my $side = $_; map { "$load.$side.dsb.$_" } qw(svg folded) } qw(before after diff) ],
	"pictures, folded stacks, the comparison, the README");

# 16 MiB each way in requests of 128 KiB, which are lists of 32 entries: known beforehand.
my $requests = 2 * (16 << 20) / (128 << 10);
my %dsb = (before => { map_sg => 32 * $requests, unmap_sg => 32 * $requests / 2 },
	after => { map_sg => $requests, unmap_sg => $requests });
for my $side (sort keys %dsb) {
	my @objects = Lab::objects(scalar `'$build/dmasynctop' report --json '$dir/captures/$load.$side-1.dma'`);
	my %got;
	for my $row (map { @{ $_->{rows} } } grep { $_->{type} eq "interval" } @objects) {
		$got{ $row->{op} } += $row->{dsb} if $row->{driver} eq "ahci" && $dsb{$side}{ $row->{op} };
	}
	is_deeply(\%got, $dsb{$side}, "$side: barriers of the disk");
}
my $readme = Lab::slurp("$dir/README.md");
like($readme, qr/\| `map_sg` \| $_ \| 32 \| 1 \| 4 096 \| 128 \|/, "the README tells them: $_") for qw(from_device to_device);
like($readme, qr/\| `unmap_sg` \| to_device \| 0 \| 1 \| 0 \| 128 \|/, "the README tells what became worse");
like($readme, qr/Before: 6\.18\.\S+, .*After: 7\.3\./s, "and the kernels");
like(Lab::slurp("$dir/$load.compare.md"), qr/emulated: .*dsb per call 32 -> 1.*dsb per call 0 -> 1/si, "the comparison says what its times are");

my $bad = `'$Lab::top/scripts/gallery' --load none 2>&1`;
is($? >> 8, 1, "an unknown load: status");
like($bad, qr/no load none: see --help/, "... message");

done_testing();
