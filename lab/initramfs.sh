# SPDX-License-Identifier: GPL-2.0
# Builds the guest's initramfs: a cached base, and a small archive per run. Sourced.
# shellcheck shell=bash disable=SC2154

# module_order KERNELDIR MODULE...: files relative to lib/modules/REL, dependencies first.
module_order()
{
	local dir=$1
	shift
	(($#)) || return 0
	if [[ ! -e $dir/lib/modules/$(<"$dir/release")/modules.dep ]]; then
		say "$(<"$dir/release") has no modules here"
		return 1
	fi
	awk -v want="$*" '
	function base(path) {
		sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path)
		return path
	}
	FILENAME ~ /modules.builtin$/ { builtin[base($1)] = 1; next }
	{
		file = $1; sub(/:$/, "", file)
		path[base(file)] = file
		for (i = NF; i > 1; i--)
			deps[file] = deps[file] $i " "
	}
	function load(file) {
		if (!(file in done))
			print file
		done[file] = 1
	}
	END {
		n = split(want, names, " ")
		for (i = 1; i <= n; i++) {
			name = names[i]; gsub(/-/, "_", name)
			if (name in builtin)
				continue
			if (!(name in path)) {
				print "lab: this kernel has no module " names[i] > "/dev/stderr"
				exit 1
			}
			m = split(deps[path[name]], list, " ")
			for (j = 1; j <= m; j++)
				load(list[j])
			load(path[name])
		}
	}' "$dir/lib/modules/$(<"$dir/release")"/modules.{builtin,dep}
}

# archive DIR FILE: a reproducible cpio, uncompressed, which TCG unpacks fastest.
archive()
{
	find "$1" -exec touch -h -d @0 {} +
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort |
		cpio --quiet -o -H newc -R 0:0 --reproducible) >"$2"
}

# initramfs_terminfo DIR: descriptions of the terminals that people run the lab from.
initramfs_terminfo()
{
	local name from
	for name in linux vt100 vt220 xterm xterm-256color screen screen-256color tmux \
		tmux-256color dumb; do
		for from in {/etc,/lib,/usr/share}/terminfo/"${name:0:1}/$name"; do
			[[ ! -e $from ]] || install -D -m 644 "$from" "$1/${name:0:1}/$name"
		done
	done
}

# busybox_of ARCH: the guest's.
busybox_of()
{
	find "$cache/programs/$1/busybox" -name busybox -type f -perm -1
}

# initramfs_waiting ARCH: prints the path of the cached archive of a guest that waits to be resumed.
initramfs_waiting()
{
	local busybox out work
	busybox=$(busybox_of "$1")
	out=$cache/initramfs/$(cat "$busybox" "$top/lab/guest/init" "$top/lab/initramfs.sh" "$built/$1/fetch" |
		sha256sum | cut -c1-24)-waiting.cpio
	if [[ ! -e $out ]]; then
		work=$(mktemp -d)
		mkdir -p "$work"/{bin,dev,proc,sys,tmp,out,root,lab} "$cache/initramfs"
		install -m 755 "$busybox" "$work/bin/busybox"
		install -m 755 "$top/lab/guest/init" "$work/init"
		install -m 755 "$built/$1/fetch" "$work/bin/fetch"
		touch "$work/lab/snapshot"
		archive "$work" "$out.$BASHPID" || die "cannot write to $cache/initramfs: is the disk full?"
		mv "$out.$BASHPID" "$out"
		rm -rf "$work"
	fi
	echo "$out"
}

# module_functions FILE.ko...: "MODULE SECTION OFFSET SIZE NAME" of their functions, numbers in hex.
module_functions()
{
	local file name
	for file; do
		[[ -e $file ]] || continue
		name=$(basename "$file" .ko)
		nm -f sysv "$file" | awk -F '|' -v module="${name//-/_}" '
			$3 ~ /^ *[tTwW] *$/ && $1 !~ /^\$/ {
				gsub(/ /, "")
				print module, $7, $2, ($5 == "" ? 0 : $5), $1
			}' || return
	done
}

# initramfs_base ARCH KERNELDIR MODULE...: prints the path of the cached base archive; beside it, with
# .functions for .cpio, are its modules' functions.
initramfs_base()
{
	local arch=$1 kernel=$2 out functions work busybox file order rel
	shift 2
	rel=$(<"$kernel/release")
	busybox=$(busybox_of "$arch")
	order=$(module_order "$kernel" "$@") || return 1
	out=$cache/initramfs/$(cat "$busybox" "$top/lab/guest/init" "$top/lab/initramfs.sh" \
		"$built/$arch/workload" - \
		<<<"$kernel $order" | sha256sum | cut -c1-24).cpio
	functions=${out%.cpio}.functions
	# Those that are used are not old.
	touch -c "$out" "$functions"
	if [[ ! -e $out || ! -e $functions ]]; then
		work=$(mktemp -d)
		mkdir -p "$work"/{bin,dev,proc,sys,tmp,out,root,lab/modules} "$cache/initramfs"
		install -m 755 "$busybox" "$work/bin/busybox"
		install -m 755 "$top/lab/guest/init" "$work/init"
		install -m 755 "$built/$arch/workload" "$work/bin/workload"
		for file in $order; do
			# Not every guest busybox can load a compressed module.
			case $file in
			*.xz) xz -dc "$kernel/lib/modules/$rel/$file" >"$work/lab/modules/$(basename "$file" .xz)" ;;
			*) cp "$kernel/lib/modules/$rel/$file" "$work/lab/modules/" ;;
			esac
			basename "$file" .xz >>"$work/lab/modules/order"
		done
		initramfs_terminfo "$work/lib/terminfo"
		module_functions "$work"/lab/modules/*.ko >"$functions.$$" ||
			die "cannot list the functions of modules into $cache/initramfs: is binutils there, or the disk full?"
		archive "$work" "$out.$$" || die "cannot write to $cache/initramfs: is the disk full?"
		mv "$functions.$$" "$functions"
		mv "$out.$$" "$out"
		rm -rf "$work"
		find "$cache/initramfs" -type f -mtime +7 -delete
	fi
	echo "$out"
}
