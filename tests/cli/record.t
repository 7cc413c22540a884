#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# record: options, wrong use, the file it leaves, on a made-up session.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $built = $ENV{O} // 'build';
# Behind a shell's & they are ignored, which programs inherit.
$SIG{INT} = $SIG{QUIT} = 'DEFAULT';
plan skip_all => "$built/unit/batch_demo is not built" unless -x "$built/unit/batch_demo";
my $dir = tempdir(CLEANUP => 1);

# Runs a shell line in which TOOL is the program; status, stdout, stderr.
sub sh {
	my ($line, $tool) = @_;
	$tool //= "$built/unit/batch_demo record";
	$line =~ s/\bTOOL\b/$tool/g;
	my $status = system("$line >$dir/out 2>$dir/err") >> 8;
	my @text = map { open(my $f, '<', "$dir/$_") or die; local $/; scalar <$f> } qw(out err);
	return ($status, @text);
}

sub capture {
	return map { decode_json($_) } `gzip -dc $dir/$_[0] 2>/dev/null`;
}

my @wrong = (
	[ '', qr/-o FILE is missing/ ],
	[ "-o ''", qr/-o '': is empty; valid: a file name/ ],
	[ '-o x --profile 0', qr/--profile '0': must not be zero; valid: 1 to 1000/ ],
	[ '-o x --profile 1001', qr/--profile '1001': is too large/ ],
	[ '-o x --no-stacks --user-stacks', qr/--user-stacks and --no-stacks exclude/ ],
	[ '-o x ls', qr/'ls': is no option; a command to measure goes behind --/ ],
	[ '-o x --', qr/--: no command behind it/ ],
	[ '-o x -O arch_flush', qr/add --level arch/ ],
	[ '-o x --json', qr/unrecognized option/ ],
);
for (@wrong) {
	my ($words, $message) = @$_;
	my ($status, $out, $err) = sh("TOOL $words");
	is($status, 2, "record $words: status");
	like($err, $message, "record $words: message");
	is($out, '', "record $words: nothing on stdout");
}
ok(!-e 'x', 'wrong use leaves no file');

my ($status, $out, $err) = sh("TOOL -o $dir/a.gz -n 3 -i 20ms");
is($status, 0, 'status');
is($out, '', 'nothing on stdout');
like($err, qr{^dmasynctop: $dir/a\.gz: 3 intervals in \S+, \d+ calls from \d+ stacks, no events lost; \S+ bytes$},
	'one line on stderr');
my @lines = capture('a.gz');
is((stat "$dir/a.gz")[2] & 0777, 0600, 'mode');
is(join(' ', grep { $_ ne 'stack' } map { $_->{type} } @lines),
	'header interval interval interval end', 'what is in it');
like($lines[0]{command}, qr/^dmasynctop record -o \S+ -n 3 -i 20ms$/, 'header: command line');
is($lines[0]{stacks} + 0, 1, 'header: stacks');
is($lines[0]{procs} + 0, 1, 'header: processes');
ok(exists $lines[-2]{processes}, 'processes are told');

($status, $out, $err) = sh("TOOL -o $dir/a.gz -n 1 -i 20ms");
is($status, 1, 'existing file: status');
like($err, qr/a\.gz exists already; .*--force/, 'existing file: message');
is(scalar capture('a.gz'), scalar @lines, 'existing file: left alone');
($status) = sh("TOOL --force -o $dir/a.gz -n 1 -i 20ms");
is($status, 0, '--force: status');
is(scalar(grep { $_->{type} eq 'interval' } capture('a.gz')), 1, '--force: overwritten');

