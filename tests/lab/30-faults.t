#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Faults on real kernels: message, exit status, nothing stays attached (LAB_KERNEL ...).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use List::Util qw(sum0);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
plan skip_all => "no $build/arm64/dmasynctop: make ARCH=arm64" unless -x "$build/arm64/dmasynctop";

my $kernel = $ENV{LAB_KERNEL} // "6.12";
my $old = $ENV{LAB_KPROBE_KERNEL} // "6.1"; # without BPF trampolines
my $boots = $ENV{LAB_FAULTS} // ""; # a pattern: only boots whose title matches

# check NAME COMMAND: keeps its output and status, and what is attached when it has ended. The
# kernel frees programs and maps a little later.
my $prelude = <<'SH';
check() {
	sh -c "$2" >/out/$1.out 2>/out/$1.err </dev/null
	echo $? >/out/$1.status
	tries=0
	until attached >/out/$1.left; ! grep -q '[1-9]' /out/$1.left || [ $tries = 30 ]; do
		tries=$((tries + 1))
		usleep 100000
	done
}
cat >/bin/started <<'END'
#!/bin/sh
# Waits until the tool has written its header into a file.
tries=0
until grep -qs header $1 || [ $tries = 300 ]; do tries=$((tries + 1)); usleep 100000; done
END
cat >/bin/attached <<'END'
#!/bin/sh
# Under lockdown tracefs cannot be read.
ftrace=$(grep -c . /sys/kernel/tracing/enabled_functions)
kprobes=$(grep -c . /sys/kernel/debug/kprobes/list)
echo "$(witness bpf) ftrace ${ftrace:-0} kprobes ${kprobes:-0}"
END
chmod 755 /bin/started /bin/attached
SH

# boot(TITLE, [lab options], [checks]): a check is [name, command, status, stdout, stderr, more].
sub boot
{
	my ($title, $options, $checks) = @_;
	return if $title !~ /(?:$boots)/; # empty, a pattern would be the last one that matched
	my $script = $prelude;
	for (@$checks) {
		my ($name, $command) = @$_;
		$command =~ s/'/'\\''/g;
		$script .= "check $name '$command'\n";
	}
	my $run = Lab::run([ "--timeout", 900, "--file", "$build/arm64/dmasynctop:/bin/dmasynctop",
		"--file", "$build/lab/arm64/witness:/bin/witness", @$options ], $script);
	subtest $title => sub {
		is($run->{status}, 0, "the guest ran the checks") or diag($run->{err});
		for (@$checks) {
			my ($name, undef, $status, $out, $err, $more) = @$_;
			my %got = map { $_ => Lab::slurp("$run->{dir}/$name.$_") }
				qw(out err status left);
			is($got{status}, "$status\n", "$name: exit status") or diag($got{err});
			like($got{out}, $out, "$name: output") if $out;
			like($got{err}, $err, "$name: message") if $err;
			is($got{err}, "", "$name: no message") unless $err;
			is($got{left}, "programs 0 links 0 maps 0 ftrace 0 kprobes 0\n",
				"$name: nothing stays attached");
			$more->($name, \%got) if $more;
		}
	};
}

sub total
{
	my ($rows, $key) = @_;
	return sum0 map { $_->{$key} } @$rows;
}

