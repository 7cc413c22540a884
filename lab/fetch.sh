# SPDX-License-Identifier: GPL-2.0
# Kernels and guest programs from Debian's packages, unpacked into the cache. Sourced after apt.sh.
# shellcheck shell=bash disable=SC2154

# unpack DEB DIR: unpacks with usr/lib merged into lib, as modules moved from one to the other.
unpack()
{
	mkdir -p "$2"
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --no-same-owner \
		--transform 's,^\./usr/lib/,./lib/,' --exclude='*.dtb' --exclude='./usr/share/*' ||
		die "cannot unpack $1: is the disk full? remove it and try again"
}

# fetch_unpack ARCH DIR PACKAGE VERSION
fetch_unpack()
{
	local deb
	deb=$(apt_fetch "$1" "$3" "$4") || return 1
	unpack "$deb" "$2"
	rm -f "$deb"
}

# fetch_newest ARCH DIR REGEX: unpacks the newest match; a mirror that moved on gets one refresh.
fetch_newest()
{
	local name version
	read -r name version <<<"$(apt_newest "$1" "$3")"
	[[ -n $name ]] || return 2
	fetch_unpack "$1" "$2" "$name" "$version" && return
	apt_refresh "$1" force || return
	read -r name version <<<"$(apt_newest "$1" "$3")"
	[[ -n $name ]] && fetch_unpack "$1" "$2" "$name" "$version"
}

kernel_link()
{
	echo "$cache/kernels/$1/current-$3-$2"
}

# fetch_kernel ARCH FLAVOUR LINE: leaves kernels/ARCH/VERSION-FLAVOUR and the pointer to it.
fetch_kernel()
{
	local arch=$1 flavour=$2 line=$3 name='' version dir link
	local tail="-${line//./\\.}\.[^-]*(-[0-9]+)?-$flavour"
	link=$(kernel_link "$arch" "$flavour" "$line")
	if apt_refresh "$arch"; then
		read -r name version <<<"$(apt_newest "$arch" "linux-image$tail")"
		[[ -n $name || -e $link ]] ||
			die "the archive has no kernel $line of flavour $flavour for $arch"
		dir=$cache/kernels/$arch/$version-$flavour
		if [[ -n $name ]] &&
			{ [[ -e $dir/vmlinuz ]] || fetch_kernel_parts "$arch" "$line" "$tail" "$dir"; }; then
			ln -sfn "$version-$flavour" "$link"
			say "$line: $(<"$dir/release") ($version)"
			return
		fi
	fi
	[[ -e $link/vmlinuz ]] ||
		die "cannot get kernel $line for $arch ($(tail -n1 "$cache/apt/$arch/log")): check the network, then run it again"
	say "$line: keeping $(<"$link/release"), which the cache has"
}

# fetch_kernel_parts ARCH LINE TAIL DIR: since 6.19 a kernel is split over several packages.
fetch_kernel_parts()
{
	local arch=$1 line=$2 tail=$3 tmp=$4.$$ rel
	rm -rf "$tmp"
	if [[ -z $(apt_newest "$arch" "linux-binary$tail") ]]; then
		fetch_newest "$arch" "$tmp" "linux-image$tail" || return
	else
		fetch_newest "$arch" "$tmp" "linux-binary$tail" || return
		fetch_newest "$arch" "$tmp" "linux-modules$tail" ||
			say "$line: its modules are gone from the archive, kernel alone"
		fetch_newest "$arch" "$tmp" "linux-base$tail" || :
	fi
	tidy_kernel "$tmp"
	rel=$(<"$tmp/release")
	if [[ -d $tmp/lib/modules/$rel/kernel ]]; then
		PATH=$PATH:/usr/sbin:/sbin depmod -b "$tmp" "$rel"
	fi
	rm -rf "$4"
	mv "$tmp" "$4"
}

# tidy_kernel DIR: vmlinuz, config and release at fixed places, wherever the package had them.
tidy_kernel()
{
	local image config rel
	image=$(find "$1" -path '*/boot/vmlinuz-*' -o -path '*/lib/modules/*/vmlinuz' | head -n1)
	[[ -n $image ]] || die "no vmlinuz in the kernel package unpacked in $1"
	config=$(find "$1" -path '*/boot/config-*' -o -path '*/lib/modules/*/config' | head -n1)
	if [[ $image == */boot/* ]]; then
		rel=${image##*/vmlinuz-}
	else
		rel=$(basename "$(dirname "$image")")
	fi
	echo "$rel" >"$1/release"
	mv "$image" "$1/vmlinuz"
	[[ -z $config ]] || mv "$config" "$1/config"
	rm -rf "${1:?}/boot" "${1:?}/usr"
}

# fetch_program ARCH NAME PACKAGE...: unpacks the packages, with all that they depend on, into one tree.
fetch_program()
{
	local arch=$1 dir=$cache/programs/$1/$2 tmp=$cache/programs/$1/$2.$$ name
	shift 2
	[[ -d $dir ]] && return
	apt_refresh "$arch" || exit
	for name in $(apt_private "$arch" apt-cache depends --recurse --important -q "$@" |
		grep -v '[ <]' | sort -u); do
		fetch_newest "$arch" "$tmp" "${name//+/\\+}" ||
			die "cannot download $name ($arch): check the network and try again"
	done
	rm -rf "$dir"
	mv "$tmp" "$dir"
}
