#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
# Completion in bash offers what the program takes: every subcommand, option and word.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use Test::More;

my $tool = ($ENV{O} // 'build') . '/dmasynctop';
plan skip_all => "$tool is not built" unless -x $tool;
$tool = abs_path($tool);
my $script = "$FindBin::Bin/../../doc/dmasynctop.bash";

# What is offered behind these words, the last of which is being typed.
sub offered {
	my @words = ($tool, @_);
	my $list = join(' ', map { "'" . s/'/'\\''/gr . "'" } @words);
	my $n = $#words;
	my ($word, $before) = @words[$n, $n - 1];
	open(my $f, '-|', 'bash', '-c', <<"BASH") or die;
source $script
COMP_WORDS=($list) COMP_CWORD=$n
_dmasynctop '$tool' '$word' '$before'
printf '%s\\n' "\${COMPREPLY[\@]}"
BASH
	chomp(my @got = <$f>);
	return sort grep { length } @got;
}

sub options {
	return sort grep { $_ ne '--version' } map { /^ {2,6}(?:-., )?(--[a-z-]+)/ ? $1 : () } @_;
}

my $help = `$tool --help`;
my ($list) = $help =~ /^Subcommands.*?\n((?:  \S.*\n)+)/m;
my @subcommands = sort(($list // '') =~ /^  (\S+)/mg);
cmp_ok(scalar(@subcommands), '>=', 3, "subcommands: @subcommands");
is_deeply([offered('')], [sort(@subcommands, grep { /./ } offered('--'))], 'nothing typed: options and subcommands');
is_deeply([offered('rep')], ['report'], 'rep: report');
is_deeply([grep { $_ ne '--version' } offered('--')], [options(split /\n/, $help)], 'options of the live view');
for my $sub (@subcommands) {
	is_deeply([grep { $_ ne '--version' } offered($sub, '--')], [options(split /\n/, `$tool $sub --help`)],
		"options of $sub");
}
is_deeply([offered('--level', '')], ['api', 'arch'], 'words of --level');
is_deeply([offered('-s', 'dsb')], ['dsb', 'dsb/call'], 'words of -s');
is_deeply([offered('report', '--by', '')], [qw(device driver process row stack)], 'words of report --by');
is_deeply([offered('--by', '')], [qw(device driver process row)], 'words of --by');
is_deeply([offered('--sort', '=', 'p9')], ['p99'], 'words behind an equals sign');
is_deeply([offered('bench', '--dir', '')], [qw(read rw write)], 'words of bench --dir');
is_deeply([offered('bench', '--api', 'unmap_')], [qw(unmap_page unmap_sg)], 'words of bench --api');
is_deeply([offered('-o', "$FindBin::Bin/completion")], ["$FindBin::Bin/completion.t"], 'a file for -o');
is_deeply([offered('report', "$FindBin::Bin/completion")], ["$FindBin::Bin/completion.t"], 'a file for report');
is_deeply([offered('flame', "$FindBin::Bin/completion")], ["$FindBin::Bin/completion.t"], 'a file for flame');
is_deeply([offered('predict', "$FindBin::Bin/completion")], ["$FindBin::Bin/completion.t"], 'files for predict');
is_deeply([offered('predict', '--flavour', '')], [qw(dmasync upstream)], 'words of predict --flavour');
is_deeply([offered('compare', "$FindBin::Bin/completion")], ["$FindBin::Bin/completion.t"], 'files for compare');
done_testing();
