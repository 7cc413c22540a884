# SPDX-License-Identifier: GPL-2.0
# The dmasync_bench module in the lab: a list of cells, each a command of its own, in one guest.
package Kmod;
use strict;
use warnings;
use Lab;
use List::Util qw(sum0);

# What a cell asks for when it does not say; the module has the same defaults, but for these.
my %usual = (op => "sg", dir => "from_device", attrs => "none", entries => 2560, size => 4096,
	iterations => 1, mark => "all");

# cell(LABEL, KEY => VALUE...): a command for the module. Labels of a run must differ. The key `only`
# is not the module's: the one mode that the cell is run in.
sub cell
{
	my ($label, %keys) = @_;
	return { %usual, %keys, label => $label };
}

# cross({KEY => [VALUES]...}): every combination, as hashes.
sub cross
{
	my ($keys) = @_;
	my @all = ({});
	for my $key (sort keys %$keys) {
		@all = map { my $one = $_; map { { %$one, $key => $_ } } @{ $keys->{$key} } } @all;
	}
	return @all;
}

sub command
{
	my ($cell, $mode) = @_;
	my %keys = (%$cell, label => $cell->{label} . ($mode ? ".$mode" : ""));
	return join " ", map { "$_=$keys{$_}" } grep { $_ ne "only" } sort keys %keys;
}

# script(MODE, CELL...): shell that runs the cells and prints their results.
sub script
{
	my ($mode, @cells) = @_;
	my $text = <<'SH';
d=/sys/kernel/debug/dmasync_bench
cell() {
	if echo "$2" 2>/dev/null >$d/run; then
		dd bs=64k if=$d/result 2>/dev/null
	else
		echo "{\"type\":\"refused\",\"label\":\"$1\",\"reason\":\"$(cat $d/error)\"}"
	fi
}
SH
	$text .= "cell " . $_->{label} . ($mode ? ".$mode" : "") . " '" . command($_, $mode) . "'\n" for @cells;
	return $text;
}

