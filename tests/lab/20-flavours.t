#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# One static binary on every kernel: every rung reports what the workload did (LAB_FLAVOURS).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use List::Util qw(sum0);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
my $tool = "$build/arm64/dmasynctop";
plan skip_all => "no $tool: make ARCH=arm64" unless -x $tool;

# LINE[:FLAVOUR] or amd64; in LAB_FLAVOURS separated by blanks.
my @all = qw(6.1 6.12 6.12:rt-arm64 6.12:arm64-16k 6.18 7.0 7.3 amd64);
my @kernels = split " ", $ENV{LAB_FLAVOURS} // "@all";

my @rungs = qw(fsession fentry kprobe);
# Rungs are forced on hooks that the workload uses, the best one on these kernels alone: what attaches by
# default attaches all, and suites force the lower ones on all; on amd64, which has no suites, here. So does
# doctor, which is left out on lines between.
my $every = qr/^(?:6\.12|7\.3) arm64$/;
my $no_doctor = qr/--kernel (?:6\.18|7\.0) /;
my $few = "-O map_sg,unmap_sg,sync_sg_for_cpu,sync_sg_for_device";
my $udmabuf = "workload udmabuf -n 16 -r 8 -d read,write,rw";
my $disk = "workload dio -V -s 2M -d read,write -f \$DISK";

# By attach option: exit status, header, totals, what the workload says it did, and messages.
sub runs
{
	my ($options, $file, $workload, @modes) = @_;
	my $script = "";
	for my $mode (@modes) {
		my $how = "@$options" =~ /amd64/ ? "" : "--exact";
		$how = "--exact --attach=$mode -v " . ("@$options" =~ /amd64/ ? "" : $few) if $mode ne "auto";
		$script .= "dmasynctop --json $how -o /out/$mode.json -- $workload " .
			">/out/$mode.did 2>/out/$mode.err; echo \$? >/out/$mode.status\n";
	}
	$script .= "dmasynctop doctor >/out/doctor; echo \$? >/out/doctor.status\n" unless "@$options" =~ $no_doctor;
	my $run = Lab::run([ @$options, "--file", "$file:/bin/dmasynctop" ], $script);
	is($run->{status}, 0, "the guest ran it") or diag($run->{err});
	my %got = (doctor => Lab::slurp("$run->{dir}/doctor"),
		doctor_status => Lab::slurp("$run->{dir}/doctor.status"));
	for my $mode (@modes) {
		my @objects = Lab::objects(Lab::slurp("$run->{dir}/$mode.json"));
		$got{$mode} = {
			status => Lab::slurp("$run->{dir}/$mode.status") =~ s/\n//r,
			err => Lab::slurp("$run->{dir}/$mode.err"),
			header => (grep { $_->{type} eq "header" } @objects)[0],
			end => (grep { $_->{type} eq "end" } @objects)[0],
			did => [ Lab::objects(Lab::slurp("$run->{dir}/$mode.did")) ],
		};
	}
	return \%got;
}

# The rows of the workload's device as text, one a line: rungs are compared by it.
sub summary
{
	my ($end, $dev) = @_;
	my @rows = grep { $_->{dev} =~ $dev } @{ $end->{rows} };
	my @keys = qw(op dir calls entries bytes dsb);
	return join "\n", sort map { my $row = $_; join(" ", map { "$_ $row->{$_}" } @keys) } @rows;
}

# Rungs that the operations of the DMA API got.
sub rungs
{
	my ($header) = @_;
	my %seen = map { $_->{rung} => 1 } grep { $_->{op} && $_->{rung} } @{ $header->{hooks} };
	return join " ", sort keys %seen;
}

sub row
{
	my ($got, $op, $dir, $dev) = @_;
	my ($row) = grep { $_->{op} eq $op && $_->{dir} eq $dir && $_->{dev} =~ $dev }
		@{ $got->{end}{rows} };
	return $row // {};
}

my %direction = (read => "from_device", write => "to_device", rw => "bidirectional");

sub check_sync
{
	my ($mode, $got, $batched, $first) = @_;
	for my $did (@{ $got->{did} }) {
		my $dir = $direction{ $did->{sync} };
		for my $op (qw(sync_sg_for_device sync_sg_for_cpu)) {
			my $row = row($got, $op, $dir, qr/^udmabuf$/);
			my $calls = $did->{rounds} - ($op eq "sync_sg_for_cpu" ? $first : 0);
			my $entries = $calls * $did->{entries};
			my $what = "$mode: $op $dir";
			is($row->{calls}, $calls, "$what: calls");
			is($row->{entries}, $entries, "$what: entries");
			is($row->{bytes}, $entries * $did->{entry_bytes}, "$what: bytes");
			my $waits = $op eq "sync_sg_for_cpu" && $dir eq "to_device" ? 0 : $entries;
			is($row->{dsb}, $batched ? $calls : $waits, "$what: barriers");
		}
	}
}

