#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The kernel series: barriers of every call by the table, the same maintenance as without it, complete
# wherever it must be, and what the tool says of it. LAB_SERIES="6.12 6.1", LAB_PATHS="direct ...".
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Lab;
use Kmod;
use List::Util qw(sum0);
use Test::More;

my $build = $ENV{O} // "build";
$build = "$Lab::top/$build" unless $build =~ m{^/};
my $tool = "$build/arm64/dmasynctop";
plan skip_all => "no $tool: make ARCH=arm64" unless -x $tool;

# A path is a device's way to memory. Two of them share a machine: the platform device is not behind
# its IOMMU. The walker of the second path called so is not coherent.
my %device = (direct => "platform", walker => "pci", swiotlb => "platform", smmuv3 => "pci");
my @machines = (
	{ paths => [qw(direct walker)], options => [ "--iommu", "smmuv3", "--coherent-walker", "no", "--disk", "ahci" ] },
	# By itself 6.12 has bounce buffers for 256 entries on a machine whose devices reach all memory.
	{ paths => [qw(swiotlb smmuv3)], options => [ "--iommu", "smmuv3", "--append", "swiotlb=16384,force" ] },
);
my %tools = map { ($_->[0] => "dmasynctop -b --json -i 1000s $_->[1]") } [ "api", "" ], [ "exact", "--exact" ];
my @dirs = qw(to_device from_device bidirectional);

# Small buffers bounce from 6.5 on, also behind an IOMMU.
sub bounces
{
	my ($line, $path) = @_;
	return $path eq "swiotlb" || ($line ne "6.1" && $path ne "walker");
}

# Lists that the IOMMU's tables take entry by entry, and single pages. Each is mapped twice: then all
# tables are there but for those that were freed whole.
sub table_cells
{
	my @keys = (
		Kmod::cross({ layout => ["apart"], entries => [ 1, 16, 129, 512 ], sync => ["no"] }),
		Kmod::cross({ layout => ["apart"], entries => [2560], sync => ["no"], only => ["api"] }),
		Kmod::cross({ layout => ["apart"], entries => [129], sync => ["no"], dir => ["to_device"] }),
		Kmod::cross({ layout => ["apart"], entries => [3], sync => ["no"], op => ["page"] }),
	);
	return map { ({ %$_, cold => 1 }, $_) } @keys;
}

# Every cell of the table that a path has.
sub cells
{
	my ($line, $path) = @_;
	my @keys = $path eq "walker" ? table_cells() : (
		Kmod::cross({ dir => \@dirs, attrs => [qw(none skip_cpu_sync)], entries => [ 1, 2, 129 ] }),
		# Counting by probes takes its time for every entry; one such list tells.
		Kmod::cross({ dir => \@dirs, attrs => [qw(none skip_cpu_sync)], entries => [2560], only => ["api"] }),
		Kmod::cross({ dir => ["from_device"], entries => [2560], only => ["exact"] }),
		Kmod::cross({ dir => \@dirs, attrs => ["none"], entries => [129], layout => ["chained"] }),
		Kmod::cross({ dir => \@dirs, entries => [ 1, 129 ], layout => [qw(unaligned mixed small)], size => [512] }),
		Kmod::cross({ dir => \@dirs, attrs => ["skip_cpu_sync"], entries => [ 1, 129 ], layout => ["small"], size => [16] }),
		Kmod::cross({ dir => ["from_device"], op => ["sgtable"], entries => [129] }),
		Kmod::cross({ dir => \@dirs, op => [qw(single page)], attrs => [qw(none skip_cpu_sync)], entries => [3] }),
		Kmod::cross({ dir => \@dirs, fail => ["limit"], entries => [16], fail_at => [ 0, 7 ] }),
	);
	push @keys, table_cells() if $path eq "smmuv3";
	if ($path eq "swiotlb") {
		push @keys, Kmod::cross({ dir => \@dirs, fail => ["exhaust"], entries => [16], fail_at => [ 0, 7 ] });
	} elsif (bounces($line, $path)) {
		push @keys, Kmod::cross({ dir => [ @dirs[1, 2] ], fail => ["exhaust"], layout => ["small"], size => [16],
			entries => [16], fail_at => [ 0, 7 ] });
	}
	# What a map of nothing does is told once a boot, as a warning: one is enough.
	push @keys, { entries => 0, dir => "from_device" } if $path eq "direct";
	my $n = 0;
	return map { my $cold = delete $_->{cold} ? "cold" : "";
		Kmod::cell($path . $cold . $n++, device => $device{$path}, %$_) } @keys;
}

