#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Real drivers on kernels with the series: every suite, data read back, and the order of maintenance.
# LAB_SERIES="6.12 6.1" for all of both; without it 6.1 runs two paths.
use strict;
use warnings;
use FindBin;

$ENV{LAB_KERNELS} = $ENV{LAB_SERIES} ? join " ", map { "$_-dmasync" } split ' ', $ENV{LAB_SERIES}
	: "6.12-dmasync 6.1-dmasync:walker,swiotlb";
do "$FindBin::Bin/suites.pl" or die $@ || $!;
