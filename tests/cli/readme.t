#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# What README.md and the methodology name exists: commands, options, make targets, files, columns.
use strict;
use warnings;
use FindBin;
use Test::More;

chdir("$FindBin::Bin/../..") or die;
my $tool = ($ENV{O} // 'build') . '/dmasynctop';
plan skip_all => "$tool is not built" unless -x $tool;

sub slurp { local (@ARGV, $/) = @_; return <> }

my $makefile = slurp('Makefile');
my %options;
my @subcommands = `$tool --help` =~ /^  (\w+) {2,}\S/mg;
cmp_ok(scalar @subcommands, '>=', 6, 'subcommands were found');
for my $command ('', @subcommands) {
	my $help = `$tool $command --help`;
	$options{$command}{$_} = 1 for $help =~ /(?<=[ ,])(-\w|--[a-z-]+)(?=[,= ]|$)/mg;
}
my $readme = slurp('README.md');
my $text = $readme . slurp('doc/methodology.md') . slurp('CHANGELOG.md');

# Commands: indented lines, and what is between backquotes.
my @commands = ($readme =~ /^    (\S.*)$/mg, map { s/\n/ /gr } $text =~ /(?<!`)`([^`]+)`(?!`)/g);
my ($makes, $tools, $paths) = (0, 0, 0);
for my $command (map { s/\s# .*//r } @commands) {
	for my $part (split(/ && /, $command)) {
		if ($part =~ /^(?:sudo )?make((?: [A-Za-z]+(?:=\S+)?)*)$/) {
			for my $word (grep { !/=/ } split(' ', $1)) {
				like($makefile, qr/^$word:/m, "$part");
				$makes++;
			}
		}
		if ($part =~ m{^(?:sudo )?(?:build/)?dmasynctop ?(\w+)?(.*)}) {
			my ($sub, $rest) = ($1 // '', $2);
			$rest =~ s/ -- .*//;
			ok($options{$sub}{$_}, "$part: $_") for $rest =~ /(?:^|\s)(--?[a-z][a-z-]*)/g;
			$tools++;
		}
		# A bare option is one of the program's, if not of some tool.
		ok((grep { $_->{$1} } values %options), "$part") if $part =~ /^(--?[a-zA-Z][a-z-]*)(?: \S+)?$/;
		if ($part =~ m{^((?:scripts|lab|src|tests|doc|include)/[\w./-]+)}) {
			ok(-e $1, "$part: exists");
			$paths++;
		}
	}
}
ok($makes && $tools && $paths, 'commands were found');
ok(-e $1, "$1 exists") while $readme =~ m{(?<![\w/])((?:(?:tests/)?lab|doc|patches|kmod)/[\w./-]*\w|LICENSE)\b}g;

# Columns are those of the program.
my $columns = slurp('src/view/columns.c');
my ($table) = $readme =~ /^## The columns\n(.*?)^## /ms;
for my $row ($table =~ /^\| ([A-Z%][^|]*?) \|/mg) {
	like($columns, qr/"\Q$_\E"/, "column $_") for split(/, /, $row);
}

# Kernels and flavours are those of the tests.
my $tests = join('', map { slurp($_) } glob('tests/lab/*.t'));
my ($kernels) = $readme =~ /^(\| kernel \|.*?)\n\n/ms;
for my $kernel ($kernels =~ /^\| arm64 (\d\.\d+)/mg) {
	like($tests, qr/\b\Q$kernel\E\b/, "kernel $kernel is tested");
}
my $names = slurp('src/interval/names.c');
like($names, qr/"$_"/, "flavour $_") for $readme =~ /^\| (\w+-\w+) \| one for/mg;

# The picture is one: its first line is the live view's.
my $title = qr/dmasynctop +6\.12\.\S+ aarch64 +per-entry/;
ok($readme =~ m{<!-- screenshot: scripts/screenshot -->\n```\n$title}, 'picture');

# The runs are what the command prints, but for lines left out.
my ($command, $shown) = $readme =~ m{`build/(dmasynctop report --storms [^`]*)`[^`]*`\.\.\.`:\n\n```\n(storms: .*?)```}s;
my $printed = do { local $ENV{COLUMNS} = 80; $command ? `@{[$command =~ s/^dmasynctop/$tool/r]}` : '' };
my $parts = join('.*?', map { quotemeta } split(/^\.\.\.\n/m, $shown // 'none'));
like($printed, qr/^$parts/ms, 'the runs are those of the capture');

done_testing();
