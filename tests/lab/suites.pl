#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# On every suite and kernel the tool must report what the plugin counted: LAB_KERNELS, LAB_SUITES. A
# kernel of LAB_KERNELS can be followed by the paths that it is for: 6.1:swiotlb,smmuv3.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use List::Util qw(sum0);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
my $tool = $ENV{LAB_TOOL} // "$build/arm64/dmasynctop";
plan skip_all => "no $tool: make ARCH=arm64" unless -x $tool;

my @kernels = split ' ', $ENV{LAB_KERNELS} // "6.12 7.3";
my @suites = split ' ', $ENV{LAB_SUITES} // join " ", map { /^(\S+)/ } `$Lab::top/scripts/lab suites`;
# No interval ends while a load runs: where kprobes count, an interrupt's calls are not seen while
# the tool reads a map, and are told as lost.
my $batch = "dmasynctop -b --json -i 1000s";
my %tools = (
	api => $batch,
	exact => "$batch --exact",
	arch => "$batch --level arch",
	both => "$batch --exact --level arch",
);
# Where also the rungs below a kernel's best one are tried, by their names as modes.
my $rungs_path = "swiotlb";

# The rows of a session's totals, and its losses; nothing when it did not get to its end.
sub totals
{
	my ($run, $session) = @_;
	my ($end) = grep { $_->{type} eq "end" } Lab::objects(Lab::slurp("$run->{dir}/$session.json"));
	return $end;
}

