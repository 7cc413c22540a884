#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Runs of calls for single buffers: what --storms tells equals what the module did and the plugin saw,
# by the best way to attach of each kernel, and with real drivers what NVMe and a network card had to do, by
# context. LAB_STORMS: kernels, and what is run on them, as "7.3:module,drivers 6.1:module"; of 7.3 also
# "bounds", which takes the plugin a minute and a half.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Kmod;
use Lab;
use List::Util qw(max sum0);
use POSIX qw(ceil);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
my $tool = $ENV{LAB_TOOL} // "$build/arm64/dmasynctop";
plan skip_all => "no $tool: make ARCH=arm64" unless -x $tool;

# Each run of the module is a thread of its own: one context.
my @cells = (
	Kmod::cell("in", op => "page", entries => 129, iterations => 3),
	Kmod::cell("one", op => "single", entries => 1, iterations => 5),
	Kmod::cell("out", op => "page", entries => 40, dir => "to_device"),
	Kmod::cell("skip", op => "page", entries => 7, attrs => "skip_cpu_sync", dir => "bidirectional"),
	Kmod::cell("alone", op => "page", entries => 9, sync => "no", dir => "bidirectional"),
	Kmod::cell("list", entries => 20),
);

# What the module did to single buffers: {"OP DIR"}{calls, runs, contexts, lengths}, of calls that
# wait by the table of barriers.
sub done
{
	my ($run, $flavour, $mode) = @_;
	my %done;
	for my $cell (@cells) {
		my $label = "$cell->{label}.$mode";
		my $got = $run->{cells}{$label};
		is($got->{run}{state}, "done", "$label: ran");
		for my $op (grep { /_page$|_single_/ } keys %{ $got->{apis} }) {
			my $dsb = Kmod::expected($flavour, $got, $op) or next;
			is(Kmod::counts($run, $label, $op)->{dsb}, $dsb, "$label: $op executed that many dsb");
			my $sum = $done{"$op $cell->{dir}"} //= {};
			$sum->{calls} += $dsb;
			$sum->{runs} += $cell->{iterations};
			$sum->{contexts}++;
			$sum->{lengths}{ $cell->{entries} } += $cell->{iterations};
		}
	}
	return \%done;
}

sub end_of
{
	my ($text) = @_;
	my ($end) = grep { $_->{type} eq "end" } Lab::objects($text);
	return $end // { rows => [], storms => [], loss => {} };
}

