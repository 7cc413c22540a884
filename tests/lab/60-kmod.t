#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The dmasync_bench module: builds, refuses what makes no sense, leaves while it runs, and its calls
# execute the barriers of the table on stock kernels, as the tool says too. LAB_MACHINES: other pairs of
# kernel and path, as "7.3:swiotlb 6.12:smmuv3".
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Kmod;
use Lab;
use List::Util qw(sum0);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
my $tool = $ENV{LAB_TOOL} // "$build/arm64/dmasynctop";

# A kernel, and a way from the device to memory.
my @machines = map { [ split /:/ ] } split " ", $ENV{LAB_MACHINES} //
	"6.12:direct 6.12:smmuv3 7.3:direct 7.3:smmuv3 6.1:swiotlb";
my %device = (direct => "platform", smmuv3 => "pci", swiotlb => "platform");
my %options = (direct => [], smmuv3 => [ "--iommu", "smmuv3" ], swiotlb => [ "--swiotlb", "force" ]);

# What is laid out how, once each way and with and without DMA_ATTR_SKIP_CPU_SYNC.
my @shapes = (
	{ entries => 1 },
	{ entries => 129 },
	{ entries => 15, layout => "chained" },
	{ entries => 3, layout => "unaligned" },
	{ entries => 5, layout => "mixed" },
	{ entries => 2, op => "sgtable", iterations => 3 },
	{ entries => 3, op => "page", layout => "small", size => 16 },
	{ entries => 9, fail => "limit", fail_at => 4 },
	{ entries => 9, fail => "limit", fail_at => 4, op => "page" },
	{ entries => 9, fail => "exhaust", fail_at => 5, layout => "small", size => 16 },
	{ entries => 4, op => "iova" },
);

sub cells
{
	my ($path) = @_;
	my $n = 0;
	my @cells = map { my $how = $_; map { Kmod::cell("c" . $n++, device => $device{$path}, %$how, %$_) } @shapes }
		Kmod::cross({ dir => [ "to_device", "from_device", "bidirectional" ], attrs => [ "none", "skip_cpu_sync" ] });
	# All of it, once: other sizes differ in nothing.
	push @cells, Kmod::cell("all", device => $device{$path}, entries => $path eq "swiotlb" ? 200 : 2560);
	# Behind an IOMMU 7.3 waits once even so, which the tool takes for a map that failed early.
	push @cells, map { Kmod::cell("none-$_", device => $device{$path}, entries => 0, dir => $_) }
		"to_device", "from_device" unless $path eq "smmuv3";
	return @cells;
}

# Is a kernel older than another? 6.12 is not older than 6.5.
sub older
{
	my ($a, $b) = map { sprintf "%d.%03d", split /\./ } @_;
	return $a < $b;
}

# What this machine cannot do, by what the module says of it.
sub excused
{
	my ($kernel, $path, $cell, $reason) = @_;
	return $path ne "smmuv3" || older($kernel, "6.16") if $cell->{op} eq "iova";
	# Small buffers bounce since 6.5, on their way in; some machines bounce everything.
	return $cell->{fail} && $cell->{fail} eq "exhaust" && $reason =~ /nothing bounces/ &&
		(older($kernel, "6.5") || $cell->{dir} eq "to_device") && $path ne "swiotlb";
}

