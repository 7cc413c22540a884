#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# `scripts/lab-compare` in small: short lists, without an IOMMU and without bouncing, and the table of them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use Lab;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $err = `LAB_ENTRIES=16 LAB_PATHS=direct '$Lab::top/lab/compare/record' barriers 6.12-base 6.12-dmasync 2>&1 >$dir/barriers.ndjson`;
is($?, 0, "records") or diag($err);
is(scalar(Lab::objects(Lab::slurp("$dir/barriers.ndjson"))), 2 * 6 * 4, "each call of each kind, on both kernels");
is(scalar `'$Lab::top/lab/compare/tables' barriers '$dir'`, <<'END', "the table");
| one call, 16 entries | direction | way to memory | 6.12, Debian's source | 6.12 with the series |
|---|---|---|--:|--:|
| `dma_map_sg()` | any | direct | 16 | 1 |
| `dma_map_sg()`, `SKIP_CPU_SYNC` | any | direct | 0 | 0 |
| `dma_unmap_sg()` | to the device | direct | 0 | 0 |
| `dma_unmap_sg()` | from it, both ways | direct | 16 | 1 |
| `dma_unmap_sg()`, `SKIP_CPU_SYNC` | any | direct | 0 | 0 |
| `dma_sync_sg_for_device()` | any | direct | 16 | 1 |
| `dma_sync_sg_for_cpu()` | to the device | direct | 0 | 0 |
| `dma_sync_sg_for_cpu()` | from it, both ways | direct | 16 | 1 |
END

my $bad = `'$Lab::top/scripts/lab-compare' --series linux-5.0 2>&1`;
is($? >> 8, 1, "an unknown series: status");
like($bad, qr/--series linux-5\.0: there is none in patches/, "... message");
done_testing();
