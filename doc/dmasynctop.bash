# SPDX-License-Identifier: GPL-2.0
# Completion of dmasynctop for bash: asks the program itself what it takes.
# shellcheck shell=bash

# Values of option $2 of "$1 ..." (its --help is $3): words, "file" or nothing.
_dmasynctop_values()
{
	local option=$2 hint
	hint=$(sed -nE "s/^ {2,6}(-., )?(--[a-z-]+)(=(\S+))?.*/\1\2 \4/p" <<<"$3" |
		sed -nE "s/^(-.*, )?${option}(, --[a-z-]+)? //p" | head -n 1)
	case $hint in
	'') ;;
	FILE*) echo file ;;
	*\|*) echo "${hint//|/ }" ;;
	# The message about a wrong word lists the right ones. The second option is wrong in any
	# case, so that nothing is ever run.
	*) $1 "$option" '' --no-such-option 2>&1 |
		sed -nE 's/.*valid: ([a-z][a-z0-9_]+(\/[a-z]+)?(, [a-z][a-z0-9_]+(\/[a-z]+)?)+)$/\1/p' | tr -d , ;;
	esac
}

_dmasynctop()
{
	local word=$2 before=$3 tool=$1 run=$1 list='' help subs value
	help=$("$tool" --help 2>/dev/null)
	subs=$(sed -nE '/^Subcommands/,/^$/s/^  ([a-z]+) .*/\1/p' <<<"$help")
	if ((COMP_CWORD > 1)) && grep -qx -- "${COMP_WORDS[1]}" <<<"$subs"; then
		run="$tool ${COMP_WORDS[1]}"
		help=$($run --help 2>/dev/null)
		subs=''
	fi
	# Bash splits --sort=time at its equals sign.
	[[ $word == = ]] && word=''
	[[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
	if [[ $before == -* ]]; then
		value=$(_dmasynctop_values "$run" "$before" "$help")
		[[ $value != file ]] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
		[[ -z $value || $value == file ]] || mapfile -t COMPREPLY < <(compgen -W "$value" -- "$word")
		[[ -z $value ]] || return
	fi
	list=$(sed -nE 's/^ {2,6}(-., )?(--[a-z-]+).*/\2/p' <<<"$help")
	((COMP_CWORD > 1)) || list+=" $subs"
	mapfile -t COMPREPLY < <(compgen -W "$list" -- "$word")
	# "Usage: ... FILE": a file may stand here, too.
	if [[ $word != -* && ${help%%$'\n'*} == *\ @(FILE|BEFORE|CAPTURE)* ]]; then
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
	fi
}
complete -F _dmasynctop dmasynctop
