# SPDX-License-Identifier: GPL-2.0
# Build trees for modules, from Debian's header packages, in the cache. Sourced after fetch.sh.
# shellcheck shell=bash disable=SC2154

# headers_get ARCH PACKAGE VERSION DIR: unpacks one package; an empty VERSION is the newest.
headers_get()
{
	local version=$3 deb
	if [[ -z $version ]]; then
		read -r _ version <<<"$(apt_newest "$1" "${2//+/\\+}")"
	fi
	[[ -n $version ]] || return 1
	deb=$(apt_fetch "$1" "$2" "$version") || return 1
	dpkg-deb -x "$deb" "$4" || die "cannot unpack $deb: is the disk full? remove it and try again"
	rm -f "$deb"
}

# headers_parts ARCH RELEASE VERSION DIR: the headers, what all flavours share, the host's tools.
headers_parts()
{
	local arch=$1 name=linux-headers-$2 version=$3 dir=$4 host common kbuild
	host=$(dpkg --print-architecture)
	read -r common kbuild < <(apt_private "$arch" apt-cache show "$name=$version" 2>/dev/null |
		grep -m1 '^Depends:' | grep -oE 'linux-(headers-[^ ,]*-common[^ ,]*|kbuild-[^ ,]*)' |
		sort | tr '\n' ' ') || :
	[[ -n ${kbuild-} ]] || return 1
	headers_get "$arch" "$name" "$version" "$dir" &&
		headers_get "$arch" "$common" "$version" "$dir" &&
		headers_get "$host" "$kbuild" "$version" "$dir"
}

# headers_runnable PROGRAM DIR: one that our C library is too old for runs with the archive's newest.
headers_runnable()
{
	local program=$1 lib loader
	[[ $("$program" </dev/null 2>&1 || :) == *GLIBC_* ]] || return 0
	[[ -d $2/libc ]] || headers_get "$(dpkg --print-architecture)" libc6 '' "$2/libc" ||
		die "cannot download libc6: check the network and try again"
	lib=$(dirname "$(find "$2/libc" -name libc.so.6 | head -n1)")
	loader=$(find "$lib" -name 'ld-linux-*.so.*' | head -n1)
	mv "$program" "$program.bin"
	printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s.bin" "$@"\n' \
		"$loader" "$lib" "$program" >"$program"
	chmod 755 "$program"
}

# headers_without CONFIG BUILD: takes an option out of a configured tree.
headers_without()
{
	sed -i "/^CONFIG_$1=/d" "$2/include/config/auto.conf"
	sed -i "/^#define CONFIG_$1 /d" "$2/include/generated/autoconf.h"
}

# headers_adapt DIR RELEASE CC: paths of the cache, and a configuration that this compiler can do.
headers_adapt()
{
	local dir=$1 build=$1/usr/src/linux-headers-$2 cc=$3 scripts tool
	scripts=$(realpath "$build/scripts")
	# Debian's modpost is a program that looks for the one for the target by an absolute path.
	[[ ! -x $scripts/mod/modpost.real-lsb-64 ]] ||
		mv "$scripts/mod/modpost.real-lsb-64" "$scripts/mod/modpost"
	for tool in basic/fixdep mod/modpost genksyms/genksyms; do
		headers_runnable "$scripts/$tool" "$dir"
	done
	find "$dir/usr/src" -maxdepth 2 -name Makefile -exec \
		sed -i "s,/usr/src/linux-headers-,$dir&," {} +
	# Where there is one the build makes BTF, for which it wants pahole and more.
	rm -f "$build/vmlinux"
	# What the kernel's own compiler has and an older one has not; its Makefile knows other ways.
	if ! "$cc" -fmin-function-alignment=8 -x c -c -o /dev/null /dev/null 2>/dev/null; then
		headers_without CC_HAS_MIN_FUNCTION_ALIGNMENT "$build"
		headers_without CC_HAS_SANE_FUNCTION_ALIGNMENT "$build"
	fi
	if ! "$cc" -Werror -x c -c -o /dev/null - 2>/dev/null \
		<<<'void f(int x) { __attribute__((assume(x))); }'; then
		headers_without CC_HAS_ASSUME "$build"
	fi
}

# headers_tree KERNELDIR CC: prints a kernel's build tree for modules, fetching what the cache lacks.
headers_tree()
{
	local kernel=$1 cc=$2 arch release version dir
	arch=$(basename "$(dirname "$kernel")")
	release=$(<"$kernel/release")
	dir=$cache/headers/$arch/$(basename "$kernel")-gcc-$("$cc" -dumpversion)
	# The directory's name is version and flavour, a release's is, too, with the flavour last.
	version=$(basename "$kernel")
	[[ $release =~ ^[0-9.]+([+~][^-]*)?(-[0-9]+)?-(.+)$ ]] || die "$release: not a kernel of Debian's"
	version=${version%-"${BASH_REMATCH[3]}"}
	if [[ ! -e $dir/complete ]]; then
		apt_refresh "$arch" && apt_refresh "$(dpkg --print-architecture)" || exit
		rm -rf "$dir"
		mkdir -p "$dir"
		headers_parts "$arch" "$release" "$version" "$dir" ||
			die "the archive has no headers of $release ($version): fetch the newest kernel of its line, or use --build-dir"
		headers_adapt "$dir" "$release" "$cc"
		touch "$dir/complete"
	fi
	echo "$dir/usr/src/linux-headers-$release"
}
