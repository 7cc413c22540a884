#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Wrong options end in a message that names option, value and what is valid, and in status 2.
use strict;
use warnings;
use Test::More;

my $tool = ($ENV{O} // 'build') . '/dmasynctop';
plan skip_all => "$tool is not built" unless -x $tool;

sub run {
	my $pid = open(my $out, '-|') // die "fork: $!";
	if (!$pid) {
		open(STDERR, '>&', \*STDOUT);
		exec($tool, @_) or die "exec: $!";
	}
	my $text = join('', <$out>);
	close($out);
	return ($? >> 8, $text);
}

my @wrong = (
	[ ['-i', '0'],      qr/-i '0': must not be zero; valid: 10\S* to / ],
	[ ['-i', '-1'],     qr/-i '-1': must not be negative/ ],
	[ ['-i', 'often'],  qr/-i 'often': is not a number/ ],
	[ ['-i', '1 day'],  qr/-i '1 day': ends in an unknown unit/ ],
	[ ['-i', '1000d'],  qr/-i '1000d': is too large/ ],
	[ ['-n', '0'],      qr/-n '0': must not be zero; valid: 1 to 4294967295/ ],
	[ ['-d', '1ns'],    qr/-d '1ns': is too small/ ],
	[ ['-O', 'dma_map'], qr/-O 'dma_map': is not an operation; valid: map_sg, .*arch_flush/ ],
	[ ['-O', 'arch_flush'], qr/-O: .*add --level arch/ ],
	[ ['-O', 'calibrate'], qr/-O 'calibrate': is not an operation; valid: map_sg, .*arch_flush, dmabuf_mmap, dmabuf_vmap, vmap, tlb_flush$/m ],
	[ ['-O', 'map_sg,vmap'], qr/-O: operations of the dma-buf chain are not watched; add --chain/ ],
	[ ['-s', 'size'],   qr/-s 'size': is not a sort key; valid: time, calls.*dsb\/call/ ],
	[ ['--by', 'cpu'],  qr/--by 'cpu': is not a grouping; valid: row, device/ ],
	[ ['--level', '3'], qr/--level '3': is not a level; valid: api, arch/ ],
	[ ['--backend', 'x'], qr/--backend 'x': .*valid: auto, bpf, ftrace/ ],
	[ ['--attach', 'x'], qr/--attach 'x': .*valid: auto, fsession, fentry, kprobe/ ],
	[ ['--max-rows', '1'], qr/--max-rows '1': is too small; valid: \d+ to \d+/ ],
	[ ['--max-loss', '-1'], qr/--max-loss '-1': must not be negative/ ],
	[ ['-p', 'init'],   qr/-p 'init': is not a number/ ],
	[ ['-c', 'x' x 16], qr/-c 'x{16}': the kernel keeps only 15 characters.*valid: 'x{15}'$/m ],
	[ ['-D', ''],       qr/-D '': is empty/ ],
	[ ['--colour'],     qr/unrecognized option '--colour'/ ],
	[ ['top'],          qr/'top': neither an option nor a subcommand/ ],
	[ ['-b', '--'],     qr/--: no command behind it/ ],
);

for my $case (@wrong) {
	my ($args, $want) = @$case;
	my ($status, $text) = run(@$args);
	is($status, 2, "@$args: status");
	like($text, $want, "@$args: message");
	like($text, qr/--help/, "@$args: points at the help");
}

my ($status, $text) = run('--help');
is($status, 0, '--help: status');
like($text, qr/^\s+$_\b/m, "--help: tells of $_") for qw(doctor bench);
like($text, qr/--$_\b/, "--help: has --$_")
	for qw(batch interval count duration device pid comm op sort output level exact json attach backend
	       by hist no-bytes max-rows max-loss pmu storms chain verbose);
is(scalar(grep { length > 80 } split(/\n/, $text)), 0, '--help: fits 80 columns');

($status, $text) = run('--version');
is($status, 0, '--version: status');
like($text, qr/^dmasynctop \d+\.\d+\.\d+$/, '--version');

SKIP: {
	skip('no /dev/full', 2) unless -c '/dev/full';
	my $told = `$tool --help 2>&1 >/dev/full`;
	is($? >> 8, 1, '--help to a full disk: status');
	like($told, qr/cannot write to stdout: No space left/, '--help to a full disk: message');
	system("$tool --help | head -n 1 >/dev/null") and fail('--help | head');
}

done_testing();
