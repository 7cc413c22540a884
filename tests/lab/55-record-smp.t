#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# A recording on two CPUs, one of which goes away and comes back, with stacks and a profile: on the
# newest kernel that waits per entry (LAB_KERNELS ...).
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

# Disk and udmabuf on both CPUs, then with CPU 1 gone, then on CPU 1 again.
my $guest = <<'SH';
cpu1=/sys/devices/system/cpu/cpu1/online
cat >/tmp/load <<'END'
both() {
	taskset 1 workload dio -d write,read -s 1M -f $DISK &
	taskset 2 workload udmabuf -n 16 -r 20 -d read,write
	wait $!
}
both
sleep 1
echo 0 >$CPU1
workload udmabuf -n 16 -r 20 -d rw
cat $CPU1
sleep 1
echo 1 >$CPU1
taskset 2 workload dio -d write,read -s 1M -f $DISK
sleep 1
both
END
export CPU1=$cpu1
workload mark begin hotplug
dmasynctop record --profile 199 -i 300ms -o /out/hotplug.gz -- sh /tmp/load >/out/hotplug.did 2>/out/hotplug.err
echo $? >/out/hotplug.status
workload mark end
SH

sub total
{
	my ($key, @rows) = @_;
	return sum0 map { $_->{$key} // 0 } @rows;
}

for my $kernel (split ' ', $ENV{LAB_KERNELS} // "6.18") {
	my $run = Lab::run([ "--kernel", $kernel, "--smp", 2, "--disk", "ahci", "--plugin", "--file", "$tool:/bin/dmasynctop" ],
		$guest);
	is($run->{status}, 0, "$kernel: the guest ran") or diag($run->{err});
	is(Lab::slurp("$run->{dir}/hotplug.status"), "0\n", "$kernel: status") or diag(Lab::slurp("$run->{dir}/hotplug.err"));
	my $did = Lab::slurp("$run->{dir}/hotplug.did");
	like($did, qr/^0$/m, "$kernel: the CPU was gone");
	my @did = Lab::objects($did);
	is(scalar @did, 11, "$kernel: every load ended");
	my @objects = Lab::objects(scalar `gzip -dc '$run->{dir}/hotplug.gz'`);
	my ($header) = @objects;
	my ($end) = grep { $_->{type} eq "end" } @objects;
	my @intervals = grep { $_->{type} eq "interval" } @objects;
	my @rows = map { @{ $_->{rows} } } @intervals;
	is($header->{cpus}, 2, "$kernel: two CPUs");
	ok($end, "$kernel: has its end");
	is($end->{loss}{$_}, 0, "$kernel: loss: $_") for sort keys %{ $end->{loss} };
	cmp_ok(scalar @intervals, ">=", 9, "$kernel: an interval every 300 ms, three seconds long");
	is(total("dsb", @rows), Lab::dma($run, "hotplug")->{dsb}, "$kernel: barriers: as many as the plugin counted");
	is(total("bytes", grep { $_->{op} eq "map_sg" && $_->{driver} eq "ahci" } @rows),
		total("bytes", grep { $_->{workload} eq "dio" } @did), "$kernel: bytes of the disk");
	# Towards the CPU the first of each buffer may be its map, which depends on the kernel.
	is(total("bytes", grep { $_->{op} eq "sync_sg_for_device" } @rows),
		total("bytes", grep { $_->{workload} eq "udmabuf" } @did), "$kernel: bytes of udmabuf");
	for my $key (qw(calls entries bytes ns dsb)) {
		is(total($key, map { @{ $_->{stacks} } } @intervals), total($key, @rows), "$kernel: $key of stacks add up");
		is(total($key, @{ $end->{rows} }), total($key, @rows), "$kernel: $key of its end");
	}
	cmp_ok(total("samples", map { @{ $_->{samples} } } @intervals), ">", 5, "$kernel: the profile has samples");
}

done_testing();
