#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Captures on real kernels: stacks add up to their rows, a capture tells what -b tells, and what a
# run that went wrong leaves behind can be read (LAB_KERNELS ...).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Lab;
use List::Util qw(sum0);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
plan skip_all => "no $build/arm64/dmasynctop: make ARCH=arm64" unless -x "$build/arm64/dmasynctop";

my @sums = qw(calls entries bytes ns dsb);

# Every object of a capture, as far as it goes.
sub capture
{
	my ($file) = @_;
	my $text = `gzip -dc '$file' 2>/dev/null`;
	$text =~ s/[^\n]*\z//; # a line that was cut off
	return Lab::objects($text);
}

sub of_type
{
	my ($type, @objects) = @_;
	return grep { $_->{type} eq $type } @objects;
}

# {"op dev dir" => {calls, entries, dsb}} over all intervals.
sub totals
{
	my %total;
	for my $row (map { @{ $_->{rows} } } of_type("interval", @_)) {
		my $t = $total{"$row->{op} $row->{dev} $row->{dir}"} //= {};
		$t->{$_} += $row->{$_} for qw(calls entries bytes dsb);
	}
	return \%total;
}

# What is wrong with the stacks of a capture: nothing, if all is well.
sub wrong
{
	my ($name, @objects) = @_;
	my @wrong;
	my ($header) = @objects;
	my @stacks = of_type("stack", @objects);
	my %hook = map { $_->{name} => 1 } grep { $_->{attach} ne "none" } @{ $header->{hooks} };
	for my $iv (of_type("interval", @objects)) {
		push @wrong, "loss" if $iv->{loss}{stacks};
		for my $i (0 .. $#{ $iv->{rows} }) {
			my $row = $iv->{rows}[$i];
			my @of = grep { $_->{row} == $i } @{ $iv->{stacks} };
			for my $what (@sums) {
				my $sum = sum0(map { $_->{$what} } @of);
				push @wrong, "$row->{op} $what: $sum of $row->{$what}"
					if $sum != $row->{$what};
			}
			for my $stack (@of) {
				my $frames = $stacks[$stack->{stack}]{frames};
				push @wrong, "$row->{op}: innermost $frames->[-1]"
					unless $hook{ $frames->[-1] };
				push @wrong, "$row->{op}: [unknown]" if grep { /^\[unk|^0x|^bpf_(?:prog|trampoline)_/ } @$frames;
				push @wrong, "$row->{op}: only @$frames" if @$frames < 5;
			}
		}
	}
	return @wrong;
}

my @kernels = split ' ', $ENV{LAB_KERNELS} // "6.1 6.12 7.3";
for my $kernel (@kernels) {
	my $run = Lab::run([ "--kernel", $kernel, "--disk", "ahci",
		"--file", "$build/arm64/dmasynctop:/bin/dmasynctop" ], <<"SH");
cd /out
io='workload dio -f '\$DISK' -s 8M'
dmasynctop record -o disk.gz -i 100ms -- \$io 2>disk.err; echo \$? >disk.status
dmasynctop record --exact -o exact.gz -- \$io 2>exact.err
dmasynctop record --level arch -o arch.gz -- workload dio -f \$DISK -s 512K 2>arch.err
dmasynctop -b --json -o plain.json -- \$io
dmasynctop record --profile 199 --user-stacks -i 50ms -o profile.gz -- \$io 2>profile.err
dmasynctop record -o disk.gz -d 100ms 2>exists.err; echo \$? >exists.status
dmasynctop record --no-stacks -o bare.gz -- sh -c 'exit 7' 2>bare.err; echo \$? >bare.status
dmasynctop record -o none.gz -- /no/such 2>none.err; echo \$? >none.status; ls none.gz 2>none.ls
dmasynctop record -o killed.gz -i 50ms 2>killed.err & pid=\$!
tries=0
until [ \$(wc -c <killed.gz 2>/dev/null || echo 0) -gt 3000 ] || [ \$tries = 300 ]; do
	\$io; tries=\$((tries + 1))
done >/dev/null
kill -9 \$pid; wait \$pid 2>/dev/null
mkdir /tmp/small; mount -t tmpfs -o size=8k none /tmp/small
dmasynctop record -o /tmp/small/full.gz -i 20ms -d 60s -- sh -c "while :; do \$io; done" \\
	2>full.err >/dev/null; echo \$? >full.status
cp /tmp/small/full.gz .
dmasynctop record -o stopped.gz -i 50ms 2>stopped.err & pid=\$!
until [ -s stopped.gz ]; do usleep 100000; done
kill -TERM \$pid; wait \$pid; echo \$? >stopped.status
SH
	my $text = sub { Lab::slurp("$run->{dir}/$_[0]") };
	subtest "$kernel" => sub {
		is($run->{status}, 0, "the guest ran") or diag($run->{err});
		for my $name (qw(disk exact arch)) {
			my @objects = capture("$run->{dir}/$name.gz");
			is(join("; ", wrong($name, @objects)), "", "$name: stacks add up");
			cmp_ok(scalar of_type("stack", @objects), ">", 1, "$name: has stacks");
			is(scalar of_type("end", @objects), 1, "$name: has its end");
		}
		is($text->("disk.status"), "0\n", "status");
		like($text->("disk.err"), qr/^dmasynctop: disk\.gz: \d+ intervals? in \S+, \d+ calls from \d+ stacks, no events lost; \S+ bytes$/,
			"one line at its end");
		my @plain = Lab::objects($text->("plain.json"));
		my @disk = capture("$run->{dir}/disk.gz");
		my $pages = sub { my $t = totals(@_); return { map { ($_ => $t->{$_}{bytes}) } keys %$t } };
		is_deeply($pages->(@disk), $pages->(@plain), "the bytes that -b tells");
		my $exact = totals(capture("$run->{dir}/exact.gz"));
		for my $key (sort keys %$exact) {
			my ($row) = grep { "$_->{op} $_->{dev} $_->{dir}" eq $key }
				map { @{ $_->{rows} } } of_type("end", capture("$run->{dir}/exact.gz"));
			is($row->{dsb}, $exact->{$key}{dsb}, "$key: barriers of the end line");
			is($exact->{$key}{dsb}, $exact->{$key}{$kernel eq "7.3" ? "calls" : "entries"},
				"$key: barriers by the kernel's rule");
		}
		my @profile = capture("$run->{dir}/profile.gz");
		my @samples = map { @{ $_->{samples} } } of_type("interval", @profile);
		cmp_ok(sum0(map { $_->{samples} } @samples), ">", 5, "the profile has samples");
		ok((grep { $_->{comm} eq "workload" } @samples), "... of the command");
		my @frames = map { @{ $_->{frames} } } of_type("stack", @profile);
		ok((grep { $_ eq "main" } @frames), "stacks go into user space");
		is($text->("exists.status"), "1\n", "existing file: status");
		like($text->("exists.err"), qr/disk\.gz exists already.*--force/, "... message");
		is_deeply([ capture("$run->{dir}/disk.gz") ], \@disk, "... and is left alone");
		is($text->("bare.status"), "7\n", "the command's status");
		is(scalar of_type("stack", capture("$run->{dir}/bare.gz")), 0, "--no-stacks");
		is($text->("none.status"), "127\n", "command not found");
		like($text->("none.ls"), qr/No such file/, "... leaves no file");
		my @killed = capture("$run->{dir}/killed.gz");
		cmp_ok(scalar of_type("interval", @killed), ">", 1, "killed: intervals are there");
		is(scalar of_type("end", @killed), 0, "killed: no closing line");
		is($text->("full.status"), "1\n", "disk full: status");
		like($text->("full.err"),
			qr{cannot write to /tmp/small/full\.gz: No space left on device}, "... message");
		my @full = eval { capture("$run->{dir}/full.gz") };
		cmp_ok(scalar of_type("interval", @full), ">", 0, "... what was written is readable");
		is($text->("stopped.status"), "0\n", "SIGTERM: status");
		is(scalar of_type("end", capture("$run->{dir}/stopped.gz")), 1, "... closing line");
		is((stat "$run->{dir}/disk.gz")[2] & 0777, 0600, "mode") if -o "$run->{dir}/disk.gz";
	};
}

done_testing();
