# SPDX-License-Identifier: GPL-2.0
# Completion of dmasynctop for bash: asks the program itself what it takes.
# shellcheck shell=bash

_dmasynctop()
{
	local word=$2 before=$3 tool=$1 sub='' list=''
	[[ ${COMP_WORDS[1]-} == @(doctor|bench) && $COMP_CWORD -gt 1 ]] && sub=${COMP_WORDS[1]}
	# Bash splits --sort=time at its equals sign.
	[[ $word == = ]] && word=''
	[[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
	case $before in
	-o | --output) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
	-s | --sort | -O | --op | --by | --level | --attach)
		# The message about a wrong word lists the right ones.
		list=$("$tool" "$before" '' 2>&1 | sed -n 's/.*valid: //p' | tr -d ,) ;;
	--dir) list='read write rw' ;;
	*)
		list=$("$tool" ${sub:+"$sub"} --help 2>/dev/null | sed -nE 's/^ {2,6}(-., )?(--[a-z-]+).*/\2/p')
		[[ -n $sub ]] || ((COMP_CWORD > 1)) || list+=' doctor bench' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$list" -- "$word")
}
complete -F _dmasynctop dmasynctop
