#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The oracle of the plugin notices what must not be: each fault of a kernel with faults to choose from
# (lab/kernel/mutants-*.patch) is found, where it is, and nothing is without one. LAB_SERIES="6.12 6.1".
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use Kmod;
use List::Util qw(sum0);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
my $tool = "$build/arm64/dmasynctop";
plan skip_all => "no $tool: make ARCH=arm64" unless -x $tool;

# The path; number of the fault; what it is; the rule that it breaks, in which function; in which cells.
my $map = qr/(?:__)?iommu_map_sg/;
my @faults = (
	[ "direct", 0, "no fault" ],
	[ "direct", 1, "map_sg does not wait", "return", "dma_direct_map_sg", "list", "out" ],
	[ "direct", 2, "map_sg that fails does not wait", "return", "dma_direct_map_sg", "fails" ],
	[ "direct", 3, "unmap_sg does not wait", "return", "dma_direct_unmap_sg", "list" ],
	[ "direct", 4, "sync_sg_for_device does not wait", "return", "dma_direct_sync_sg_for_device", "list", "out" ],
	[ "direct", 5, "sync_sg_for_cpu does not wait", "return", "dma_direct_sync_sg_for_cpu", "list" ],
	[ "direct", 12, "the wait is inner shareable", "return", "dma_direct_map_sg", "list", "out" ],
	[ "direct", 19, "an interrupt waits in map_sg's place", "return", "dma_direct_map_sg", "list", "out" ],
	[ "walker", 0, "no fault" ],
	[ "walker", 13, "sync_map does nothing", "walk", $map, "list", "out" ],
	[ "swiotlb", 0, "no fault" ],
	[ "swiotlb", 6, "unmap_sg copies before it waits", "copy", "dma_direct_unmap_sg", "list", "both" ],
	[ "swiotlb", 7, "sync_sg_for_cpu copies before it waits", "copy", "dma_direct_sync_sg_for_cpu", "list", "both" ],
	[ "swiotlb", 14, "map_sg cleans before it copies", "fill", "dma_direct_map_sg", "out", "both" ],
	[ "swiotlb", 15, "sync_sg_for_device cleans before it copies", "fill", "dma_direct_sync_sg_for_device", "out", "both" ],
	[ "swiotlb", 17, "map_sg that fails gives bounce buffers back before it waits", "back", "dma_direct_unmap_sg",
		"exhausted" ],
	[ "smmuv3", 0, "no fault" ],
	[ "smmuv3", 8, "IOMMU: sync_sg_for_device and map_sg do not wait", "return", "iommu_dma_sync_sg_for_device",
		"list", "out" ],
	[ "smmuv3", 8, "IOMMU: a driver rings before map_sg's maintenance is complete", "store", "", "disk" ],
	[ "smmuv3", 9, "IOMMU: sync_sg_for_cpu and unmap_sg do not wait", "return", "iommu_dma_sync_sg_for_cpu", "list" ],
	[ "smmuv3", 13, "IOMMU: sync_map does nothing", "walk", $map, "list", "out" ],
);
# Lists that bounce behind an IOMMU: in 6.1 those of untrusted devices alone, of which the lab has none.
my @bounced = (
	[ "smmuv3", 10, "IOMMU: map_sg of a list that bounces does not wait", "return", "iommu_dma_map_sg", "bounced" ],
	[ "smmuv3", 11, "IOMMU: the same that fails does not wait", "return", "iommu_dma_map_sg", "exhausted" ],
	[ "smmuv3", 16, "IOMMU: sync_sg_for_device cleans before it copies", "fill", "iommu_dma_sync_sg_for_device", "both" ],
	[ "smmuv3", 18, "IOMMU: map_sg that fails gives bounce buffers back before it waits", "back",
		"iommu_dma_unmap_sg_swiotlb", "exhausted" ],
);
# Two paths share a machine: the platform device is not behind its IOMMU.
my @machines = (
	{ paths => [qw(direct walker)], options => [ "--iommu", "smmuv3", "--coherent-walker", "no" ] },
	{ paths => [qw(swiotlb smmuv3)], options => [ "--iommu", "smmuv3", "--swiotlb", "force", "--disk", "ahci" ] },
);