sub boot
{
	my ($kernel, $machine, @cells) = @_;
	return Kmod::run(cells => \@cells, tools => \%tools,
		options => [ "--kernel", $kernel, "--order", "--file", "$tool:/bin/dmasynctop", @{ $machine->{options} } ],
		after => "[ -z \"\$DISK\" ] || workload dio -f \$DISK -s 8M -m disk -o /out/disk.workload\n");
}

sub end_rows
{
	my ($run, $mode) = @_;
	my ($end) = grep { $_->{type} eq "end" } Lab::objects(Lab::slurp("$run->{dir}/$mode.json"));
	return @{ $end->{rows} // [] };
}

# What a map of a list whose entries are apart does for the IOMMU's tables of 512 leaf entries: a dsb st
# for every call of the driver's map_pages(), or one for all; if the walker is not coherent, a dsb sy as
# often, or one a table. A table that was freed whole when the list was unmapped last is new: it is
# cleaned, and then the entry that points to it. Single pages are maps of their own.
sub table_barriers
{
	my ($flavour, $path, $told, $op) = @_;
	my $n = $told->{apis}{$op}{entries};
	my ($leaves, $waits) = $flavour eq "per-entry" || $op eq "map_page" ? ($n, $n) : (int(($n + 511) / 512), 1);
	return (st => $waits, sy => $path eq "walker" ? $leaves + 2 * int($n / 512) : 0);
}

sub count_st
{
	my ($run, $label) = @_;
	my @sites = map { @{ $_->{sites} } } grep { $_->{label} eq $label } @{ $run->{windows} };
	return sum0 map { $_->{count} } grep { $_->{kind} eq "dsb st" &&
		Lab::place($run, $_->{addr})->[0] =~ /^arm_lpae_(?:map_pages|sync_map)$/ } @sites;
}

# Barriers of the calls of a kind, against the table: what is wrong; those for the data; those for the
# IOMMU's tables when it unmaps, or maps for the first time: they have no rule here.
sub check_barriers
{
	my ($run, $flavour, $path, $cell, $label, $op) = @_;
	my $told = $run->{cells}{$label};
	my $seen = Kmod::counts($run, $label, $op)->{dsb};
	my $want = Kmod::expected($flavour, $told, $op) // return ("no rule", 0, 0);
	my $data = $want;
	my $clear = 0;
	my @wrong;
	if ($cell->{layout} && $cell->{layout} eq "apart" && $op =~ /^map_/ && $label !~ /cold/) {
		my %tables = table_barriers($flavour, $path, $told, $op);
		my $st = count_st($run, "$label.$op");
		push @wrong, "$tables{st} dsb st by the table, $st executed" if $st != $tables{st};
		$want += $tables{sy};
	} elsif ($path eq "walker") {
		$clear = $seen - $want;
		push @wrong, "no dsb sy for the tables" if $clear <= 0;
		$want = $seen;
	}
	push @wrong, "$want dsb sy by the table, $seen executed" if $want != $seen;
	return (join(", ", @wrong), $data, $clear);
}

# Every call of every cell: barriers by the table, nothing pending where nothing may be.
sub check_cells
{
	my ($run, $flavour, $line, $path, @cells) = @_;
	my (@wrong, @pending, %sum, %clear, %looked);
	my ($calls, $longest) = (0, 0);
	my %windows = map { $_->{label} => $_ } @{ $run->{windows} };
	for my $cell (@cells) {
		for my $mode (grep { ($cell->{only} // $_) eq $_ } sort keys %tools) {
			my $label = "$cell->{label}.$mode";
			my $told = $run->{cells}{$label};
			if (!$told || $told->{refused}) {
				push @wrong, Kmod::command($cell) . ": " . ($told ? $told->{refused}{reason} : "no result");
				next;
			}
			push @wrong, Kmod::command($cell) . ": failed" if !$cell->{fail} && $cell->{entries} &&
				grep { $_->{errors} } values %{ $told->{apis} };
			for my $op (sort keys %{ $told->{apis} }) {
				my ($wrong, $data, $clear) = check_barriers($run, $flavour, $path, $cell, $label, $op);
				push @wrong, Kmod::command($cell) . " $op: $wrong" if $wrong;
				$sum{$mode}{"$op $cell->{dir}"} += $data;
				$clear{ Kmod::command($cell, $mode) . " $op" } = $clear if $op =~ /^unmap_/;
				my $order = $windows{"$label.$op"}{order};
				if (!$order) {
					push @wrong, Kmod::command($cell) . " $op: no order in its window";
					next;
				}
				push @wrong, Kmod::command($cell) . " $op: no return was looked at" if !$order->{looked}{return};
				$looked{$_} += $order->{looked}{$_} for keys %{ $order->{looked} };
				$longest = $order->{longest} if $order->{longest} > $longest;
				push @pending, map { Kmod::command($cell) . " $op: $_->{pending} pending ($_->{rule} in $_->{in})" }
					@{ $order->{broken} };
				$calls++;
			}
		}
	}
	cmp_ok($calls, ">", $path eq "walker" ? 20 : 300, "kinds of calls were looked at: $calls");
	is_deeply(\@wrong, [], "barriers are those of the table, and returns were looked at");
	is_deeply(\@pending, [], "nothing is pending where nothing may be");
	cmp_ok($looked{return}, ">", $calls, "returns were looked at: $looked{return}");
	if (bounces($line, $path)) {
		cmp_ok($looked{$_}, ">", 100, "bounce buffers were looked at: $_, $looked{$_} times") for qw(copy fill back);
	} else {
		is($looked{copy}, 0, "nothing bounces");
	}
	cmp_ok($looked{walk}, ">=", 20, "maps for the IOMMU were looked at: $looked{walk}") if $device{$path} eq "pci";
	note("most dc that one dsb completed: $longest");
	return (\%sum, \%clear);
}

# What the tool says, summed over the cells, and what was executed.
sub check_tool
{
	my ($run, %sum) = @_;
	for my $mode (sort keys %tools) {
		my (%told, @unlike);
		for my $row (grep { ($_->{driver} // "") =~ /dmasync_bench/ || $_->{dev} =~ /dmasync_bench/ } end_rows($run, $mode)) {
			$told{"$row->{op} $row->{dir}"} += $row->{dsb} // 0;
			push @unlike, "$row->{op} $row->{dir}: derived $row->{dsb_derived}, counted $row->{dsb_counted}"
				if $mode eq "exact" && ($row->{dsb_derived} // -1) != ($row->{dsb_counted} // -2);
		}
		is_deeply({ map { $_ => $told{$_} // 0 } keys %{ $sum{$mode} } }, $sum{$mode}, "$mode: barriers as executed");
		is_deeply(\@unlike, [], "$mode: derived as counted");
	}
}

# The instructions that do the maintenance, by cell and call.
sub maintenance
{
	my ($run, @cells) = @_;
	my %dc;
	for my $cell (@cells) {
		my $label = "$cell->{label}." . ($cell->{only} // "api");
		$dc{ Kmod::command($cell) . " $_" } = Kmod::counts($run, $label, $_)->{dc_kinds}
			for keys %{ $run->{cells}{$label}{apis} // {} };
	}
	return \%dc;
}

# Reads of a disk behind the IOMMU whose walker is not coherent, with no tool there: every page is an
# entry of its own, and a list has fewer than a table. 6.1 clears entry by entry what it unmaps.
sub check_disk
{
	my ($run, $line, $flavour) = @_;
	my ($did) = Lab::objects(Lab::slurp("$run->{dir}/disk.workload"));
	my $entries = $did->{runs};
	my $st = count_st($run, "disk");
	my $sy = Lab::count($run, "disk", "dsb sy", "dcache_clean_poc", "arch_sync_dma_for_device");

	is($entries, 2048, "the disk's lists have as many entries as pages were read");
	if ($flavour eq "per-entry") {
		is($st, $entries, "disk: a dsb st an entry");
	} else {
		cmp_ok($st, "<=", $entries / 32, "disk: a dsb st a list: $st");
		is(Lab::count($run, "disk", "dsb sy", "arch_sync_dma_batch_flush"), 2 * $st,
			"disk: a dsb sy for the data of each map and unmap");
	}
	note("disk: $st dsb st, $sy dsb sy but for batches");
	my $order = Lab::window($run, "disk")->{order};
	is_deeply($order->{broken}, [], "disk: nothing is pending where nothing may be");
	cmp_ok($order->{looked}{$_}, ">", 0, "disk: rule $_ was looked at") for qw(return store walk);
	return { entries => $entries, st => $st, sy => $sy };
}

# The same entries, less barriers by just what the tables of the maps took, and the data.
sub check_disks
{
	my ($line, $disk) = @_;
	my ($base, $series) = @$disk{qw(base dmasync)};
	my $entries = $base->{entries};
	my $unmapped = $line eq "6.1" ? $entries : $series->{st};
	is($series->{sy}, $series->{st} + $unmapped, "$line: disk: a dsb sy for the tables of a list");
	is($base->{sy}, $entries + $entries + $unmapped, "$line: disk: without the series one an entry, as for the data");
}

my @paths = split ' ', $ENV{LAB_PATHS} // "direct walker swiotlb smmuv3";
for my $line (split ' ', $ENV{LAB_SERIES} // "6.12 6.1") {
	for my $machine (@machines) {
		my @here = grep { my $path = $_; grep { $_ eq $path } @paths } @{ $machine->{paths} } or next;
		my %cells = map { $_ => [ cells($line, $_) ] } @here;
		my (%dc, %clear, %disk);
		for my $variant ([ base => "per-entry" ], [ dmasync => "dmasync-batched" ]) {
			my ($name, $flavour) = @$variant;
			my $run = boot("$line-$name", $machine, map { @{ $cells{$_} } } @here);
			my %sum;
			is($run->{status}, 0, "$line-$name, @here: the guest ran them") or diag($run->{err});
			for my $path (@here) {
				subtest "$line-$name, $path" => sub {
					(my $sum, $clear{$path}{$name}) = check_cells($run, $flavour, $line, $path, @{ $cells{$path} });
					for my $mode (keys %$sum) {
						$sum{$mode}{$_} += $sum->{$mode}{$_} for keys %{ $sum->{$mode} };
					}
				};
				$dc{$path}{$name} = maintenance($run, @{ $cells{$path} });
			}
			subtest "$line-$name, @here: what the tool says" => sub { check_tool($run, %sum) };
			subtest "$line-$name, disk" => sub { $disk{$name} = check_disk($run, $line, $flavour) }
				if grep { $_ eq "walker" } @here;
		}
		check_disks($line, \%disk) if %disk;
		# A map that fails cleans what it has mapped until then, with the series and without.
		is_deeply($dc{$_}{dmasync}, $dc{$_}{base}, "$line, $_: the same maintenance with the series as without")
			for grep { $_ ne "walker" } @here;
		is_deeply($clear{$_}{dmasync}, $clear{$_}{base}, "$line, $_: the same barriers to unmap as without")
			for grep { $_ eq "walker" } @here;
	}
}
done_testing();
