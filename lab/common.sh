# SPDX-License-Identifier: GPL-2.0
# What every lab script needs: places, messages. Sourced.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dmasync
export top cache

say()
{
	echo "${0##*/}: $*" >&2
}

die()
{
	say "$*"
	exit 1
}

need_tools()
{
	local tool
	for tool; do
		[[ -n $(PATH=$PATH:/usr/sbin:/sbin command -v "$tool") ]] ||
			die "$tool is missing: run scripts/setup"
	done
}
