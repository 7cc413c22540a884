#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The lab counts what the workloads must have done: every entry waits once up to 7.0 (LAB_KERNEL).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use Test::More;

# The barriers that n maintained entries cost on a kernel that waits once an entry.
sub expect
{
	my ($run, $label, $device, $cpu) = @_;
	is(Lab::count($run, $label, "dsb sy", "dcache_clean_poc", "arch_sync_dma_for_device"),
		$device, "$label: dsb sy towards the device");
	is(Lab::count($run, $label, "dsb sy", "dcache_inval_poc", "arch_sync_dma_for_cpu"),
		$cpu, "$label: dsb sy towards the CPU");
	# QEMU's cache line is 64 bytes and an entry one page of 4 KiB.
	is(Lab::count($run, $label, "dc cvac", "dcache_clean_poc", "arch_sync_dma_for_device"),
		$device * 64, "$label: lines cleaned");
	is(Lab::count($run, $label, "dc ivac", "dcache_inval_poc", "arch_sync_dma_for_cpu"),
		$cpu * 64, "$label: lines invalidated");
}

my @udmabuf = (
	# label, entries, rounds, direction
	[ "one", 1, 16, "read" ],
	[ "some", 16, 8, "rw" ],
	[ "write", 16, 8, "write" ],
	[ "many", 2560, 4, "read" ],
);
my $script = "";
for my $case (@udmabuf) {
	my ($label, $entries, $rounds, $dir) = @$case;
	$script .= "workload udmabuf -w -n $entries -r $rounds -d $dir -m $label || exit 1\n";
}
$script .= "workload dio -V -s 8M -f \$DISK -m disk-read || exit 1\n";
$script .= "workload dio -W -s 8M -f \$DISK -m disk-write || exit 1\n";
$script .= "workload mark begin empty; workload mark end\n";
$script .= "echo kept >/out/kept; echo told >&2; exit 7\n";

my $run = Lab::run([ "--kernel", $ENV{LAB_KERNEL} // "6.12", "--disk", "ahci", "--plugin" ], $script);
is($run->{status}, 7, "the guest command's exit status comes back") or diag($run->{err});
like($run->{err}, qr/^told$/m, "and its standard error");
is(Lab::slurp("$run->{dir}/kept"), "kept\n", "and its files");

my @did = Lab::objects($run->{out});
is(scalar @did, @udmabuf + 2, "every workload said what it did");
for my $case (@udmabuf) {
	my ($label, $entries, $rounds, $dir) = @$case;
	my $did = shift @did;
	is($did->{runs}, $entries, "$label: no two entries are neighbours in memory");
	my $n = $did->{entries} * $did->{rounds};
	is($n, $entries * $rounds, "$label: entries synced");
	expect($run, $label, $n, $dir eq "write" ? 0 : $n);
}
for my $label ("disk-read", "disk-write") {
	my $did = shift @did;
	is($did->{errors}, 0, "$label: data as expected");
	is($did->{bytes}, 8 << 20, "$label: all of it");
	is($did->{runs}, $did->{bytes} / 4096, "$label: no two pages are neighbours in memory");
	expect($run, $label, $did->{pages}, $label eq "disk-read" ? $did->{pages} : 0);
}
expect($run, "empty", 0, 0);
cmp_ok(Lab::window($run, "empty")->{instructions}, ">", 1000, "an empty window counts instructions");

# A guest that goes on from where another had booted is as one that boots.
my $what = <<'SH';
set -e
[ ! -e /lab/snapshot ] || echo resumed >&2
uname -a
cat /proc/cmdline
for d in /sys/bus/pci/devices/* /sys/bus/platform/devices/*; do echo "$d $(cat $d/modalias) $(readlink $d/driver $d/iommu_group)"; done
cut -d' ' -f1 /proc/modules
workload udmabuf -n 16 -r 4 -d rw -m some
workload dio -V -s 1M -f $DISK -m disk
workload dio -V -s 1M -f $DISK_nvme -m nvme
SH
my ($resumed, $fresh) = map { Lab::run([ "--kernel", $ENV{LAB_KERNEL} // "6.12", "--disk", "ahci,nvme", "--iommu", "smmuv3",
	"--smp", 2, "--plugin", @$_ ], $what) } [], ["--fresh"];
is($_->{status}, 0, "the guest ran") or diag($_->{err}) for $resumed, $fresh;
is($resumed->{out}, $fresh->{out}, "resumed: the same machine, modules and results as when it boots");
like($resumed->{err}, qr/^resumed$/m, "resumed: it did not boot");
unlike($fresh->{err}, qr/^resumed$/m, "--fresh: it did");
for my $label (qw(some disk nvme)) {
	is_deeply(Lab::dma($resumed, $label), Lab::dma($fresh, $label), "resumed: the same maintenance of $label");
	cmp_ok(Lab::dma($fresh, $label)->{dsb}, ">", 0, "$label: there is some");
}
my @boots = map { Lab::run([], "cat /proc/sys/kernel/random/boot_id; date +%s") } 1, 2;
my @said = map { [ split /\n/, $_->{out} ] } @boots;
isnt($said[0][0], $said[1][0], "resumed: random numbers of its own");
cmp_ok(abs($_->[1] - time), "<", 600, "resumed: the time of the host") for @said;

# A guest that dies or hangs ends in a message and a status of its own.
my $dead = Lab::run([ "--append", "sysrq_always_enabled" ], "echo c >/proc/sysrq-trigger; sleep 60");
is($dead->{status}, 125, "a panic is told from a failing command");
like($dead->{err}, qr/sysrq triggered crash/i, "with the console's last lines");
my $hung = Lab::run([ "--timeout", "15" ], "sleep 1000");
is($hung->{status}, 124, "a guest that takes too long is stopped");
like($hung->{err}, qr/did not end within 15 s/, "and it is said");

done_testing();