sub cells
{
	my ($line, $path, $fault) = @_;
	my @common = (entries => 16, device => $path =~ /smmuv3|walker/ ? "pci" : "platform");
	my @small = (layout => "small", size => 16);
	my @cells = (
		Kmod::cell("$path$fault.list", @common, dir => "from_device"),
		Kmod::cell("$path$fault.out", @common, dir => "to_device"),
		Kmod::cell("$path$fault.fails", @common, dir => "from_device", fail => "limit", fail_at => 7),
		Kmod::cell("$path$fault.bounced", @common, @small, dir => "from_device"),
		Kmod::cell("$path$fault.both", @common, @small, dir => "bidirectional"),
	);
	# A list that bounces, and fails half way.
	push @cells, Kmod::cell("$path$fault.exhausted", @common, @small, dir => "from_device", fail => "exhaust", fail_at => 7)
		if $line ne "6.1" || $path eq "swiotlb";
	return @cells;
}

my $parameter = "/sys/module/kernel/parameters/dma_sync_mutant";

sub boot
{
	my ($line, $machine, @faults) = @_;
	my (%done, $script);
	for my $fault (@faults) {
		my ($path, $number, undef, $rule) = @$fault;
		my $label = "$path$number";
		$script .= "echo $number >$parameter\n";
		$script .= Kmod::script("", cells($line, $path, $number)) if !$done{$label}++;
		$script .= "workload dio -f \$DISK -s 1M -m $label.disk >/out/$label.disk\n" if ($rule // "") eq "store";
	}
	# Fault 4 once more, where the tool has a kprobe at each return of the functions that are called.
	$script .= "echo 4 >$parameter\ncat >/tmp/cells <<'END'\n" .
		Kmod::script("", Kmod::cell("probed.list", dir => "from_device", entries => 16)) . "END\n" .
		"dmasynctop -b --json -i 1000s --attach=kprobe -- sh /tmp/cells >/out/probed.json\n";
	return Lab::run([ "--kernel", "$line-mutants", "--kmod", "--device", "edu", "--order", "--file", "$tool:/bin/dmasynctop",
		@{ $machine->{options} } ], $script);
}

sub check_fault
{
	my ($run, $path, $number, $what, $rule, $in, @cells) = @_;
	my @windows = grep { $_->{label} =~ /^$path$number\./ } @{ $run->{windows} };
	cmp_ok(scalar @windows, ">=", 8, "$path: $what: windows of every call");
	if (!$rule) {
		is_deeply([ map { @{ $_->{order}{broken} } } @windows ], [], "$path: $what: nothing is found");
		for my $looked ("return", $path eq "swiotlb" ? qw(copy back fill) : (), $path =~ /smmuv3|walker/ ? "walk" : ()) {
			cmp_ok(sum0(map { $_->{order}{looked}{$looked} } @windows), ">", 0, "$path: $what: rule $looked was looked at");
		}
	}
	for my $cell (@cells) {
		my @broken = map { @{ $_->{order}{broken} } } grep { $_->{label} =~ /^$path$number\.$cell(?:\.|$)/ } @windows;
		my @found = grep { $_->{rule} eq $rule && $_->{in} =~ /^$in$/ } @broken;
		ok(scalar @found, "$path: $what: is found ($cell)") or diag(explain(\@broken));
		like(Lab::place($run, $found[0]{addr})->[0], qr/^ahci_/, "$path: $what: it is the driver that rings")
			if $rule eq "store" && @found;
	}
}

for my $line (split ' ', $ENV{LAB_SERIES} // "6.12 6.1") {
	for my $machine (@machines) {
		my @here = grep { my $fault = $_; grep { $_ eq $fault->[0] } @{ $machine->{paths} } }
			@faults, $line eq "6.1" ? () : @bounced;
		subtest "$line-mutants, @{ $machine->{paths} }" => sub {
			my $run = boot($line, $machine, @here);
			is($run->{status}, 0, "the guest ran them") or diag($run->{err});
			my %refused = map { $_->{label} => $_->{reason} } grep { $_->{type} eq "refused" } Lab::objects($run->{out});
			is_deeply(\%refused, {}, "every cell ran");
			check_fault($run, @$_) for @here;
			my @probed = @{ Lab::window($run, "probed.list.sync_sg_for_device")->{order}{broken} // [] };
			ok(scalar(grep { $_->{rule} eq "return" && $_->{in} =~ /^(?:__)?dma_sync_sg_for_device$/ } @probed),
				"a return under a kprobe is looked at") or diag(explain(\@probed));
			cmp_ok(Lab::count($run, "direct19.list.map_sg", "dsb sy", "gic_\\w+"), ">=", 1, "direct: an interrupt did wait")
				if grep { $_->[1] == 19 } @here;
		};
	}
}
done_testing();
