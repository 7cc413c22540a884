#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# doctor and bench: wrong options, the exit status, and output that a program can read.
use strict;
use warnings;
use JSON::PP;
use Test::More;

my $tool = ($ENV{DMASYNC_BUILD} // 'build') . '/dmasynctop';
plan skip_all => "$tool is not built" unless -x $tool;

# Exit status and stdout with stderr, or without it.
sub run {
	my ($stderr, @args) = @_;
	my $pid = open(my $out, '-|') // die "fork: $!";
	if (!$pid) {
		open(STDERR, $stderr ? '>&' : '>', $stderr ? \*STDOUT : '/dev/null');
		exec($tool, @args) or die "exec: $!";
	}
	my $text = join('', <$out>);
	close($out);
	return ($? >> 8, $text);
}

my @wrong = (
	[ [qw(bench --size 0)],          qr/dmasynctop bench: --size '0': must not be zero|too small/ ],
	[ [qw(bench --size 5000)],       qr/--size '5000': is not a multiple of the page size/ ],
	[ [qw(bench --size 2G)],         qr/--size '2G': is too large; valid: .*up to 1G/ ],
	[ [qw(bench --size many)],       qr/--size 'many': is not a number/ ],
	[ [qw(bench --size 1M --entry 640K)], qr/--size 1048576 is not a multiple of --entry 655360/ ],
	[ [qw(bench --iterations 0)],    qr/--iterations '0': .*valid: 1 to 1000000/ ],
	[ [qw(bench --cpu -1)],          qr/--cpu '-1': must not be negative/ ],
	[ [qw(bench --dir both)],        qr/--dir 'both': is not a direction; valid: read, write, rw/ ],
	[ [qw(bench --module --api map)], qr/--api 'map': is not an operation; valid: map_sg, .*iova_unlink$/m ],
	[ [qw(bench --module --api arch_flush)], qr/--api 'arch_flush': is not an operation/ ],
	[ [qw(bench --api map_sg)],      qr/--api wants --module/ ],
	[ [qw(bench --pci)],             qr/--pci wants --module/ ],
	[ [qw(bench --mmap 5000)],       qr/--mmap '5000': is not a multiple of the page size/ ],
	[ [qw(bench --vmap 2G)],         qr/--vmap '2G': is too large; valid: .*up to 1G/ ],
	[ [qw(bench --mmap 1M --vmap 1M)], qr/--mmap goes with none of --vmap --module --api --pci/ ],
	[ [qw(bench --vmap 1M --api map_sg)], qr/--vmap goes with none of --mmap --module --api --pci/ ],
	[ [qw(bench --mmap 1M --entry 64K)], qr/--mmap: the heap chooses its entries; leave --entry out/ ],
	[ [qw(bench --heap)],            qr/--heap wants --vmap/ ],
	[ [qw(bench --vmap 1M --heap --entry 64K)], qr/--heap: the heap chooses its entries; leave --entry out/ ],
	[ [qw(bench --vmap 1M --entry 512K)], qr/--vmap: the module has entries of at most 256K/ ],
	[ [qw(bench now)],               qr/'now': takes no arguments/ ],
	[ [qw(doctor now)],              qr/dmasynctop doctor: 'now': takes no arguments/ ],
	[ [qw(doctor --jsn)],            qr/unrecognized option/ ],
);

for my $case (@wrong) {
	my ($args, $want) = @$case;
	my ($status, $text) = run(1, @$args);
	is($status, 2, "@$args: exit status");
	like($text, $want, "@$args: message");
}

my ($status, $text) = run(0, 'bench', '--help');
is($status, 0, 'bench --help');
like($text, qr/Not measured: dma_map_sg/, 'bench --help says what it cannot');

# Neither needs root; what they cannot do ends in 3.
chomp(my $machine = `uname -m`);
SKIP: {
	skip 'this machine can run it', 2 if $machine eq 'aarch64';
	($status, $text) = run(1, 'bench');
	is($status, 3, 'bench where DMA is coherent');
	like($text, qr/nothing to measure on $machine: .*run it on an arm64 machine/, 'and why');
}

SKIP: {
	skip 'this machine has a system heap', 2 if -e '/dev/dma_heap/system';
	($status, $text) = run(1, qw(bench --mmap 1M));
	is($status, 3, 'bench --mmap without a heap');
	like($text, qr{no /dev/dma_heap/system: .*CONFIG_DMABUF_HEAPS_SYSTEM=y}, 'and what to do');
}

SKIP: {
	skip 'the module is loaded', 2 if -d '/sys/kernel/debug/dmasync_bench';
	($status, $text) = run(1, qw(bench --module));
	is($status, 3, 'bench --module without it');
	like($text, qr/debugfs is not mounted: run 'mount|module dmasync_bench is not loaded: build kmod|not permitted to use .*: run as root/,
		'and what to do');
}

($status, $text) = run(0, 'doctor');
ok($status == 0 || $status == 3, 'doctor: exit status');
like($text, qr/^(ok|fail) +privilege/m, 'doctor: a line for each check');
is($status, $text =~ /^fail +hooks/m ? 3 : 0, 'doctor: 3 exactly if nothing attaches');

($status, $text) = run(0, 'doctor', '--json');
my $report = decode_json($text);
is($report->{type}, 'doctor', 'doctor --json');
is($status, $report->{live} ? 0 : 3, 'doctor --json: exit status');
for my $check (@{$report->{checks}}) {
	like($check->{status}, qr/^(ok|note|warn|fail)$/, "check $check->{name}");
	isnt($check->{text}, '', "check $check->{name}: what was found");
}
if ($machine eq 'x86_64') {
	is($report->{flavour}, 'none', 'x86_64: no barriers');
	is(scalar(grep { !$_->{coherent} } @{$report->{devices}}), 0, 'x86_64: all coherent');
}

done_testing();
