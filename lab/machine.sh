# SPDX-License-Identifier: GPL-2.0
# The guest machine: QEMU's arguments, device tree, disk. Sourced.
# shellcheck shell=bash disable=SC2034,SC2054,SC2154

# machine_args: the QEMU command line up to the kernel, from the options of `lab run`.
machine_args()
{
	if [[ $arch == arm64 ]]; then
		machine=virt,gic-version=3
		[[ $iommu == smmuv3 ]] && machine+=,iommu=smmuv3
		qemu=(qemu-system-aarch64 -M "$machine" -cpu "$cpu")
	else
		qemu=(qemu-system-x86_64 -M q35 -cpu "$cpu")
	fi
	qemu+=(-smp "$smp" -m "$mem" -nodefaults -display none -no-reboot)
}

# machine_dtb: prints the path of the machine's own device tree with its coherence taken away.
machine_dtb()
{
	local key out node why
	key=$(sha256sum <<<"$("${qemu[0]}" --version | head -n1) ${qemu[*]} $walker $hole" | cut -c1-16)
	out=$cache/dtb/$key.dtb
	if [[ ! -e $out ]]; then
		mkdir -p "$cache/dtb"
		why=$("${qemu[@]}" -M "$machine,dumpdtb=$out.$$" 2>&1) ||
			die "QEMU cannot make this machine: $(tail -n1 <<<"$why")"
		for node in $(fdtget -l "$out.$$" /); do
			case $node:$walker in pcie@*:* | smmuv3@*:no)
				fdtput -d "$out.$$" "/$node" dma-coherent ;;
			esac
		done
		# The kernel leaves out a CPU that it does not know how to start.
		[[ -z $hole ]] || fdtput -t s "$out.$$" "/cpus/cpu@$hole" enable-method none ||
			die "--hole $hole: no such CPU"
		mv "$out.$$" "$out"
	fi
	echo "$out"
}

# machine_image: prints the path of a disk image of known content.
machine_image()
{
	local image size
	size=$(numfmt --from=iec "$disk_size") || die "--disk-size $disk_size: want 64M or the like"
	image=$cache/disk/pattern-$size.img
	if [[ ! -e $image ]]; then
		mkdir -p "$cache/disk"
		"$built/$(dpkg --print-architecture)/workload" fill -f "$image.$$" -s "$size"
		mv "$image.$$" "$image"
	fi
	echo "$image"
}

# machine_late DEVICE: attaches one whose state QEMU cannot keep, nor have when it takes a snapshot up:
# into the array late, for snapshot_plug(), if one is resumed.
machine_late()
{
	if [[ -n $snapshot ]]; then
		late+=("$1")
	else
		qemu+=(-device "$1")
	fi
}

# machine_disks DIR: attaches the wanted controllers, each with a disk.
machine_disks()
{
	local kind image
	[[ $disk != none ]] || return 0
	image=$(machine_image) || exit
	for kind in ${disk//,/ }; do
		cp --sparse=always "$image" "$1/$kind.img"
		qemu+=(-drive "if=none,id=$kind,file=$1/$kind.img,format=raw,cache=unsafe")
		case $kind in
		ahci)
			[[ $arch == arm64 ]] && qemu+=(-device ahci,id=ahci0)
			qemu+=(-device "ide-hd,drive=ahci,bus=$([[ $arch == arm64 ]] && echo ahci0.0 || echo ide.0)")
			modules+=(ahci sd_mod) ;;
		nvme)
			# Only a port takes devices late; without a switch for their power they are there at once.
			qemu+=(-device "pcie-root-port,id=late,power_controller_present=off")
			machine_late "nvme,serial=lab,drive=nvme,bus=late"
			modules+=(nvme) ;;
		sdhci)
			qemu+=(-device sdhci-pci -device sd-card,drive=sdhci)
			modules+=(sdhci-pci mmc_block) ;;
		usb)
			qemu+=(-device qemu-xhci -device usb-storage,drive=usb)
			modules+=(xhci-pci usb-storage sd_mod) ;;
		*) die "--disk $disk: want none or, with commas between, some of ahci, nvme, sdhci, usb" ;;
		esac
	done
}

# machine_nics: attaches the wanted network interfaces, all to one hub; eth0 is the first.
machine_nics()
{
	local kind n=0
	for kind in ${nic//,/ }; do
		qemu+=(-netdev "hubport,id=net$n,hubid=0" -device "$kind,netdev=net$n,mac=52:54:00:00:00:0$n")
		modules+=("$kind")
		n=$((n + 1))
	done
}

# machine_ports DIR: console, and four ports of our own for stdout, stderr and what comes back.
machine_ports()
{
	local name
	for name in console stdout stderr back; do
		qemu+=(-chardev "file,id=$name,path=$1/$name")
	done
	qemu+=(-serial chardev:console
		-device pci-serial,chardev=stdout,addr=0x10
		-device pci-serial,chardev=stderr,addr=0x11
		-device pci-serial,chardev=back,addr=0x12)
}
