# SPDX-License-Identifier: GPL-2.0
# Applies a series of patches to a kernel tree, and says of each how it went. Sourced after common.sh.
# shellcheck shell=bash disable=SC2154

# tree_version TREE: "6.12" and the like; fails if it is no kernel tree.
tree_version()
{
	awk -F' *= *' '$1 == "VERSION" { v = $2 } $1 == "PATCHLEVEL" { p = $2 }
		END { if (v == "" || p == "") exit 1; print v "." p }' "$1/Makefile" 2>/dev/null
}

# tree_flavour TREE: how its arm64 waits for the maintenance of lists: per-entry, upstream-batched, dmasync-batched.
tree_flavour()
{
	if grep -qsr arch_sync_dma_batch_flush "$1/arch/arm64/mm/dma-mapping.c"; then
		echo dmasync-batched
	elif grep -qs dcache_clean_poc_nosync "$1/arch/arm64/mm/cache.S"; then
		echo upstream-batched
	else
		echo per-entry
	fi
}

# series_patches LINE [COUNT]: the files of a line's patches, the first COUNT of them if given, without the cover letter.
series_patches()
{
	printf '%s\n' "$top/patches/linux-$1"/000[1-9]-*.patch | head -n "${2:-99}"
}

# made_of FILE...: what configurations and patches amount to, as a number: of patches the texts do not count.
made_of()
{
	local file
	for file; do
		if [[ $file == *.patch ]]; then
			awk '/^(diff|---) / { on = 1 } on' "$file"
		else
			cat "$file"
		fi
	done | sha256sum
}

# try_patch TREE FILE [OPTION...]: whether patch(1) would take it so.
try_patch()
{
	local tree=$1 file=$2
	shift 2
	patch -p1 -s -f -d "$tree" --dry-run "$@" <"$file" >/dev/null 2>&1
}

# series_apply TREE PATCH...: a line for each.
series_apply()
{
	local tree=$1 file how flavour
	shift
	flavour=$(tree_flavour "$tree")
	[[ $flavour != upstream-batched ]] ||
		die "$tree batches already, as Linux does from 7.1 on (dcache_clean_poc_nosync in arch/arm64/mm/cache.S): it does not need patches 1 to 6 (patches/README)"
	for file; do
		if try_patch "$tree" "$file" -F0 -N; then
			how='applies'
		elif try_patch "$tree" "$file" -F0 -R; then
			say "already there:      $(basename "$file")"
			continue
		elif try_patch "$tree" "$file" -F2 -N; then
			how='applies with fuzz'
		else
			patch -p1 -f -d "$tree" --dry-run -F2 -N <"$file" 2>&1 | grep -iE 'FAILED|find file' >&2 || :
			die "does not apply: $(basename "$file") to $tree ($(tree_version "$tree")): see doc/series.md on how to port it"
		fi
		patch -p1 -s -f -d "$tree" -F2 -N --no-backup-if-mismatch <"$file" ||
			die "patch(1) failed on $(basename "$file") after it said it would not: is the disk full?"
		say "$(printf '%-19s %s' "$how:" "$(basename "$file")")"
	done
}
