# SPDX-License-Identifier: GPL-2.0
# Source, tree, build and cache of the lab's own kernels. Sourced by scripts/build-kernel, whose options are globals.
# shellcheck shell=bash disable=SC2034,SC2154

# What is of no source: what a build has left in a tree that --source names. make O= refuses such a tree, and would
# take in some of it.
not_source=(--exclude=.git --exclude=/.config --exclude=/include/config --exclude=/include/generated
	'--exclude=/arch/*/include/generated' --exclude=/scripts/mod/elfconfig.h --exclude=/scripts/mod/devicetable-offsets.h
	'--exclude=/vmlinux*' '--exclude=*.o' '--exclude=*.a' '--exclude=*.ko' '--exclude=.*.cmd')

# kernel_source LINE: sets pristine (a tree nobody changes) and source_version.
kernel_source()
{
	local package name version deb
	if [[ -n $source ]]; then
		pristine=$(cd "$source" && pwd)
		[[ -n $(tree_version "$pristine") ]] || die "--source $source: no Linux kernel tree"
		# Its files may change at any time.
		source_version="$pristine $(rsync -rlt --list-only "${not_source[@]}" "$pristine/" | grep -v '^d' | sha256sum)"
		return
	fi
	package=linux-source-$1
	exec 9>"$cache/lock"
	flock 9
	apt_refresh arm64 || exit
	read -r name version <<<"$(apt_newest arm64 "linux-source-${1//./\\.}")"
	[[ -n $name ]] || die "the archive has no $package: name a tree with --source"
	source_version=$version
	pristine=$cache/sources/$package-$version
	if [[ ! -e $pristine/Makefile ]]; then
		deb=$(apt_fetch arm64 "$name" "$version") ||
			die "cannot download $name $version: check the network and try again"
		say "unpacking $package $version"
		rm -rf "$pristine.new"
		mkdir -p "$pristine.new"
		dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/$package.tar.xz" | xz -dc -T0 |
			tar -x -C "$pristine.new" --strip-components=1 ||
			die "cannot unpack $package: is the disk full?"
		rm -f "$deb"
		mv "$pristine.new" "$pristine"
	fi
	flock -u 9
}

# kernel_work: sets work, where a kernel is built. Kernels of one source and configuration share it, one after
# the other: few objects differ between them.
kernel_work()
{
	local fragment
	work=$cache/build/$line
	[[ -z $source$config ]] || work+=-of-$name
	[[ -z $apply ]] || work+=-applied-$name
	for fragment in "${fragments[@]}"; do
		work+=-$(basename "$fragment" .config)
	done
}

# kernel_differs: the files of work/src that are not the pristine tree's, or that the patches touch, one a line.
kernel_differs()
{
	rsync -a -n --delete "${not_source[@]}" --out-format='%o|%n' "$pristine/" "$work/src/" |
		sed -n 's/^[a-z]*\.\{0,1\}|\(.*[^/]\)$/\1/p'
	((!${#patches[@]})) || sed -n -e 's,^\(+++\|---\) [^/[:space:]]\+/\([^[:space:]]*\).*,\2,p' \
		-e 's/^rename \(from\|to\) //p' "${patches[@]}"
	# What tells the flavour and the version.
	printf '%s\n' Makefile arch/arm64/mm/cache.S arch/arm64/mm/dma-mapping.c
}

# kernel_tree: work/src becomes the pristine tree with the patches, those of the series and others. A file gets a new
# time if its text changes, and keeps the one it has if not: make builds anew just what depends on the difference.
kernel_tree()
{
	local list=$work/list file
	mkdir -p "$work"
	[[ -e $work/src/Makefile ]] || rsync -a "${not_source[@]}" "$pristine/" "$work/src/"
	kernel_differs | sort -u >"$list"
	rm -rf "$work/next"
	mkdir "$work/next"
	rsync -a --files-from="$list" --ignore-missing-args "$pristine/" "$work/next/"
	((!${#series_files[@]})) || series_apply "$work/next" "${series_files[@]}" >&2
	for file in "${patches[@]:${#series_files[@]}}"; do
		patch -p1 -s -f -d "$work/next" <"$file" >&2 || die "does not apply: $file"
	done
	rsync -rlpc "$work/next/" "$work/src/"
	while read -r file; do
		[[ -e $work/next/$file || -L $work/next/$file ]] || rm -f "$work/src/$file"
	done <"$list"
	rm -rf "$work/next" "$list"
}

# kernel_make WORD...: make in the tree, with the cross compiler where this machine is no arm64.
kernel_make()
{
	local cross=''
	[[ $(uname -m) == aarch64 ]] || cross=aarch64-linux-gnu-
	CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=8G \
		KBUILD_BUILD_TIMESTAMP=2026-01-01 KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab \
		make -s -C "$work/src" O="$work/out" ARCH=arm64 CROSS_COMPILE="ccache $cross" \
		LOCALVERSION="-${name#"$line"-}" -j"$jobs" "$@"
}

# kernel_config: out/.config, as a new tree would have it; Kconfig leaves one alone that is so already.
kernel_config()
{
	local wanted=$work/out/wanted.config
	mkdir -p "$work/out"
	cat "${config:-$top/lab/kernel/lab.config}" "${fragments[@]}" >"$wanted"
	if [[ -n $config ]]; then
		cp "$wanted" "$work/out/.config"
		kernel_make olddefconfig
	else
		kernel_make KCONFIG_ALLCONFIG="$wanted" allnoconfig
	fi
}

# kernel_headers DIR: keeps there what modules are built with, as distributions package it: the tree goes on to the
# next kernel. Without vmlinux: modules get no BTF.
kernel_headers()
{
	local to=$1
	mkdir -p "$to/src" "$to/out"
	# Links: a file of work/src whose text changes becomes a new one.
	(cd "$work/src" && cp -al --parents Makefile Kbuild Kconfig include scripts arch/arm64/Makefile \
		arch/arm64/include "$to/src")
	(cd "$work/out" && cp -a --parents .config Module.symvers include scripts \
		arch/arm64/include/generated "$to/out")
	find "$to/out/scripts" '(' -name '*.o' -o -name '.*.cmd' ')' -delete
}

# kernel_build: builds what the cache lacks, and points `lab run --kernel` at it.
kernel_build()
{
	local key sum dir link log=$work/log rel
	sum=$(made_of "${config:-$top/lab/kernel/lab.config}" "${fragments[@]}" "${patches[@]}")
	key=$( (echo "$source_version $sum headers"
		aarch64-linux-gnu-gcc --version 2>/dev/null || gcc --version) | sha256sum | cut -c1-12)
	dir=$cache/kernels/arm64/own-$name-$key
	link=$(kernel_link arm64 arm64 "$name")
	[[ -z $tree ]] || kernel_tree
	if [[ ! -e $dir/vmlinuz ]]; then
		[[ -n $tree ]] || kernel_tree
		say "building $name from ${pristine##*/} (log: $log)"
		if ! { kernel_config && kernel_make Image modules; } >"$log" 2>&1; then
			grep -m 10 -E 'error|Error|\*\*\*' "$log" >&2
			die "the build of $name failed: the whole log is $log"
		fi
		rel=$(kernel_make kernelrelease)
		rm -rf "$dir.new"
		mkdir -p "$dir.new/lib/modules/$rel"
		kernel_make INSTALL_MOD_PATH="$dir.new" INSTALL_MOD_STRIP=1 modules_install >>"$log" 2>&1
		rm -f "$dir.new/lib/modules/$rel/build" "$dir.new/lib/modules/$rel/source"
		cp "$work/out/arch/arm64/boot/Image" "$dir.new/vmlinuz"
		cp "$work/out/.config" "$dir.new/config"
		echo "$rel" >"$dir.new/release"
		kernel_headers "$dir.new/headers"
		echo "include $dir/headers/src/Makefile" >"$dir.new/headers/out/Makefile"
		echo "$sum${source:+ of $pristine}" >"$dir.new/made-of"
		mv "$dir.new" "$dir"
	fi
	ln -sfn "$(basename "$dir")" "$link"
	say "$name: $(<"$dir/release")"
}
