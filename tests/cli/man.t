#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# The manual page is clean, and describes exactly the options, words and JSON names that there are.
use strict;
use warnings;
use FindBin;
use JSON::PP;
use Test::More;

my $top = "$FindBin::Bin/../..";
my $built = $ENV{O} // 'build';
my $page = "$top/doc/dmasynctop.8";
plan skip_all => "$built/dmasynctop is not built" unless -x "$built/dmasynctop";
plan skip_all => 'mandoc is not installed' if system('command -v mandoc >/dev/null');

# What other pages this machine has is not the page's affair.
my @lint = grep { !/mandoc\.db|not found: Xr dmasynctop-/ } `mandoc -T lint $page 2>&1`;
is("@lint", '', 'mandoc -T lint');

my $source = do { local (@ARGV, $/) = $page; <> };
my %section;
while ($source =~ /^\.Sh (.*)\n((?:(?!\.Sh ).*\n)*)/mg) {
	$section{$1} = $2;
}
ok($section{$_}, "has $_") for qw(NAME SYNOPSIS DESCRIPTION OPTIONS SUBCOMMANDS KEYS OUTPUT BARRIERS
	OVERHEAD ENVIRONMENT FILES EXAMPLES BUGS), 'EXIT STATUS', 'SEE ALSO';

# Options that the lines of a help text list, as "-x" and "--long".
sub listed {
	my %options;
	for (@_) {
		next unless /^ {2,6}(?:(-\S), )?(--[a-z-]+)/;
		$options{$_} = 1 for grep { defined } $1, $2;
	}
	return \%options;
}

# Options that have an entry of their own in a text of the page.
sub described {
	my %options;
	for (grep { /^\.It Fl / } split(/\n/, $_[0])) {
		s/\\&//g;
		$options{"-$1"} = 1 while /Fl (\S+)/g;
	}
	return \%options;
}

sub same {
	my ($got, $want, $what) = @_;
	is("@{[sort keys %$got]}", "@{[sort keys %$want]}", $what);
}

my $help = listed(`$built/dmasynctop --help`);
my $bench = listed(`$built/dmasynctop bench --help`);
my $doctor = listed(`$built/dmasynctop doctor --help`);
delete @$_{qw(-? --help --usage -V --version)} for $bench, $doctor;
cmp_ok(scalar keys %$help, '>', 20, 'the help text was understood');
same(described($section{OPTIONS}), $help, 'OPTIONS: as --help');
same(described($section{SUBCOMMANDS}), $bench, 'bench: as its --help');
same($doctor, { '--json' => 1 }, 'doctor: as its --help');
my $record = listed(`$built/dmasynctop record --help`);
my %known = (%$help, %$bench, %$record, '--' => 1);
my %used = map { s/\\&//gr => 1 } map { "-$_" } $source =~ /\bFl (\S+)/g;
is("@{[grep { !$known{$_} } sort keys %used]}", '', 'no option that does not exist');

# Words that an option takes are listed by the message about a wrong one.
for my $option ('-O', '-s', '--by', '--attach', '--backend', '--level') {
	my ($valid) = `$built/dmasynctop $option nonsense 2>&1` =~ /valid: (.*)/;
	my @missing = grep { $source !~ /\bCm \Q$_\E\b/ } split(/, /, $valid // 'none');
	is("@missing", '', "$option: every word");
}

# Every name in JSON is in the page.
SKIP: {
	my $demo = "$built/unit/batch_demo";
	skip("$demo is not built", 1) unless -x $demo;
	my %names;
	my $collect;
	$collect = sub {
		my ($value) = @_;
		if (ref $value eq 'HASH') {
			$names{$_} = 1 for keys %$value;
			$collect->($_) for values %$value;
		} elsif (ref $value eq 'ARRAY') {
			$collect->($_) for @$value;
		}
	};
	$collect->(decode_json($_)) for `$demo --json -n 1 -i 20ms --by process 2>/dev/null`;
	delete $names{type};
	cmp_ok(scalar keys %names, '>', 40, 'names in JSON');
	is("@{[grep { $section{OUTPUT} !~ /\b\Q$_\E\b/ } sort keys %names]}", '', 'OUTPUT: has them all');
}

done_testing();
