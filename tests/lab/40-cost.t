#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What the tool costs, in executed guest instructions, stays within bounds: see `make bench`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Cost;
use Test::More;

# Bounds are what holds today, a little above; beside them what the design wants.
use constant {
	CALL_OF_EMPTY_PAIR => 2.2,    # 2.0: a call, bytes off, of an empty fentry + fexit pair
	ENTRY_INSTRUCTIONS => 0.1,    # 0: an entry more in a call, bytes off
	BYTES_INSTRUCTIONS => 75,     # an entry more in a call, bytes on
	EXACT_INSTRUCTIONS => 200,    # 150: an entry more in a call, --exact
	EMPTY_PAIR => 300,            # less, and the empty pair was not there
};

my $bench = Cost::measure(kernel => $ENV{LAB_KERNEL} // "6.12",
	tools => "nothing,empty-pair,no-bytes,default,exact,nothing-again", rounds => 100);
my $tool = $bench->{named};

cmp_ok($tool->{"empty-pair"}{per_call}, ">", EMPTY_PAIR, "an empty pair costs something");
cmp_ok(abs $tool->{"nothing-again"}{per_call}, "<", 1, "nothing is left behind");
cmp_ok($tool->{"no-bytes"}{against_empty}, "<", CALL_OF_EMPTY_PAIR, "a call, bytes off");
cmp_ok(abs $tool->{"no-bytes"}{per_entry}, "<", ENTRY_INSTRUCTIONS, "no growth with entries");
cmp_ok($tool->{default}{per_entry}, "<", BYTES_INSTRUCTIONS, "an entry, bytes on");
cmp_ok($tool->{exact}{per_entry}, "<", EXACT_INSTRUCTIONS, "an entry, --exact");
diag(Cost::table($bench));

done_testing();
