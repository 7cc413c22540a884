#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# On the modelled core a barrier has an exact price, so latencies are not noise but right or wrong.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use Test::More;

my $tool = "$Lab::top/" . ($ENV{O} // "build") . "/arm64/dmasynctop";
my $entries = 2560;
my $tick = 16; # ns of the guest's counter, which runs at 62.5 MHz
my $load = "workload udmabuf -n $entries -r 10 -d read -o /dev/null";
my @timed = ("__dma_sync_sg_for_cpu", "__dma_sync_sg_for_device");

sub model
{
	my ($kernel, $model, @options) = @_;
	my $run = Lab::run([ "--kernel", $kernel, "--model", $model, "--file",
		"$tool:/bin/dmasynctop", (map { ("--time", $_) } @timed) ],
		"dmasynctop -b --json @options -- $load");
	is($run->{status}, 0, "$kernel, $model: runs") or diag($run->{err});
	($run->{header}, my @rest) = Lab::objects($run->{out});
	$run->{rows} = { map { $_->{op} => $_ } @{ $rest[-1]{rows} } };
	($run->{model}) = Lab::objects(Lab::slurp("$run->{dir}/model.json"));
	return $run;
}

# What is reported is what the function took by the guest's own clock, and the probes' floor. Both
# ends of one call are cut to a tick; over many calls that evens out.
sub agree
{
	my ($run, $what) = @_;
	for my $function (@timed) {
		my $op = $function =~ s/^__dma_//r;
		my ($row, $true) = ($run->{rows}{$op}, $run->{model}{timed}{$function});
		my $floor = $run->{header}{probe_floor_ns};
		is($row->{calls}, $true->{calls}, "$what: every call of $function");
		for my $of ([ "ns", $row->{calls} ], [ "min_ns", 1 ], [ "max_ns", 1 ]) {
			my ($name, $n) = @$of;
			my $off = ($row->{$name} - $true->{$name}) / $n - $floor;
			cmp_ok(abs($off), "<=", $n == 1 ? 2 * $tick : $tick, sprintf("%s: %s %s is right: off by %.1f ns a call",
				$what, $op, $name, $off));
		}
	}
}

# A price of 200 ns a barrier is there once an entry up to 7.0, once a call from 7.1 on.
my %at = map { $_ => model("7.0", "near,round=$_", "--no-bytes") } 0, 200;
my $batched = model("7.1", "near,round=200", "--no-bytes");
agree($at{$_}, "7.0 at $_ ns a barrier") for sort keys %at;
agree($batched, "7.1 at 200 ns a barrier");
for my $op (map { s/^__dma_//r } @timed) {
	my ($free, $dear, $once) = map { $_->{rows}{$op} } $at{0}, $at{200}, $batched;
	is($dear->{dsb} / $dear->{calls}, $entries, "7.0: $op waits $entries times a call");
	is($once->{dsb} / $once->{calls}, 1, "7.1: $op waits once a call");
	my $more = $dear->{min_ns} - $free->{min_ns};
	cmp_ok(abs($more - 200 * $entries), "<=", $tick, "7.0: $op takes $more ns longer");
	cmp_ok($once->{p50_ns}, "<", $dear->{p50_ns} / 2, "batching $op pays at this price");
}

# A recording of the same run is the same file.
sub recorded
{
	my ($seed) = @_;
	my $run = Lab::run([ "--kernel", "7.0", "--model", "near", "--seed", $seed, "--file", "$tool:/bin/dmasynctop" ],
		"dmasynctop record --profile 499 -i 10ms -o /out/run.dma -- $load");
	is($run->{status}, 0, "records with seed $seed") or diag($run->{err});
	return Lab::slurp("$run->{dir}/run.dma");
}
my ($one, $same) = map { recorded(1) } 1, 2;
cmp_ok(length $one, ">", 1000, "there is a capture");
ok($one eq $same, "the same run again: the same capture, byte for byte");

my $wrong = Lab::run([ "--model", "near,round=x" ], "true");
isnt($wrong->{status}, 0, "a wrong parameter ends the run");
like($wrong->{err}, qr/round=x: want a number/, "and is told");
my $many = Lab::run([ "--model", "near", "--smp", "2" ], "true");
like($many->{err}, qr/one vCPU only/, "two vCPUs are refused");

done_testing();
