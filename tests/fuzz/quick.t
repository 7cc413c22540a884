#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The capture reader holds on the committed inputs, and in a short search from them (see fuzz-quick).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
dir=${O:-build}/fuzz
[[ -x $dir/fuzz_capture ]] || { echo "1..0 # SKIP no $dir/fuzz_capture: make fuzz-quick"; exit; }
echo 1..1
if told=$("$here/run" "$dir" 10); then
	echo "ok 1 - $told"
else
	echo "not ok 1 - the reader holds"
	exit 1
fi
