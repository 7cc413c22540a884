#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# On every suite and kernel the tool must report what the plugin counted: LAB_KERNELS, LAB_SUITES.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use List::Util qw(sum0);
use Test::More;

my $tool = "$Lab::top/" . ($ENV{O} // "build") . "/arm64/dmasynctop";
$tool = "$ENV{O}/arm64/dmasynctop" if ($ENV{O} // "") =~ m{^/};
plan skip_all => "no $tool: make ARCH=arm64" unless -x $tool;

my @kernels = split ' ', $ENV{LAB_KERNELS} // "6.12 7.3";
my @suites = split ' ', $ENV{LAB_SUITES} // join " ", map { /^(\S+)/ } `$Lab::top/scripts/lab suites`;
my %tools = (
	api => "dmasynctop -b --json",
	exact => "dmasynctop -b --json --exact",
	arch => "dmasynctop -b --json --level arch",
);

# The totals of one run, with its losses, or nothing when it did not get to its end.
sub totals
{
	my ($run, $label) = @_;
	my ($end) = grep { $_->{type} eq "end" } Lab::objects(Lab::slurp("$run->{dir}/$label.json"));
	return $end;
}

sub total
{
	my ($end, $key, $ops) = @_;
	return sum0 map { $_->{$key} // 0 } grep { !$ops || $_->{op} =~ $ops } @{ $end->{rows} };
}

# Bytes that the workload moved, by the direction that the DMA API saw them go.
sub moved
{
	my %bytes;
	for my $did (@_) {
		if ($did->{workload} eq "udmabuf") {
			my $dir = { read => "from_device", write => "to_device", rw => "bidirectional" };
			$bytes{ $dir->{ $did->{sync} } } += $did->{bytes};
		} else {
			$bytes{ $did->{op} eq "read" ? "from_device" : "to_device" } += $did->{bytes};
			$bytes{from_device} += $did->{read_back};
		}
	}
	return %bytes;
}

sub check_bytes
{
	my ($run, $suite, $label, $end) = @_;
	my %moved = moved(Lab::objects(Lab::slurp("$run->{dir}/$label.workload")));
	ok(scalar keys %moved, "$label: the workload says what it did");
	for my $dir (sort keys %moved) {
		my $ops = $suite =~ /^udmabuf/ ? qr/^sync_sg_for_device$/ : qr/^(?:map_sg|map_page|iova_link)$/;
		my $seen = sum0 map { $_->{bytes} } grep { $_->{op} =~ $ops && $_->{dir} eq $dir } @{ $end->{rows} };
		# Other controllers also map their commands and statuses.
		if ($suite =~ /^(?:udmabuf|ahci-(?!walker))/) {
			is($seen, $moved{$dir}, "$label: bytes $dir");
		} else {
			cmp_ok($seen, ">=", $moved{$dir}, "$label: bytes $dir");
		}
	}
}

# The suite on which also the rungs below a kernel's best one are tried, by their names as modes.
my $rungs_suite = "nvme-swiotlb";

sub lower_rungs
{
	my ($kernel, $suite) = @_;
	return () if $suite ne $rungs_suite || $kernel eq "6.1"; # 6.1 has kprobes only
	return $kernel =~ /^[7-9]/ ? qw(fentry kprobe) : qw(kprobe);
}

sub run_suite
{
	my ($kernel, $suite, @rungs) = @_;
	my %forced = map { $_ => "dmasynctop -b --json --exact --attach=$_" } @rungs;
	return Lab::suite($suite, [ "--kernel", $kernel, "--timeout", "400",
		"--file", "$tool:/bin/dmasynctop" ], { %tools, %forced });
}

sub check_counted
{
	my ($base, $mode, $end, $dma) = @_;
	is(total($end, "dsb"), $dma->{dsb}, "$base.$mode: counted barriers");
	is($_->{dsb_derived}, $_->{dsb_counted}, "$base.$mode: $_->{op} $_->{dev} derived as counted")
		for @{ $end->{rows} };
}

for my $kernel (@kernels) {
	for my $suite (@suites) {
		# Debian's 6.1 is built without CONFIG_UDMABUF.
		next if $kernel eq "6.1" && $suite =~ /^udmabuf/;
		my @rungs = lower_rungs($kernel, $suite);
		my $run = run_suite($kernel, $suite, @rungs);
		subtest "$suite on $kernel" => sub {
			is($run->{status}, 0, "the guest ran it") or diag($run->{err});
			for my $base (Lab::labels($suite)) {
				my @modes = ((sort keys %tools), @rungs);
				my %end = map { $_ => totals($run, "$base.$_") } @modes;
				ok(defined $end{$_}, "$base.$_: has totals") for @modes;
				next if grep { !defined } values %end;
				my %dma = map { $_ => Lab::dma($run, "$base.$_") } @modes;

				is(total($end{api}, "dsb"), $dma{api}{dsb}, "$base: derived barriers");
				check_counted($base, $_, $end{$_}, $dma{$_}) for "exact", @rungs;
				is(total($end{arch}, "calls", qr/^arch_sync_for_device$/), $dma{arch}{device},
					"$base: entries towards the device");
				# Called for data that only left too, where it does nothing.
				my @cpu = grep { $_->{op} eq "arch_sync_for_cpu" && $_->{dir} ne "to_device" }
					@{ $end{arch}{rows} };
				is(sum0(map { $_->{calls} } @cpu), $dma{arch}{cpu}, "$base: entries towards the CPU");
				is(sum0(values %{ $end{$_}{loss} }), 0, "$base.$_: nothing lost") for @modes;
				check_bytes($run, $suite, "$base.api", $end{api});
			}
		};
	}
}
done_testing();
1;
