#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The suites notice wrong rules: the tool is built with some changed, and each must be seen.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use File::Temp qw(tempdir);
use Test::More;

my $tree = tempdir(CLEANUP => 1);

# One change a mutant: what it is, the file, what is replaced by what, and the check that fails then.
my @mutants = (
	[ "an unmap towards the device waits, too", "src/session/derive.c",
		qr/(OP_UNMAP_SG, DIRECT, PLAIN, TO, )NOTHING/, '$1 . "PER_ENTRY"',
		"ahci.io: derived barriers" ],
	[ "arch_sync_dma_for_cpu() counts for every direction", "bpf/arch.bpf.h",
		qr/dir == DIR_TO_DEVICE \? 0 : count_dsb\(\)/, '"count_dsb()"',
		"udmabuf.lists.exact: counted barriers" ],
	[ "the first of several RETs is not probed", "src/session/attach.c",
		qr/(unsigned int i = )0(; i < n && !err;)/, '$1 . "n > 1" . $2',
		"nvme.io.kprobe: counted barriers" ],
);
# One that the kernel's verifier refuses, of an operation that these suites do not use.
my @refused = ("bpf/hooks.bpf.h", qr/(HOOK_ARGS\(sync_single_for_cpu,[^{]*\{\s*call_single\(c, )a2/,
	'$1 . "*(u64 *)a2"');
# Of runs of calls for single buffers, seen by 72-storms.t.
my @storms = (
	[ "a system call or work item goes on with the one before", "bpf/storms.bpf.c",
		qr/(int syscall_begin.*\n\{\n\treturn )storm_next\(\)(;\n\}\n\n.*int work_begin.*\n\{\n\treturn )storm_next\(\)/,
		'$1 . "0" . $2 . "0"', "tx: each system call is a context" ],
	[ "a poll goes on with the one before", "bpf/storms.bpf.c",
		qr/(\tif \(!c\)\n\t\treturn )storm_next\(\)/, '$1 . "0"', "rx: a context for each poll" ],
	[ "a task that waited goes on with what it did", "bpf/storms.bpf.h",
		qr/(slept = )task->nvcsw \+ task->min_flt \+ task->maj_flt/, '$1 . "0"', "nvme: a wait ends a context" ],
	[ "an interrupt goes on with the one before", "bpf/storms.bpf.h",
		qr/(level\[level\]\.number)\+\+/, '$1 . " |= 1"', "nvme: each unmap_page by itself" ],
	[ "another operation does not end a run", "bpf/storms.bpf.h",
		qr/(\telse\n\t\t\tr->length) = 0/, '$1 . " += 0"', "rx: a run for each 16 frames" ],
);
my @storms_sound = ("polls have the frames", "rx: a buffer for each frame", "nvme: map_page for each page",
	"the flame graph, too");
# What no mutant touches: a mutant is seen where it is, and there alone.
my @sound = ("udmabuf.lists: derived barriers", "ahci.io: entries towards the device",
	"nvme.io: entries towards the CPU");

system("cp -a $Lab::top/Makefile $Lab::top/bpf $Lab::top/include $Lab::top/src $Lab::top/vmlinux $tree")
	and die "cannot copy the sources";
# Objects spare most of the build; with an absolute O their lists of headers name other files.
my $o = $ENV{O} // "build";
if ($o =~ m{^/}) {
	$o = "build";
} else {
	system("mkdir -p $tree/$o && cp -a $Lab::top/$o/arm64 $tree/$o") and die "cannot copy the objects";
}
for my $mutant (@mutants, @storms, [ "a program that is refused", @refused ]) {
	my ($what, $file, $from, $to) = @$mutant;
	my $text = Lab::slurp("$tree/$file");
	is($text =~ s/$from/$to/ee, 1, "$what: there is such a line");
	open(my $fh, ">", "$tree/$file") or die "$file: $!";
	print $fh $text;
	close $fh;
}
my $log = `make -s -C $tree ARCH=arm64 O=$o 2>&1`;
is($?, 0, "the mutants build") or diag($log);

local @ENV{qw(LAB_TOOL LAB_KERNELS LAB_SUITES)} =
	("$tree/$o/arm64/dmasynctop", "6.12", "ahci-direct udmabuf-direct nvme-swiotlb");
my $out = `$^X $FindBin::Bin/suites.pl 2>&1`;
isnt($? >> 8, 0, "the suites fail");
like($out, qr/not ok \d+ - \Q$_->[4]\E/, "$_->[0]: is seen") for @mutants;
like($out, qr/__dma_sync_single_for_cpu is not watched: load for fentry: .*, load for kprobe: .*; what it does is missing/,
	"a program that is refused: is told, rung by rung");
like($out, qr/[^t] ok \d+ - \Q$_\E/, "$_: is still right") for @sound;

local $ENV{LAB_STORMS} = "7.3:drivers";
$out = `$^X $FindBin::Bin/72-storms.t 2>&1`;
isnt($? >> 8, 0, "runs of calls: the test fails");
like($out, qr/not ok \d+ - \Q$_->[4]\E/, "$_->[0]: is seen") for @storms;
like($out, qr/[^t] ok \d+ - \Q$_\E/, "$_: is still right") for @storms_sound;
done_testing();
