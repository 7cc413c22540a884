#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The dma-buf chain: what --chain tells of mmap, vmap and TLB flushes is what the plugin saw, and what the
# patches of it change: steps, barriers, instructions, and nothing of what is mapped. LAB_SERIES="6.12 6.1", LAB_KERNELS="base dmabuf".
# LAB_PUBLISHED=1: buffers as large as those of the published benchmarks, 512 MiB for mmap and 128 MiB for vmap.
# LAB_STOCK=7.3: kernels without a system heap, on which dma_buf_vmap() is of a udmabuf.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
my $tool = "$build/arm64/dmasynctop";
my $mapheap = "$build/lab/arm64/mapheap";
plan skip_all => "no $tool: make ARCH=arm64" unless -x $tool;
plan skip_all => "no $mapheap: make lab" unless -x $mapheap;

# 275 pages: entries of 1 MiB and 64 KiB, and three pages.
my ($odd, $odd_entries, $rounds) = (275, 5, 4);
my $published = $ENV{LAB_PUBLISHED};
my $large = $published ? 131072 : 16384; # pages of the buffer that is timed
my $mapped = $published ? 32768 : 4096;	 # and of those that the kernel maps

# Each vmap() is a run of the module of its own, of entries of 64 KiB, forwards and backwards.
my $chunks = $mapped / 16;
my $cell = "op=vmap entries=$chunks size=64k iterations=2";
my $watch = "dmasynctop -b --json --chain -i 1000s";
my $command = <<"SH";
d=/sys/kernel/debug/dmasync_bench
mapheap check >/out/check
mapheap check -n 64 >/out/check64
mapheap time -n $large -r 2 -m mmap
$watch -O dmabuf_mmap -- mapheap time -n $large -r 1 >/out/large.json 2>/out/err
$watch -O dmabuf_mmap -- mapheap time -n $odd -r $rounds >/out/mmap.json 2>>/out/err
$watch -O dmabuf_mmap --attach=kprobe -- mapheap time -n $odd -r $rounds >/out/mmap-kprobe.json 2>>/out/err
for layout in plain reverse; do
	echo $cell layout=\$layout mark=vmap label=\$layout >\$d/run
	cat \$d/result >/out/\$layout.bare
	$watch -O vmap -- sh -c "echo $cell layout=\$layout >\$d/run; cat \$d/result" 2>>/out/err >/out/\$layout.json
done
$watch -O dmabuf_vmap -- sh -c "echo $cell >\$d/run; cat \$d/result >/dev/null" 2>>/out/err >/out/unasked.json
$watch -O vmap --max-rows 20 -- sh -c "echo $cell >\$d/run; cat \$d/result >/dev/null" 2>>/out/err >/out/full.json
mapheap vmap -n $mapped -r 2 -m dmabuf >/out/dmabuf.bare
$watch -O dmabuf_vmap -- mapheap vmap -n $mapped -r 2 2>>/out/err >/out/dmabuf-best.json
$watch -O dmabuf_vmap --attach=kprobe -- mapheap vmap -n $mapped -r 2 2>>/out/err >/out/dmabuf-kprobe.json
dmasynctop bench --vmap 4M --heap --iterations 3 --json >/out/bench-heap 2>>/out/err
dmasynctop bench --mmap 4M --iterations 3 --json >/out/bench-mmap 2>>/out/err
dmasynctop bench --vmap 4M --iterations 3 --json >/out/bench-vmap 2>>/out/err
$watch -O tlb_flush -c compact -- workload compact tlb >/out/tlb.json 2>>/out/err
SH

sub boot
{
	my ($kernel) = @_;
	return Lab::run([ "--kernel", $kernel, "--kmod", "--plugin", "--icount", $published ? qw(--mem 2G --timeout 900) : qw(--timeout 300),
		"--file", "$tool:/bin/dmasynctop", "--file", "$mapheap:/bin/mapheap" ], $command);
}

sub told
{
	my ($run, $file) = @_;
	return Lab::objects(Lab::slurp("$run->{dir}/$file"));
}

