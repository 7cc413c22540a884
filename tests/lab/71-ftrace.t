#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The ftrace back end: on a kernel without BPF and BTF, and against BPF where there are both
# (LAB_FTRACE: a pattern, only boots whose name matches; 7.3 is left out by default).
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
my $wanted = $ENV{LAB_FTRACE} // "6|amd64";
my @file = ("--file", "$tool:/bin/dmasynctop");

# What must be the same whatever sees the calls.
my @counts = qw(calls entries failed failed_entries empty_calls bounces bounced_calls bounced_entries dsb);
my $prelude = <<'SH';
T=/sys/kernel/tracing
batch="dmasynctop -b --json -i 1000s"
disk="workload dio -d read,write -V -s 4M -f $DISK"
udmabuf="workload udmabuf -n 16 -r 4 -d read,write,rw"
# window NAME COMMAND: its output, errors and status, in a window of the plugin's.
window() {
	workload mark begin $1
	sh -c "$2" >/out/$1.out 2>/out/$1.err </dev/null
	echo $? >/out/$1.status
	workload mark end
}
# until_there FILE PATTERN: waits until a line of it matches.
until_there() {
	tries=0
	until grep -qs "$2" $1 || [ $tries = 600 ]; do tries=$((tries + 1)); usleep 100000; done
}
# ours: the instances and kprobe events of this program.
ours() {
	ls $T/instances | grep -c ^dmasynctop
	grep -c :dmasynctop $T/kprobe_events
}
SH

