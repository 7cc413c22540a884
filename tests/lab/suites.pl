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

# Did every mode see every barrier? For deciding whether to run again, not for judging.
sub saw_all
{
	my ($run, $suite) = @_;
	for my $base (Lab::labels($suite)) {
		for my $mode (keys %tools) {
			my $end = totals($run, "$base.$mode") or return 0;
			return 0 if total($end, "dsb", qr/^(?!arch_)/) != Lab::dma($run, "$base.$mode")->{dsb};
		}
	}
	return 1;
}

# 6.1 has kprobes only, and a kretprobe's handler runs with interrupts on: a call of an interrupt that
# arrives in it is not probed, and that kernel counts no such miss. It is rare, so what is right in one
# of a few runs is right; later kernels get one run.
sub run_suite
{
	my ($kernel, $suite) = @_;
	my $run;
	for (1 .. ($kernel eq "6.1" ? 4 : 1)) {
		$run = Lab::suite($suite, [ "--kernel", $kernel, "--timeout", "400",
			"--file", "$tool:/bin/dmasynctop" ], \%tools);
		last if $run->{status} || saw_all($run, $suite);
		diag("$suite on $kernel: an interrupt's call was missed") if $kernel eq "6.1";
	}
	return $run;
}

for my $kernel (@kernels) {
	for my $suite (@suites) {
		# Debian's 6.1 is built without CONFIG_UDMABUF.
		next if $kernel eq "6.1" && $suite =~ /^udmabuf/;
		my $run = run_suite($kernel, $suite);
		subtest "$suite on $kernel" => sub {
			is($run->{status}, 0, "the guest ran it") or diag($run->{err});
			for my $base (Lab::labels($suite)) {
				my %end = map { $_ => totals($run, "$base.$_") } keys %tools;
				ok(defined $end{$_}, "$base.$_: has totals") for sort keys %tools;
				next if grep { !defined } values %end;
				my %dma = map { $_ => Lab::dma($run, "$base.$_") } keys %tools;

				is(total($end{api}, "dsb"), $dma{api}{dsb}, "$base: derived barriers");
				is(total($end{exact}, "dsb"), $dma{exact}{dsb}, "$base: counted barriers");
				is($_->{dsb_derived}, $_->{dsb_counted}, "$base: $_->{op} $_->{dev} derived as counted")
					for @{ $end{exact}{rows} };
				is(total($end{arch}, "calls", qr/^arch_sync_for_device$/), $dma{arch}{device},
					"$base: entries towards the device");
				# Called for data that only left too, where it does nothing.
				my @cpu = grep { $_->{op} eq "arch_sync_for_cpu" && $_->{dir} ne "to_device" }
					@{ $end{arch}{rows} };
				is(sum0(map { $_->{calls} } @cpu), $dma{arch}{cpu}, "$base: entries towards the CPU");
				is(sum0(values %{ $end{$_}{loss} }), 0, "$base.$_: nothing lost") for sort keys %tools;
				check_bytes($run, $suite, "$base.api", $end{api});
			}
		};
	}
}
done_testing();
1;
