#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The live view on made-up intervals, in a terminal of its own: looks, keys, sizes, ways to end.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time sleep);

my $demo = ($ENV{O} // 'build') . '/unit/tui_demo';
# Behind a shell's & they are ignored, which programs inherit.
$SIG{INT} = $SIG{QUIT} = 'DEFAULT';
plan skip_all => "$demo is not built" unless -x $demo;
plan skip_all => 'tmux is not installed' if system('command -v tmux >/dev/null 2>&1');
$demo = abs_path($demo);
my $dir = tempdir(CLEANUP => 1);
my ($open, $servers, @tmux) = (0, 0);

sub screen { my $s = `@tmux capture-pane -p -t t 2>/dev/null`; return $s }
sub keys_ { system(@tmux, 'send-keys', '-t', 't', @_); sleep(0.1) }

# Waits until the screen matches.
sub shows {
	my ($want, $what) = @_;
	my $until = time() + 8;
	while (time() < $until) {
		return pass($what) if screen() =~ $want;
		sleep(0.05);
	}
	fail($what);
	diag(screen());
}

sub finish {
	system(@tmux, 'kill-server') if $open;
	$open = 0;
}

END { my $status = $?; finish(); $? = $status }

# Starts a shell of @size and in it the view; the terminal's settings are kept before and after.
sub start {
	my ($w, $h, $env, $args) = @_;
	finish();
	$open = 1;
	# A server of its own each time: the one before may still be about to exit.
	@tmux = ('tmux', '-L', "dmasync-test-$$-" . ++$servers, '-f', '/dev/null');
	unlink(glob("$dir/*"));
	system('env', '-u', 'TMUX', 'LC_ALL=C.UTF-8', 'PS1=shell>', @tmux, 'new-session', '-d', '-s',
	       't', '-x', $w, '-y', $h, 'bash', '--norc');
	sleep(0.3);
	keys_("cd $dir; stty -a >before; $env $demo -i 100ms $args; echo \$? >status; stty -a >after",
	      'Enter');
}

sub slurp { my $f = shift; local (@ARGV, $/) = "$dir/$f"; return -e "$dir/$f" ? <> : '' }

sub pid_of_demo {
	my $shell = `@tmux list-panes -t t -F '#{pane_pid}'`;
	chomp($shell);
	my $pid = `pgrep -P $shell tui_demo`;
	chomp($pid);
	return $pid;
}

# The view is gone and has left the terminal as it was.
sub ended {
	my ($how) = @_;
	my $until = time() + 8;
	sleep(0.05) while !-s "$dir/after" && time() < $until;
	ok(-s "$dir/before" && slurp('before') eq slurp('after'), "$how: terminal settings restored");
	sleep(0.1);
	is(`@tmux display-message -p -t t '#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}'`,
	   "0 1 0\n", "$how: screen, cursor and keypad restored");
}

# ---- looks and keys at 80x24 ----
start(80, 24, '', '');
shows(qr/^dmasynctop  6\.12\.43\S* aarch64  per-entry  api: fentry x2, kprobe x1/, 'title');
shows(qr/^DMA \[\S+ *\] 45280 calls\/s, \S+% of a CPU, dsb 190880\/s derived/m, 'sums');
shows(qr/^own cost 344ns\/call \(85ns measured\), \S+% of a CPU; lost 0; every 100ms/m, 'own cost');
shows(qr/^batching would save 180600 of 190880 dsb\/s(?:, up to \d+ % of this|; time: record more sizes, predict)/m, 'what batching would save');
shows(qr/^DEVICE +OP +DIR HW CALL\/s ENT\/s MB\/s +AVG +P99 DSB\/s DSB\/C %CPU/m, 'columns');
shows(qr/^0000:00:01\.0 map_sg .*\n0000:00:01\.0 unmap_sg .*\nfe310000\.mmc sync_sg_cpu/m,
      'sorted by time');
shows(qr/^0000:00:01\.0 map_sg <- +min \S+ p50/m, 'histogram of the first row');
shows(qr/\.\.\S+ +\d+ +\x{e2}\x{96}\x{88}/, 'bars are UTF-8 here');
shows(qr/^F1Help .*F10Quit$/m, 'keys');
is(() = screen() =~ /\n/g, 24, '24 lines');

keys_('Down');
shows(qr/^0000:00:01\.0 unmap_sg <- +min /m, 'Down moves the selection');
keys_('s', 'Down', 'Enter');
shows(qr/DSB\/C %CPU\s+0000:01:00\.0 sync_1_dev/, 's: sort by calls');
shows(qr/^0000:00:01\.0 unmap_sg <- +min /m, 'the selected row is followed');
keys_('I');
shows(qr/DSB\/C %CPU\s+0000:00:01\.0/, 'I turns the order round');
keys_('Home', 'Enter');
shows(qr/^calls +64, 0 of them empty.*\n.*\n.*\n^bus +pci/m, 'Enter: details');
keys_('Escape');
shows(qr/^DEVICE/m, 'Escape: back');
keys_('/', 'm', 'm', 'c');
shows(qr/^Filter: mmc_/m, '/ asks for a filter');
shows(qr/%CPU\nfe310000\.mmc[^\n]*\n\n/, 'the filter works while it is typed');
keys_('Enter');
shows(qr/^filter "mmc": 1 lines/m, 'the filter stays');
keys_('Escape');
shows(qr/0000:00:01\.0 map_sg/, 'Escape clears it');
keys_('F3', 'i', 'g', 'c');
shows(qr/^0000:01:00\.0 unmap_page <- +min/m, 'F3 searches');
keys_('Escape', 'h');
shows(qr/^Help/, 'h: help');
keys_('q');
shows(qr/^DEVICE/m, 'any key leaves it');
keys_('Tab');
shows(qr/^DEVICE +DRIVER +HW CALL\/s/m, 'Tab: devices');
keys_('Tab');
shows(qr/^DRIVER +/m, 'Tab: drivers');
keys_('Tab');
shows(qr/^ +812 dd /m, 'Tab: processes');
unlike(screen(), qr/kworker\/\e/, 'names are shown without their escape sequences');
keys_('t');
shows(qr/^DEVICE +OP/m, 'Tab: rows again, without --storms');
keys_('c');
shows(qr/^DEVICE +OP +DIR HW +CALLS/m, 'c: totals');
shows(qr/TOTALS/, 'c: says so');
keys_('c', 'p');
shows(qr/PAUSED/, 'p: pause');
my $before = screen();
sleep(0.5);
is(screen(), $before, 'p: the screen stands still');
keys_('F5', 'S');
shows(qr/saved to dmasynctop-\S+\.json/, 'S: says where');
keys_('S', 'S', 'S', 'S', 'S');
sleep(0.5);
my @saved = glob("$dir/dmasynctop-*.json");
is(scalar(@saved), 6, 'S: a new file each time, none overwritten');
like(do { local (@ARGV, $/) = $saved[0]; <> },
     qr/^\{"type":"header".*\n\{"type":"interval".*\n\{"type":"end".*\n$/, 'S: three objects');
keys_('+');
shows(qr/every 200ms/, '+: longer intervals');
keys_('-', '-');
shows(qr/every 100ms/, '-: shorter ones, down to the shortest');

# ---- storms: a table of their own, by what would be saved ----
keys_('q');
start(80, 24, 'DEMO_STORMS=1', '-i 500ms');
shows(qr/^0000:00:01\.0 map_sg/m, 'storms: rows first');
keys_('s', 'Down', 'Enter', 'Tab', 'Tab', 'Tab');
shows(qr/^ +PID COMMAND/m, 'storms: processes before them');
keys_('Tab');
shows(qr/^DEVICE +DRIVER OP +DIR HW SAVED\/s +%DSB MOST\/s RUN\/s +P50 +P99 +MAX$/m, 'storms: columns');
shows(qr/MAX\n0000:02:00\.0 e1000e map_page +<- +n +1110 +2\.78 +1130 +42 +1\d +256 +256\n0000:02:00\.0 e1000e unmap_page .* 600 .*\n\n/,
      'storms: rows that have any, the most saved first');
shows(qr/^batches of single buffers would save: e1000e 1710\/s \(4\.28%\)$/m, 'storms: by driver');
shows(qr/^0000:02:00\.0 map_page <- +21 runs of calls: p50 1\d p99 256 max 256\n +16\.\.\S+ +20 /m, 'storms: lengths of runs');
keys_('Down', 'Enter');
shows(qr/^storms +batches .* save 300 of them\n +320 calls in 20 runs, 10 contexts; at most 310 would be saved\n +calls of a run: p50 16 p99 16 max 16$/m,
      'storms: details');
keys_('Escape', '/', 'm', 'm', 'c', 'Enter');
shows(qr/nothing matches the filter/, 'storms: none of this device');
keys_('Escape', 'c');
shows(qr/ +SAVED +%DSB +MOST +RUNS +P50 .*\n0000:02:00\.0 e1000e map_page +<- +n +\d*[05]5 /, 'storms: totals');
shows(qr/^batches of single buffers would save: e1000e \d*55 \(4\.28%\)$/m, 'storms: totals by driver');
keys_('c', 'Tab');
shows(qr/%CPU\n0000:01:00\.0 sync_1_dev/, 'storms: the order of the other tables is theirs again');
keys_('q');
ended('storms');
start(80, 24, '', '');
shows(qr/^0000:00:01\.0/m, 'before sizes');

# ---- the dma-buf chain ----
keys_('q');
start(80, 24, 'DEMO_CHAIN=1', '');
shows(qr/^- +dmabuf_mmap -- /m, 'chain: a row');
keys_('Home', 'Enter');
shows(qr/^- - dmabuf_mmap .*\n(?:.*\n){4}steps +32768, 16384 a call: walks of the page table$/m, 'chain: steps in the details');
unlike(screen(), qr/^barriers/m, 'chain: no barriers there');
keys_('Escape', 'End', 'Enter');
shows(qr/^steps +30 flushes for 960 put off: 930 dsb ish saved$/m, 'chain: of flushes');
keys_('Escape', 'Home', 'Down', 'Enter');
shows(qr/^barriers/m, 'chain: other rows');
unlike(screen(), qr/^steps/m, 'chain: have none');
keys_('Escape', 'q');
ended('chain');
start(80, 24, '', '');
shows(qr/^0000:00:01\.0/m, 'before sizes');

# ---- sizes ----
for my $size ([ 40, 10 ], [ 200, 50 ], [ 20, 5 ], [ 1, 1 ], [ 80, 24 ]) {
	system(@tmux, 'resize-window', '-t', 't', '-x', $size->[0], '-y', $size->[1]);
	sleep(0.4);
	ok(pid_of_demo(), "survives @$size");
	my @wide = grep { length > $size->[0] } map { s/[\x80-\xbf]//gr } split(/\n/, screen());
	is("@wide", '', "fits @$size");
	shows(qr/DRIVER +OP +DIR.*P50 +P99 +MAX/, '200 columns show all') if $size->[0] == 200;
	shows(qr/^DEVICE +OP +DIR/m, '40 columns show what matters') if $size->[0] == 40;
}
keys_('q');
shows(qr/^view ended: 0, \d+ intervals, 5 rows$/m, 'q: ends');
ended('q');

# ---- other ways to end ----
for my $signal (qw(TERM HUP INT QUIT)) {
	start(80, 24, '', '');
	shows(qr/^0000:00:01\.0/m, "before SIG$signal");
	kill($signal, pid_of_demo());
	ended("SIG$signal");
	is(slurp('status'), "0\n", "SIG$signal: status 0");
}
start(80, 24, '', '');
shows(qr/^0000:00:01\.0/m, 'before ^C');
keys_('C-c');
ended('^C');
start(80, 24, 'DEMO_CRASH=3', '');
ended('SIGSEGV');
isnt(slurp('status'), "0\n", 'SIGSEGV: is not hidden');
start(80, 24, '', '-n 3');
ended('-n 3');
like(screen(), qr/^view ended: 0, 3 intervals/m, '-n: as many as wanted');
start(80, 24, '', '-d 450ms');
ended('-d');
like(screen(), qr/^view ended: 0, 5 intervals/m, '-d: the rest is an interval, too');

# ---- suspend ----
start(80, 24, '', '');
shows(qr/^0000:00:01\.0/m, 'before ^Z');
keys_('C-z');
shows(qr/Stopped/, '^Z stops it');
is(`@tmux display-message -p -t t '#{alternate_on}'`, "0\n", '^Z leaves the full screen');
keys_('fg', 'Enter');
shows(qr/^dmasynctop .*\n.*\n.*\n^batching would save \d+ of \d+ dsb\/s(?:, up to \d+ % of this|; time: record more sizes, predict)\n^DEVICE/m, 'fg draws it again');
keys_('q');
ended('q after fg');

# ---- many rows, losses ----
start(80, 24, 'DEMO_DEVICES=300 DEMO_LOSS=1', '-s device');
shows(qr/^!!! 17 events lost: 17 probes skipped/m, 'losses are shown');
keys_('End');
shows(qr/^virtio99 map_page -> +min/m, 'End: the last of 305 rows');
keys_('PPage', 'PPage', 'NPage', 'q');
ended('q with many rows');
start(100, 24, 'DEMO_REFUSED=1', '-s device');
shows(qr/^!!! not watched: dma_unmap_phys \(load: Permission denied\)/m, 'a refused hook is shown');
keys_('q');
ended('q with a refused hook');

# ---- a command under the live view ----
my $product = abs_path(($ENV{O} // 'build') . '/unit/batch_demo');
sub command {
	my ($cmd) = @_;
	start(80, 24, '', '-n 1');
	ended('the view before the command');
	unlink("$dir/after");
	keys_("clear; $product -i 100ms -- $cmd; echo \$? >status; stty -a >after", 'Enter');
}
SKIP: {
	skip('batch_demo is not built', 13) unless $product && -x $product;
	command("sh -c 'echo its output; sleep 1; exit 3'");
	shows(qr/^0000:00:01\.0 map_sg/m, 'command: live view');
	unlike(screen(), qr/^its output/m, 'command: its output does not tear the view');
	ended('command');
	shows(qr/^its output\n\nTOTAL /m, 'command: output and totals follow');
	is(slurp('status'), "3\n", 'command: its status');
	command('sleep 60');
	shows(qr/^0000:00:01\.0 map_sg/m, 'command: live view');
	keys_('q');
	ended('command and q');
	is(slurp('status'), "0\n", 'q ends the command, too');
}

# ---- terminals ----
start(80, 24, 'LC_ALL=C', '');
shows(qr/\.\.\S+ +\d+ +##/, 'bars are ASCII in the C locale');
keys_('q');
start(80, 24, 'TERM=vt100', '');
shows(qr/^0000:00:01\.0/m, 'a terminal without colours');
keys_('q');
ended('vt100');
for my $env ('NO_COLOR=1', 'NO_COLOR=') {
	start(80, 24, $env, '');
	shows(qr/^0000:00:01\.0/m, "$env: shown");
	my $colours = `@tmux capture-pane -p -e -t t` =~ /\e\[[0-9;]*[34][0-7]m/;
	is(!!$colours, $env eq 'NO_COLOR=', $env eq 'NO_COLOR=' ? 'colours' : 'NO_COLOR: none');
	keys_('q');
}
for my $env ('TERM=dumb', '-u TERM', 'TERM=no-such-terminal') {
	start(80, 24, "env $env", '');
	shows(qr/^TOTAL/m, "$env: prints text instead");
}

done_testing();