sub end_of
{
	my ($text) = @_;
	my ($end) = grep { ($_->{type} // "") eq "end" } Lab::objects($text);
	return $end // { rows => [], loss => { none => 1 } };
}

# What `workload udmabuf -n 16 -r 8 -d read,write,rw` does in one direction: maps, syncs and unmaps.
my $udmabuf = "workload udmabuf -n 16 -r 8 -d read,write,rw";
my %once = (map_sg => 1, sync_sg_for_device => 8, sync_sg_for_cpu => 8, unmap_sg => 1);
# Where a fault has nothing to do with how many hooks there are, few are enough: a start takes as long as
# it attaches probes.
my $syncs = "-O sync_sg_for_device,sync_sg_for_cpu";
my $map = "-O map_sg";

sub check_udmabuf
{
	my ($name, $end, $times, @ops) = @_;
	for my $op (@ops ? @ops : qw(sync_sg_for_device sync_sg_for_cpu)) {
		my @rows = grep { $_->{dev} =~ /^(?:udmabuf|other)$/ && $_->{op} eq $op } @{ $end->{rows} };
		is(total(\@rows, "calls"), $times * 3 * $once{$op}, "$name: $op: calls");
		is(total(\@rows, "entries"), $times * 3 * 16 * $once{$op}, "$name: $op: entries");
	}
}

sub check_full
{
	my ($name, $got) = @_;
	my $end = end_of($got->{out});
	my @other = grep { $_->{dev} eq "other" } @{ $end->{rows} };
	check_udmabuf($name, $end, 1, sort keys %once);
	cmp_ok(scalar @{ $end->{rows} }, "<=", 2 + 4, "$name: two rows, and one an operation");
	cmp_ok(total(\@other, "calls"), ">", 0, "$name: the rest is in other");
	is($end->{loss}{rows_full}, total(\@other, "calls"), "$name: and counted");
	is(scalar(grep { defined $_->{coherent} || defined $_->{iommu} } @other), 0,
		"$name: of no known kind");
	is($end->{loss}{events}, 0, "$name: nothing lost");
	is($end->{loss}{recursion_misses}, 0, "$name: no recursion missed");
}

sub check_hotplug
{
	my ($name, $got) = @_;
	my $end = end_of($got->{out});
	check_udmabuf($name, $end, 3);
	is($end->{loss}{events}, 0, "$name: nothing lost");
	cmp_ok($end->{intervals}, ">", 2, "$name: intervals went on");
}

sub check_reload
{
	my ($name, $got) = @_;
	my $end = end_of($got->{out});
	my @read = grep { $_->{op} eq "map_sg" && $_->{dir} eq "from_device" } @{ $end->{rows} };
	my ($did) = map { $_->{bytes} } grep { $_->{workload} } Lab::objects($got->{out});
	is(join(" ", map { "$_->{dev} $_->{driver}" } @read), "0000:00:01.0 ahci",
		"$name: the device keeps its name and row") or diag($got->{out});
	cmp_ok(total(\@read, "bytes"), ">=", 4 * $did, "$name: every read is seen");
	is($end->{loss}{events}, 0, "$name: nothing lost");
}

# The same device at the same address, but its DMA goes another way now.
sub check_regrouped
{
	my ($name, $got) = @_;
	my @ways = map { $_->{iommu} ? "iommu" : "direct" } grep { $_->{dev} eq "0000:00:01.0" && $_->{op} eq "map_sg" }
		map { @{ $_->{rows} } } grep { ($_->{type} // "") eq "interval" } Lab::objects($got->{out});
	is($ways[0], "iommu", "$name: behind an IOMMU at first");
	is($ways[-1], "direct", "$name: and not in the end");
}

# A process outside of the namespace, one inside, and -p by the inner number.
my $in_namespace = <<"SH";
until [ -e /tmp/go ]; do usleep 10000; done && exec $udmabuf & inner=\$!
dmasynctop $syncs --json -b --by process -i 100s -o /tmp/all & all=\$!
dmasynctop $syncs --json -b -i 100s -p \$inner -o /tmp/one & one=\$!
started /tmp/all; started /tmp/one
touch /tmp/go; wait \$inner; echo \$inner; kill \$all \$one; wait \$all; wait \$one
cat /tmp/all; echo ---; cat /tmp/one
SH

sub check_namespace
{
	my ($name, $got) = @_;
	my ($all, $one) = map { end_of($_) } split /^---$/m, $got->{out};
	my ($inner) = $got->{out} =~ /^(\d+)$/m;
	my ($proc) = grep { $_->{comm} eq "workload" } @{ $all->{processes} // [] };
	cmp_ok($inner, "<", 100, "$name: numbers are the namespace's");
	is($proc->{pid}, $inner, "$name: also in the table of processes");
	check_udmabuf($name, $all, 1);
	check_udmabuf("$name, -p", $one, 1);
}

# A call whose end was missed does not stay below those that come later.
sub check_stranded
{
	my ($name, $got) = @_;
	my $end = end_of($got->{out});
	my @sync = grep { $_->{op} =~ /^sync_sg/ && $_->{dev} eq "udmabuf" } @{ $end->{rows} };
	is(total(\@sync, "calls"), 80, "$name: every call");
	is(total(\@sync, "entries"), 80 * 2560, "$name: every entry");
}

my $bg = "dmasynctop %s --json -i 300ms -o /tmp/bg & started /tmp/bg";
my $killed = <<"SH";
rm -f /tmp/bg
dmasynctop --json -i 300ms -o /tmp/bg & started /tmp/bg
attached
kill -KILL \$!
wait \$!
SH

# A disk's interrupts map DMA while the same programs count each entry of a long list on their CPU.
# Kprobes take ten times as long for it.
my $interrupted = <<"SH";
taskset 1 dmasynctop $map,unmap_sg,sync_sg_for_device,sync_sg_for_cpu --json --exact --max-loss 0 --attach=%s -- sh -c '
	workload dio -f \$DISK -s %s -b 4k & workload udmabuf -n 4096 -r %s; wait'
SH
# On a busy host it happened that no interrupt came in between.
my $provoked = <<'SH';
for try in 1 2 3 4 5 6; do
	%s >/tmp/got 2>/tmp/said
	status=$?
	[ $status != 4 ] || break
done
cat /tmp/got; cat /tmp/said >&2; exit $status
SH

# The kernel skips a program that is running already: what is not counted is told, to the last one.
sub check_skipped
{
	my ($name, $got) = @_;
	my $end = end_of($got->{out});
	my @map = grep { $_->{op} eq "map_sg" } @{ $end->{rows} };
	my @unmap = grep { $_->{op} eq "unmap_sg" } @{ $end->{rows} };
	my $not_seen = total(\@map, "calls") - total(\@unmap, "calls");
	my $not_counted = total($end->{rows}, "dsb_derived") - total($end->{rows}, "dsb_counted");
	my $skipped = $end->{loss}{recursion_misses};
	cmp_ok($skipped, ">", 0, "$name: programs were skipped");
	is($not_seen + $not_counted, $skipped, "$name: as many as are missing");
	like($got->{err}, qr/\b$skipped probes skipped by the kernel/, "$name: and it is said");
}

# Kprobes run with interrupts off.
sub check_none_skipped
{
	my ($name, $got) = @_;
	my $end = end_of($got->{out});
	is($end->{loss}{recursion_misses}, 0, "$name: nothing was skipped");
	is(total($end->{rows}, "dsb_counted"), total($end->{rows}, "dsb_derived"), "$name: nothing is missing");
	is(total($end->{rows}, "calls"), 2 * 512 + 2 + 2 * 50, "$name: every call");
}

my $hidden = "mount -t tmpfs none /sys/kernel/btf";
my $wrong = "mount --bind /bin/started /sys/kernel/btf/vmlinux";

# Numbers of CPUs have a gap.
my @machine = ("--smp", 3, "--hole", 1, "--disk", "ahci", "--iommu", "smmuv3");
boot("stock $kernel", [ "--kernel", $kernel, @machine ], [
	[ "gap", "cat /sys/devices/system/cpu/possible; dmasynctop $syncs --json -- taskset 4 $udmabuf", 0,
		qr/^0,2\n/, undef, sub { check_udmabuf($_[0], end_of($_[1]{out}), 1) } ],
	[ "pid-namespace", "unshare -p -f -m sh -c 'mount -t proc proc /proc; $in_namespace'", 0, undef,
		undef, \&check_namespace ],
	[ "foreign-proc", "unshare -p -f dmasynctop record -o /tmp/got --user-stacks", 3, undef,
		qr{^dmasynctop: no --user-stacks: /proc is of another PID namespace} ],
	[ "stranded", "dmasynctop $syncs --json -o /tmp/stranded -- sh -c '
			witness strand & usleep 200000; workload udmabuf -n 2560 -r 40 && wait' && cat /tmp/stranded",
		0, qr/^stranded$/m, qr/1 events lost: 1 that never returned/, \&check_stranded ],
	[ "stranded-full", "dmasynctop $syncs --json -o /tmp/stranded -- sh -c '
			witness strand full & usleep 200000; workload udmabuf -n 2560 -r 40 && wait' && cat /tmp/stranded",
		0, qr/^stranded$/m, qr/7 events lost: 7 that never returned/, \&check_stranded ],
	[ "nobody", "witness as 65534 dmasynctop -b -n 1", 3, undef,
		qr/^dmasynctop: not permitted: .*needs root; try sudo$/ ],
	[ "nobody-doctor", "witness as 65534 dmasynctop doctor", 3,
		qr/^fail +privilege +user 65534 lacks CAP_BPF, .*sudo$/m ],
	[ "nobody-bench", "witness as 65534 dmasynctop bench --iterations 1", 3, undef,
		qr/^dmasynctop: cannot open \S*udmabuf: Permission denied; run as root/ ],
	[ "container", "witness without 21 dmasynctop -b -n 1", 3, undef,
		qr/^dmasynctop: not permitted: root lacks CAP_SYS_ADMIN here, .*--privileged/ ],
	[ "namespace", "unshare -U -r dmasynctop -b -n 1", 3, undef,
		qr/^dmasynctop: not permitted: .*initial user namespace/ ],
	[ "namespace-doctor", "unshare -U -r dmasynctop doctor", 3,
		qr/^fail +privilege +root of a user namespace only; run it outside/m ],
	[ "btf-hidden", "unshare -m sh -c '$hidden; dmasynctop -b --backend bpf'", 3, undef,
		qr{^dmasynctop: .*/btf/vmlinux: No such file.*CONFIG_DEBUG_INFO_BTF=y$} ],
	[ "btf-wrong", "unshare -m sh -c '$wrong; dmasynctop doctor'", 0,
		qr{^warn +btf .*vmlinux: is not BTF; use a kernel built.*^ok +ftrace +used instead}ms ],
	[ "no-such-process", "dmasynctop -b -p 99999", 1, undef,
		qr/-p 99999: there is no such process/ ],
	[ "no-fsession", "dmasynctop -b --attach=fsession", 3, undef,
		qr/^dmasynctop: this kernel has no fsession probes; leave --attach out/ ],

	[ "full-and-killed",
		"dmasynctop --json --max-rows 20 -- sh -c '$udmabuf; kill -9 \$\$'", 137, undef,
		qr/warning: inexact: \d\d calls booked as "other"/, \&check_full ],
	[ "missing", "dmasynctop -b $map -D nosuch -- /nosuch", 127, qr/^kernel /,
		qr{-D 'nosuch': no such device now.*\n.*cannot start '/nosuch': No such file} ],
	[ "disk-full", "mkdir /tmp/small; mount -t tmpfs -o size=16k none /tmp/small
		dmasynctop $map -i 50ms -o /tmp/small/got --json -- sleep 1000", 1, undef,
		qr{cannot write to /tmp/small/got: No space left} ],
	[ "interrupted-fentry", sprintf($provoked, sprintf($interrupted, "fentry", "8M", 200) =~ s/\n\z//r), 4, undef,
		qr/^dmasynctop: \d+ events lost: .*--max-loss allows 0/m, \&check_skipped ],
	[ "interrupted-kprobe", sprintf($interrupted, "kprobe", "2M", 50), 0, undef, undef, \&check_none_skipped ],
	[ "head", "{ dmasynctop $map --json -i 50ms; echo \$? >/tmp/is; } | head -n 1; cat /tmp/is", 0,
		qr/^\{"type":"header".*\n0\n\z/ ],
	[ "sigkill", $killed, 137, qr/^programs [1-9]\d* links [1-9].* ftrace [1-9]/, qr/^Killed/ ],
	[ "hotplug", "rm /tmp/bg; " . sprintf($bg, $syncs) . "
		cpu2=/sys/devices/system/cpu/cpu2/online
		taskset 4 $udmabuf
		echo 0 >\$cpu2 && $udmabuf && echo 1 >\$cpu2 && taskset 4 $udmabuf
		sleep 1; kill \$!; wait \$! && cat /tmp/bg", 0, undef, undef, \&check_hotplug ],
	[ "live", "witness tty 1000 -2 dmasynctop -i 300ms", 0,
		qr/^status 0 settings same screen used alternate off cursor on$/ ],
	[ "reload", "rm /tmp/bg; " . sprintf($bg, $map) . "
		pci=/sys/bus/pci dev=0000:00:01.0
		settle() {
			until [ -b \$DISK ]; do usleep 100000; done
			workload dio -V -s 1M -f \$DISK
		}
		settle
		echo \$dev >\$pci/drivers/ahci/unbind
		echo \$dev >\$pci/drivers/ahci/bind; settle
		rmmod ahci; insmod /lab/modules/ahci.ko; settle
		echo 1 >\$pci/devices/\$dev/remove; echo 1 >\$pci/rescan; settle
		kill \$!; wait \$! && cat /tmp/bg", 0, undef, undef, \&check_reload ],
	[ "regrouped", "rm /tmp/bg; " . sprintf($bg, $map) . "
		pci=/sys/bus/pci dev=0000:00:01.0
		workload dio -s 1M -f \$DISK
		echo \$dev >\$pci/drivers/ahci/unbind
		echo identity >\$pci/devices/\$dev/iommu_group/type
		echo \$dev >\$pci/drivers/ahci/bind
		until [ -b \$DISK ]; do usleep 100000; done
		workload dio -s 1M -f \$DISK; sleep 1
		kill \$!; wait \$! && cat /tmp/bg", 0, undef, undef, \&check_regrouped ],
]);

my @many = Lab::many_devices();

sub check_many
{
	my ($name, $got) = @_;
	my $end = end_of($got->{out});
	my %mapped = map { $_->{dev} => 1 } grep { $_->{op} eq "map_page" } @{ $end->{rows} };
	is(scalar keys %mapped, 304, "$name: every device has its row");
	my @wrong = grep { $_->{coherent} || $_->{driver} ne "virtio-pci" } @{ $end->{rows} };
	is(scalar @wrong, 0, "$name: and is described");
	is($end->{loss}{rows_full}, 0, "$name: none is in other");
	is($end->{loss}{events}, 0, "$name: nothing lost");
	my ($rss) = $got->{out} =~ /^VmHWM:\s+(\d+) kB$/m;
	cmp_ok($rss, "<", 16 << 10, "$name: memory in KiB");
}

sub check_too_many
{
	my ($name, $got) = @_;
	my $end = end_of($got->{out});
	my ($other, @own) = sort { ($b->{dev} eq "other") <=> ($a->{dev} eq "other") }
		grep { $_->{op} eq "map_page" } @{ $end->{rows} };
	is($other->{dev}, "other", "$name: there is a row for the rest");
	cmp_ok(@own, "<=", 100, "$name: as many rows as allowed");
	cmp_ok($other->{calls} + total(\@own, "calls"), ">=", 304, "$name: no call is missing");
	cmp_ok($end->{loss}{rows_full}, ">=", $other->{calls}, "$name: and counted");
}

my $load = "rmmod virtio_rng; dmasynctop --json %s -- sh -c '
	grep VmHWM /proc/\$PPID/status; exec insmod /lab/modules/virtio-rng.ko'";
boot("300 devices on $kernel", [ "--kernel", $kernel, @many ], [
	[ "many", sprintf($load, ""), 0, undef, undef, \&check_many ],
	[ "too-many", sprintf($load, "--max-rows 100"), 0, undef,
		qr/warning: inexact: .*"other"; .*--max-rows/, \&check_too_many ],
	[ "many-doctor", "dmasynctop doctor", 0,
		qr/^ok +devices +3\d\d of 3\d\d are not DMA coherent/m ],
]);

boot("locked down $kernel", [ "--kernel", $kernel, "--append", "lockdown=confidentiality" ], [
	[ "no-securityfs", "dmasynctop -b -n 1", 3, undef, qr/^dmasynctop: .*locked down/ ],
	[ "locked", "mount -t securityfs none /sys/kernel/security; dmasynctop -b -n 1", 3, undef,
		qr/^dmasynctop: not permitted: .*locked down.*lockdown=integrity/ ],
	[ "locked-doctor", "dmasynctop doctor", 3,
		qr/^fail +lockdown +confidentiality: .*; boot with/m ],
]);

# The end of a call is where its function returns: see hide_return for the one that is not.
sub check_returns
{
	my ($name, $got, $hidden) = @_;
	my ($header) = grep { ($_->{type} // "") eq "header" } Lab::objects($got->{out});
	my %end = map { $_->{name} => $_->{end} } grep { $_->{op} && $_->{rung} } @{ $header->{hooks} };
	for my $function (sort keys %end) {
		is($end{$function}, $function eq $hidden ? "kretprobe" : "ret", "$name: end of $function");
	}
	my ($did) = grep { $_->{workload} } Lab::objects($got->{out});
	my @map = grep { $_->{op} eq "map_sg" && $_->{dir} eq "from_device" } @{ end_of($got->{out})->{rows} };
	is(total(\@map, "bytes"), $did->{bytes}, "$name: bytes mapped");
	my @unmap = grep { $_->{op} eq "unmap_sg" && $_->{dir} eq "from_device" } @{ end_of($got->{out})->{rows} };
	cmp_ok(total(\@unmap, "calls"), ">", 0, "$name: calls that a kretprobe ended");
}

my $hide = <<'SH';
cd /sys/kernel/tracing
echo 'p:hide dma_unmap_sg_attrs+8' >kprobe_events && echo 1 >events/kprobes/hide/enable
dmasynctop --json -- workload dio -s 1M -f $DISK
status=$?
echo 0 >events/kprobes/hide/enable; echo >kprobe_events
exit $status
SH

boot("stock $old", [ "--kernel", $old, "--disk", "ahci" ], [
	[ "returns", 'dmasynctop --json -- workload dio -s 1M -f $DISK', 0, undef, undef,
		sub { check_returns(@_, "") } ],
	[ "hidden-return", $hide, 0, undef,
		qr/warning: the end of dma_unmap_sg_attrs is seen by a kretprobe \(another tool's kprobe hides/,
		sub { check_returns(@_, "dma_unmap_sg_attrs") } ],
	[ "no-fentry", "dmasynctop -b --attach=fentry", 3, undef,
		qr/^dmasynctop: cannot attach any probe as fentry: not supported by this kernel/ ],
	[ "sigkill", $killed, 137, qr/^programs [1-9].*kprobes [1-9]/,
		qr/^Killed/ ],
]);
done_testing();
