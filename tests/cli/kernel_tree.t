#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# lab/kernel.sh: one tree goes from some patches to others; make sees by the times which files have changed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export XDG_CACHE_HOME=$dir
# shellcheck source=../../lab/common.sh
. lab/common.sh
# shellcheck source=../../lab/series.sh
. lab/series.sh
# shellcheck source=../../lab/kernel.sh
. lab/kernel.sh
n=0

ok()
{
	n=$((n + 1))
	if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; sed 's/^/# /' "$dir/err"; fi
}

# What the functions take from scripts/build-kernel.
line=6.12 name=6.12-test source='' config='' apply='' fragments=() patches=() series_files=()
pristine=$dir/pristine
mkdir -p "$pristine"/{arch/arm64/mm,include,drivers/one,.git}
printf 'VERSION = 6\nPATCHLEVEL = 12\n' >"$pristine/Makefile"
echo .config >"$pristine/.gitignore"
for file in arch/arm64/mm/cache.S arch/arm64/mm/dma-mapping.c include/a.h include/b.h drivers/one/one.c; do
	echo "as it was" >"$pristine/$file"
done
touch "$pristine/stale.o" "$pristine/.config"
ln -s include/a.h "$pristine/link"
find "$pristine" -exec touch -h -d 2026-01-01 {} +
kernel_work

# patch_of NAME SHELL: a patch that does this, as `diff` writes it.
patch_of()
{
	rm -rf "$dir/a" "$dir/b"
	rsync -a "${not_source[@]}" "$pristine/" "$dir/a/"
	rsync -a "$dir/a/" "$dir/b/"
	(cd "$dir/b" && eval "$2")
	(cd "$dir" && diff -urN --no-dereference a b >"$dir/$1.patch")
}

# go PATCH...: the tree with these; sets rc, and changed, what make would find newer than before. Not for a
# condition, in which set -e has no effect.
go()
{
	patches=("${@/#/$dir/}")
	# All that was is a day old; a day is enough for make.
	[[ ! -e $work/src ]] || find "$work/src" -type f -newermt '-1 hour' -exec touch -d yesterday {} +
	# As scripts/build-kernel has it: the first command that fails ends it.
	(set -e; kernel_tree) 2>"$dir/err"
	rc=$?
	changed=$(cd "$work/src" && find . -type f -newermt '-1 hour' | sort | tr '\n' ' ')
}

is() { [[ $1 == "$2" ]] || { echo "# '$1' is not '$2'"; return 1; }; }

# same: the tree is the source; directories with nothing in them do not matter.
same()
{
	rsync -a --dry-run --out-format='%o %n' --checksum --no-times --omit-dir-times "${not_source[@]}" --delete \
		"$pristine/" "$work/src/" | grep -v '/$' >"$dir/diff"
	[[ ! -s $dir/diff ]] || { cat "$dir/diff"; return 1; }
}

patch_of edit 'echo changed >include/a.h; mkdir drivers/two; echo new >drivers/two/two.c'
patch_of more 'echo changed too >include/b.h'
patch_of gone 'rm drivers/one/one.c'
(cd "$dir" && sed 's,^--- a/,--- linux.orig/,; s,^+++ b/,+++ linux/,; /^diff/d' more.patch >quilt.patch)
cat >"$dir/rename.patch" <<'P'
diff --git a/include/a.h b/include/c.h
similarity index 100%
rename from include/a.h
rename to include/c.h
P

go
ok "a tree without patches" test $rc = 0
ok "has the source, links too" same
ok "and nothing that a build has left" test ! -e "$work/src/stale.o" -a ! -e "$work/src/.config"
go edit.patch
ok "a patch applies" test $rc = 0
ok "what it touches is new" is "$changed" "./drivers/two/two.c ./include/a.h "
go edit.patch more.patch
ok "a second one on top of it" test $rc = 0
ok "the first one's files keep their times" is "$changed" "./include/b.h "
go edit.patch more.patch
ok "the same again" test $rc = 0
ok "nothing is new" is "$changed" ""
go more.patch
ok "without the first" test $rc = 0
ok "what it had changed is new, its new file gone" is "$changed $(ls "$work/src/drivers/two" 2>/dev/null)" "./include/a.h  "
go gone.patch
ok "one that removes a file" test $rc = 0
ok "it is gone" test ! -e "$work/src/drivers/one/one.c"
go
ok "back to the source" test $rc = 0
ok "the file is back, and new" is "$changed" "./drivers/one/one.c "
ok "all is as in the source" same
go quilt.patch
ok "a patch of another style" test $rc = 0
ok "applies, too" is "$changed" "./include/b.h "
go rename.patch
ok "a file under another name" test $rc = 0
ok "goes there" is "$changed" "./include/b.h ./include/c.h "
echo "of a new version" >"$pristine/drivers/one/one.c"
go
ok "the source itself changes" test $rc = 0
ok "and so does the tree" same
touch "$work/src/include/left.h"
go
ok "what nobody knows of" test $rc = 0
ok "goes" same
echo garbage >"$dir/bad.patch"
printf -- '--- a/include/a.h\n+++ b/include/a.h\n@@ -1 +1 @@\n-not there\n+x\n' >>"$dir/bad.patch"
(go bad.patch) 2>/dev/null
ok "a patch that does not apply ends it" grep -q 'does not apply: .*bad.patch' "$dir/err"
ok "and the tree stays" same

{ echo "Subject: words"; cat "$dir/more.patch"; } >"$dir/words.patch"
sed s/too/also/ "$dir/more.patch" >"$dir/other.patch"
sum=$(made_of "$dir/more.patch")
ok "texts of patches do not count" is "$(made_of "$dir/words.patch")" "$sum"
ok "what they change does" test "$(made_of "$dir/other.patch")" != "$sum"
ok "and is seen in one of another style" test "$(made_of "$dir/quilt.patch")" != "$(made_of /dev/null)"
echo "1..$n"
