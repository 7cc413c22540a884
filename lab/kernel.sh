# SPDX-License-Identifier: GPL-2.0
# Source, tree, build and cache of the lab's own kernels. Sourced by scripts/build-kernel, whose options are globals.
# shellcheck shell=bash disable=SC2034,SC2154

# kernel_source LINE: sets pristine (a tree nobody changes) and source_version.
kernel_source()
{
	local package name version deb
	if [[ -n $source ]]; then
		pristine=$(cd "$source" && pwd)
		[[ -n $(tree_version "$pristine") ]] || die "--source $source: no Linux kernel tree"
		source_version=$(cd "$pristine" && git rev-parse HEAD 2>/dev/null || echo "$pristine")
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

# kernel_tree: sets work; work/src becomes the pristine tree with the patches, unchanged files with
# their old times, so that make builds anew only what they touch.
kernel_tree()
{
	local stamp file
	work=$cache/build/$name
	stamp="$source_version $([[ -n $base ]] || series_sum "$line" "${patches[@]}") $first"
	if [[ -e $work/src/Makefile && $(cat "$work/applied" 2>/dev/null) == "$stamp" ]]; then
		return
	fi
	rm -f "$work/applied"
	mkdir -p "$work/next" "$work/src"
	rsync -a --delete --exclude=.git "$pristine/" "$work/next/"
	if [[ -z $base ]]; then
		series_apply "$work/next" "$top/patches/linux-$line" "$first" >&2
		for file in "${patches[@]}"; do
			patch -p1 -s -f -d "$work/next" <"$file" >&2 || die "does not apply: $file"
		done
	fi
	rsync -rlpc --delete "$work/next/" "$work/src/"
	rm -rf "$work/next"
	echo "$stamp" >"$work/applied"
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

# kernel_config: out/.config, renewed only when what it is made of has changed.
kernel_config()
{
	local sum wanted=$work/out/wanted.config
	mkdir -p "$work/out"
	cat "${config:-$top/lab/kernel/lab.config}" "${fragments[@]}" >"$wanted.new"
	if [[ -e $work/out/.config ]] && cmp -s "$wanted.new" "$wanted"; then
		rm "$wanted.new"
		kernel_make olddefconfig >/dev/null
		return
	fi
	mv "$wanted.new" "$wanted"
	if [[ -n $config ]]; then
		cp "$wanted" "$work/out/.config"
		kernel_make olddefconfig
	else
		kernel_make KCONFIG_ALLCONFIG="$wanted" allnoconfig
	fi
}

# kernel_build: builds what the cache lacks, and points `lab run --kernel` at it.
kernel_build()
{
	local key dir link log=$work/log rel
	key=$( (cat "$work/applied" "${config:-$top/lab/kernel/lab.config}" "${fragments[@]}"
		aarch64-linux-gnu-gcc --version 2>/dev/null || gcc --version) | sha256sum | cut -c1-12)
	dir=$cache/kernels/arm64/own-$name-$key
	link=$(kernel_link arm64 arm64 "$name")
	if [[ ! -e $dir/vmlinuz ]]; then
		say "building $name from $source_version (log: $log)"
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
		echo "$work" >"$dir.new/build"
		mv "$dir.new" "$dir"
	fi
	[[ -n $base ]] || series_sum "$line" "${patches[@]}" >"$dir/series"
	ln -sfn "$(basename "$dir")" "$link"
	say "$name: $(<"$dir/release")"
}
