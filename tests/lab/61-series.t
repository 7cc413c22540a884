#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The kernel series: barriers of every call by the table, the same maintenance as without it, complete
# wherever it must be, and what the tool says of it. LAB_SERIES="6.12", LAB_PATHS="direct ...".
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

my %paths = (
	direct => { options => [], device => "platform" },
	swiotlb => { options => [ "--swiotlb", "force" ], device => "platform" },
	smmuv3 => { options => [ "--iommu", "smmuv3" ], device => "pci" },
);
my %tools = map { ($_->[0] => "dmasynctop -b --json -i 1000s $_->[1]") } [ "api", "" ], [ "exact", "--exact" ];
my @dirs = qw(to_device from_device bidirectional);

# Every cell of the table that a path has.
sub cells
{
	my ($path) = @_;
	my @keys = (
		Kmod::cross({ dir => \@dirs, attrs => [qw(none skip_cpu_sync)], entries => [ 1, 2, 129, 2560 ] }),
		Kmod::cross({ dir => \@dirs, attrs => ["none"], entries => [129], layout => ["chained"] }),
		Kmod::cross({ dir => \@dirs, entries => [ 1, 129 ], layout => [qw(unaligned mixed small)], size => [512] }),
		Kmod::cross({ dir => ["from_device"], op => ["sgtable"], entries => [129] }),
		Kmod::cross({ dir => \@dirs, op => [qw(single page)], attrs => [qw(none skip_cpu_sync)], entries => [3] }),
		Kmod::cross({ dir => \@dirs, fail => ["limit"], entries => [16], fail_at => [ 0, 7 ] }),
	);
	push @keys, Kmod::cross({ dir => \@dirs, fail => ["exhaust"], entries => [16], fail_at => [ 0, 7 ] })
		if $path eq "swiotlb";
	# What a map of nothing does is told once a boot, as a warning: one is enough.
	push @keys, { entries => 0, dir => "from_device" } if $path eq "direct";
	my $n = 0;
	return map { Kmod::cell("c" . $n++, device => $paths{$path}{device}, %$_) } @keys;
}

sub boot
{
	my ($kernel, $path, @cells) = @_;
	return Kmod::run(cells => \@cells, tools => \%tools,
		options => [ "--kernel", $kernel, "--order", "--file", "$tool:/bin/dmasynctop", @{ $paths{$path}{options} } ]);
}

sub end_rows
{
	my ($run, $mode) = @_;
	my ($end) = grep { $_->{type} eq "end" } Lab::objects(Lab::slurp("$run->{dir}/$mode.json"));
	return @{ $end->{rows} // [] };
}

# Every call of every cell: barriers by the table, nothing pending where nothing may be.
sub check_cells
{
	my ($run, $flavour, @cells) = @_;
	my (@wrong, @pending, %sum, %looked);
	my ($calls, $longest) = (0, 0);
	my %windows = map { $_->{label} => $_ } @{ $run->{windows} };
	for my $cell (@cells) {
		for my $mode (sort keys %tools) {
			my $label = "$cell->{label}.$mode";
			my $told = $run->{cells}{$label};
			if (!$told || $told->{refused}) {
				push @wrong, Kmod::command($cell) . ": " . ($told ? $told->{refused}{reason} : "no result");
				next;
			}
			for my $op (sort keys %{ $told->{apis} }) {
				my $seen = Kmod::counts($run, $label, $op)->{dsb};
				my $want = Kmod::expected($flavour, $told, $op);
				push @wrong, Kmod::command($cell) . " $op: " . ($want // "no rule") . " by the table, $seen executed"
					if !defined $want || $want != $seen;
				$sum{$mode}{"$op $cell->{dir}"} += $seen;
				my $order = $windows{"$label.$op"}{order};
				if (!$order) {
					push @wrong, Kmod::command($cell) . " $op: no order in its window";
					next;
				}
				$looked{$_} += $order->{looked}{$_} for keys %{ $order->{looked} };
				$longest = $order->{longest} if $order->{longest} > $longest;
				push @pending, map { Kmod::command($cell) . " $op: $_->{pending} pending ($_->{rule} in $_->{in})" }
					@{ $order->{broken} };
				$calls++;
			}
		}
	}
	cmp_ok($calls, ">", 300, "kinds of calls were looked at: $calls");
	is_deeply(\@wrong, [], "barriers are those of the table");
	is_deeply(\@pending, [], "nothing is pending where nothing may be");
	cmp_ok($looked{return}, ">", $calls, "returns were looked at: $looked{return}");
	cmp_ok($looked{copy}, ">", 100, "copies out of bounce buffers were looked at: $looked{copy}");
	note("most dc that one dsb completed: $longest");
	return %sum;
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
		my $label = "$cell->{label}.api";
		$dc{ Kmod::command($cell) . " $_" } = Kmod::counts($run, $label, $_)->{dc_kinds}
			for keys %{ $run->{cells}{$label}{apis} // {} };
	}
	return \%dc;
}

my @paths = split ' ', $ENV{LAB_PATHS} // "direct swiotlb smmuv3";
for my $line (split ' ', $ENV{LAB_SERIES} // "6.12") {
	for my $path (@paths) {
		my @cells = cells($path);
		my %dc;
		for my $variant ([ base => "per-entry" ], [ dmasync => "dmasync-batched" ]) {
			my ($name, $flavour) = @$variant;
			subtest "$line-$name, $path" => sub {
				my $run = boot("$line-$name", $path, @cells);
				is($run->{status}, 0, "the guest ran them") or diag($run->{err});
				check_tool($run, check_cells($run, $flavour, @cells));
				$dc{$name} = maintenance($run, @cells);
			};
		}
		# A map that fails cleans what it has mapped until then, with the series and without.
		is_deeply($dc{dmasync}, $dc{base}, "$line, $path: the same maintenance with the series as without");
	}
}
done_testing();
