# SPDX-License-Identifier: GPL-2.0
# Puts one of bcc's libbpf-tools, with the shared libraries that it needs, into a guest. Sourced.
# shellcheck shell=bash disable=SC2034,SC2154

# peer_add NAME: appends to the files of the run; the guest finds it as NAME in its PATH.
peer_add()
{
	local root=$cache/programs/arm64/libbpf-tools lib=lib/aarch64-linux-gnu program todo=() name
	local -A seen=()
	[[ -d $root ]] || "$top/scripts/fetch-kernels" --peers
	program=$(find "$root/usr" \( -name "$1-libbpf" -o -name "$1" \) -type f | head -n1)
	[[ -n $program ]] || die "libbpf-tools has no $1"
	files+=("$program:/usr/sbin/$1" "$root/lib/ld-linux-aarch64.so.1:/lib/ld-linux-aarch64.so.1")
	todo=("$program")
	while ((${#todo[@]})); do
		for name in $(readelf -d "${todo[0]}" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
			[[ -z ${seen[$name]-} && -e $root/$lib/$name ]] || continue
			seen[$name]=1
			files+=("$root/$lib/$name:/$lib/$name")
			todo+=("$root/$lib/$name")
		done
		todo=("${todo[@]:1}")
	done
}
