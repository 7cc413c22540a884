#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scripts/armbian-userpatches on a tree laid out like Armbian's build.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0

ok()
{
	n=$((n + 1))
	if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; cat "$dir/err" "$dir/out"; fi
}

run()
{
	scripts/armbian-userpatches "$@" >"$dir/out" 2>"$dir/err"
}

tree=$dir/build
mkdir -p "$tree/config/boards" "$tree/config/sources/families/include"
printf '#!/bin/sh\n' >"$tree/compile.sh"
chmod +x "$tree/compile.sh"
printf 'BOARD_NAME="A board"\nBOARDFAMILY="rk-family"\n' >"$tree/config/boards/a-board.conf"
# shellcheck disable=SC2016
printf 'KERNELPATCHDIR="archive/common-$BRANCH"\n' >"$tree/config/sources/families/include/common.inc"
cat >"$tree/config/sources/families/rk-family.conf" <<'CONF'
source "${BASH_SOURCE%/*}/include/common.inc"
enable_extension "something"
case $BRANCH in
vendor)
	declare -g KERNEL_MAJOR_MINOR="6.1"
	KERNELPATCHDIR='rk-vendor-6.1'
	;;
current) declare -g KERNEL_MAJOR_MINOR="6.12" ;;
edge) declare -g KERNEL_MAJOR_MINOR="7.3" ;;
old) declare -g KERNEL_MAJOR_MINOR="6.6" ;;
esac
prepare_boot_configuration
CONF

count()
{
	find "$tree/userpatches/kernel/$1" -name 'dmasync-000*.patch' 2>/dev/null | wc -l
}

run "$tree" a-board current
ok "a branch with 6.12 succeeds" test $? -eq 0
ok "its patches are where the configuration says" test "$(count archive/common-current)" -eq 7
ok "they are those for 6.12" cmp -s "$tree/userpatches/kernel/archive/common-current/"dmasync-0005*.patch patches/linux-6.12/0005*.patch
ok "the command is printed" grep -qx "cd $tree && ./compile.sh BOARD=a-board BRANCH=current kernel" "$dir/out"

run "$tree" a-board vendor
ok "a branch with 6.1 has its own directory" test "$(count rk-vendor-6.1)" -eq 7
ok "and the series for 6.1" cmp -s "$tree/userpatches/kernel/rk-vendor-6.1/"dmasync-0005*.patch patches/linux-6.1/0005*.patch

touch "$tree/userpatches/kernel/archive/common-current/mine.patch"
run --upstreamable "$tree" a-board current
ok "without the RFC patches" test "$(count archive/common-current)" -eq 5
run --remove "$tree" a-board current
ok "taken out again" test "$(count archive/common-current)" -eq 0
ok "other patches stay" test -e "$tree/userpatches/kernel/archive/common-current/mine.patch"

run "$tree" a-board edge
ok "a kernel that batches is refused" test $? -eq 1
ok "with the reason" grep -q 'Linux 7.3, which batches already' "$dir/err"
run "$tree" a-board old
ok "a kernel without a series is refused" test $? -eq 1
ok "and says what may help" grep -q -- '--series tries it' "$dir/err"
run --series linux-6.12 "$tree" a-board old
ok "unless one is named" test "$(count archive/common-old)" -eq 7
run "$tree" no-board current
ok "an unknown board is told" grep -q 'no-board: .* has no such board' "$dir/err"
run "$dir" a-board current
ok "a directory that is no build tree, too" grep -q 'no Armbian build tree' "$dir/err"
run "$tree" a-board
ok "wrong usage is 2" test $? -eq 2
echo "1..$n"
