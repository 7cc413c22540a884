#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What the tool costs, in executed guest instructions, stays within bounds: see `make bench`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Cost;
use Test::More;

# Bounds are what holds today and a few per cent; beside them what the design wants.
use constant {
	CALL_OF_EMPTY_PAIR => 1.9,    # 2.0: a call, bytes off, of an empty fentry + fexit pair
	BYTES_OF_EMPTY_PAIR => 2.0,   # the same, bytes on
	ENTRY_INSTRUCTIONS => 0.2,    # 0: an entry more in a call, bytes off
	BYTES_INSTRUCTIONS => 74,     # an entry more in a call, bytes on
	EXACT_INSTRUCTIONS => 181,    # 150, of which an empty program takes 159: an entry, --exact
	START_OF_ALL => 490e6,        # instructions to the first interval; one operation: funclatency's
	START_OF_REFERENCE => 100e6,  # less, and funclatency did not start
	EMPTY_PAIR => 300,            # less, and the empty pair was not there
};

my $bench = Cost::measure(kernel => $ENV{LAB_KERNEL} // "6.12",
	tools => "nothing,empty-pair,no-bytes,default,exact,nothing-again", rounds => 100, starts => 1);
my $tool = $bench->{named};

cmp_ok($tool->{"empty-pair"}{per_call}, ">", EMPTY_PAIR, "an empty pair costs something");
cmp_ok(abs $tool->{"nothing-again"}{per_call}, "<", 1, "nothing is left behind");
cmp_ok($tool->{"no-bytes"}{against_empty}, "<", CALL_OF_EMPTY_PAIR, "a call, bytes off");
cmp_ok($tool->{default}{against_empty}, "<", BYTES_OF_EMPTY_PAIR, "a call, bytes on");
cmp_ok(abs $tool->{"no-bytes"}{per_entry}, "<", ENTRY_INSTRUCTIONS, "no growth with entries");
cmp_ok($tool->{default}{per_entry}, "<", BYTES_INSTRUCTIONS, "an entry, bytes on");
cmp_ok($tool->{exact}{per_entry}, "<", EXACT_INSTRUCTIONS, "an entry, --exact");

my %start = map { $_->{label} => $_ } @{ $bench->{starts} };
my ($one, $reference) = @start{qw(start.one start.funclatency)};
cmp_ok($reference->{instructions}, ">", START_OF_REFERENCE, "funclatency's start costs something");
cmp_ok($one->{instructions}, "<=", $reference->{instructions}, "start, one operation: instructions");
cmp_ok($one->{first_ns}, "<=", $reference->{first_ns}, "start, one operation: time");
cmp_ok($start{"start.dmasynctop"}{instructions}, "<", START_OF_ALL, "start, all operations");
diag(Cost::table($bench));

done_testing();