sub check_disk
{
	my ($mode, $got) = @_;
	for my $did (@{ $got->{did} }) {
		my $dir = $direction{ $did->{op} };
		my $bytes = $did->{bytes};
		# What was written is read again to see that it arrived.
		$bytes += sum0 map { $_->{read_back} } @{ $got->{did} } if $dir eq "from_device";
		for my $op (qw(map_sg unmap_sg)) {
			my $row = row($got, $op, $dir, qr/^0000:00:/);
			is($row->{bytes}, $bytes, "$mode: $op $dir: bytes");
			is($row->{entries}, $bytes / 4096, "$mode: $op $dir: entries");
		}
	}
}

sub check_arm64
{
	my ($line, $flavour) = @_;
	my $on_disk = $line eq "6.1"; # has no udmabuf
	my $batched = $line >= 7.1;
	# The first DMA_BUF_SYNC_START of a udmabuf is its map there, and no sync.
	my $first = $line =~ /^(?:6\.1[6-9]|7\.0)$/ ? 1 : 0;
	my @options = ("--kernel", $line, "--flavour", $flavour);
	push @options, "--disk", "ahci" if $on_disk;
	my $all = "$line $flavour" =~ $every;
	my @has = $line eq "6.1" ? "kprobe" : $line >= 7.0 ? @rungs : qw(fentry kprobe);
	my @modes = ("auto", grep { $_ ne $has[0] || $all } @rungs);
	my $got = runs(\@options, $tool, $on_disk ? $disk : $udmabuf, @modes);
	my $dev = $on_disk ? qr/^0000:00:01\.0$/ : qr/^udmabuf$/;
	my $best = $has[0];

	for my $mode (@modes) {
		my $run = $got->{$mode};
		if ($mode ne "auto" && !grep { $_ eq $mode } @has) {
			is($run->{status}, 3, "$mode: this kernel has none");
			like($run->{err}, qr/$mode/, "$mode: and it is said");
			next;
		}
		is($run->{status}, 0, "$mode: exit status") or diag($run->{err});
		# But for what -v tells of programs; it would also tell that symbols were not sifted.
		is($run->{err} =~ s/^  .* runs +[\d.]+ ns\/run\n//mgr, "", "$mode: no message");
		is($run->{header}{flavour}, $batched ? "upstream-batched" : "per-entry",
			"$mode: flavour");
		is(rungs($run->{header}), $mode eq "auto" ? $best : $mode,
			"$mode: every hook is on its rung");
		is($run->{end}{loss}{$_}, 0, "$mode: loss: $_")
			for qw(events recursion_misses rows_full);
		is(summary($run->{end}, $dev), summary($got->{auto}{end}, $dev),
			"$mode: as by default");
		for my $row (grep { $_->{dev} =~ $dev } @{ $run->{end}{rows} }) {
			is($row->{dsb_counted}, $row->{dsb_derived}, "$mode: $row->{op} $row->{dir}: counted as derived");
		}
		$on_disk ? check_disk($mode, $run) : check_sync($mode, $run, $batched, $first);
	}
	return if "@options" =~ $no_doctor;
	is($got->{doctor_status}, "0\n", "doctor: live profiling works");
	like($got->{doctor}, qr/^ok +hooks +attached and detached: .*by $best/m,
		"doctor: and how");
}

sub check_amd64
{
	chomp(my $machine = `uname -m`);
	plan skip_all => "cannot be built on $machine" if $machine ne "x86_64";
	my $static = ($ENV{O} // "build") . "/dmasynctop-static";
	is(system("make", "-s", "-C", $Lab::top, "O=" . ($ENV{O} // "build"), $static), 0,
		"a static build");
	my $got = runs([ "--arch", "amd64", "--disk", "ahci" ], "$build/dmasynctop-static",
		$disk, "auto", "fentry", "kprobe");
	for my $mode (qw(auto fentry kprobe)) {
		my $run = $got->{$mode};
		is($run->{status}, 0, "$mode: exit status") or diag($run->{err});
		is($run->{header}{flavour}, "none", "$mode: flavour");
		like($run->{err}, $mode eq "auto" ? qr/^$/ : qr/barriers cannot be counted here/,
			"$mode: there is nothing to count");
		is(rungs($run->{header}), $mode eq "auto" ? "fentry" : $mode,
			"$mode: every hook is on its rung");
		check_disk($mode, $run);
		my @wrong = grep { !$_->{coherent} || $_->{dsb} || $_->{dsb_source} ne "none" }
			@{ $run->{end}{rows} };
		is(scalar @wrong, 0, "$mode: all coherent, without barriers")
			or diag(explain($wrong[0]));
	}
	is($got->{doctor_status}, "0\n", "doctor: live profiling works");
	like($got->{doctor}, qr/barriers +not applicable: x86_64 completes DMA without a dsb/,
		"doctor: barriers");
	like($got->{doctor}, qr/devices .*coherent/, "doctor: devices");
}

for my $kernel (@kernels) {
	my ($line, $flavour) = split /:/, $kernel;
	subtest $kernel => sub {
		return $kernel eq "amd64" ? check_amd64() : check_arm64($line, $flavour // "arm64");
	};
}
done_testing();