# ---- --force: the old capture stays until there is a new one ----
my $old = do { open(my $f, '<', "$dir/a.gz"); local $/; <$f> };
my $same = sub { do { open(my $f, '<', "$dir/a.gz"); local $/; <$f> } eq $old };
my @files = glob("$dir/*");
($status, $out, $err) = sh("TOOL --force -o $dir/a.gz -- /no/such");
is($status, 127, '--force, no such command: status');
ok($same->(), '--force, no such command: the old capture is still there');
($status, $out, $err) = sh("(ulimit -f 0; trap '' XFSZ; TOOL --force -o $dir/a.gz -n 1 -i 20ms 2>&1) | cat");
like($out, qr/cannot write to \S+a\.gz: File too large/, '--force, no room for the header: message');
ok($same->(), '--force, no room for the header: the old capture is still there');
is(join(" ", glob("$dir/*")), "@files", '... and nothing else');
symlink("$dir/a.gz", "$dir/link") or die;
($status) = sh("TOOL --force -o $dir/link -n 2 -i 20ms ");
is($status, 0, '--force by a symbolic link: status');
ok(-l "$dir/link" && !-l "$dir/a.gz", '... which stays one');
is(scalar(grep { $_->{type} eq 'interval' } capture('a.gz')), 2, '... to the new capture');
is((stat "$dir/a.gz")[2] & 0777, 0600, '... which is private');
system("$built/unit/batch_demo record --force -o $dir/a.gz -i 10s 2>/dev/null & pid=\$!; sleep 0.5; kill -KILL \$pid; wait \$pid 2>/dev/null");
is(join(' ', map { $_->{type} } capture('a.gz')), 'header', '--force, killed at once: the new capture has its header');
unlink("$dir/link");
is(join(" ", glob("$dir/*")), "@files", '--force leaves no other file');
($status, $out, $err) = sh("TOOL --force -o $dir/new.gz -- /no/such");
ok(!-e "$dir/new.gz", '--force, no such command: no file where there was none');

($status) = sh("TOOL --no-stacks --no-processes -o $dir/b.gz -n 1 -i 20ms");
my @bare = capture('b.gz');
is(scalar(grep { $_->{type} eq 'stack' } @bare), 0, '--no-stacks');
ok(!$bare[1]{processes}, '--no-processes');

($status) = sh("TOOL -o $dir/c.gz -- sh -c 'exit 9'");
is($status, 9, 'the exit status of the command');
($status, $out, $err) = sh("TOOL -o $dir/d.gz -- /no/such");
is($status, 127, 'a command that is not there');
ok(!-e "$dir/d.gz", '... leaves no file');
($status, $out, $err) = sh("TOOL -o $dir/no/dir -n 1 -i 20ms");
is($status, 1, 'no such directory: status');
like($err, qr{cannot create $dir/no/dir: No such file}, 'no such directory: message');
($status, $out, $err) = sh("DEMO_READ=2 TOOL -o $dir/e.gz -i 20ms");
is($status, 1, 'a failure on the way: status');
is(join(' ', grep { $_ ne 'stack' } map { $_->{type} } capture('e.gz')), 'header interval',
	'... what came before is kept, and not closed');
($status, $out, $err) = sh("DEMO_LOSS=3 TOOL --max-loss 1 -o $dir/f.gz -n 1 -i 20ms");
is($status, 4, '--max-loss');
for my $signal (qw(INT TERM)) {
	($status) = sh("TOOL -o $dir/$signal.gz -i 20ms & pid=\$!; sleep 0.3; kill -$signal \$pid; wait \$pid");
	is($status, 0, "SIG$signal: status");
	is((capture("$signal.gz"))[-1]{type}, 'end', "SIG$signal: closing line");
}
SKIP: {
	skip '/dev/full is not there', 2 unless -e '/dev/full';
	($status, $out, $err) = sh("TOOL --force -o /dev/full -n 1 -i 20ms");
	is($status, 1, 'no room: status');
	like($err, qr{cannot write to /dev/full: No space left}, 'no room: message');
}
SKIP: {
	skip 'root may', 2 unless $> && -x "$built/dmasynctop";
	($status, $out, $err) = sh("TOOL -o $dir/g.gz", "$built/dmasynctop record");
	is($status, 3, 'not root: status');
	ok(!-e "$dir/g.gz", 'not root: no file');
}

# ---- manual page ----
my $page = do { local (@ARGV, $/) = 'doc/dmasynctop-record.1'; <> };
my %described = map { $_ => 1 } $page =~ /^\.It Fl (?:\w , )?-([a-z-]+)/mg;
my ($shared) = $page =~ /^\.Fl (i , n.*)$/m;
my %shared = map { s/^-//r => 1 } split / , /, $shared;
($status, $out) = sh('TOOL --help');
my $options = 0;
while ($out =~ /^ {2,6}(?:-(\S), )?--([a-z-]+)/mg) {
	next if $2 =~ /^(?:help|usage|version)$/;
	$options++;
	ok($described{$2} || $shared{$2} || $2 eq 'pmu' || $shared{$1 // ''}, "man page: --$2");
}
cmp_ok($options, '>', 15, 'the help text was understood');

done_testing();
