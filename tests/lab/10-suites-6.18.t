#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Every suite on stock 6.18; a file of its own, so that kernels run side by side.
use strict;
use warnings;
use FindBin;

$ENV{LAB_KERNELS} = "6.18";
do "$FindBin::Bin/suites.pl" or die $@ || $!;
