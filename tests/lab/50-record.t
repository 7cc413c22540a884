#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Captures on real kernels: they hold the barriers that the plugin counted, their stacks add up to
# their rows, and what a run that went wrong leaves behind can be read (LAB_KERNELS ...).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use List::Util qw(sum0);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
my $tool = $ENV{LAB_TOOL} // "$build/arm64/dmasynctop";
plan skip_all => "no $tool: make ARCH=arm64" unless -x $tool;
plan skip_all => "no $build/dmasynctop: make" unless -x "$build/dmasynctop";

my @sums = qw(calls entries bytes ns dsb);

# Where an API call of a driver comes from: its function, just outside the API's own.
my %callers = ("map_sg ahci" => qr/^ata_qc_issue\b/, "unmap_sg ahci" => qr/^(?:__)?ata_qc_complete\b/,
	"sync_sg_for_cpu udmabuf" => qr/^begin_cpu_udmabuf\b/, "sync_sg_for_device udmabuf" => qr/^end_cpu_udmabuf\b/);

# Each session is a window of its own. Where kprobes count, what an interrupt does while the tool
# reads a map is lost, and told so: no interval ends while a load runs. A process can be asked for
# names of its stacks while it lives, so the first load holds its end back for an interval, after as many
# rounds as a profile sees for sure.
my $guest = <<'SH';
cd /out
cat >/tmp/load <<'END'
workload dio -d write,read -s 1M -f $DISK
[ ! -e /dev/udmabuf ] || workload udmabuf -n 16 -r 4 -d read,write
if [ -e /dev/udmabuf ]; then workload udmabuf -n 16 -r ${ROUNDS:-4} -d rw -D $HOLD
else workload dio -V -s 1M -f $DISK $HOLD; fi
END
session() {
	name=$1; shift
	workload mark begin $name
	dmasynctop record -o $name.gz "$@" 2>$name.err >$name.did
	echo $? >$name.status
	workload mark end
}
ops=map_sg,unmap_sg,sync_sg_for_cpu,sync_sg_for_device
export HOLD='-H 3000' ROUNDS=2000
session exact -O $ops --exact --user-stacks --profile 199 -i 1s -- sh /tmp/load
export HOLD= ROUNDS=
session arch -O $ops,arch_sync_for_cpu,arch_sync_for_device --level arch -i 1000s -- sh /tmp/load
SH

# What is about files is not of a kernel, and needs no more than two probes: on the first one alone.
my @kernels = split ' ', $ENV{LAB_KERNELS} // "6.1 6.12 7.3";
my $files_kernel = $kernels[0];
my $files = <<'SH';
session api -O $ops -i 1000s -- sh -c 'sh /tmp/load; exit 7'
# The header is written before anything is measured.
started() {
	tries=0
	until [ -s $1 ] || [ $tries = 300 ]; do usleep 100000; tries=$((tries + 1)); done
}
record="dmasynctop record -O map_sg,unmap_sg"
io="workload dio -s 1M -f $DISK"
stat -c %a api.gz >api.mode
cp api.gz api.before
$record -o api.gz -d 100ms 2>exists.err; echo $? >exists.status
$record -o none.gz --no-stacks -- /no/such 2>none.err; echo $? >none.status
ls none.gz >none.ls 2>&1

$record -o killed.gz -i 50ms 2>killed.err & pid=$!
started killed.gz
$io -H 300 >/dev/null
kill -KILL $pid; wait $pid 2>/dev/null

mkdir /tmp/small; mount -t tmpfs -o size=4k none /tmp/small
$record -o /tmp/small/full.gz --no-stacks -i 10ms -d 30s -- sh -c "$io; exec sleep 100" >full.did 2>full.err
echo $? >full.status
cp /tmp/small/full.gz .

$record -o stopped.gz --no-stacks -i 50ms 2>stopped.err & pid=$!
started stopped.gz
$io >/dev/null
kill -TERM $pid; wait $pid; echo $? >stopped.status
SH

sub of_type
{
	my ($type, @objects) = @_;
	return grep { $_->{type} eq $type } @objects;
}

# Every object of a capture up to its last whole line.
sub capture
{
	my ($file) = @_;
	my $text = `gzip -dc '$file' 2>/dev/null`;
	$text =~ s/[^\n]*\z//; # a line that was cut off
	return Lab::objects($text);
}

# What `report` makes of a capture: its exit status, and the objects.
sub report
{
	my ($file) = @_;
	my $text = `'$build/dmasynctop' report --json '$file' 2>/dev/null`;
	return ($? >> 8, Lab::objects($text));
}

sub rows
{
	return map { @{ $_->{rows} } } of_type("interval", @_);
}

