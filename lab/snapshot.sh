# SPDX-License-Identifier: GPL-2.0
# Guests that need not boot: the memory of one that has, taken once for each kernel and machine and
# resumed with the devices and the files of this run. Sourced.
# shellcheck shell=bash disable=SC2154

# How the guest reads files of the host, which semihosting names after its program.
semihosting=enable=on,target=native,userspace=on,arg=lab

# snapshot_possible: whether this run can begin with one. Runs by the guest's own clock begin with its
# first instruction, only Arm's QEMU can hand files to a guest that runs, and none resumes with NVMe.
snapshot_possible()
{
	[[ $arch == arm64 && -z $icount$fresh$symbols && ${interactive:-0} == 0 && $disk != *nvme* ]]
}

# snapshot_resume FILE WORK ARCHIVE: QEMU's arguments for it, and for the archives that the guest reads:
# this one, and that of the run, which is in WORK.
snapshot_resume()
{
	ln -s "$3" "$2/base.cpio"
	qemu+=(-semihosting-config "$semihosting,arg=${2//,/,,}/base.cpio,arg=${2//,/,,}/extra.cpio"
		-incoming "exec:cat '$1'")
}

# snapshot_take FILE CMDLINE: boots the machine in the array qemu, which has no device yet, and keeps
# its memory and state when it has come to rest.
snapshot_take()
{
	local work pid
	work=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$work' '$1.part'" EXIT
	say "$(<"$kernel/release") boots once for all guests on this machine"
	machine_ports "$work"
	qemu+=(-kernel "$kernel/vmlinuz" -initrd "$(initramfs_waiting "$arch")" -append "$2"
		-semihosting-config "$semihosting")
	touch "$work/console"
	mkfifo "$work/commands"
	# Stopped, as otherwise memory that CPUs write meanwhile is not always kept as it is in the end; what
	# resumes it is not to stay stopped.
	timeout -k 5 "$timeout" "${qemu[@]}" -monitor stdio -global migration.store-global-state=off <"$work/commands" >"$work/said" 2>&1 &
	pid=$!
	# shellcheck disable=SC2064
	trap "kill $pid; exit 130" INT TERM
	exec 8>"$work/commands"
	until grep -q 'lab: at rest' "$work/console" || ! kill -0 $pid 2>/dev/null; do
		sleep 0.1
	done
	! kill -0 $pid 2>/dev/null || printf '%s\n' stop 'migrate_set_parameter max-bandwidth 100G' \
		"migrate \"exec:cat >'$1.part'\"" quit >&8
	wait $pid || :
	exec 8>&-
	if [[ ! -s $1.part ]]; then
		cat "$work/console" "$work/said" | tail -n 30 | tr -d '\r' >&2
		die "the guest did not boot, or QEMU does not keep it: its last lines are above (--fresh, --timeout)"
	fi
	mv "$1.part" "$1"
}

# snapshot_file CMDLINE: prints the path of the snapshot of the machine in the array qemu, taken when
# the cache does not have it. Those that nothing resumed for a week go.
snapshot_file()
{
	local key file
	key=$(sha256sum <<<"$("${qemu[0]}" --version | head -n1) ${qemu[*]} $(initramfs_waiting "$arch") $1 \
		$kernel $(stat -c '%Y %s' "$kernel/vmlinuz")" | cut -c1-24)
	file=$cache/snapshots/$key
	if [[ ! -e $file ]]; then
		mkdir -p "$cache/snapshots"
		(
			flock 9
			[[ -e $file ]] || snapshot_take "$file" "$1"
		) 9>"$cache/snapshots/$key.lock" >&2 || exit
		find "$cache/snapshots" -type f -mtime +7 -delete
	fi
	touch "$file"
	echo "$file"
}
