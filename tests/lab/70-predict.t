#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# predict on the modelled core: what it says of a kernel that waits for every entry is what the
# kernel with the series then takes, on a band of the core's parameters, direct and behind an IOMMU.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
my $tool = "$build/arm64/dmasynctop";
plan skip_all => "no $tool: make ARCH=arm64" unless -x $tool;
plan skip_all => "no $build/dmasynctop: make" unless -x "$build/dmasynctop";

my $record = "dmasynctop record -i 10ms --no-stacks --no-processes -o";
my $bench = "sh -c 'for of in \"4K --size 1M\" \"4K --size 256K\" \"16K --size 1M\" \"64K --size 512K\"; do" .
	" dmasynctop bench --module --iterations 40 --entry \$of >/dev/null; done'";

sub boot
{
	my ($kernel, $model, $options, $command) = @_;
	my $run = Lab::run([ "--kernel", $kernel, "--model", $model, "--kmod", "--timeout", 900, @$options, "--file", "$tool:/bin/dmasynctop",
		"--file", "$FindBin::Bin/lib/predict-load:/bin/predict-load" ], "set -e; $command");
	is($run->{status}, 0, "$kernel, $model: runs") or diag($run->{err});
	return $run;
}

# The object about all, and rows that are of the module's devices, by operation and direction.
sub predicted
{
	my ($all, @rows) = Lab::objects(scalar `'$build/dmasynctop' predict --json @_ 2>/dev/null`);
	is($? >> 8 & ~3, 0, "predict says something, or that it cannot"); # 0 or 3
	return ($all, { map { ("$_->{op} $_->{dir}" => $_) } grep { $_->{driver} eq "dmasync_bench" } @rows });
}

sub measured
{
	my @objects = Lab::objects(scalar `'$build/dmasynctop' report --json @_`);
	my $floor = $objects[0]{probe_floor_ns};
	return { map { ("$_->{op} $_->{dir}" => { %$_, now => $_->{ns} / $_->{calls} - $floor }) }
		grep { $_->{driver} eq "dmasync_bench" } @{ $objects[-1]{rows} } };
}

sub holds
{
	my ($what, $before, $after, $width) = @_;
	my ($all, $rows) = predicted($before);
	my $true = measured($after);
	my $n = 0;
	cmp_ok(scalar(grep { $true->{$_} } keys %$rows), ">=", 4, "$what: rows of both kernels");
	for my $key (sort keys %$rows) {
		my ($row, $now) = ($rows->{$key}, $true->{$key} // next);
		is($row->{dsb_after}, $now->{dsb}, "$what: $key: barriers are those predicted");
		next unless $row->{saving} && $row->{how} ne "nothing";
		my $saving = 1 - $now->{now} / $row->{ns_per_call};
		my ($low, $high) = @{ $row->{saving} }{qw(low high)};
		ok($low <= $saving && $saving <= $high, sprintf("%s: %s: %.1f %% saved, predicted [%.1f, %.1f]", $what, $key,
			map { 100 * $_ } $saving, $low, $high));
		cmp_ok($high - $low, "<", $width, "$what: $key: which is not just anything");
		$n += $row->{how} =~ /^(?:own|pooled|other)$/;
	}
	# bench counts barriers in some of its calls, which take longer: that may be too much noise.
	is($n, 4, "$what: all four operations were predicted") unless $what =~ /bench/;
	return $all;
}

# Lists of many sizes; those that bench makes; entries of one size, which tell nothing.
my $load = "$record /out/sizes.dma -- predict-load sizes; $record /out/bench.dma -- $bench";
my %near = (base => boot("6.12-base", "near", [], "$load; $record /out/alike.dma -- predict-load alike;" .
		"dmasynctop -b -i 10ms -- predict-load sizes >/out/batch; dmasynctop doctor >/out/doctor"),
	batched => boot("6.12-dmasync", "near", [], $load));
holds("near, sizes", (map { "$near{$_}{dir}/sizes.dma" } qw(base batched)), 0.12);
holds("near, bench", (map { "$near{$_}{dir}/bench.dma" } qw(base batched)), 0.60);
my ($alike, $none) = predicted("$near{base}{dir}/alike.dma");
is($alike->{rows_predicted}, 0, "entries of one size: nothing is predicted");
is($none->{"map_sg from_device"}{how}, "bound", "... but a bound");

# What an entry computes is below what is assumed of it: the part of it that is no wait.
my ($all, $rows) = predicted("$near{base}{dir}/sizes.dma");
my $row = $rows->{"map_sg from_device"};
my $wait = $row->{wait_ns};
cmp_ok($wait->{low}, "<=", 114, sprintf("the core's 114 ns a barrier are in [%.0f, %.0f]", @$wait{qw(low high)}));
cmp_ok($wait->{high}, ">=", 114, "... at both ends");
cmp_ok(abs($row->{line_ns}{value} - 1), "<", 0.05, "a line drains in 1 ns");
cmp_ok($wait->{high} - 114, "<", 2 * $all->{software_ns}, "what the kernel computes for an entry is below its bound");

# The hints.
my ($about) = Lab::slurp("$near{base}{dir}/batch") =~ /^batching would save about (\d+) % of this/m;
cmp_ok(abs(($about // 0) - 100 * $all->{saving}{value}), "<", 3, "-b: batching would save about what predict says");
like(Lab::slurp("$near{base}{dir}/doctor"), qr/^ok +flavour .*dmasynctop record, then predict/m, "doctor: where to ask");

# A slow core with slow memory.
for my $model ("far") {
	my @dirs = map { boot($_, $model, [], "$record /out/sizes.dma -- predict-load sizes")->{dir} } "6.12-base", "6.12-dmasync";
	holds($model, (map { "$_/sizes.dma" } @dirs), 0.15);
}

# Behind an SMMU whose walker is not coherent its page tables wait, too; patch 7.
my @smmu = map { boot($_, "near", [ "--device", "edu", "--iommu", "smmuv3", "--coherent-walker", "no" ],
	"$record /out/sizes.dma -- predict-load sizes device=pci")->{dir} } "6.12-base", "6.12-dmasync";
$all = holds("SMMU", (map { "$_/sizes.dma" } @smmu), 0.35);
is($all->{page_dsb}, "measured", "SMMU: barriers of page tables are seen");
is($all->{captures}[0]{iommu_walker}, "not-coherent", "SMMU: its walker is not coherent");
my ($left) = map { $_->{dsb} } grep { $_->{driver} eq "arm-smmu-v3" && $_->{op} eq "sync_single_for_device" }
	@{ (Lab::objects(scalar `'$build/dmasynctop' report --json $smmu[1]/sizes.dma`))[-1]{rows} };
cmp_ok($all->{page_dsb_max} - $left, "<=", $all->{page_dsb_saved_max}, "SMMU: patch 7 saves no more than predicted");
cmp_ok($all->{page_dsb_max} - $left, ">=", 0.8 * $all->{page_dsb_saved_max}, "SMMU: ... and not much less");

done_testing();
