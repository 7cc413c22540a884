#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The suites notice a wrong rule: the tool is built with one rule changed, and must fail them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use File::Temp qw(tempdir);
use Test::More;

my $dir = tempdir(CLEANUP => 1);

# One change a mutant: what it is, the file, what is replaced by what, and a suite that must see it.
my @mutants = (
	[ "an unmap towards the device waits, too", "src/session/derive.c",
		qr/(OP_UNMAP_SG, DIRECT, PLAIN, TO, )NOTHING/, '$1 . "PER_ENTRY"', "ahci-direct", qr/derived barriers/ ],
	[ "arch_sync_dma_for_cpu() counts for every direction", "bpf/arch.bpf.h",
		qr/dir == DIR_TO_DEVICE \? 0 : count_dsb\(\)/, '"count_dsb()"', "udmabuf-direct", qr/counted barriers/ ],
	[ "the first of several RETs is not probed", "src/session/attach.c",
		qr/(unsigned int i = )0(; i < n && !err;)/, '$1 . "n > 1" . $2', "nvme-swiotlb", qr/kprobe: counted barriers/ ],
);

for my $mutant (@mutants) {
	my ($what, $file, $from, $to, $suite, $seen) = @$mutant;
	my $tree = "$dir/tree";
	system("rm -rf $tree && mkdir $tree && cp -r $Lab::top/Makefile $Lab::top/bpf $Lab::top/include "
		. "$Lab::top/src $Lab::top/vmlinux $tree") and die "cannot copy the sources";
	my $text = Lab::slurp("$tree/$file");
	is($text =~ s/$from/$to/ee, 1, "$what: there is such a line") or next;
	open(my $fh, ">", "$tree/$file") or die "$file: $!";
	print $fh $text;
	close $fh;
	my $log = `make -s -C $tree ARCH=arm64 O=$dir/build 2>&1`;
	is($?, 0, "$what: builds") or diag($log);
	local @ENV{qw(O LAB_KERNELS LAB_SUITES)} = ("$dir/build", "6.12", $suite);
	my $out = `$^X $FindBin::Bin/suites.pl 2>&1`;
	isnt($? >> 8, 0, "$what: $suite fails");
	like($out, qr/not ok .*$seen/, "$what: for the right reason");
}
done_testing();