sub header { my ($header) = grep { ($_->{type} // "") eq "header" } Lab::objects($_[0]); return $header // {}; }
sub end { my ($end) = grep { ($_->{type} // "") eq "end" } Lab::objects($_[0]); return $end // { rows => [], loss => { none => 1 } }; }

# The rows as lines: what identifies them, and what was counted.
sub lines
{
	my ($end) = @_;
	return [ sort map {
		my $row = $_;
		my @bytes = $row->{op} =~ /_sg/ ? () : "bytes"; # those of lists ftrace cannot tell
		join " ", (map { "$_=" . ($row->{$_} // "null") } qw(op dev driver bus dir coherent iommu of_node), @counts, @bytes);
	} @{ $end->{rows} } ];
}

sub sum { my ($end, $key) = @_; return sum0 map { $_->{$key} // 0 } @{ $end->{rows} }; }

sub no_loss
{
	my ($end, $name) = @_;
	is(join(" ", grep { $end->{loss}{$_} } sort keys %{ $end->{loss} }), "", "$name: nothing lost");
}

# Both see one run, ftrace around BPF: a BRK at a RET would else keep BPF from finding it.
sub check_together
{
	my ($kernel, @options) = @_;
	my $run = Lab::run([ "--kernel", $kernel, "--plugin", "--timeout", 900, @file, @options ], $prelude . <<'SH');
echo "$disk && $udmabuf" >/tmp/load
for level in api arch; do
	window $level "$batch --level $level --backend ftrace -o /out/$level.ftrace -- \
		$batch --level $level -o /out/$level.bpf -- sh /tmp/load"
done
SH
	is($run->{status}, 0, "the guest ran") or diag($run->{err});
	for my $load (qw(api arch)) {
		my ($ftrace, $bpf) = map { Lab::slurp("$run->{dir}/$load.$_") } qw(ftrace bpf);
		is(header($ftrace)->{backend}, "ftrace", "$load: by ftrace");
		is(header($bpf)->{backend}, "bpf", "$load: by BPF");
		is_deeply(lines(end($ftrace)), lines(end($bpf)), "$load: the same rows, counts and barriers");
		cmp_ok(sum(end($ftrace), "entries"), ">", 100, "$load: and not for want of calls");
		no_loss(end($ftrace), $load);
		is((grep { defined $_->{bytes} } grep { $_->{op} =~ /_sg/ } @{ end($ftrace)->{rows} }), 0,
			"$load: bytes of lists are unknown, not 0");
		next if $load eq "arch";
		is(sum(end($ftrace), "dsb"), Lab::dma($run, $load)->{dsb}, "$load: barriers as the plugin counted");
	}
	return $run;
}

# BPF that is there and lets no program in; and buffers that are too small for the calls.
sub check_hard
{
	my ($kernel) = @_;
	my $rounds = 5000;
	my $run = Lab::run([ "--kernel", $kernel, "--plugin", "--timeout", 300, @file,
		"--file", "$build/lab/arm64/witness:/bin/witness" ], $prelude . <<"SH");
window noprog "witness noprog \$batch -- \$udmabuf"
window exact "witness noprog dmasynctop -b --exact -n 1"
many="workload udmabuf -n 1 -r $rounds"
export DMASYNCTOP_TRACE_KIB=4
window lossy "\$batch --backend ftrace -- \$many"
window strict "dmasynctop -b --backend ftrace --max-loss 0 -- \$many"
unset DMASYNCTOP_TRACE_KIB
SH
	my $got = sub { Lab::slurp("$run->{dir}/$_[0]") };
	is($run->{status}, 0, "the guest ran") or diag($run->{err});
	my ($header, $end) = (header($got->("noprog.out")), end($got->("noprog.out")));
	is($header->{backend}, "ftrace", "no program loads: ftrace, unasked");
	like($header->{backend_reason}, qr/^cannot attach any probe: .*Operation not permitted/, "no program loads: why, in the header");
	like($got->("noprog.err"), qr/^dmasynctop: warning: BPF does not work here, ftrace measures instead: cannot attach any probe/m,
		"no program loads: and on stderr");
	is($got->("noprog.status"), "0\n", "no program loads: status");
	cmp_ok(sum($end, "dsb"), ">", 0, "no program loads: barriers");
	is(sum($end, "dsb"), Lab::dma($run, "noprog")->{dsb}, "no program loads: as the plugin counted");
	no_loss($end, "noprog");
	is($got->("exact.status"), "3\n", "nor for --exact, which takes BPF: status");
	like($got->("exact.err"), qr/^dmasynctop: cannot attach any probe: [^\n]*\n\z/, "and BPF's reason, alone");

	# A call has two records: one that is missing in the rows has lost one of them, or both.
	$end = end($got->("lossy.out"));
	my $missing = 2 * $rounds - sum0 map { $_->{calls} } grep { $_->{op} =~ /^sync_sg/ } @{ $end->{rows} };
	my $lost = $end->{loss}{trace_events};
	diag("$kernel: $lost records lost, $missing calls missing");
	cmp_ok($missing, ">", 0, "small buffers: calls are missing");
	cmp_ok($lost, ">=", $missing, "small buffers: as many records are told as lost, or more");
	cmp_ok($lost, "<=", 2 * $missing + 50, "small buffers: but not more than calls have");
	is(sum($end, "failed") + $end->{loss}{stale} + $end->{loss}{depth}, 0, "small buffers: and no call is made up");
	is($got->("lossy.status"), "0\n", "small buffers: status");
	like($got->("lossy.err"), qr/^dmasynctop: warning: $lost events lost: $lost overwritten in the trace buffer$/m,
		"small buffers: said on stderr");
	is($got->("strict.status"), "4\n", "small buffers: status with --max-loss 0");
	like($got->("strict.err"), qr/^dmasynctop: (\d+) events lost: \1 overwritten in the trace buffer; --max-loss allows 0$/m,
		"small buffers: and why");
	like($got->("strict.out"), qr/\d+ events lost/, "small buffers: in the text, too");
}

# One after the other: there kprobes are all that BPF has, too.
sub check_in_turn
{
	my ($kernel, @options) = @_;
	my $run = Lab::run([ "--kernel", $kernel, "--plugin", "--timeout", 900, @file, @options ], $prelude . <<'SH');
for backend in ftrace bpf; do
	window $backend "$batch --backend $backend -- $disk"
	window $backend.arch "$batch --level arch --backend $backend -- $disk"
done
SH
	is($run->{status}, 0, "the guest ran") or diag($run->{err});
	my %end = map { $_ => end(Lab::slurp("$run->{dir}/$_.out")) } qw(ftrace bpf ftrace.arch bpf.arch);
	is_deeply(lines($end{ftrace}), lines($end{bpf}), "the same rows, counts and barriers");
	is_deeply(lines($end{"ftrace.arch"}), lines($end{"bpf.arch"}), "also at level arch");
	no_loss($end{$_}, $_) for sort keys %end;
	my @hooks = grep { $_->{rung} && $_->{end} } @{ header(Lab::slurp("$run->{dir}/ftrace.out"))->{hooks} };
	is(join(" ", map { $_->{name} } grep { $_->{end} ne "ret" } @hooks), "", "every end is a RET");
	cmp_ok(scalar @hooks, ">", 7, "of all functions");
	is(sum($end{$_}, "dsb"), Lab::dma($run, $_)->{dsb}, "$_: barriers as the plugin counted") for qw(ftrace bpf);
}

my $foreign = <<'SH';
# Somebody else's tracing: a kprobe event in an instance of his own, function tracing at the top.
cd $T
echo 'p:mine/map dma_map_page_attrs' >kprobe_events
echo 'p:mine/sync arch_sync_dma_for_device' >>kprobe_events
mkdir instances/his
echo 1 >instances/his/events/mine/sync/enable
echo 64 >instances/his/buffer_size_kb
echo dma_unmap_sg_attrs >set_ftrace_filter
echo function >current_tracer
state() {
	for file in current_tracer tracing_on trace_clock buffer_size_kb set_event set_ftrace_filter events/enable \
		instances/his/current_tracer instances/his/tracing_on instances/his/trace_clock \
		instances/his/buffer_size_kb instances/his/set_event; do
		echo "$file: $(cat $file | tr '\n' ' ')"
	done
	grep -v :dmasynctop kprobe_events
	ls instances | grep -v ^dmasynctop
	grep -v dmasynctop set_event
}
state >/out/before
echo >trace
echo >instances/his/trace
window beside "$batch -- $disk"
grep -c 'sync: ' instances/his/trace >/out/his
grep -c 'dma_unmap_sg_attrs <-' trace >/out/top
state >/out/after
dmasynctop -b --json -o /out/during.json &
until_there /out/during.json header
state >/out/during
ours >/out/ours.during
SH

my $deaths = <<'SH';
# A live one, beside which others die: of signals, which remove what is theirs, and killed.
died() {
	dmasynctop -b --json -o /out/$1.json &
	until_there /out/$1.json header
	ours >/out/$1.while
	kill -$1 $!
	wait $!
	ours >/out/$1.after
}
for signal in INT TERM HUP SEGV ABRT KILL; do
	died $signal
done
window next "$batch -n 1 -i 10ms"
ours >/out/next.after
kill -INT %1
wait %1
ours >/out/end
:
SH

my $enabled = <<'SH';
# Somebody enables all events there are, at the top or in his instance: also those of ours.
started() {
	dmasynctop -b --json -o /out/$1.json 2>/out/$1.err &
	until_there /out/$1.json header
}
enable_ours() {
	for file in $1/events/dmasynctop_*/enable; do echo 1 >$file; done
}
echo 0 >$T/options/overwrite
echo 1 >$T/options/stacktrace
started options
(cd $T/instances/dmasynctop_*/options && cat overwrite stacktrace) >/out/options
kill -INT $!
wait $!
echo 1 >$T/options/overwrite
echo 0 >$T/options/stacktrace
for signal in INT SEGV; do
	started top$signal
	enable_ours $T
	kill -$signal $!
	wait $!
	ours >/out/top$signal.after
done
started his
enable_ours $T/instances/his
kill -INT $!
wait $!
ours >/out/his.after
# A signal handler cannot look for instances: the next start does.
started orphans
enable_ours $T/instances/his
kill -SEGV $!
wait $!
ours >/out/orphans.left
window orphans "$batch -n 1 -i 10ms"
ours >/out/orphans.after
# A second signal, while the first one's handler removes things.
started twice
grep SigBlk: /proc/$!/task/*/status >/out/blocked
kill -SEGV $!
kill -ABRT $!
wait $!
ours >/out/twice.after
:
SH

my $refused = <<'SH';
window bpf "dmasynctop -b --backend bpf -n 1"
window exact "dmasynctop -b --exact -n 1"
window fentry "dmasynctop -b --attach=fentry -n 1"
window comm "$batch -c workload -- sh -c '$udmabuf; cp /bin/workload /tmp/other; /tmp/other udmabuf -n 16'"
window process "$batch --by process -- $udmabuf"
window text "dmasynctop -b -- $udmabuf"
window record "dmasynctop record -o /out/capture -- $udmabuf"
window doctor "dmasynctop doctor"
SH

# Whatever there is to see without BPF.
sub check_without
{
	my ($kernel) = @_;
	my $run = Lab::run([ "--kernel", $kernel, "--plugin", "--timeout", 900, @file, "--disk", "ahci" ],
		$prelude . "window disk \"\$batch -- \$disk\"\nwindow udmabuf \"\$batch -- \$udmabuf\"\n" .
		"$refused$foreign$deaths$enabled");
	my $got = sub { Lab::slurp("$run->{dir}/$_[0]") };
	is($run->{status}, 0, "the guest ran") or diag($run->{err});
	for my $load (qw(disk udmabuf)) {
		my ($header, $end) = (header($got->("$load.out")), end($got->("$load.out")));
		is($header->{backend}, "ftrace", "$load: ftrace, unasked");
		like($header->{backend_reason}, qr/^no BPF in this kernel/, "$load: and why");
		is(sum($end, "dsb"), Lab::dma($run, $load)->{dsb}, "$load: barriers as the plugin counted");
		cmp_ok(sum($end, "dsb"), ">", 0, "$load: there were some");
		no_loss($end, $load);
	}
	# 8 reads, 8 writes and their 8 reads back: 128 pages each.
	my @map = grep { $_->{op} eq "map_sg" } @{ end($got->("disk.out"))->{rows} };
	is(sum0(map { $_->{entries} } @map), 3 * 1024, "disk: entries mapped");
	is(join(" ", sort map { $_->{driver} } @map), "ahci ahci", "disk: driver");
	ok(!(grep { $_->{min_ns} > $_->{p50_ns} || $_->{p50_ns} > $_->{max_ns} || !$_->{ns} } @map), "disk: times");

	for (
		[ "bpf", qr/^dmasynctop: no BPF in this kernel; use one built with CONFIG_BPF_SYSCALL=y$/ ],
		[ "exact", qr/^dmasynctop: --exact is not possible with ftrace: it takes BPF\n.*: ftrace was taken for want of BPF: no BPF in this kernel; use one built with CONFIG_BPF_SYSCALL=y$/ ],
		[ "fentry", qr/^dmasynctop: --attach other than kprobe is not possible with ftrace/ ],
	) {
		is($got->("$_->[0].status"), "3\n", "$_->[0]: status");
		like($got->("$_->[0].err"), $_->[1], "$_->[0]: message");
	}
	is($got->("$_.status"), "0\n", "$_: status") or diag($got->("$_.err")) for qw(comm process text record doctor);
	my $calls = sum(end($got->("udmabuf.out")), "calls");
	is(sum(end($got->("comm.out")), "calls"), $calls, "-c: only those of its name");
	my ($process) = grep { $_->{comm} eq "workload" } @{ end($got->("process.out"))->{processes} };
	is($process->{calls}, $calls, "--by process: its calls");
	like($got->("text.out") =~ s/\s+/ /gr, qr/probes by ftrace \(no BPF in this kernel\), level api/, "text: says so");
	like($got->("record.err"), qr/warning: no stacks: ftrace/, "record: says that there are no stacks");
	my $capture = `gzip -dc '$run->{dir}/capture'`;
	is(header($capture)->{stacks} ? 1 : 0, 0, "record: and so does the capture");
	is(sum(end($capture), "calls"), $calls, "record: calls");
	my $report = `$build/dmasynctop report --json '$run->{dir}/capture'`;
	is(header($report)->{backend}, "ftrace", "report: reads it");
	like($got->("doctor.out"), qr/^warn +btf .*^warn +bpf +not used: no BPF.*^ok +ftrace +used instead/ms, "doctor");

	is($got->("beside.status"), "0\n", "beside others: status");
	like($got->("before"), qr/^current_tracer: function/m, "somebody else traces");
	is($got->($_), $got->("before"), "his tracing is as it was $_") for qw(during after);
	my $beside = end($got->("beside.out"));
	is($got->("his"), Lab::dma($run, "beside")->{device} . "\n", "his kprobe saw all");
	cmp_ok($got->("top"), ">=", sum0(map { $_->{calls} } grep { $_->{op} eq "unmap_sg" } @{ $beside->{rows} }),
		"and so did his function tracer");
	is(sum($beside, "dsb"), Lab::dma($run, "beside")->{dsb}, "beside others: barriers as the plugin counted");

	my ($instances, $events) = split /\n/, $got->("ours.during");
	is($instances, 1, "one instance");
	cmp_ok($events, ">", 20, "with its events");
	for my $signal (qw(INT TERM HUP SEGV ABRT KILL)) {
		like($got->("$signal.while"), qr/^2\n(?!$events\n)/, "$signal: two at a time");
		my $killed = $signal eq "KILL";
		is($got->("$signal.after"), $killed ? $got->("KILL.while") : "1\n$events\n",
			"$signal: " . ($killed ? "the dead one's is left" : "the dead one's is gone"));
	}
	is($got->("next.after"), "1\n$events\n", "the next start takes it away, and not the live one's");
	is($got->("end"), "0\n0\n", "nothing is left in the end");

	is($got->("options"), "1\n0\n", "options of the instance are not the top's");
	is($got->("$_.after"), "0\n0\n", "$_: nothing is left of what others enabled") for qw(topINT topSEGV his);
	is($got->("orphans.left"), "0\n$events\n", "a signal handler cannot remove what is on elsewhere");
	# SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS: bit 0 is signal 1.
	my @blocked = map { hex } $got->("blocked") =~ /SigBlk:\s+\w*(\w{8})$/mg;
	cmp_ok(scalar @blocked, ">", 1, "a reader's thread");
	is((grep { $_ & 0x400004e8 } @blocked), 0, "no thread blocks the signals of a crash of its own");
	is($got->("twice.after"), "0\n0\n", "a second signal waits for what the first one undoes");
	is($got->("orphans.after"), "0\n0\n", "but the next start does");
}

# x86_64 has other registers, and kretprobes as ends; nothing waits there.
sub check_amd64
{
	chomp(my $machine = `uname -m`);
	plan skip_all => "cannot be built on $machine" if $machine ne "x86_64";
	my $static = ($ENV{O} // "build") . "/dmasynctop-static";
	is(system("make", "-s", "-C", $Lab::top, "O=" . ($ENV{O} // "build"), $static), 0, "a static build");
	my $run = Lab::run([ "--arch", "amd64", "--disk", "ahci", "--timeout", 300, "--file", "$build/dmasynctop-static:/bin/dmasynctop" ],
		$prelude . <<'SH');
window both "$batch --backend ftrace -o /out/ftrace -- $batch -o /out/bpf -- $disk"
window process "$batch --backend ftrace --by process -- $disk"
ours >/out/left
:
SH
	is($run->{status}, 0, "the guest ran") or diag($run->{err});
	my $got = sub { Lab::slurp("$run->{dir}/$_[0]") };
	my ($ftrace, $bpf) = map { $got->($_) } qw(ftrace bpf);
	is(header($ftrace)->{backend}, "ftrace", "by ftrace");
	is(header($bpf)->{backend}, "bpf", "by BPF");
	is(header($ftrace)->{machine}, "x86_64", "on x86_64");
	is_deeply(lines(end($ftrace)), lines(end($bpf)), "the same rows and counts");
	my @map = grep { $_->{op} eq "map_sg" } @{ end($ftrace)->{rows} };
	# 8 reads, 8 writes and their 8 reads back: 128 pages each, which lie where they lie.
	is(sum0(map { $_->{calls} } @map), 24, "calls");
	cmp_ok(sum0(map { $_->{entries} } @map), ">=", 24, "entries");
	is(join(" ", sort map { $_->{driver} } @map), "ahci ahci", "driver");
	is((grep { defined $_->{dsb} || !$_->{coherent} } @{ end($ftrace)->{rows} }), 0, "all is coherent: no barriers");
	ok(!(grep { $_->{min_ns} > $_->{p50_ns} || $_->{p50_ns} > $_->{max_ns} || !$_->{ns} } @map), "times");
	no_loss(end($ftrace), "amd64");
	is($got->("process.status"), "0\n", "--by process: status") or diag($got->("process.err"));
	cmp_ok(scalar(grep { $_->{comm} eq "workload" } @{ end($got->("process.out"))->{processes} }), ">", 0, "--by process: whose calls");
	is($got->("left"), "0\n0\n", "nothing is left");
}

for (
	[ "6.12-nobpf", \&check_without ],
	[ "6.12-hard", sub { check_hard("6.12") } ],
	[ "6.12", \&check_together, "--disk", "ahci", "--swiotlb", "force" ],
	[ "6.1", \&check_in_turn, "--disk", "ahci" ],
	[ "7.3", \&check_together, "--disk", "nvme", "--iommu", "smmuv3" ],
	[ "amd64", \&check_amd64 ],
) {
	my ($kernel, $check, @options) = @$_;
	subtest $kernel => sub { $check->($kernel, @options) } if $kernel =~ /^(?:$wanted)/;
}

done_testing();
