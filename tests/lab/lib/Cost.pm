# SPDX-License-Identifier: GPL-2.0
# What tools cost in executed guest instructions, measured in one run: for `make bench` and its test.
package Cost;
use strict;
use warnings;
use JSON::PP;
use Lab;

my $built = $ENV{O} // "build";
$built = "$Lab::top/$built" unless $built =~ m{^/};

# A round is one START and one END: a call of dma_sync_sg_for_cpu, one of dma_sync_sg_for_device.
my ($rounds, $calls_a_round, $many) = (16, 2, 64);

# In the order of the table. Of a tool for single entries only the growth with entries makes sense.
my @tools = (
	[ "nothing", "nothing attached" ],
	[ "empty-pair", "empty fentry + fexit pair" ],
	[ "empty-session", "empty fsession", "fsession" ],
	[ "no-bytes", "`dmasynctop --no-bytes`" ],
	[ "default", "`dmasynctop`" ],
	[ "process", "`dmasynctop --no-bytes --by process`" ],
	[ "kprobe", "`dmasynctop --no-bytes --attach=kprobe`" ],
	[ "exact", "`dmasynctop --no-bytes --exact`" ],
	[ "arch", "`dmasynctop --level arch`" ],
	[ "empty-entry", "empty fentry on `arch_sync_dma_for_*`" ],
	[ "funclatency", "bcc `funclatency`" ],
	[ "ftrace", "ftrace `function_graph`, `set_ftrace_filter`" ],
	[ "ftrace-callees", "ftrace `function_graph`, `set_graph_function`" ],
	[ "nothing-again", "nothing attached, at the end" ],
);

sub names
{
	return map { $_->[0] } @tools;
}

sub spew
{
	my ($name, $text) = @_;
	open(my $fh, ">", "$built/$name") or die "cannot write $built/$name: $!\n";
	print $fh $text;
	close $fh or die "cannot write $built/$name: $!\n";
}

# measure(kernel, tools, windows, starts): the run's figures; dies with a message when it fails.
sub measure
{
	my (%opt) = @_;
	my $guest = "$built/lab/arm64";
	my $windows = $opt{windows} // 25;
	my @names = split /,/, $opt{tools} // join ",", grep { has_tool($opt{kernel}, $_) } names();
	system("make", "-s", "-C", $Lab::top, "O=$built", "ARCH=arm64") == 0
		&& system("make", "-s", "-C", $Lab::top, "O=$built", "$guest/empty", "$guest/first") == 0
		or die "cannot build: run scripts/setup\n";
	my $run = Lab::run([ "--kernel", $opt{kernel}, "--icount", "--plugin", "--settle", 20,
			"--timeout", 300, "--peer", "funclatency",
			"--file", "$built/arm64/dmasynctop:/bin/dmasynctop",
			"--file", "$guest/empty:/bin/empty", "--file", "$guest/first:/bin/first",
			"--file", "$Lab::top/lab/bench/guest.sh:/root/guest.sh" ],
		"TOOLS='@names' ENTRIES='1 $many' ROUNDS=$rounds WINDOWS=$windows" .
		" STARTS=" . ($opt{starts} ? 1 : "") . " sh /root/guest.sh");
	$run->{status} == 0 or die "the guest failed:\n$run->{err}$run->{out}";
	my $bench = {
		kernel => kernel($run, $opt{kernel}),
		windows => $windows,
		tools => [ map { figures($run, $_) } @names ],
		starts => [ map { start($run, $_) } Lab::objects($run->{out}) ],
	};
	compare($bench);
	return $bench;
}

sub has_tool
{
	my ($kernel, $name) = @_;
	return $name ne "empty-session" || $kernel =~ /^[7-9]/;
}

sub kernel
{
	my ($run, $line) = @_;
	for my $name (names()) {
		my ($header) = Lab::objects(Lab::slurp("$run->{dir}/$name.out"));
		return $header->{release} if $header && $header->{release};
	}
	return $line;
}

# Fewest instructions of a round with so many entries: an interrupt only ever adds some.
sub fewest
{
	my ($run, $label) = @_;
	my @counts = sort { $a <=> $b }
		map { $_->{instructions} } grep { $_->{label} eq $label } @{ $run->{windows} };
	@counts or die "nothing was measured as $label\n";
	return ($counts[0] / $rounds, $counts[@counts / 2] / $rounds);
}

sub figures
{
	my ($run, $name) = @_;
	my ($title) = map { $_->[1] } grep { $_->[0] eq $name } @tools;
	my ($one, $one_median) = fewest($run, "$name.1");
	my ($all, $all_median) = fewest($run, "$name.$many");
	return { name => $name, title => $title, round => $one, round_median => $one_median,
		round_many => $all, round_many_median => $all_median };
}

sub start
{
	my ($run, $told) = @_;
	return { %$told, instructions => Lab::window($run, $told->{label})->{instructions} };
}

# What each adds to the run with nothing attached, which must be among the tools.
sub compare
{
	my ($bench) = @_;
	my ($nothing) = grep { $_->{name} eq "nothing" } @{ $bench->{tools} };
	my ($empty) = grep { $_->{name} eq "empty-pair" } @{ $bench->{tools} };
	for my $tool (@{ $bench->{tools} }) {
		my $one = ($tool->{round} - $nothing->{round}) / $calls_a_round;
		my $all = ($tool->{round_many} - $nothing->{round_many}) / $calls_a_round;
		$tool->{per_entry} = ($all - $one) / ($many - 1);
		$tool->{per_call} = $one - $tool->{per_entry};
		$tool->{per_call_of_one} = $one;
	}
	for my $tool (@{ $bench->{tools} }) {
		$tool->{against_empty} = $tool->{per_call} / $empty->{per_call} if $empty;
	}
}

sub ndjson
{
	my ($bench) = @_;
	my $json = JSON::PP->new->canonical;
	return join "", map { $json->encode($_) . "\n" }
		{ type => "bench", kernel => $bench->{kernel}, windows => $bench->{windows},
			rounds_a_window => $rounds, entries => [ 1, $many ] },
		(map { { type => "tool", %$_ } } @{ $bench->{tools} }),
		(map { { type => "start", %$_ } } @{ $bench->{starts} });
}

sub table
{
	my ($bench) = @_;
	my $text = "| Linux $bench->{kernel} | instructions a call | of an empty pair | instructions an entry |\n" .
		"|---|---:|---:|---:|\n";
	for my $tool (@{ $bench->{tools} }) {
		next if $tool->{name} =~ /^nothing/;
		$text .= sprintf "| %s | %.0f | %s | %.1f |\n", $tool->{title}, $tool->{per_call},
			defined $tool->{against_empty} ? sprintf("%.2f x", $tool->{against_empty}) : "-",
			$tool->{per_entry};
	}
	return $text . starts_table($bench);
}

sub starts_table
{
	my ($bench) = @_;
	return "" unless @{ $bench->{starts} };
	my $text = "\n| start to first interval | instructions | emulated time | to its end | memory |\n" .
		"|---|---:|---:|---:|---:|\n";
	for my $start (@{ $bench->{starts} }) {
		$text .= sprintf "| %s | %.0f million | %.2f s | %.2f s | %.1f MiB |\n",
			$start->{label} =~ s/^start\.//r, $start->{instructions} / 1e6,
			$start->{first_ns} / 1e9, $start->{end_ns} / 1e9, $start->{rss_kib} / 1024;
	}
	return $text;
}

1;