sub check_cell
{
	my ($run, $flavour, $path, $cell, $label) = @_;
	my $got = $run->{cells}{$label};
	my @ops = sort keys %{ $got->{apis} };
	my $what = Kmod::command($cell);
	is($got->{run}{state}, "done", "$what: ran");
	for my $op (@ops) {
		my $counts = Kmod::counts($run, $label, $op);
		is($counts->{dsb}, Kmod::expected($flavour, $got, $op), "$what: dsb of $op");
		# Interrupts are off: that is all there was.
		is($counts->{all_dsb}, $counts->{dsb}, "$what: no other dsb in $op");
	}
	my $lines = $got->{run}{bytes} >> 6;
	if (!$cell->{fail} && ($cell->{layout} // "plain") =~ /plain|chained/ && $cell->{op} =~ /^sg/) {
		my $skip = $cell->{attrs} eq "skip_cpu_sync";
		is(Kmod::counts($run, $label, "map_sg")->{dc}, $skip ? 0 : $lines * $cell->{iterations},
			"$what: lines of map_sg");
		is(Kmod::counts($run, $label, "sync_sg_for_device")->{dc}, $lines * $cell->{iterations},
			"$what: lines of sync_sg_for_device");
	}
	return unless $cell->{fail};
	my $map = $got->{apis}{map_sg} // $got->{apis}{map_page};
	is($map->{failed_at}, $cell->{fail_at}, "$what: failed there") if $path ne "smmuv3";
	cmp_ok($map->{errors}, ">", 0, "$what: failed");
}

# What dmasynctop says of each operation and direction, against all windows of its session.
sub check_tool
{
	my ($run, $mode, @cells) = @_;
	my ($end) = grep { $_->{type} eq "end" } Lab::objects(Lab::slurp("$run->{dir}/$mode.json"));
	ok($end, "$mode: has totals") or return;
	my (%told, %executed);
	for my $row (grep { $_->{dev} =~ /^dmasync_bench$|^0000:/ && $_->{driver} eq "dmasync_bench" } @{ $end->{rows} }) {
		$told{"$row->{op} $row->{dir}"} += $row->{dsb} // "nan";
	}
	for my $cell (@cells) {
		my $label = "$cell->{label}.$mode";
		for my $op (keys %{ $run->{cells}{$label}{apis} // {} }) {
			my $dir = $op eq "iova_sync" ? "none" : $cell->{dir};
			$executed{"$op $dir"} += Kmod::counts($run, $label, $op)->{dsb};
		}
	}
	is($told{$_}, $executed{$_}, "$mode: $_") for sort keys %executed;
	is($end->{loss}{$_}, 0, "$mode: loss: $_") for sort keys %{ $end->{loss} };
}

for my $machine (@machines) {
	my ($kernel, $path) = @$machine;
	my $flavour = older($kernel, "7.1") ? "per-entry" : "upstream-batched";
	my @cells = cells($path);
	my $tools = -x $tool && { derived => "dmasynctop -b --json -i 1000s",
		counted => "dmasynctop -b --json -i 1000s --exact" };
	subtest "$kernel, $path" => sub {
		my $run = Kmod::run(cells => \@cells, options => [ "--kernel", $kernel, @{ $options{$path} },
				$tools ? ("--file", "$tool:/bin/dmasynctop") : () ], $tools ? (tools => $tools) : ());
		is($run->{status}, 0, "the guest ran them") or diag($run->{err});
		for my $mode ($tools ? sort keys %$tools : "") {
			for my $cell (@cells) {
				my $label = $cell->{label} . ($mode ? ".$mode" : "");
				my $refused = $run->{cells}{$label}{refused};
				if ($refused && excused($kernel, $path, $cell, $refused->{reason})) {
					pass("$label: $refused->{reason}");
				} else {
					check_cell($run, $flavour, $path, $cell, $label);
				}
			}
			check_tool($run, $mode, @cells) if $mode;
		}
	};
}

# Commands that make no sense, and what is said of them.
my @wrong = (
	[ "op=dma", qr/^op=dma: want one of sg, sgtable, page, / ],
	[ "entries", qr/^entries: want KEY=VALUE/ ],
	[ "entries=-1", qr/^entries=-1: want a number from 0 to 65536/ ],
	[ "entries=65537", qr/^entries=65537: want a number/ ],
	[ "entries=many", qr/^entries=many: want a number/ ],
	[ "size=0", qr/^size=0: want a number from 1/ ],
	[ "iterations=0", qr/^iterations=0: want/ ],
	[ "speed=9", qr/^speed=9: no such parameter/ ],
	[ "dir=none", qr/^dir=none: want one of / ],
	[ "mark=dsb", qr/^mark=dsb: want all, run, none or a call/ ],
	[ "label=a\"b", qr/^label=.*: want 1 to 39 letters/ ],
	[ "label=" . "x" x 40, qr/^label=.*: want 1 to 39 letters/ ],
	[ "cpu=4096", qr/^cpu=4096: is not online/ ],
	[ "mask=2", qr/^mask=2: want a number from 12 to 64/ ],
	[ "mask=12", qr/^mask=12: the kernel refuses it for dmasync_bench/ ],
	[ "device=pci", qr/^device=pci: dmasync_bench has none/, "No such device" ],
	[ "entries=65536 size=256K", qr/more than \d+ bytes/ ],
	[ "op=page entries=2560 iterations=100000", qr/more than \d+ calls/ ],
	[ "layout=small", qr/^layout=small: want size up to/ ],
	[ "layout=chained op=page", qr/^layout=chained: only lists/ ],
	[ "fail=limit entries=3 fail_at=3", qr/^fail_at=3: there are 3 entries/ ],
	[ "op=resource", qr/^op=resource: dmasync_bench has no registers/ ],
	[ "op=dmabuf_vmap", qr/^op=dmabuf_vmap wants fd=/ ],
	[ "op=sg fd=1", qr/^op=dmabuf_vmap wants fd=, and no other op has it/ ],
	[ "op=dmabuf_vmap fd=0", qr/^fd=0: the writer has no dma-buf of that number/ ],
	[ "op=dmabuf_vmap fd=0 fail=limit", qr/^fail=limit: not with op=dmabuf_vmap/ ],
);

subtest "refusals, waiting, leaving" => sub {
	my $text = "d=/sys/kernel/debug/dmasync_bench\n";
	for my $n (0 .. $#wrong) {
		my $command = $wrong[$n][0] =~ s/'/'\\''/gr;
		$text .= "echo '$command' >\$d/run 2>/tmp/err && echo '$n accepted' || { cat \$d/error | sed 's/^/$n /'; sed 's/^/$n said /' /tmp/err; }\n";
	}
	$text .= <<'SH';
head -c 2000 /dev/zero | tr '\\0' x | dd bs=2000 iflag=fullblock of=$d/run 2>/dev/null || sed 's/^/long /' $d/error
echo 'iterations=1000000' >$d/run; echo "busy $(echo op=sg 2>&1 >$d/run) $(cat $d/error)"
echo stop >$d/run; sed 's/^/stopped /' $d/result
echo 'entries=64 iterations=3 mask=32' >$d/run; sed 's/^/waited /' $d/result
echo 'iterations=1000000 layout=mixed' >$d/run
rmmod dmasync_bench && echo "left $(ls $d 2>&1)"
insmod /lab/module-files/dmasync_bench.ko && cat $d/result | sed 's/^/again /'
mem() { echo 3 >/proc/sys/vm/drop_caches; sleep 1; awk "/^$1/ { print \$2 }" /proc/meminfo; }
cycle() {
	for fail in none limit; do for op in sg page; do
		echo "op=$op fail=$fail entries=2560 fail_at=3" >$d/run && cat $d/result >/dev/null
	done; done
	for bad in "op=resource" "op=sg fail=exhaust layout=plain" "op=iova entries=4"; do
		echo "$bad" >$d/run
	done 2>/dev/null
}
cycle; pages=$(mem MemAvailable) slab=$(mem SUnreclaim)
for i in 1 2 3 4 5; do cycle; done
echo "lost $((pages - $(mem MemAvailable))) KiB"; echo "slab $(($(mem SUnreclaim) - slab)) KiB"
dmesg | grep -E 'BUG|Oops|leak|refcount' | sed 's/^/log /'
SH
	my $run = Lab::run([ "--kernel", "6.12", "--kmod", "--smp", 2, "--timeout", 600 ], $text);
	is($run->{status}, 0, "the guest ran") or diag($run->{err});
	for my $n (0 .. $#wrong) {
		my ($line) = $run->{out} =~ /^$n (?!said)(.*)/m;
		like($line // "nothing was said", $wrong[$n][1], "'" . substr($wrong[$n][0], 0, 60) . "'");
		my $said = $wrong[$n][2] // "Invalid argument";
		like($run->{out}, qr/^$n said .*: $said$/m, "it is '$said'");
	}
	like($run->{out}, qr/^long a command has at most/m, "a long command");
	like($run->{out}, qr/^busy .*busy.* a run goes on/m, "one run at a time");
	like($run->{out}, qr/^stopped .*"state":"stopped"/m, "which can be stopped");
	like($run->{out}, qr/^waited .*"state":"done".*"iterations_done":3/m, "reading the result waits");
	like($run->{out}, qr/^left .*No such file/m, "the module leaves while it runs");
	like($run->{out}, qr/^again .*"state":"none"/m, "and comes back with nothing in mind");
	my ($lost) = $run->{out} =~ /^lost (-?\d+) KiB/m;
	# What is free moves by some MiB by itself; the runs had 10 MiB each.
	cmp_ok($lost // 1 << 30, "<", 48 << 10, "20 runs and 15 refusals leave memory as it was");
	my ($slab) = $run->{out} =~ /^slab (-?\d+) KiB/m;
	cmp_ok($slab // 1 << 30, "<", 512, "of the kernel's own, too");
	unlike($run->{out}, qr/^log /m, "the kernel has nothing to say");
};

SKIP: {
	skip "$tool is not built", 1 unless -x $tool;
	subtest "dmasynctop bench --module" => sub {
		my $run = Lab::run([ "--kernel", "6.12", "--kmod", "--device", "edu", "--iommu", "smmuv3",
				"--file", "$tool:/bin/dmasynctop" ], <<'SH');
b="dmasynctop bench --module --size 256K --iterations 5"
$b --json --dir write
$b --json --pci --api unmap_sg,map_page,unmap_page
$b | sed 's/^/text /'
dmasynctop bench --module --iterations 1000000 & sleep 2; kill -TERM $!; wait $!; echo "killed $?"
sed 's/^/then /' /sys/kernel/debug/dmasync_bench/result
$b --cpu 7 2>&1 | sed 's/^/refused /'
$b --api iova_link 2>&1 | sed 's/^/refused /'
rmmod dmasync_bench; $b 2>&1 | sed 's/^/gone /'
umount /sys/kernel/debug; $b 2>&1 | sed 's/^/unmounted /'; $b 2>/dev/null; echo "status $?"
SH
		is($run->{status}, 0, "the guest ran") or diag($run->{err});
		my ($platform, $pci) = Lab::objects($run->{out});
		my %dsb = map { $_->{op} => $_->{dsb_per_call} } @{ $platform->{apis} };
		is_deeply(\%dsb, { map_sg => 64, sync_sg_for_cpu => 0, sync_sg_for_device => 64, unmap_sg => 0 },
			"64 entries towards the device") or diag($run->{err}, $run->{out});
		is($platform->{dsb_source}, "counted", "counted");
		is($_->{calls}, 5, "$_->{op}: calls") for @{ $platform->{apis} };
		cmp_ok($_->{median_ns}, "<=", $_->{p99_ns}, "$_->{op}: percentiles") for @{ $platform->{apis} };
		ok(!$platform->{iommu} && !$platform->{coherent}, "the platform device");
		ok($pci->{iommu}, "the PCI device is behind the IOMMU");
		is(join(" ", map { $_->{op} } @{ $pci->{apis} }), "unmap_sg map_page unmap_page", "calls that were asked for");
		is(join(" ", map { $_->{dsb_per_call} } @{ $pci->{apis} }), "64 1 1", "and their barriers");
		is($pci->{apis}[1]{calls}, 5 * 64, "single buffers: a call an entry");
		like($run->{out}, qr/^text dmasync_bench \(not coherent\): 256K in 64 entries of 4\.00K, --dir rw/m, "text");
		like($run->{out}, qr/^text map_sg( +\S+){5} +64$/m, "with barriers");
		like($run->{out}, qr/^killed 143$/m, "a signal ends it");
		like($run->{out}, qr/^then .*"state":"stopped"/m, "and the module's run");
		like($run->{out}, qr/^refused .*refuses to run .*cpu=7: is not online/m, "the module's reason");
		like($run->{out}, qr/^refused .*this kernel has no dma_iova_link/m, "what the kernel lacks");
		like($run->{out}, qr/^gone .*dmasync_bench is not loaded: /m, "no module");
		like($run->{out}, qr/^unmounted .*debugfs is not mounted: run 'mount/m, "no debugfs");
		like($run->{out}, qr/^status 3$/m, "not possible here");
	};
}

done_testing();