# run(cells => [...], options => [of `lab run`], tools => {MODE => command}): a guest that runs all
# cells, bare or once under each tool. The run's {cells}{LABEL[.MODE]} is {run, apis => {OP => row}}
# or {refused}; windows are LABEL[.MODE].OP; a tool's output is in dir/MODE.json.
sub run
{
	my (%opt) = @_;
	my $tools = $opt{tools} // { "" => "" };
	my $text = "";
	for my $mode (sort keys %$tools) {
		my $file = $mode ? "/out/$mode.json" : "/dev/stdout";
		my @cells = grep { ($_->{only} // $mode) eq $mode } @{ $opt{cells} };
		$text .= "cat >/tmp/cells <<'END'\n" . script($mode, @cells) . "END\n";
		$text .= $mode ? "$tools->{$mode} -- sh -c 'sh /tmp/cells >/out/$mode.cells' >$file 2>/out/$mode.err ||" .
			" { echo '$mode failed' >&2; cat /out/$mode.err >&2; exit 1; }\n"
			: "sh /tmp/cells\n";
	}
	my $module = grep { /^--(?:kmod|module-file)$/ } @{ $opt{options} };
	my $run = Lab::run([ ($module ? () : "--kmod"), "--plugin", "--device", "edu", "--timeout", 600, @{ $opt{options} } ],
		$text . ($opt{after} // ""));
	my @told = map { Lab::objects($_) } $run->{out}, map { Lab::slurp("$run->{dir}/$_.cells") } keys %$tools;
	for my $told (@told) {
		my $cell = $run->{cells}{ $told->{label} // next } //= {};
		if ($told->{type} eq "api") { $cell->{apis}{ $told->{op} } = $told } else { $cell->{ $told->{type} } = $told }
	}
	return $run;
}

# counts(RUN, LABEL, OP): what the plugin saw in the calls of one kind: dsb of the DMA API's code,
# all dsb sy, and dc instructions.
sub counts
{
	my ($run, $label, $op) = @_;
	my @sites = map { @{ $_->{sites} } } grep { $_->{label} eq "$label.$op" } @{ $run->{windows} };
	return {
		dsb => Lab::dma($run, "$label.$op")->{dsb},
		all_dsb => sum0(map { $_->{count} } grep { $_->{kind} eq "dsb sy" } @sites),
		dc_kinds => { map { my $kind = $_; $kind => sum0(map { $_->{count} } grep { $_->{kind} eq $kind } @sites) }
			grep { /^dc (?!zva)/ } map { $_->{kind} } @sites },
		dc => sum0(map { $_->{count} } grep { $_->{kind} =~ /^dc (?!zva)/ } @sites),
	};
}

# The barrier table: what one call of n entries executes, of which b bounce; to: towards the device
# alone; skip: DMA_ATTR_SKIP_CPU_SYNC; i: the entry that could not be mapped.
my %direct = (
	"per-entry" => {
		map_sg => sub { $_->{skip} ? 0 : $_->{i} // $_->{n} },
		unmap_sg => sub { $_->{skip} || $_->{to} ? 0 : $_->{n} },
		sync_sg_for_device => sub { $_->{n} },
		sync_sg_for_cpu => sub { $_->{to} ? 0 : $_->{n} },
		map_page => sub { $_->{skip} || defined $_->{i} ? 0 : 1 },
		unmap_page => sub { $_->{skip} || $_->{to} ? 0 : 1 },
		sync_single_for_device => sub { 1 },
		sync_single_for_cpu => sub { $_->{to} ? 0 : 1 },
	},
	"upstream-batched" => {
		# A bounced entry is waited for by itself; unwinding is dma_direct_unmap_sg(), which flushes.
		map_sg => sub { $_->{n} ? ($_->{skip} ? 0 : $_->{b}) + !!($_->{i} // 1) : 0 },
		unmap_sg => sub { !$_->{n} ? 0 : $_->{skip} || $_->{to} ? 1 : 1 + $_->{b} },
		sync_sg_for_device => sub { 1 },
		sync_sg_for_cpu => sub { $_->{to} ? 1 : 1 + $_->{b} },
		map_page => sub { $_->{skip} || defined $_->{i} ? 0 : 1 },
		unmap_page => sub { $_->{skip} ? 0 : $_->{to} ? 1 : 1 + $_->{b} },
		sync_single_for_device => sub { 1 },
		sync_single_for_cpu => sub { $_->{to} ? 1 : 1 + $_->{b} },
	},
);
# This project's series: one where something was maintained, also where it was in vain or bounced.
my $once = sub { $_->{n} ? 1 : 0 };
my $once_in = sub { $_->{n} && !$_->{to} ? 1 : 0 };
$direct{"dmasync-batched"} = {
	%{ $direct{"per-entry"} },
	map_sg => sub { !$_->{skip} && ($_->{i} // $_->{n}) ? 1 : 0 },
	unmap_sg => sub { $_->{skip} ? 0 : $once_in->() },
	sync_sg_for_device => $once,
	sync_sg_for_cpu => $once_in,
};
# Behind an IOMMU maintenance comes first, then there may be no room for an address; where an entry
# bounces, the whole list goes entry by entry.
my %iommu = (
	"per-entry" => {
		%{ $direct{"per-entry"} },
		map_sg => sub { $_->{skip} ? 0 : $_->{each} ? $_->{i} // $_->{n} : $_->{n} },
		map_page => sub { $_->{skip} ? 0 : 1 },
		iova_link => sub { $_->{skip} ? 0 : 1 },
		iova_sync => sub { 0 },
		iova_unlink => sub { $_->{skip} || $_->{to} ? 0 : $_->{n} },
	},
	"upstream-batched" => {
		%{ $direct{"upstream-batched"} },
		map_sg => sub { $_->{skip} ? 0 : $_->{each} ? $_->{i} // $_->{n} : 1 },
		unmap_sg => sub { $_->{skip} ? 0 : $_->{b} ? $_->{n} + ($_->{to} ? 0 : $_->{b}) : 1 },
		sync_sg_for_device => sub { $_->{b} ? $_->{n} : 1 },
		sync_sg_for_cpu => sub { $_->{b} ? $_->{n} + ($_->{to} ? 0 : $_->{b}) : 1 },
		map_page => sub { $_->{skip} ? 0 : 1 },
		iova_link => sub { 0 },
		iova_sync => sub { 1 },
		iova_unlink => sub { $_->{skip} ? 0 : 1 },
	},
);

$iommu{"dmasync-batched"} = {
	%{ $direct{"dmasync-batched"} },
	map_sg => sub { $_->{skip} ? 0 : ($_->{each} ? $_->{i} // $_->{n} : $_->{n}) ? 1 : 0 },
	map_page => sub { $_->{skip} ? 0 : 1 },
};

# expected(FLAVOUR, CELL of run(), OP): barriers of all calls of this kind by the table; undef: no
# rule. Of single buffers all succeed but one, or all do not. The barriers of an IOMMU's page tables
# are not in the table: its walker must be coherent.
sub expected
{
	my ($flavour, $cell, $op) = @_;
	my ($run, $row) = ($cell->{run}, $cell->{apis}{$op});
	my ($map) = grep { $_ } map { $cell->{apis}{$_} } qw(map_sg map_page iova_link);
	my $rule = ($run->{iommu} ? \%iommu : \%direct)->{$flavour}{$op} or return;
	my $single = $op =~ /_page$|_single_/;
	my %of = (n => $run->{entries}, to => $run->{dir} eq "to_device", skip => $run->{attrs} eq "skip_cpu_sync",
		b => $map->{bounced} / (($single ? $map->{entries} : $map->{calls}) || 1));
	# dma-iommu does not say where it failed for want of bounce buffers.
	my $failed_at = $row->{failed_at} // $run->{fail_at};
	my %failed = (%of, i => $failed_at, b => $run->{fail} eq "exhaust" ? $failed_at : $of{b});
	# A list that is to bounce goes entry by entry, even if already the first finds no bounce buffer.
	$of{each} = $of{b};
	$failed{each} = $run->{fail} eq "exhaust" || $of{b};
	my $sum = 0;
	$sum += ($row->{calls} - $row->{errors}) * $rule->() for \%of;
	$sum += $row->{errors} * $rule->() for \%failed;
	return $sum;
}

1;
