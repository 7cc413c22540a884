# SPDX-License-Identifier: GPL-2.0
# Guests that need not boot: the memory of one that has, taken once for each kernel and machine and
# resumed with the devices and the files of this run. Sourced.
# shellcheck shell=bash disable=SC2154

# How the guest reads files of the host; the word behind the program's name tells where they are.
semihosting=enable=on,target=native,userspace=on,arg=lab

# snapshot_possible: whether this run can begin with one. Runs by the guest's own clock, and windows of
# the plugin that want to, begin with its first instruction; only Arm's QEMU can hand files to a guest
# that runs. Of the devices of --device those on no PCI bus cannot come later, and of NVMe QEMU keeps no
# state.
snapshot_possible()
{
	local word
	[[ $arch == arm64 && -z $icount$fresh$symbols && ${interactive:-0} == 0 && $plugin_args != *boot=on* ]] ||
		return
	for word in "${devices[@]}"; do
		[[ $word == -device || ${word%%,*} != *-device && $word != nvme* ]] || return
	done
}

# snapshot_resume FILE WORK BASE: QEMU's arguments for it. In WORK the guest finds its archives, and
# what to seed its random numbers with: all that go on from one snapshot have the same.
snapshot_resume()
{
	ln "$3" "$2/base.cpio" 2>/dev/null || cp "$3" "$2/base.cpio"
	head -c 256 /dev/urandom >"$2/seed"
	qemu+=(-semihosting-config "$semihosting,arg=${2//,/,,}" -incoming "exec:cat '$1'")
}

# snapshot_late WORK: QEMU's arguments when there are devices to plug in before the guest goes on.
snapshot_late()
{
	mkfifo "$1/commands" && exec 8<>"$1/commands" || exit
	qemu+=(-S -monitor stdio)
}

# snapshot_state WORK PID STATE: waits until QEMU's monitor says that the guest is in it, or QEMU ends;
# asks no more before it has answered.
snapshot_state()
{
	local asked=0
	until grep -q "^VM status: $3"$'\r' "$1/said" 2>/dev/null || ! kill -0 "$2" 2>/dev/null; do
		if (($(grep -c '^VM status' "$1/said") >= asked)); then
			echo 'info status' >&8
			asked=$((asked + 1))
		fi
		sleep 0.02
	done
}

# snapshot_plug WORK PID: plugs them in when QEMU has taken the snapshot up, and lets the guest go on; if
# QEMU refuses, ends it, says why and fails.
snapshot_plug()
{
	snapshot_state "$1" "$2" paused
	printf '%s\n' "${late[@]/#/device_add }" 'info version' >&8
	until grep -q '^[0-9]*\.[0-9]*\.[0-9]*' "$1/said" || ! kill -0 "$2" 2>/dev/null; do
		sleep 0.02
	done
	if grep '^Error' "$1/said" >&2; then
		kill "$2" 2>/dev/null
		return 1
	fi
	echo cont >&8
	exec 8>&-
}

# snapshot_fail WORK STATUS: says why there is none; ends with 124 when the guest took too long, else 125.
snapshot_fail()
{
	cat "$1/console" "$1/said" | tail -n 30 | tr -d '\r' >&2
	if (($2 == 124 || $2 == 137)); then
		say "the guest did not boot in time: its last lines are above (--timeout)"
		exit 124
	fi
	say "the guest died when it booted, or QEMU could not keep it: its last lines are above (--fresh boots)"
	exit 125
}

# snapshot_take FILE CMDLINE: boots the machine in the array qemu, which has no device yet, and keeps
# its memory and state when it has come to rest. It is stopped then, as of one that runs not all is kept
# that its CPUs write; what resumes it is not to stay stopped.
snapshot_take()
{
	local work pid status=0
	work=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX") || exit
	# shellcheck disable=SC2064
	trap "rm -rf '$work' '$1.part'" EXIT
	say "$(<"$kernel/release") boots once for all guests on this machine"
	machine_ports "$work"
	qemu+=(-kernel "$kernel/vmlinuz" -initrd "$(initramfs_waiting "$arch")" -append "$2"
		-semihosting-config "$semihosting" -monitor stdio -global migration.store-global-state=off)
	touch "$work/console"
	mkfifo "$work/commands" || exit
	timeout -k 5 "$((timeout > 300 ? timeout : 300))" "${qemu[@]}" <"$work/commands" >"$work/said" 2>&1 &
	pid=$!
	# shellcheck disable=SC2064
	trap "kill $pid; exit 130" INT TERM
	exec 8>"$work/commands"
	until grep -q 'lab: at rest' "$work/console" || ! kill -0 $pid 2>/dev/null; do
		sleep 0.1
	done
	! kill -0 $pid 2>/dev/null || printf '%s\n' stop 'migrate_set_parameter max-bandwidth 100G' \
		"migrate \"exec:cat >'$1.part'\"" 'info migrate' quit >&8
	wait $pid || status=$?
	exec 8>&-
	if ((status)) || ! grep -q 'Migration status: completed' "$work/said"; then
		snapshot_fail "$work" $status
	fi
	mv "$1.part" "$1"
}

# snapshot_file CMDLINE: prints the path of the snapshot of the machine in the array qemu, taken when
# the cache does not have it. Those that nothing resumed for a week go.
snapshot_file()
{
	local key file
	key=$( (
		"${qemu[0]}" --version
		echo "${qemu[*]} $(initramfs_waiting "$arch") $1 $kernel $(stat -c '%Y %s' "$kernel/vmlinuz")"
		cat "$top"/lab/{snapshot,machine}.sh
		[[ $coherent == yes ]] || cat "$(machine_dtb)"
	) | sha256sum | cut -c1-24)
	file=$cache/snapshots/$key
	mkdir -p "$cache/snapshots"
	(
		flock 9
		touch -c "$file"
		[[ -s $file ]] || snapshot_take "$file" "$1"
	) 9>"$cache/snapshots/$key.lock" >&2 || exit
	find "$cache/snapshots" -type f -mtime +7 -delete
	echo "$file"
}