# The rows of a suite: all but those of the other suites' devices.
sub rows_of
{
	my ($end, $suite, @others) = @_;
	my %foreign = map { Lab::suite_rows($_) => 1 } grep { $_ ne $suite } @others;
	return [ grep { !$foreign{ $_->{dev} } && !$foreign{ $_->{driver} } } @{ $end->{rows} // [] } ];
}

sub total
{
	my ($rows, $key, $ops) = @_;
	return sum0 map { $_->{$key} // 0 } grep { !$ops || $_->{op} =~ $ops } @$rows;
}

# Rungs tried on a path.
sub rungs
{
	my ($kernel, $path) = @_;
	return () if $path ne $rungs_path || $kernel =~ /^6\.1(?:-|$)/; # 6.1 has kprobes only
	return $kernel =~ /^[7-9]/ ? qw(fentry kprobe) : "kprobe";
}

# Sessions of a path, by mode. What is attached depends on the kernel and the mode alone: one session
# derives and counts barriers and counts entries. Where everything bounces on 6.12 and 7.3 another one
# derives with nothing else attached, as users do; on one path of a kernel, too, of these two with a
# session of its own for every mode.
sub commands
{
	my ($kernel, $path, $apart) = @_;
	my @modes = $apart || "$kernel $path" =~ /^(?:6\.12|7\.3) swiotlb$/ ? qw(api both) : "both";
	@modes = qw(api exact arch) if $apart && $kernel =~ /^(?:6\.12|7\.3)$/;
	return (
		(map { $_ => $tools{$_} } @modes),
		(map { $_ => "$tools{exact} --attach=$_" } rungs($kernel, $path)),
	);
}

# What the tool says in some rows, against what the plugin counted in the windows they are of. Both
# $rows and windows are by mode.
sub check_counts
{
	my ($run, $what, $rows, @windows) = @_;
	my %dma = map { my $mode = $_; $mode => Lab::dma($run, map { "$_.$mode" } @windows) } keys %$rows;

	is(total($rows->{api}, "dsb"), $dma{api}{dsb}, "$what: derived barriers") if $rows->{api};
	for my $mode (grep { !/^(?:api|arch)$/ } sort keys %$rows) {
		# Rows of entries have the barriers of the calls that they are of.
		my @calls = grep { $_->{op} !~ /^arch_/ } @{ $rows->{$mode} };
		is(total(\@calls, "dsb"), $dma{$mode}{dsb}, "$what.$mode: counted barriers");
		is($_->{dsb_derived}, $_->{dsb_counted}, "$what.$mode: $_->{op} $_->{dev} derived as counted")
			for @{ $rows->{$mode} };
	}
	for my $mode (grep { /^(?:arch|both)$/ } sort keys %$rows) {
		is(total($rows->{$mode}, "calls", qr/^arch_sync_for_device$/), $dma{$mode}{device},
			"$what: entries towards the device");
		# Called for data that only left too, where it does nothing.
		my @cpu = grep { $_->{op} eq "arch_sync_for_cpu" && $_->{dir} ne "to_device" } @{ $rows->{$mode} };
		is(total(\@cpu, "calls"), $dma{$mode}{cpu}, "$what: entries towards the CPU");
	}
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
	my ($run, $suite, $label, $rows) = @_;
	my %moved = moved(Lab::objects(Lab::slurp("$run->{dir}/$label.workload")));
	ok(scalar keys %moved, "$label: the workload says what it did");
	for my $dir (sort keys %moved) {
		my $ops = $suite =~ /^udmabuf/ ? qr/^sync_sg_for_device$/ : qr/^(?:map_sg|map_page|iova_link)$/;
		my $seen = total([ grep { $_->{dir} eq $dir } @$rows ], "bytes", $ops);
		# Other controllers also map their commands and statuses.
		if ($suite =~ /^(?:udmabuf|ahci-(?!walker))/) {
			is($seen, $moved{$dir}, "$label: bytes $dir");
		} else {
			cmp_ok($seen, ">=", $moved{$dir}, "$label: bytes $dir");
		}
	}
}

# With the kernel series: no maintenance is pending where a driver rings its device, or anywhere else.
sub check_order
{
	my ($run) = @_;
	my @orders = map { $_->{order} } @{ $run->{windows} };
	is_deeply([ map { @{ $_->{broken} } } @orders ], [], "nothing is pending where nothing may be");
	for my $rule (qw(return store)) {
		my $looked = sum0 map { $_->{looked}{$rule} } @orders;
		cmp_ok($looked, ">", 50, "that was looked at: $rule, $looked times");
	}
}

# How many programs the kernel skipped in all sessions, by what the tool says.
sub skipped
{
	my ($run, $last, @modes) = @_;
	my @ends = grep { $_ } map { my $n = $_; map { totals($run, "session-$n.$_") } @modes } 1 .. $last;
	return sum0 map { $_->{loss}{recursion_misses} } @ends;
}

# An interrupt that makes calls while a program runs on its CPU finds that program taken, and the
# kernel skips it: on a busy host that can happen, to few. The tool tells, so such a run is made
# again; what it does not tell is a failure.
sub run_together
{
	my ($names, $options, $commands, $last) = @_;
	my $run;
	for my $try (1 .. 3) {
		$run = Lab::suites($names, $options, $commands);
		my $skipped = skipped($run, $last, sort keys %$commands);
		last if !$skipped || $skipped > 3;
		diag("@$names: $skipped programs were skipped, try $try of 3");
	}
	return $run;
}

# Suites of one path share a guest, and sessions of the tool, where their rows differ in device.
sub check_together
{
	my ($kernel, $path, $apart, @together) = @_;
	my %commands = commands($kernel, $path, $apart);
	my @modes = sort keys %commands;
	my $last = Lab::suite_sessions(@together);
	my $run = run_together(\@together, [ "--kernel", $kernel, "--timeout", "600",
		"--file", "$tool:/bin/dmasynctop", $kernel =~ /-dmasync$/ ? "--order" : () ], \%commands, $last);
	my %end;

	subtest "sessions of $path on $kernel" => sub {
		is($run->{status}, 0, "the guest ran them") or diag($run->{err});
		check_order($run) if $kernel =~ /-dmasync$/;
		for my $number (1 .. $last) {
			for my $mode (@modes) {
				my $session = "session-$number.$mode";
				my $end = $end{$session} = totals($run, $session);
				ok($end, "$session: has totals") or next;
				is($end->{loss}{$_}, 0, "$session: loss: $_") for sort keys %{ $end->{loss} };
				is(Lab::slurp("$run->{dir}/$session.err"), "", "$session: no message");
			}
			my %rows = map { $_ => $end{"session-$number.$_"}{rows} // [] } @modes;
			check_counts($run, "session-$number", \%rows, "session-$number",
				map { Lab::suite_window($_, $number) } @together);
		}
	};
	for my $suite (@together) {
		subtest "$suite on $kernel" => sub {
			for my $number (1 .. $last) {
				my $window = Lab::suite_window($suite, $number) or next;
				my %rows = map { $_ => rows_of($end{"session-$number.$_"}, $suite, @together) } @modes;
				cmp_ok(total($rows{$_}, "calls"), ">", 0, "$window.$_: calls were seen") for @modes;
				check_counts($run, $window, \%rows, $window);
				check_bytes($run, $suite, "$window.$_", $rows{$_}) for grep { $_ ne "arch" } @modes;
			}
		};
	}
}

for (@kernels) {
	my ($kernel, @only) = split /[:,]/;
	my %by_path;
	for my $suite (@suites) {
		next if @only && !grep { $suite =~ /-$_$/ } @only;
		# Debian's 6.1 is built without CONFIG_UDMABUF.
		next if $kernel eq "6.1" && $suite =~ /^udmabuf/;
		push @{ $by_path{ $suite =~ s/.*-//r } }, $suite;
	}
	my @paths = sort keys %by_path;
	check_together($kernel, $_, $_ eq $paths[0], @{ $by_path{$_} }) for @paths;
}
done_testing();
1;
