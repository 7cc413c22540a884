#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Faults on real kernels: message, exit status, nothing left attached (LAB_KERNEL, LAB_KPROBE_KERNEL).
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

# check NAME COMMAND: keeps its output and status, and what is attached when it has ended. The
# kernel frees programs and maps a little later.
my $prelude = <<'SH';
attached() {
	echo "$(witness bpf) ftrace $(grep -c . /sys/kernel/tracing/enabled_functions)" \
		"kprobes $(grep -c . /sys/kernel/debug/kprobes/list)"
}
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
chmod 755 /bin/started
SH

# boot(TITLE, [lab options], [checks]): a check is [name, command, status, stdout, stderr, more].
sub boot
{
	my ($title, $options, $checks) = @_;
	my $script = $prelude;
	for (@$checks) {
		my ($name, $command) = @$_;
		$command =~ s/'/'\\''/g;
		$script .= "check $name '$command'\n";
	}
	my $run = Lab::run([ "--file", "$build/arm64/dmasynctop:/bin/dmasynctop",
		"--file", "$build/lab/arm64/witness:/bin/witness", @$options ], $script);
	subtest $title => sub {
		is($run->{status}, 0, "the guest ran the checks") or diag($run->{err});
		for (@$checks) {
			my ($name, undef, $status, $out, $err, $more) = @$_;
			my %got = map { $_ => Lab::slurp("$run->{dir}/$name.$_") } qw(out err status left);
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
	my ($end) = grep { $_->{type} eq "end" } Lab::objects($text);
	return $end // { rows => [], loss => { none => 1 } };
}

# What `workload udmabuf -n 16 -r 8 -d read,write,rw` does: maps, syncs and unmaps.
my $udmabuf = "workload udmabuf -n 16 -r 8 -d read,write,rw";
my %once = (calls => 3 * (1 + 8 + 8 + 1), entries => 3 * 16 * (1 + 8 + 8 + 1));

sub check_udmabuf
{
	my ($name, $end, $times) = @_;
	my @rows = grep { $_->{dev} =~ /^(?:udmabuf|other)$/ } @{ $end->{rows} };
	is(total(\@rows, $_), $times * $once{$_}, "$name: $_") for sort keys %once;
}

sub check_full
{
	my ($name, $got) = @_;
	my $end = end_of($got->{out});
	my @other = grep { $_->{dev} eq "other" } @{ $end->{rows} };
	check_udmabuf($name, $end, 1);
	cmp_ok(scalar @{ $end->{rows} }, "<=", 2 + 4, "$name: two rows of their own, one an operation");
	cmp_ok(total(\@other, "calls"), ">", 0, "$name: the rest is in other");
	is($end->{loss}{rows_full}, total(\@other, "calls"), "$name: and counted");
	is($end->{loss}{events}, 0, "$name: nothing lost");
	is($end->{loss}{recursion_misses}, 0, "$name: recursion misses are reported");
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
	my ($did) = map { $_->{bytes} } Lab::objects($got->{out} =~ s/^\{"type.*\n//mgr);
	is(join(" ", map { "$_->{dev} $_->{driver}" } @read), "0000:00:01.0 ahci",
		"$name: the device keeps its name and row") or diag($got->{out});
	cmp_ok(total(\@read, "bytes"), ">=", 4 * $did, "$name: every read is seen");
	is($end->{loss}{events}, 0, "$name: nothing lost");
}

my $bg = "dmasynctop --json -i 300ms -o /tmp/bg & started /tmp/bg";
my $killed = <<"SH";
rm -f /tmp/bg
$bg
witness bpf
kill -KILL \$!
wait \$!
SH

boot("stock $kernel", [ "--kernel", $kernel, "--smp", 2, "--disk", "ahci" ], [
	[ "nobody", "witness as 65534 dmasynctop -b -n 1", 3, undef,
		qr/^dmasynctop: not permitted: .*needs root; try sudo$/ ],
	[ "nobody-doctor", "witness as 65534 dmasynctop doctor", 3,
		qr/^fail +privilege +user 65534 lacks CAP_BPF, .*sudo$/m ],
	[ "nobody-bench", "witness as 65534 dmasynctop bench -n 1", 3, undef,
		qr/^dmasynctop: \S*udmabuf: Permission denied.*root/ ],
	[ "container", "witness without 21 dmasynctop -b -n 1", 3, undef,
		qr/^dmasynctop: not permitted: root lacks CAP_SYS_ADMIN here, .*--privileged/ ],
	[ "namespace", "unshare -U -r dmasynctop -b -n 1", 3, undef,
		qr/^dmasynctop: not permitted: .*initial user namespace/ ],
	[ "namespace-doctor", "unshare -U -r dmasynctop doctor", 3,
		qr/^fail +privilege +root of a user namespace only; run it outside/m ],
	[ "btf-hidden", "unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf; dmasynctop -b'", 3, undef,
		qr{^dmasynctop: .*/sys/kernel/btf/vmlinux: No such file.*CONFIG_DEBUG_INFO_BTF=y$} ],
	[ "btf-wrong", "unshare -m sh -c 'mount --bind /bin/started /sys/kernel/btf/vmlinux;
		dmasynctop doctor'", 3, qr{^fail +btf .*vmlinux: is not BTF; use a kernel built}m ],
	[ "no-such-process", "dmasynctop -b -p 99999", 1, undef, qr/-p 99999: there is no such process/ ],
	[ "no-fsession", "dmasynctop -b --attach=fsession", 3, undef,
		qr/^dmasynctop: .*fsession.*doctor/ ],

	[ "full-and-killed", "dmasynctop --json --max-rows 17 -- sh -c '$udmabuf; kill -9 \$\$'", 137,
		undef, undef, \&check_full ],
	[ "missing", "dmasynctop -b -D nosuch -- /nosuch", 127, qr/^kernel /,
		qr{-D 'nosuch': no such device now.*\n.*cannot start '/nosuch': No such file} ],
	[ "not-executable", "dmasynctop -b -- /init.config", 127, qr/^kernel /, qr/No such file/ ],
	[ "disk-full", "mkdir /tmp/small; mount -t tmpfs -o size=16k none /tmp/small
		dmasynctop -i 50ms -o /tmp/small/got --json -- sleep 1000", 1, undef,
		qr{cannot write to /tmp/small/got: No space left} ],
	[ "head", "{ dmasynctop --json -i 50ms; echo \$? >/tmp/status; } | head -n 1; cat /tmp/status", 0,
		qr/^\{"type":"header".*\n0\n\z/ ],
	[ "sigkill", $killed, 137, qr/^programs [1-9]\d* links [1-9]/, qr/^Killed/ ],
	[ "hotplug", "rm /tmp/bg; $bg
		cpu1=/sys/devices/system/cpu/cpu1/online
		taskset 2 $udmabuf && echo 0 >\$cpu1 && $udmabuf && echo 1 >\$cpu1 && taskset 2 $udmabuf
		sleep 1; kill \$!; wait \$! && cat /tmp/bg", 0, undef, undef, \&check_hotplug ],
	[ "live", "witness tty 1000 -2 dmasynctop -i 300ms", 0,
		qr/^status 0 settings same screen used alternate off cursor on$/ ],
	[ "reload", "rm /tmp/bg; $bg
		pci=/sys/bus/pci dev=0000:00:01.0
		settle() { until [ -b \$DISK ]; do usleep 100000; done; workload dio -V -s 1M -f \$DISK; }
		settle
		echo \$dev >\$pci/drivers/ahci/unbind; echo \$dev >\$pci/drivers/ahci/bind; settle
		rmmod ahci; insmod /lab/modules/ahci.ko; settle
		echo 1 >\$pci/devices/\$dev/remove; echo 1 >\$pci/rescan; settle
		kill \$!; wait \$! && cat /tmp/bg", 0, undef, undef, \&check_reload ],
]);

done_testing();