# The totals' row of an operation.
sub row
{
	my ($run, $file, $op) = @_;
	my ($end) = grep { ($_->{type} // "") eq "end" } told($run, "$file.json");
	my ($row) = grep { ($_->{op} // "") eq $op } @{ $end->{rows} // [] };
	return $row // {};
}

# Instructions of the cheapest of the windows so labelled: others contain interrupts, too.
sub instructions
{
	my ($run, $label) = @_;
	my ($least) = sort { $a <=> $b } map { $_->{instructions} } grep { $_->{label} eq $label } @{ $run->{windows} };
	return $least // 0;
}

# Of all windows so labelled.
sub executed
{
	my ($run, $label, $kind, $symbol) = @_;
	my $sum = 0;
	for my $site (map { @{ $_->{sites} } } grep { $_->{label} eq $label } @{ $run->{windows} }) {
		$sum += $site->{count} if $site->{kind} eq $kind && Lab::place($run, $site->{addr})->[0] =~ /^(?:$symbol)$/;
	}
	return $sum;
}

sub check_data
{
	my ($run) = @_;
	for my $file (qw(check check64)) {
		my ($seen) = told($run, $file);
		cmp_ok($seen->{checks} // 0, ">", 35, "$file: mappings were made");
		is($seen->{wrong}, 0, "$file: whole, partial, shifted, private mappings and faults are as they should be");
	}
	for my $what (qw(mmap vmap heap)) {
		my ($bench) = told($run, "bench-$what");
		is($bench->{wrong_pages}, 0, "bench --$what: data is right");
		is($bench->{pages}, 1024, "bench --$what: all of it");
	}
}

sub check_mmap
{
	my ($run, $batched) = @_;
	my $want = $rounds * ($batched ? $odd_entries : $odd);
	for my $file (qw(mmap mmap-kprobe)) {
		my $row = row($run, $file, "dmabuf_mmap");
		is_deeply([ @$row{qw(calls entries bytes steps)} ], [ $rounds, $rounds * $odd, $rounds * $odd * 4096, $want ],
			"$file: calls, pages, bytes, steps");
		is_deeply([ @$row{qw(dsb dsb_source dir dev)} ], [ undef, "none", "none", "-" ], "$file: no device, no barriers");
	}
	is(row($run, "large", "dmabuf_mmap")->{entries}, $large, "a large buffer: pages");
	# An entry has 256 pages as long as there are such blocks.
	cmp_ok(row($run, "large", "dmabuf_mmap")->{steps}, $batched ? "<=" : "==", $batched ? $large / 128 : $large, "a large buffer: steps");
	my ($bench) = told($run, "bench-mmap");
	cmp_ok($bench->{steps_per_call}, $batched ? "<=" : "==", $batched ? 16 : 1024, "bench --mmap: steps");
}

sub check_vmap
{
	my ($run, $batched, $plain) = @_;
	for my $layout (qw(plain reverse)) {
		my ($bare) = grep { ($_->{op} // "") eq "vmap" } told($run, "$layout.bare");
		is($bare->{wrong}, 0, "$layout: the module reads and writes the right pages");
		my $want = $batched ? $bare->{runs} : $bare->{entries};
		# Of two calls; the border of a page table may cut one.
		cmp_ok($bare->{runs}, "<=", 2 * ($chunks + $mapped / 512 + 1), "$layout: runs are chunks") if $layout ne "reverse";
		is(executed($run, $layout, "dsb ishst", "vmap_.*"), $want, "$layout: barriers of PTEs: " .
			($batched ? "one a run" : "one a page"));
		my $row = row($run, $layout, "vmap");
		# The memory of the watched run is other memory, whose runs the module tells.
		my ($there) = grep { ($_->{op} // "") eq "vmap" && $_->{type} eq "api" } told($run, "$layout.json");
		is($row->{calls}, 2, "$layout: calls");
		is($row->{entries}, 2 * $mapped, "$layout: pages");
		is($row->{steps}, $batched ? $there->{runs} : $row->{entries}, "$layout: steps as the module has runs");
	}
}

# What the module tells of the calls that it made in a run of mapheap, which is checked to be right on either side.
sub dmabuf_calls
{
	my ($run, $file) = @_;
	my @told = told($run, $file);
	my ($api) = grep { ($_->{op} // "") eq "dmabuf_vmap" && $_->{type} eq "api" } @told;
	my ($own) = grep { ($_->{workload} // "") eq "mapheap" } @told;
	is_deeply([ $api->{wrong}, $own->{wrong} ], [ 0, 0 ], "$file: kernel and process see what the other wrote");
	return $api;
}

# dma_buf_vmap() of the heap: its vmap(), and before it one of the array of pointers to its pages, which is no step.
sub check_dmabuf
{
	my ($run, $batched) = @_;
	my $bare = dmabuf_calls($run, "dmabuf.bare");
	my $array = 2 * $mapped * 8 / 4096;
	my $done = executed($run, "dmabuf", "dsb ishst", "vmap_.*");
	my $steps = $batched ? $bare->{runs} : 2 * $mapped;
	cmp_ok($bare->{runs}, "<", $mapped / 16, "dma_buf_vmap: the heap's memory has runs");
	cmp_ok($done, ">=", $steps + ($batched ? 2 : $array), "dma_buf_vmap: barriers: one a " . ($batched ? "run" : "page"));
	cmp_ok($done, "<=", $steps + $array, "dma_buf_vmap: no more than that, and the array's");
	for my $rung (qw(best kprobe)) {
		my $there = dmabuf_calls($run, "dmabuf-$rung.json");
		my $row = row($run, "dmabuf-$rung", "dmabuf_vmap");
		is_deeply([ @$row{qw(calls entries bytes steps)} ],
			[ 2, 2 * $mapped, 2 * $mapped * 4096, $batched ? $there->{runs} : 2 * $mapped ],
			"dma_buf_vmap, $rung rung: calls, pages, bytes, steps");
		is_deeply([ @$row{qw(dsb dsb_source dir dev failed)} ], [ undef, "none", "none", "-", 0 ],
			"dma_buf_vmap, $rung rung: no device, no barriers");
		cmp_ok($row->{min_ns}, ">", 0, "dma_buf_vmap, $rung rung: time");
	}
	my ($bench) = told($run, "bench-heap");
	cmp_ok($bench->{steps_per_call}, $batched ? "<=" : "==", $batched ? 64 : 1024, "bench --vmap --heap: steps");
	is($bench->{dma_buf_vmap}{calls}, 3, "bench --vmap --heap: calls");
}

# A kernel whose udmabuf maps by vm_map_ram(), which has no steps to tell.
sub check_stock
{
	my ($kernel) = @_;
	my $run = Lab::run([ "--kernel", $kernel, "--kmod", "--icount", "--timeout", 300,
		"--file", "$tool:/bin/dmasynctop", "--file", "$mapheap:/bin/mapheap" ],
		"$watch -O dmabuf_vmap -- mapheap vmap -u -n 512 -r 3 2>/out/err >/out/udmabuf.json");
	is($run->{status}, 0, "the guest ran it") or diag($run->{err});
	is(Lab::slurp("$run->{dir}/err"), "", "the tool had no complaint");
	is(dmabuf_calls($run, "udmabuf.json")->{calls}, 3, "the module made the calls");
	my $row = row($run, "udmabuf", "dmabuf_vmap");
	is_deeply([ @$row{qw(calls entries bytes failed)} ], [ 3, 3 * 512, 3 * 512 * 4096, 0 ], "calls, pages, bytes");
}

# Of one call each, as they were in the windows whose instructions are counted.
sub say_steps
{
	my ($run, $name, $batched) = @_;
	my %runs = map { my ($api) = grep { ($_->{op} // "") =~ /vmap$/ } told($run, $_); ($_ => $api->{runs}) } qw(plain.bare reverse.bare dmabuf.bare);
	diag(sprintf("%s: steps of a call: mmap of %u pages %u, of %u pages vmap %g, of scattered ones %g, dma_buf_vmap %g", $name, $large,
		row($run, "large", "dmabuf_mmap")->{steps}, $mapped, map { $batched ? $runs{$_} / 2 : $mapped } qw(plain.bare reverse.bare dmabuf.bare)));
}

# Each vmap() is watched for the steps of a dma_buf_vmap() around it, and these are without one.
sub check_unasked
{
	my ($run) = @_;
	my ($header) = told($run, "unasked.json");
	my ($hook) = grep { $_->{name} eq "vmap" } @{ $header->{hooks} };
	isnt($hook->{rung} // "none", "none", "-O dmabuf_vmap: vmap() is watched, too");
	is_deeply(row($run, "unasked", "vmap"), {}, "-O dmabuf_vmap: but has no row");
}

# What finds no row is still told as what it is.
sub check_full
{
	my ($run) = @_;
	my ($end) = grep { ($_->{type} // "") eq "end" } told($run, "full.json");
	my @rows = map { [ @$_{qw(op dev calls entries)} ] } @{ $end->{rows} };
	is_deeply(\@rows, [ [ "vmap", "other", 2, 2 * $mapped ] ], "no room for rows: vmap() is under \"other\"");
	is($end->{loss}{rows_full}, 2, "no room for rows: and counted");
}

sub check_tlb
{
	my ($run, $deferring) = @_;
	my $row = row($run, "tlb", "tlb_flush");
	if ($deferring) {
		my $done = executed($run, "tlb", "dsb ish", "try_to_unmap_flush|try_to_unmap_flush_dirty|flush_tlb_batched_pending");
		my $off = executed($run, "tlb", "dsb ishst", "set_tlb_ubc_flush_pending");
		cmp_ok($off, ">", 0, "tlb: flushes were put off");
		is($row->{entries}, $off, "tlb: so many flushes were put off");
		is($row->{steps}, $done, "tlb: so many were done");
		return;
	}
	my $done = executed($run, "tlb", "dsb ish", "ptep_clear_flush");
	cmp_ok($done, ">", 0, "tlb: pages were flushed");
	# Without -c there were more: copies on write of the tool's and its child's, outside the window.
	is($row->{entries}, $done, "tlb: all of them are told");
	is($row->{steps}, $row->{entries}, "tlb: each at once, nothing saved");
}

for my $line (split ' ', $ENV{LAB_SERIES} // "6.12") {
	my %cost;
	for my $name (split ' ', $ENV{LAB_KERNELS} // "base dmabuf") {
		subtest "$line-$name" => sub {
			my $run = boot("$line-$name");
			is($run->{status}, 0, "the guest ran it") or diag($run->{err});
			is(Lab::slurp("$run->{dir}/err") =~ s/^dmasynctop: warning: .*\n//gmr, "", "the tool had no complaint");
			check_data($run);
			check_mmap($run, $name eq "dmabuf");
			check_vmap($run, $name eq "dmabuf");
			check_dmabuf($run, $name eq "dmabuf");
			check_unasked($run);
			check_full($run);
			check_tlb($run, $line ne "6.1");
			say_steps($run, "$line-$name", $name eq "dmabuf");
			$cost{$name} = { map { $_ => instructions($run, $_) } qw(mmap plain reverse dmabuf) };
		};
	}
	next unless keys %cost == 2;
	my %factor = map { $_ => $cost{base}{$_} / ($cost{dmabuf}{$_} || 1) } qw(mmap plain reverse dmabuf);
	diag(sprintf("$line: executed instructions, base to patched: mmap %u to %u (%.1fx), vmap %u to %u (%.1fx), " .
		"of scattered pages %u to %u (%.2fx), dma_buf_vmap %u to %u (%.2fx)",
		map { ($cost{base}{$_}, $cost{dmabuf}{$_}, $factor{$_}) } qw(mmap plain reverse dmabuf)));
	cmp_ok($factor{mmap}, ">", 10, "$line: mmap of the system heap takes less than a tenth of the instructions");
	cmp_ok($factor{plain}, ">", 2, "$line: vmap of contiguous pages less than half");
	cmp_ok($factor{dmabuf}, ">", 1.4, "$line: dma_buf_vmap, which also lists the pages, less than three quarters");
	cmp_ok($factor{reverse}, ">", 0.6, "$line: vmap of scattered pages, where runs are looked for in vain, not two thirds more");
}
for my $kernel (split ' ', $ENV{LAB_STOCK} // "7.3") {
	subtest "$kernel, udmabuf" => sub { check_stock($kernel) };
}
done_testing();