# {"OP DIR"} of a device's storms, each with its row.
sub storms
{
	my ($end, $device) = @_;
	my %storms;
	for my $storm (@{ $end->{storms} // [] }) {
		my $row = $end->{rows}[ $storm->{row} ];
		next unless "$row->{dev} $row->{driver}" =~ /$device/;
		$storms{"$row->{op} $row->{dir}"} = { %$storm, of => $row };
	}
	return \%storms;
}

# Lowest length of a bucket: exact up to 15, eighths of a power of two above.
sub bucket
{
	my ($length) = @_;
	my $step = 1;
	$step *= 2 while $length >= 16 * $step;
	return $length - $length % $step;
}

sub no_loss
{
	my ($end, $what) = @_;
	is($end->{loss}{$_} // 0, 0, "$what: loss: $_") for "runs", sort keys %{ $end->{loss} };
}

sub check_module
{
	my ($kernel) = @_;
	my $flavour = $kernel eq "7.3" ? "upstream-batched" : "per-entry";
	my $run = Kmod::run(cells => \@cells, options => [ "--kernel", $kernel, "--file", "$tool:/bin/dmasynctop" ],
		tools => { storms => "dmasynctop -b --json --storms -i 1000s" });
	is($run->{status}, 0, "the guest ran them") or diag($run->{err});
	my $done = done($run, $flavour, "storms");
	my $end = end_of(Lab::slurp("$run->{dir}/storms.json"));
	my $told = storms($end, qr/dmasync_bench/);
	is_deeply([ sort keys %$told ], [ sort keys %$done ], "operations and directions that wait");
	for my $key (sort keys %$done) {
		my ($want, $got) = ($done->{$key}, $told->{$key} // {});
		my %hist;
		$hist{ bucket($_) } += $want->{lengths}{$_} for keys %{ $want->{lengths} };
		is($got->{$_}, $want->{$_}, "$key: $_") for qw(calls runs contexts);
		is($got->{longest}, max(keys %{ $want->{lengths} }), "$key: longest");
		is($got->{saved}, $want->{calls} - $want->{runs}, "$key: saved");
		is($got->{saved_most}, $want->{calls} - $want->{contexts}, "$key: saved at most");
		is($got->{of}{saved}, $got->{saved}, "$key: its row says so, too");
		is_deeply({ map { @$_ } @{ $got->{hist} // [] } }, \%hist, "$key: lengths");
	}
	no_loss($end, $kernel);
}

# Frames are broadcast: what one card sends the other receives. A queue that never stops, as it is when
# its first frame has gone, sends all of a system call in it. A poll takes buffers off and, every 16
# frames and at its end, puts new ones on; after one the next waits for 0.2 s, so that there are many
# frames in it on a busy host, too. A poll ends at 64 frames: of 130 some are left, for which a thread
# goes on at once. Without readahead a page of the disk is read and waited for before the next, in one
# system call. What sends, what takes interrupts and the thread have a CPU each, as calls in an interrupt
# that comes while the tool counts one of the same hook are lost to it.
my $drivers = <<'SH';
cat >/tmp/load <<'END'
ip link set eth0 up
ip link set eth1 up
tries=0
until [ "$(cat /sys/class/net/eth?/operstate)" = "up
up" ]; do
	usleep 100000; tries=$((tries + 1)); [ $tries -lt 100 ] || exit 1
done
# What is sent until then waits for a queue, which comes right after.
usleep 500000
for irq in $(sed -n 's/^ *\([0-9]*\):.* eth[01].*/\1/p' /proc/interrupts); do
	echo 2 >/proc/irq/$irq/smp_affinity
done
echo 1000000 >/sys/class/net/eth0/queues/tx-0/byte_queue_limits/limit_min
workload frames -f eth0 -n 1 -r 1 -H 500
workload frames -f eth0 -n 8 -r 4
sleep 1
echo 1 >/sys/class/net/eth1/napi_defer_hard_irqs
echo 200000000 >/sys/class/net/eth1/gro_flush_timeout
workload frames -f eth0 -n 40 -r 4 -H 400
echo 1 >/sys/class/net/eth1/threaded
taskset -p 4 $(pidof $(cat /proc/[0-9]*/comm | grep '^napi/eth1')) >/dev/null
workload frames -f eth0 -n 130 -r 1 -H 400
[ -n "$DISK" ] || exit 0
workload dio -b 128k -s 2M -f $DISK
echo 0 >/sys/block/${DISK#/dev/}/queue/read_ahead_kb
dd if=$DISK of=/dev/null bs=64k count=8 skip=64
END
echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
echo 1 >/sys/kernel/tracing/events/napi/napi_poll/enable
dmasynctop record -o /out/capture --storms -i 1000s -- taskset 1 sh /tmp/load >/dev/null 2>/out/err || cat /out/err >&2
grep napi_poll: /sys/kernel/tracing/trace >/out/polls
grep . /sys/class/net/eth?/statistics/[rt]x_packets
dmasynctop report --json /out/capture >/out/report
dmasynctop report --storms /out/capture >/out/text
dmasynctop report --storms --csv /out/capture >/out/csv
dmasynctop flame --weight saved --folded /out/capture >/out/folded
SH

sub check_network
{
	my ($run, $end, $second) = @_;
	my @polls = map { /device eth1 work (\d+)/ && $1 ? $1 : () } split /\n/, Lab::slurp("$run->{dir}/polls");
	my ($frames) = $run->{out} =~ m{eth1/statistics/rx_packets:(\d+)};
	is(sum0(@polls), $frames, "polls have the frames");
	cmp_ok($frames, ">=", 1 + 4 * 8 + 4 * 40 + 130, "these are what was sent");
	is(max(@polls), 64, "there is a poll after which its thread goes on with the next");
	my $nic = storms($end, qr/:00:0$second\.0 e1000e$/);
	my $taken = $nic->{"unmap_page from_device"};
	is($taken->{calls}, $frames, "rx: a buffer for each frame");
	is($taken->{contexts}, scalar(@polls), "rx: a context for each poll");
	is($taken->{runs}, sum0(map { ceil($_ / 16) } @polls), "rx: a run for each 16 frames");
	my $put = $nic->{"map_page from_device"};
	is($put->{calls}, $frames + 255, "rx: buffers put on, and those of the start");
	is($put->{longest}, 255, "rx: a ring full of them at the start");
	is($put->{contexts}, @polls + 1, "rx: in the same polls, and the start");
	is($put->{runs}, $taken->{runs} + 1, "rx: in as many runs");
}

sub check_sent
{
	my ($end, $first) = @_;
	my $sent = storms($end, qr/:00:0$first\.0 e1000e$/)->{"map_page to_device"};
	my %runs = map { @$_ } @{ $sent->{hist} // [] };
	is($runs{8}, 4, "tx: each system call is a context");
	is($runs{40}, 4, "tx: the same of long ones");
}

# 16 commands of 32 pages, then 128 of a page, for each of which a task waits. If its page has come
# before it could wait, the next is in the same context.
sub check_nvme
{
	my ($end) = @_;
	my $nvme = storms($end, qr/ nvme$/);
	my %lengths;
	for my $op ("map_page", "unmap_page") {
		my $storm = $nvme->{"$op from_device"};
		is($storm->{calls}, 512 + 128, "nvme: $op for each page");
		$lengths{$op} = { map { @$_ } @{ $storm->{hist} // [] } };
		is($lengths{$op}{32}, 16, "nvme: $op: a run of 32 pages for each command");
	}
	my $taken = $nvme->{"unmap_page from_device"};
	is($taken->{contexts}, 16 + 128, "nvme: each unmap_page by itself");
	is($taken->{saved}, 496, "nvme: what would be saved");
	cmp_ok($lengths{map_page}{1} // 0, ">", 16, "nvme: a wait ends a context");
}

# What is told is an upper bound: drivers must wait before they tell the device. Without the tool the
# plugin sees when they do: NVMe once for each of 16 commands and once for each that is done, so that
# the bound is met; the card after the first and each 16 of the others.
sub check_bounds
{
	my ($kernel) = @_;
	my $run = Lab::run([ "--kernel", $kernel, "--nic", "e1000e", "--disk", "nvme", "--order", "--timeout", 900 ], <<'SH');
workload mark begin up
ip link set eth0 up
workload mark end
workload dio -b 128k -s 2M -f $DISK -m dio
SH
	is($run->{status}, 0, "the guest ran") or diag($run->{err});
	my $up = Lab::window($run, "up")->{order};
	is("$up->{waits} in $up->{groups}", "255 in 17", "the card had to wait 17 times for 255 buffers");
	my $dio = Lab::window($run, "dio")->{order};
	is("$dio->{waits} in $dio->{groups}", "1024 in 32", "NVMe had to wait 32 times for 512 pages");
}

# Stacks, text, CSV and flame graph say the same.
sub check_views
{
	my ($run, $end, $capture) = @_;
	my $saved = sum0 map { $_->{saved} } @{ $end->{storms} };
	my @stacks = map { @{ $_->{stacks} } } grep { $_->{type} eq "interval" } @$capture;
	is(sum0(map { $_->{saved} } @stacks), $saved, "stacks add up to it");
	is(sum0(map { / (\d+)$/ } split /\n/, Lab::slurp("$run->{dir}/folded")), $saved, "the flame graph, too");
	my $text = Lab::slurp("$run->{dir}/text");
	like($text, qr/^storms: \d+ calls for single buffers waited; batches would save $saved dsb$/m, "and the text");
	like($text, qr/e1000_alloc_rx_buffers \[e1000e\]/, "which names the function that would have to batch");
	my ($names, @lines) = map { [ split /,/ ] } split /\r\n/, Lab::slurp("$run->{dir}/csv");
	my %at = map { $names->[$_] => $_ } 0 .. $#$names;
	is(sum0(map { $_->[ $at{saved} ] } @lines), $saved, "and CSV");
}

sub check_drivers
{
	my ($kernel) = @_;
	# Before 6.18 NVMe maps lists.
	my @disk = $kernel eq "7.3" ? ("--disk", "nvme") : ();
	my ($run, $end);
	# Where interrupts come is chance; a run for which the tool says that it lost some is done again.
	for (1 .. 3) {
		$run = Lab::run([ "--kernel", $kernel, "--smp", 3, "--nic", "e1000e,e1000e", @disk,
				"--timeout", 600, "--file", "$tool:/bin/dmasynctop" ], $drivers);
		$end = end_of(Lab::slurp("$run->{dir}/report"));
		last unless $end->{loss}{recursion_misses};
		diag("recursion_misses: $end->{loss}{recursion_misses}, once more");
	}
	is($run->{status}, 0, "the guest ran") or diag($run->{err});
	my @capture = Lab::objects(Lab::slurp("$run->{dir}/report"));
	my $first = @disk ? 2 : 1;
	check_network($run, $end, $first + 1);
	check_sent($end, $first);
	check_nvme($end) if @disk;
	check_views($run, $end, \@capture);
	no_loss($end, $kernel);
}

my %checks = (module => \&check_module, drivers => \&check_drivers, bounds => \&check_bounds);
for my $machine (map { [ split /:/ ] } split " ", $ENV{LAB_STORMS} // "6.1:module 6.12:module 7.3:drivers") {
	my ($kernel, $what) = @$machine;
	subtest "$_ on $kernel" => sub { $checks{$_}->($kernel) } for split /,/, $what;
}
done_testing();
