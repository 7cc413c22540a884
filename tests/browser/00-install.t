#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A registry out of reach skips the tests that need its packages; anything else fails them.
set -euo pipefail
cd "$(dirname "$0")"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_CACHE_HOME=$scratch/cache npm_config_cache=$scratch/npm npm_config_update_notifier=false
echo 1..4

n=0
check()
{
	n=$((n + 1))
	# shellcheck disable=SC2053 # a pattern
	if [[ $2 == $3 ]]; then
		echo "ok $n - $1"
	else
		printf 'not ok %d - %s\n# got:  %s\n# want: %s\n' $n "$1" "$2" "$3"
	fi
}

# Nothing listens on port 9.
status=0
text=$(npm_config_registry=http://127.0.0.1:9/ ./install 2>&1) || status=$?
check 'out of reach: its status and a sentence' "$status $text" '75 the npm registry cannot be reached (ECONNREFUSED)'
text=$(npm_config_registry=http://127.0.0.1:9/ node 20-tools.t 2>&1) && status=0 || status=$?
check 'out of reach: the tests are skipped and say why' "$status $text" \
	'0 1..0 # SKIP the npm registry cannot be reached (ECONNREFUSED)'

mkdir "$scratch/wrong"
cp package.json "$scratch/wrong"
echo 'not JSON' >"$scratch/wrong/package-lock.json"
text=$(npm_config_registry=http://127.0.0.1:9/ ./install "$scratch/wrong" 2>&1) && status=0 || status=$?
check 'a wrong lock: fails' "$status" 1
check 'a wrong lock: names the file' "$text" "*npm could not install the packages of $scratch/wrong/package-lock.json"
