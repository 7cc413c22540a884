#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Every suite on stock 7.3; a file of its own, so that kernels run side by side.
use strict;
use warnings;
use FindBin;

$ENV{LAB_KERNELS} = "7.3";
do "$FindBin::Bin/suites.pl" or die $@ || $!;