sub total
{
	my ($key, @rows) = @_;
	return sum0 map { $_->{$key} // 0 } @rows;
}

# What is wrong with the frames of a row's stack.
sub wrong_frames
{
	my ($row, $hook, $frames) = @_;
	my @inner = reverse @$frames;
	my @wrong;
	push @wrong, "not from its function" unless $hook->{ $inner[0] };
	push @wrong, "has a frame of ours or none's" if grep { /^(?:\[unk|0x|bpf_prog_|bpf_trampoline_)/ } @inner;
	push @wrong, "ends too early" if @inner < 5;
	if (my $caller = $callers{"$row->{op} $row->{driver}"} // $callers{"$row->{op} $row->{dev}"}) {
		push @wrong, "not from its caller" unless grep { $_ =~ $caller } @inner[1 .. 3];
	}
	# A call of the arch level that has a device was made by one of the API.
	push @wrong, "not from the API"
		if $row->{op} =~ /^arch/ && $row->{dev} ne "-" && !grep { ($hook->{$_} // "") =~ /^(?!arch)/ } @inner;
	my $last = @inner < 8 ? $#inner : 7;
	return map { "$row->{op} $row->{dev}: $_: " . join " < ", @inner[0 .. $last] } @wrong;
}

# What is wrong with the stacks of a capture: nothing, if all is well.
sub wrong_stacks
{
	my ($header, @objects) = @_;
	my %hook = map { $_->{name} => $_->{op} } grep { $_->{op} && $_->{rung} } @{ $header->{hooks} };
	my @stacks = of_type("stack", @objects);
	my %wrong;
	for my $iv (of_type("interval", @objects)) {
		for my $i (0 .. $#{ $iv->{rows} }) {
			my $row = $iv->{rows}[$i];
			my @of = grep { $_->{row} == $i } @{ $iv->{stacks} };
			for my $what (@sums) {
				my $sum = total($what, @of);
				$wrong{"$row->{op} $what: $sum of $row->{$what}"}++ if $sum != $row->{$what};
			}
			for my $stack (@of) {
				$wrong{$_}++ for wrong_frames($row, \%hook, $stacks[$stack->{stack}]{frames});
			}
		}
	}
	return join "\n", sort keys %wrong;
}

# A capture is whole, its end line and `report` tell what its intervals do.
sub check_whole
{
	my ($text, $name, $file, $command) = @_;
	my @objects = capture($file);
	my ($end, @more) = of_type("end", @objects);
	ok($end && !@more, "$name: has its end") or return;
	cmp_ok(scalar of_type("stack", @objects), ">", 1, "$name: has stacks");
	is(wrong_stacks(@objects), "", "$name: stacks add up");
	for my $key (@sums) {
		is(total($key, @{ $end->{rows} }), total($key, rows(@objects)), "$name: $key of its end");
	}
	is($end->{loss}{$_}, 0, "$name: loss: $_") for sort keys %{ $end->{loss} };
	my ($status, @told) = report($file);
	is($status, 0, "$name: report reads it");
	is_deeply([ rows(@told) ], [ rows(@objects) ], "$name: and tells its rows");
	is($text->("$name.status"), "$command\n", "$name: the command's status");
	like($text->("$name.err"), qr/^dmasynctop: \Q$name\E\.gz: \d+ intervals? in \S+( \S+)?, \d+ calls from \d+ stacks, no events lost; \S+( \S+)? bytes$/,
		"$name: one line at its end");
}

# Sessions, against what the plugin counted in the windows of the same names.
sub check_counts
{
	my ($run, $name) = @_;
	my @rows = rows(capture("$run->{dir}/$name.gz"));
	my @did = Lab::objects(Lab::slurp("$run->{dir}/$name.did"));
	my $dma = Lab::dma($run, $name);
	is(total("bytes", grep { $_->{op} eq "map_sg" && $_->{driver} eq "ahci" } @rows),
		total("bytes", grep { $_->{workload} eq "dio" } @did), "$name: bytes of the disk");
	is(total("bytes", grep { $_->{op} =~ /^sync_sg_for_/ } @rows),
		2 * total("bytes", grep { $_->{workload} eq "udmabuf" } @did), "$name: bytes of udmabuf");
	cmp_ok($dma->{dsb}, ">", 0, "$name: there are barriers");
	# Those of the arch level are in the calls around them.
	is(total("dsb", grep { $_->{op} !~ /^arch_/ } @rows), $dma->{dsb}, "$name: as many as the plugin counted");
	is($_->{dsb_counted}, $_->{dsb_derived}, "$name: $_->{op} $_->{dev} $_->{dir}: derived as counted")
		for grep { defined $_->{dsb_counted} } @rows;
}

# Of the arch level, too.
sub check_entries
{
	my ($run) = @_;
	my @rows = rows(capture("$run->{dir}/arch.gz"));
	my $dma = Lab::dma($run, "arch");
	cmp_ok($dma->{$_}, ">", 0, "arch: there are entries towards the $_") for qw(device cpu);
	is(total("calls", grep { $_->{op} eq "arch_sync_for_device" } @rows), $dma->{device},
		"arch: entries towards the device");
	is(total("calls", grep { $_->{op} eq "arch_sync_for_cpu" && $_->{dir} ne "to_device" } @rows),
		$dma->{cpu}, "arch: entries towards the CPU");
}

sub check_profile
{
	my ($run, $udmabuf) = @_;
	my @objects = capture("$run->{dir}/exact.gz");
	my @stacks = of_type("stack", @objects);
	my @samples = map { @{ $_->{samples} } } of_type("interval", @objects);
	my @calls = map { @{ $_->{stacks} } } of_type("interval", @objects);
	my %named = map { $_->{id} => 1 }
		grep { my $s = $_; grep { $_ eq "main" } @{ $s->{frames} }[0 .. $s->{user} - 1] } @stacks;
	is(scalar(grep { /^bpf_trampoline_/ } map { @{ $_->{frames} } } @stacks), 0, "no stack tells of trampolines");
	cmp_ok(total("samples", @samples), ">", 5, "the profile has samples");
	ok((grep { $_->{comm} eq "workload" && $named{ $_->{stack} } } @samples), "... of the command, from its main()");
	# 6.1 has no udmabuf, and disks may be served by the kernel's own threads.
	ok((grep { $named{ $_->{stack} } } @calls), "calls come from main(), too") if $udmabuf;
}

# A capture without its end: the intervals that are there can be read, and report tells why it ends.
sub check_cut
{
	my ($name, $file) = @_;
	my @objects = capture($file);
	my ($status, @told) = report($file);
	cmp_ok(scalar of_type("interval", @objects), ">", 1, "$name: holds intervals");
	cmp_ok(total("calls", rows(@objects)), ">", 0, "$name: ... with calls");
	is(wrong_stacks(@objects), "", "$name: ... whose stacks add up") if @objects && $objects[0]{stacks};
	is(scalar of_type("end", @objects), 0, "$name: no closing line");
	is($status, 0, "$name: report reads it");
	is_deeply([ rows(@told) ], [ rows(@objects) ], "$name: ... every whole line");
	ok((map { $_->{cut_off} // () } of_type("end", @told)), "$name: ... and says that it was cut off");
}

sub check_files
{
	my ($text, $dir) = @_;
	is($text->("api.mode"), "600\n", "mode");
	is($text->("exists.status"), "1\n", "existing file: status");
	like($text->("exists.err"), qr/api\.gz exists already.*--force/, "... message");
	is($text->("api.gz"), $text->("api.before"), "... and is left alone");
	is($text->("none.status"), "127\n", "command not found");
	like($text->("none.ls"), qr/No such file/, "... leaves no file");
	check_cut("killed", "$dir/killed.gz");
	is($text->("full.status"), "1\n", "disk full: status");
	like($text->("full.err"), qr{cannot write to /tmp/small/full\.gz: No space left on device}, "... message");
	check_cut("full", "$dir/full.gz");
	is(scalar of_type("stack", capture("$dir/stopped.gz")), 0, "--no-stacks has none");
	is($text->("stopped.status"), "0\n", "SIGTERM: status");
	my @stopped = capture("$dir/stopped.gz");
	is(scalar of_type("end", @stopped), 1, "... closing line");
	cmp_ok(total("calls", rows(@stopped)), ">", 0, "... and what was measured by then");
}

for my $kernel (@kernels) {
	my $run = Lab::run([ "--kernel", $kernel, "--disk", "ahci", "--plugin", "--file", "$tool:/bin/dmasynctop" ],
		$guest . ($kernel eq $files_kernel ? $files : ""));
	my $text = sub { Lab::slurp("$run->{dir}/$_[0]") };
	subtest $kernel => sub {
		is($run->{status}, 0, "the guest ran") or diag($run->{err});
		my @names = (qw(exact arch), $kernel eq $files_kernel ? "api" : ());
		for my $name (@names) {
			check_whole($text, $name, "$run->{dir}/$name.gz", $name eq "api" ? 7 : 0);
			check_counts($run, $name);
		}
		check_entries($run);
		check_profile($run, $kernel ne "6.1");
		check_files($text, $run->{dir}) if $kernel eq $files_kernel;
	};
	# For a look at what was wrong.
	system("cp", "-a", $run->{dir}, "$ENV{LAB_KEEP}/$kernel") if $ENV{LAB_KEEP};
}

done_testing();
