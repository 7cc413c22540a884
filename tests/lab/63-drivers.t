#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Real drivers on kernels with the series: every suite, data read back, and the order of maintenance.
use strict;
use warnings;
use FindBin;

$ENV{LAB_KERNELS} = "6.12-dmasync";
do "$FindBin::Bin/suites.pl" or die $@ || $!;
