# SPDX-License-Identifier: GPL-2.0
# What the lab's tests share: running guests, reading what the TCG plugin counted, symbols.
package Lab;
use strict;
use warnings;
no warnings "portable";
use Cpanel::JSON::XS qw(decode_json); # JSON::PP takes eighty times as long
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use List::Util qw(max maxstr);

our $top = abs_path(dirname(__FILE__) . "/../../..");

sub slurp
{
	my ($path) = @_;
	open(my $fh, "<", $path) or return "";
	local $/;
	return scalar <$fh>;
}

# NDJSON text to a list of objects; other lines are left out.
sub objects
{
	return map { decode_json($_) } grep { /^\{/ } split /\n/, $_[0];
}

# run([options of `lab run`], "guest command"): see lab().
sub run
{
	my ($options, $command) = @_;
	return lab("run", @$options, "--", $command);
}

# lab(WORDS...): runs scripts/lab; status, out (text), err, dir, and what load() finds there.
sub lab
{
	my ($command, @rest) = @_;
	my $dir = tempdir(CLEANUP => 1);
	my @names = $command eq "suite" ? @{ shift @rest } : ();
	my @words = map { "'" . s/'/'\\''/gr . "'" }
		("$top/scripts/lab", $command, @names, "--out", $dir, @rest);
	my $status = system("@words >$dir/.stdout 2>$dir/.stderr");
	my $run = load($dir);
	$run->{status} = $status >> 8;
	$run->{out} = slurp("$dir/.stdout");
	$run->{err} = slurp("$dir/.stderr");
	return $run;
}

# load(DIR): the windows of a run with --plugin.
sub load
{
	my ($dir) = @_;
	return { dir => $dir, windows => [ objects(slurp("$dir/plugin.ndjson")) ] };
}

sub window
{
	my ($run, $label) = @_;
	my ($found) = grep { $_->{label} eq $label } @{ $run->{windows} };
	return $found // { instructions => 0, sites => [] };
}

# What is code of neither the core kernel nor a function of a module: slots of kprobes, programs, trampolines.
my $outside = "[outside]";

# Names by address, in hex, of the core kernel.
sub core_symbols
{
	my ($text) = @_;
	my %seen;
	# Half of a quarter of a million lines are data's.
	while ($text =~ /^([0-9a-f]+) ([tTwW]) ([^\$\s]\S*)(\t)?/mg) {
		my ($addr, $type, $name, $module) = ($1, $2, $3, $4);
		next if $module;
		# Of several names at one address a global one reads best, and not an alias.
		next if exists $seen{$addr} && ($type !~ /[TW]/ || $name =~ /^__pi_/);
		$seen{$addr} = $name;
	}
	delete $seen{"0" x 16};
	# The last tells where code ends: _einittext, __exittext_end.
	$seen{$_} = $outside for grep { defined } maxstr(keys %seen);
	return \%seen;
}

# Adds those of modules: where their sections are, and which functions their files have in them. What a
# module has for its start alone has made room for others' code.
sub add_modules
{
	my ($seen, $dir) = @_;
	my (%section, %end);
	for (split /\n/, slurp("$dir/sections")) {
		my ($module, $section, $at) = m{^/sys/module/([^/]+)/sections/((?!\.init)[^:]+):0x([0-9a-f]+)$} or next;
		$section{"$module $section"} = hex $at;
	}
	for (split /\n/, slurp("$dir/functions")) {
		my ($module, $section, $offset, $size, $name) = split / /;
		my $start = ($section{"$module $section"} // next) + hex $offset;
		$seen->{ sprintf("%016x", $start) } = $name;
		$end{ sprintf("%016x", $start + hex $size) } = 1;
	}
	$seen->{$_} //= $outside for keys %end;
}

sub symbols
{
	my ($run) = @_;
	return $run->{symbols} if $run->{symbols};
	my $seen = core_symbols(slurp("$run->{dir}/kallsyms"));
	add_modules($seen, $run->{dir});
	my @sorted = map { [ hex($_), $seen->{$_} ] } sort keys %$seen;
	return $run->{symbols} = \@sorted;
}

# place(RUN, "0x..."): [function, offset]; an address below all symbols comes back as it is.
sub place
{
	my ($run, $text) = @_;
	my $addr = hex($text);
	my $table = symbols($run);
	my ($low, $high) = (0, $#$table);
	return [ $text, 0 ] if $high < 0 || $addr < $table->[0][0];
	while ($low < $high) {
		my $mid = int(($low + $high + 1) / 2);
		if ($table->[$mid][0] <= $addr) { $low = $mid } else { $high = $mid - 1 }
	}
	return [ $table->[$low][1], $addr - $table->[$low][0] ];
}

sub symbol
{
	return sprintf("%s+0x%x", @{ place(@_) });
}

# count(RUN, LABEL, KIND, SYMBOL[, CALLER]): executions of KIND in a function, or on behalf of one.
sub count
{
	my ($run, $label, $kind, $symbol, $caller) = @_;
	my $sum = 0;
	for my $site (@{ window($run, $label)->{sites} }) {
		next unless $site->{kind} eq $kind;
		next unless place($run, $site->{addr})->[0] =~ /^(?:$symbol)$/;
		if ($caller) {
			next unless $site->{caller};
			next unless place($run, $site->{caller})->[0] =~ /^(?:$caller)$/;
		}
		$sum += $site->{count};
	}
	return $sum;
}

# Functions outside the assembly routines in which the DMA code waits (7.1 on: the flush is inlined).
# A barrier with a kprobe on it runs from a slot outside, and only the tool probes any.
my $dma_code = qr/^(?:__)?(?:dma_|iommu_dma_|swiotlb_|arch_sync_dma_|xen_swiotlb_|\[outside\]$)/;

# dma(RUN, LABEL...): what the DMA API did in all windows so labelled: dsb, and entries maintained
# towards each side.
sub dma
{
	my ($run, @labels) = @_;
	my %wanted = map { $_ => 1 } @labels;
	my %sum = (dsb => 0, device => 0, cpu => 0);
	for my $site (map { @{ $_->{sites} } } grep { $wanted{ $_->{label} } } @{ $run->{windows} }) {
		my $in = place($run, $site->{caller} // $site->{addr})->[0];
		next unless $in =~ $dma_code;
		$sum{dsb} += $site->{count} if $site->{kind} eq "dsb sy";
		next unless $site->{kind} eq "call";
		$sum{device} += $site->{count} if $in =~ /^arch_sync_dma_for_device(?:_batch_add)?$/;
		$sum{cpu} += $site->{count} if $in =~ /^arch_sync_dma_for_cpu(?:_batch_add)?$/;
	}
	return \%sum;
}

# suites([NAME...], [options], {MODE => "tool command"}): a run of suites of one path, whose windows
# are suite_window(), and session-N for what lies between, each with .MODE.
sub suites
{
	my ($names, $options, $tools) = @_;
	my @tools = map { ("--tool", "$_=$tools->{$_}") } sort keys %$tools;
	return lab("suite", $names, @$options, @tools);
}

sub suite_file
{
	my ($file) = $_[0] =~ /^(.*)-/;
	return ($file, slurp("$top/lab/suites/$file"));
}

# The device or driver that a suite's rows have.
sub suite_rows
{
	my ($file, $text) = suite_file($_[0]);
	my ($rows) = $text =~ /^rows: (\S+)/m or die "lab/suites/$file has no rows:\n";
	return $rows;
}

# The window of a suite's run in session NUMBER, from 1; nothing when it has fewer runs.
sub suite_window
{
	my ($name, $number) = @_;
	my ($file, $text) = suite_file($name);
	my $label = ($text =~ /^run: (\S+)/mg)[$number - 1] // return;
	return "$file.$label";
}

# How many sessions suites take together.
sub suite_sessions
{
	return max map { scalar(() = (suite_file($_))[1] =~ /^run: /mg) } @_;
}

# Options for 305 devices that do real DMA: an entropy source on every function of 38 slots, a bridge.
sub many_devices
{
	my $rng = "virtio-rng-pci,multifunction=on,iommu_platform=on,disable-legacy=on,vectors=0";
	my @many = ("--module", "virtio-rng", "--device", "pci-bridge,id=b1,chassis_nr=1,addr=f");
	for my $function (0 .. 7) {
		push @many, "--device", sprintf("%s,addr=%x.%x", $rng, $_, $function) for 2 .. 14;
		push @many, "--device", sprintf("%s,bus=b1,addr=%x.%x", $rng, $_, $function) for 1 .. 25;
	}
	return @many;
}

1;
