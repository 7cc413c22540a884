#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What decides over a soak: a quiet one passes, and whatever a kernel says of a fault, a worker of wrong
# data, or a guest does not say at all, does not.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP qw(encode_json);
use Test::More;

my $scratch = tempdir(CLEANUP => 1);
my @names = ((map { ("$_.0", "$_.1") } qw(ahci nvme sdhci usb)), qw(module udmabuf heap));
my @boot = ("<6>[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x414fd0b1]",
	"<5>[    0.000000] Linux version 6.12.118-soak (lab\@lab) (aarch64-linux-gnu-gcc 12.2.0) #1 SMP PREEMPT",
	"<5>[    0.000000] Kernel command line: console=ttyAMA0 nokaslr panic=-1 quiet loglevel=4 swiotlb=131072,force",
	"<6>[    0.000000] kasan: KernelAddressSanitizer initialized (generic)",
	"<6>[    0.000000] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar",
	"<6>[    0.000000] ... MAX_LOCKDEP_SUBCLASSES:  8",
	"<6>[    0.000000]  RCU lockdep checking is enabled.",
	"<6>[    0.000000] rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.",
	"<6>[    0.000000] \tRCU CPU stall warnings timeout set to 240 (rcu_cpu_stall_timeout).",
	"<6>[    0.410000] DMA-API: preallocated 65536 debug entries",
	"<6>[    0.410000] DMA-API: debugging enabled by kernel config",
	"<4>[    2.100000] dmasync_bench: loading out-of-tree module taints kernel.");
my @during = ("<6>[   20.000000] udmabuf: something to be known");

sub spew
{
	my ($path, @lines) = @_;
	open(my $file, ">", $path) or die "$path: $!";
	print $file map { "$_\n" } @lines;
	close($file);
}

