#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The oracle of the plugin notices what must not be: each fault of a kernel with faults to choose from
# (lab/kernel/mutants-6.12.patch) is found, where it is, and nothing is without one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use Kmod;
use Test::More;

# The path; number of the fault; what it is; the rule that it breaks, in which function; the call.
my @faults = (
	[ "direct", 0, "no fault" ],
	[ "direct", 1, "map_sg does not wait", "return", "dma_direct_map_sg" ],
	[ "direct", 2, "map_sg that fails does not wait", "return", "dma_direct_map_sg" ],
	[ "direct", 3, "unmap_sg does not wait", "return", "dma_direct_unmap_sg" ],
	[ "direct", 4, "sync_sg_for_device does not wait", "return", "dma_direct_sync_sg_for_device" ],
	[ "direct", 5, "sync_sg_for_cpu does not wait", "return", "dma_direct_sync_sg_for_cpu" ],
	[ "swiotlb", 0, "no fault" ],
	[ "swiotlb", 6, "unmap_sg copies before it waits", "copy", "dma_direct_unmap_sg" ],
	[ "swiotlb", 7, "sync_sg_for_cpu copies before it waits", "copy", "dma_direct_sync_sg_for_cpu" ],
	[ "smmuv3", 0, "no fault" ],
	[ "smmuv3", 8, "IOMMU: sync_sg_for_device and map_sg do not wait", "return", "iommu_dma_sync_sg_for_device" ],
	[ "smmuv3", 9, "IOMMU: sync_sg_for_cpu and unmap_sg do not wait", "return", "iommu_dma_sync_sg_for_cpu" ],
	[ "smmuv3", 10, "IOMMU: map_sg of a list that bounces does not wait", "return", "iommu_dma_map_sg" ],
	[ "smmuv3", 11, "IOMMU: the same that fails does not wait", "return", "iommu_dma_map_sg" ],
);
my %options = (
	direct => [],
	swiotlb => [ "--swiotlb", "force" ],
	smmuv3 => [ "--iommu", "smmuv3" ],
);

sub cells
{
	my ($path, $fault) = @_;
	my @common = (dir => "from_device", entries => 16, device => $path eq "smmuv3" ? "pci" : "platform");
	return (
		Kmod::cell("m$fault.list", @common),
		Kmod::cell("m$fault.fails", @common, fail => "limit", fail_at => 7),
		Kmod::cell("m$fault.bounced", @common, layout => "small", size => 16),
		# A list that bounces, and fails half way.
		Kmod::cell("m$fault.exhausted", @common, layout => "small", size => 16, fail => "exhaust", fail_at => 7),
	);
}

my $parameter = "/sys/module/kernel/parameters/dma_sync_mutant";
for my $path (qw(direct swiotlb smmuv3)) {
	my @here = grep { $_->[0] eq $path } @faults;
	my $script = join "", map { "echo $_->[1] >$parameter\n" . Kmod::script("", cells($path, $_->[1])) } @here;
	my $run = Lab::run([ "--kernel", "6.12-mutants", "--kmod", "--device", "edu", "--order", @{ $options{$path} } ], $script);
	is($run->{status}, 0, "$path: the guest ran them") or diag($run->{err});
	my %refused = map { $_->{label} => $_->{reason} } grep { $_->{type} eq "refused" } Lab::objects($run->{out});
	is_deeply(\%refused, {}, "$path: every cell ran");
	for my $fault (@here) {
		my (undef, $number, $what, $rule, $in) = @$fault;
		my @windows = grep { $_->{label} =~ /^m$number\./ } @{ $run->{windows} };
		my @broken = map { @{ $_->{order}{broken} } } @windows;
		cmp_ok(scalar @windows, ">=", 8, "$path: $what: windows of every call");
		if ($rule) {
			ok(scalar(grep { $_->{rule} eq $rule && $_->{in} eq $in } @broken), "$path: $what: is found")
				or diag(explain(\@broken));
		} else {
			is_deeply(\@broken, [], "$path: $what: nothing is found");
			my $returns = 0;
			$returns += $_->{order}{looked}{return} for @windows;
			cmp_ok($returns, ">=", 8, "$path: $what: returns were looked at");
		}
	}
}
done_testing();
