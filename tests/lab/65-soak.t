#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What `make soak` runs in its guests: it checks data of disks, udmabufs and the module, moves between CPUs,
# and notices when somebody else writes to its disk. The kernel with all checks is not in `make check`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use List::Util qw(sum0);
use Test::More;

my $soak = ($ENV{O} // "build") . "/lab/arm64/soak";
$soak = "$Lab::top/$soak" unless $soak =~ m{^/};
plan skip_all => "no $soak: make lab" unless -x $soak;

my $run = Lab::run([ "--kernel", "6.12-dmasync", "--smp", 2, "--disk", "ahci", "--swiotlb", "force", "--append",
		"swiotlb=65536,force", "--kmod", "--device", "edu", "--file", "$soak:/bin/soak" ], <<'SH');
soak -t 4 -B -m -d ahci=$DISK; echo "status $?"
soak -t 3 -d ahci=$DISK >/tmp/second 2>/tmp/said & pid=$!
while kill -0 $pid 2>/dev/null; do dd if=/dev/zero of=$DISK bs=64k count=64 oflag=direct 2>/dev/null; done
wait $pid; echo "second $?"; sed 's/"type":"soak"/"type":"second"/' /tmp/second; sed 's/^/said /' /tmp/said
{ soak -t 1 -d ahci=/dev/none 2>&1 >/dev/null; echo "status $?"; } | sed 's/^/none /'
soak -t 0 2>&1 | sed 's/^/usage /'
SH
is($run->{status}, 0, "the guest ran them") or diag($run->{err});
like($run->{out}, qr/^status 0$/m, "all is well: status") or diag($run->{err});
my @objects = Lab::objects($run->{out});
my %first = map { $_->{name} => $_ } grep { $_->{type} eq "soak" } @objects;
is(join(" ", sort keys %first), "ahci.0 ahci.1 module udmabuf", "a process each");
for my $name (sort keys %first) {
	my $w = $first{$name};
	cmp_ok($w->{$_}, ">", 0, "$name: $_") for qw(rounds calls checked);
	is($w->{mismatches}, 0, "$name: no mismatch");
}
cmp_ok(sum0(map { $_->{moves} } values %first), ">", 0, "they moved between the CPUs");
cmp_ok($first{"ahci.0"}{$_}, ">", 0, "a disk is $_") for qw(written read);
like($run->{out}, qr/^second 1$/m, "a disk that somebody else wrote to: status");
my ($bad) = grep { $_->{type} eq "second" && $_->{mismatches} } @objects;
ok($bad, "... counted") or diag($run->{out});
like($run->{out}, qr/^said soak: ahci\.\d: a page is not what was written at \d+, round \d+$/m, "... and told");
like($run->{out}, qr{^none soak: ahci\.\d: cannot open its device: No such file}m, "no such disk");
like($run->{out}, qr/^none status 1$/m, "... status");
like($run->{out}, qr/^usage usage: soak -t SECONDS/m, "usage");
done_testing();