# guest(KEY => VALUE...): what a guest brings back; log: all lines of its kernel, workers: their lines.
sub guest
{
	my (%with) = @_;
	my $dir = tempdir(DIR => $scratch) . "/direct";
	mkdir($dir);
	my @workers = map { { type => "soak", name => $_, seconds => 150, rounds => 1000, calls => 3000, written => 1 << 30,
		read => 1 << 30, checked => 1 << 30, mismatches => 0, moves => 40 } } @names;
	$with{workers}->(\@workers) if $with{workers};
	spew("$dir/kernel.log", @{ $with{log} // [ @boot, "<12>[   10.0] soak: begins", @during,
		@{ $with{during} // [] }, "<12>[  160.0] soak: ended" ] });
	spew("$dir/soak.ndjson", map { encode_json($_) } @workers);
	spew("$dir/status", $with{status} // 0);
	my %checks = ("dma-api disabled" => "N", "dma-api error_count" => 0, "dma-api nr_total_entries" => 65536,
		tainted => 4096, lockdep => 1, kernel => "6.12.118-soak", %{ $with{checks} // {} });
	spew("$dir/checks", map { "$_ $checks{$_}" } grep { defined $checks{$_} } sort keys %checks);
	spew("$dir/tool.ndjson", encode_json({ type => "end", loss => { events => 0 }, rows => [
		{ driver => "ahci", dev => "0000:00:02.0", op => "map_sg", dir => "from_device", calls => 12345, entries => 99999,
			bytes => 1 << 28, dsb => 12345 } ] }));
	my $said = `lab/soak/verdict $dir 2>&1`;
	return ($? >> 8, $said);
}

sub passes
{
	my ($what, %with) = @_;
	my ($status, $said) = guest(%with);
	is($status, 0, "$what: passes") or diag($said);
	return $said;
}

sub fails
{
	my ($what, $like, %with) = @_;
	my ($status, $said) = guest(%with);
	is($status, 1, "$what: fails");
	like($said, $like, "$what: says so");
}

my $said = passes("a quiet soak");
like($said, qr/^direct: 6\.12\.118-soak, 150 s/m, "names kernel and time");
like($said, qr/^  \Q$_\E +1000 +3000 +1024\.0 +1024\.0 +1024\.0 +40 +0$/m, "$_: what it did") for @names;
like($said, qr/^  ahci +map_sg +from_device +12345 +99999 +256\.0 +12345$/m, "what the tool counted");
like($said, qr/^2\.5 minutes, 1 machines, 11264\.0 MiB checked, 33000 calls: nothing wrong$/m, "the sum");

# As kernels word it; the level is what they use.
my @faults = (
	"<4>[   30.1] WARNING: CPU: 1 PID: 99 at kernel/dma/debug.c:1062 check_unmap+0x3c8/0x8a0",
	"<4>[   30.1] DMA-API: ahci 0000:00:02.0: device driver tries to free DMA memory it has not allocated",
	"<3>[   30.1] DMA-API: debugging out of memory - disabling",
	"<3>[   30.1] DMA-API: vgem vgem: mapping sg segment longer than device claims to support [len=1048576] [max=65536]",
	"<3>[   30.1] BUG: KASAN: slab-out-of-bounds in dma_direct_map_sg+0x1c0/0x300",
	"<4>[   30.1] WARNING: possible circular locking dependency detected",
	"<4>[   30.1] WARNING: inconsistent lock state",
	"<4>[   30.1] WARNING: suspicious RCU usage",
	"<3>[   30.1] BUG: sleeping function called from invalid context at mm/page_alloc.c:4500",
	"<3>[   30.1] BUG: scheduling while atomic: soak/99/0x00000002",
	"<0>[   30.1] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [soak:99]",
	"<3>[   30.1] INFO: task soak:99 blocked for more than 120 seconds.",
	"<3>[   30.1] rcu: INFO: rcu_preempt self-detected stall on CPU",
	"<1>[   30.1] Unable to handle kernel paging request at virtual address dead000000000100",
	"<3>[   30.1] I/O error, dev sda, sector 8192 op 0x0:(READ) flags 0x4000 phys_seg 32 prio class 0",
	"<2>[   30.1] list_del corruption. prev->next should be ffff0000c1, but was ffff0000c2",
	"<4>[   30.1] nvme nvme0: I/O tag 12 (100c) opcode 0x2 QID 1 timeout, completion polled",
	"<4>[   30.1] a warning that nobody has thought of",
	"<3>[   30.1] an error that nobody has thought of",
);
for my $line (@faults) {
	my ($text) = $line =~ /\] (.*)/;
	fails($text, qr/^verdict: .*direct: kernel: \Q$text\E$/m, during => [$line]);
}
fails("a warning before the soak begins", qr/kernel: WARNING: CPU: 0/,
	log => [ @boot, "<4>[ 3.0] WARNING: CPU: 0 PID: 1 at drivers/x.c:1 x+0x0", "<12>[10.0] soak: begins", "<12>[20.0] soak: ended" ]);
fails("a log without its beginning", qr/does not begin with the boot/, log => [ @during, "<12>[10.0] soak: begins", "<12>[20.0] soak: ended" ]);
fails("a log without the end", qr/the soak's end is not in the kernel's log/, log => [ @boot, "<12>[10.0] soak: begins" ]);
fails("no log", qr/the soak's begin is not/, log => []);

fails("$_->[0] $_->[1]", qr/direct: \Q$_->[0]\E is \Q$_->[1]\E/, checks => { $_->[0] => $_->[1] })
	for [ "dma-api error_count", 1 ], [ "dma-api disabled", "Y" ], [ lockdep => 0 ], [ tainted => 4096 + 512 ], [ tainted => 16384 ];
fails("$_ not told", qr/\Q$_\E is unknown/, checks => { $_ => undef }) for "dma-api error_count", "lockdep", "tainted";

fails("a mismatch", qr/nvme\.1: 3 mismatches/, workers => sub { $_[0][3]{mismatches} = 3 });
fails("no $_", qr/direct: heap: $_ is 0/, workers => do { my $key = $_; sub { $_[0][-1]{$key} = 0 } }) for qw(rounds calls checked moves);
fails("a worker that told nothing", qr/usb\.0 told nothing/, workers => sub { splice @{ $_[0] }, 6, 1 });
fails("soak failed", qr/soak ended with status 1/, status => 1);
fails("soak did not say how it ended", qr/soak ended with status unknown/, status => "");

# The options.
for my $wrong ([ "--seconds 0", qr/--seconds 0: want a number/ ], [ "--series linux-5.0", qr/--series linux-5\.0: there is none/ ],
	[ "--machine tpu", qr/--machine tpu: want direct/ ]) {
	my $text = `scripts/soak $wrong->[0] 2>&1`;
	isnt($?, 0, "scripts/soak $wrong->[0]: refused");
	like($text, $wrong->[1], "... says why");
}

done_testing();
