# SPDX-License-Identifier: GPL-2.0
# What tools cost in executed guest instructions, measured in one run: for `make bench` and its test.
package Cost;
use strict;
use warnings;
use JSON::PP;
use Lab;
use List::Util qw(sum0);

my $built = $ENV{O} // "build";
$built = "$Lab::top/$built" unless $built =~ m{^/};

# A round is one START and one END: a call of dma_sync_sg_for_cpu, one of dma_sync_sg_for_device.
my ($calls_a_round, $many) = (2, 64);

# In the order of the table.
my @tools = (
	[ "nothing", "nothing attached" ],
	[ "empty-pair", "empty fentry + fexit pair" ],
	[ "empty-session", "empty fsession", "fsession" ],
	[ "no-bytes", "`dmasynctop --no-bytes`" ],
	[ "default", "`dmasynctop`" ],
	[ "process", "`dmasynctop --no-bytes --by process`" ],
	[ "storms", "`dmasynctop --no-bytes --storms`" ],
	[ "kprobe", "`dmasynctop --no-bytes --attach=kprobe`" ],
	[ "backend-ftrace", "`dmasynctop --backend ftrace`" ],
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

# measure(kernel, tools, rounds, starts): the run's figures; dies with a message when it fails.
sub measure
{
	my (%opt) = @_;
	my $guest = "$built/lab/arm64";
	my $rounds = $opt{rounds} // 300;
	my @names = split /,/, $opt{tools} // join ",", grep { has_tool($opt{kernel}, $_) } names();
	system("make", "-s", "-C", $Lab::top, "O=$built", "ARCH=arm64") == 0
		&& system("make", "-s", "-C", $Lab::top, "O=$built", "$guest/empty", "$guest/first") == 0
		or die "cannot build: run scripts/setup\n";
	my $run = Lab::run([ "--kernel", $opt{kernel}, "--icount", "--plugin-args", "exact=on", "--settle", 20,
			"--timeout", 300, "--peer", "funclatency",
			"--file", "$built/arm64/dmasynctop:/bin/dmasynctop",
			"--file", "$guest/empty:/bin/empty", "--file", "$guest/first:/bin/first",
			"--file", "$Lab::top/lab/bench/guest.sh:/bin/measure" ],
		"TOOLS='@names' ENTRIES='1 $many' ROUNDS=$rounds" .
		" STARTS=" . ($opt{starts} ? 1 : "") . " sh /bin/measure");
	$run->{status} == 0 or die "the guest failed:\n$run->{err}$run->{out}";
	my $bench = {
		kernel => kernel($run, $opt{kernel}),
		rounds => $rounds,
		tools => [ map { figures($run, $_, $rounds) } @names ],
		starts => [ map { start($run, $_) } Lab::objects($run->{out}) ],
	};
	compare($bench);
	return $bench;
}

# Most memory that the tool ever has, in a guest where it sees hundreds of devices.
sub memory
{
	my ($bench, $kernel) = @_;
	my $load = 'insmod /lab/modules/virtio-rng.ko';
	my $run = Lab::run([ "--kernel", $kernel, Lab::many_devices(),
			"--file", "$built/arm64/dmasynctop:/bin/dmasynctop",
			"--file", "$built/lab/arm64/first:/bin/first" ],
		"rmmod virtio_rng; first memory '\"type\":\"end\"' dmasynctop --json -- $load");
	$run->{status} == 0 or die "the guest failed:\n$run->{err}$run->{out}";
	my ($told) = Lab::objects($run->{out});
	my ($end) = grep { $_->{type} eq "end" } Lab::objects(Lab::slurp("$run->{dir}/memory.tty") =~ tr/\r//dr);
	$bench->{memory} = { rows => scalar @{ $end->{rows} }, rss_kib => $told->{rss_kib} };
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
		return $header->{kernel} if $header && $header->{kernel};
	}
	return $line;
}

# Fewest and median instructions of a round: interrupts, and the random offset of the kernel's stack
# at each system call, only ever add some.
sub fewest
{
	my ($run, $label) = @_;
	my @counts = sort { $a <=> $b }
		map { $_->{instructions} } grep { $_->{label} eq $label } @{ $run->{windows} };
	@counts or die "nothing was measured as $label\n";
	return ($counts[0], $counts[@counts / 2]);
}

# Calls that a tool says it saw; undef: this one does not tell.
sub seen
{
	my ($run, $name) = @_;
	my $text = Lab::slurp("$run->{dir}/$name.out");
	return sum0($text =~ /-> \d+ +: (\d+) /g) if $name eq "funclatency";
	my ($end) = grep { $_->{type} eq "end" } Lab::objects($text) or return;
	return sum0(map { $_->{calls} } grep { $_->{op} =~ /^sync_sg_/ } @{ $end->{rows} });
}

# A tool that missed calls, or did not run at all, would look cheap.
sub check_seen
{
	my ($run, $name, $rounds) = @_;
	my $made = 2 * $calls_a_round * ($rounds + 1);
	my $seen = seen($run, $name) // return;
	$seen == $made or die "$name saw $seen of $made calls\n";
}

sub figures
{
	my ($run, $name, $rounds) = @_;
	my ($title) = map { $_->[1] } grep { $_->[0] eq $name } @tools;
	my ($one, $one_median) = fewest($run, "$name.1");
	my ($all, $all_median) = fewest($run, "$name.$many");
	check_seen($run, $name, $rounds) unless $name eq "arch";
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
	my %named = map { $_->{name} => $_ } @{ $bench->{tools} };
	for my $tool (@{ $bench->{tools} }) {
		my $one = ($tool->{round} - $named{nothing}{round}) / $calls_a_round;
		my $all = ($tool->{round_many} - $named{nothing}{round_many}) / $calls_a_round;
		$tool->{per_call} = $one;
		$tool->{per_entry} = ($all - $one) / ($many - 1);
	}
	for my $tool (grep { $named{"empty-pair"} } @{ $bench->{tools} }) {
		$tool->{against_empty} = $tool->{per_call} / $named{"empty-pair"}{per_call};
	}
	$bench->{named} = \%named;
}

sub ndjson
{
	my ($bench) = @_;
	my $json = JSON::PP->new->canonical;
	return join "", map { $json->encode($_) . "\n" }
		{ type => "bench", kernel => $bench->{kernel}, rounds => $bench->{rounds},
			calls_a_round => $calls_a_round, entries => [ 1, $many ] },
		(map { { type => "tool", %$_ } } @{ $bench->{tools} }),
		(map { { type => "start", %$_ } } @{ $bench->{starts} }),
		(map { { type => "memory", %$_ } } grep { $_ } $bench->{memory});
}

sub table
{
	my ($bench) = @_;
	my $text = "| instructions on Linux $bench->{kernel} | a call with one entry | of an empty pair |" .
		" each further entry |\n|---|---:|---:|---:|\n";
	for my $tool (@{ $bench->{tools} }) {
		next if $tool->{name} =~ /^nothing/;
		$text .= sprintf "| %s | %.0f | %s | %s |\n", $tool->{title}, $tool->{per_call},
			defined $tool->{against_empty} ? sprintf("%.2f", $tool->{against_empty}) : "-",
			sprintf("%.1f", $tool->{per_entry}) =~ s/^-?0\.0$/0/r;
	}
	return $text . starts_table($bench) . memory_line($bench);
}

my %start_titles = (
	dmasynctop => "`dmasynctop`",
	one => "`dmasynctop -O sync_sg_for_cpu`",
	funclatency => "bcc `funclatency __dma_sync_sg_for_cpu`",
);

sub starts_table
{
	my ($bench) = @_;
	return "" unless @{ $bench->{starts} };
	my $text = "\n| start to the end of a first interval of 1 s | million instructions | emulated time |" .
		" until it has exited | memory |\n|---|---:|---:|---:|---:|\n";
	for my $start (@{ $bench->{starts} }) {
		$text .= sprintf "| %s | %.0f | %.2f s | %.2f s | %.1f MiB |\n",
			$start_titles{ $start->{label} =~ s/^start\.//r }, $start->{instructions} / 1e6,
			$start->{first_ns} / 1e9, $start->{end_ns} / 1e9, $start->{rss_kib} / 1024;
	}
	return $text;
}

sub memory_line
{
	my $memory = $_[0]{memory} or return "";
	return sprintf "\nMemory with %d rows: %.1f MiB.\n", $memory->{rows}, $memory->{rss_kib} / 1024;
}

1;
