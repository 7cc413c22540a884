# SPDX-License-Identifier: GPL-2.0
# One guest from options to exit status. Sourced by scripts/lab, whose options are globals.
# shellcheck shell=bash disable=SC2034,SC2154

# The directory that `make O=` builds in; relative to the tree, as make has it.
built=$(cd "$top" && realpath -m "${O:-build}")/lab

# own_kernel: whether --kernel is one of the lab's own; then own are the options of scripts/build-kernel for it, and
# own_files what it is made of.
own_kernel()
{
	local file line=${kernel%-*} kind=${kernel##*-} series=() more=()
	[[ -d $top/patches/linux-$line ]] || return 1
	own=() own_files=("$top/lab/kernel/lab.config")
	case $kind in
	dmasync | mutants | soak) mapfile -t series < <(series_patches "$line") ;;
	base | nobpf) own=(--base) ;;
	dmabuf) own=(--first 0) more=("$top/patches/linux-$line"/dmabuf/000[1-9]-*.patch) ;;
	*) return 1 ;;
	esac
	case $kind in
	mutants) more=("$top/lab/kernel/mutants-$line.patch") ;;
	nobpf | soak)
		own+=(--fragment "$top/lab/kernel/$kind.config")
		own_files+=("$top/lab/kernel/$kind.config") ;;
	esac
	for file in "${more[@]}"; do
		own+=(--patch "$file")
	done
	own_files+=("${series[@]}" "${more[@]}")
}

# guest_kernel: turns --kernel into a directory, fetching what the cache lacks.
guest_kernel()
{
	make -s -C "$top" O="$(dirname "$built")" lab >&2 || die "make lab failed: run scripts/setup"
	if [[ -d $kernel ]]; then
		kernel=$(cd "$kernel" && pwd)
	else
		local own=() own_files=() link=$cache/kernels/$arch/current-$kernel-$flavour
		if own_kernel; then
			[[ -e $link/vmlinuz && $(cat "$link/made-of" 2>/dev/null) == "$(made_of "${own_files[@]}")" ]] ||
				"$top/scripts/build-kernel" --series "linux-${kernel%-*}" --name "$kernel" "${own[@]}"
		elif [[ ! -e $link/vmlinuz ]]; then
			"$top/scripts/fetch-kernels" --arch "$arch" --flavour "$flavour" "$kernel"
		fi
		kernel=$(cd "$link" && pwd -P)
	fi
	[[ -r $kernel/vmlinuz && -r $kernel/release ]] || die "no vmlinuz and release in $kernel"
	[[ -d $cache/programs/$arch/busybox ]] || "$top/scripts/fetch-kernels" --arch "$arch" --tools
}

# guest_symbols: the kernel's symbols, asked once from a guest that runs it (nokaslr: they stay).
guest_symbols()
{
	[[ -e $kernel/kallsyms && ! $kernel/vmlinuz -nt $kernel/kallsyms ]] && return
	say "asking $(<"$kernel/release") for its symbols"
	"$top/scripts/lab" run --kernel "$kernel" --arch "$arch" --symbols -- true
}

# plugin_spec WORK: the -plugin argument. Leaves are the routines that do maintenance for callers.
plugin_spec()
{
	local spec=$built/plugin/count.so,out=$1/plugin.ndjson
	[[ -z $plugin_args ]] || spec+=,$plugin_args
	if [[ $arch == arm64 ]]; then
		guest_symbols >&2
		spec+=$(sort -k1,1 "$kernel/kallsyms" | awk '
			$4 == "" && $1 != last {
				if (leaf != "")
					printf ",leaf=%s-%s", leaf, $1
				leaf = ""
			}
			{ last = $1 }
			$4 == "" && tolower($2) == "t" && $3 ~ /^dcache_/ { leaf = $1 }')
	fi
	[[ -z $order ]] || spec+=$(order_spec)
	echo "$spec"
}

# order_spec: arguments of the plugin's oracle: where the DMA API's functions are, what copies bounce
# buffers and gives them back, what writes the IOMMU's tables, the vectors, and the code as it was
# built, to see a return under a kprobe. A symbol ends where the next one begins.
order_spec()
{
	[[ $iommu != smmuv3 || $walker == yes ]] || printf ',walker=apart'
	# An Image that is not compressed says so.
	[[ $(dd if="$kernel/vmlinuz" bs=1 skip=56 count=4 status=none) != ARMd ]] ||
		printf ',image=%s' "$kernel/vmlinuz"
	sort -k1,1 "$kernel/kallsyms" | awk '
		function wanted(name) {
			return name ~ /^dma_(un)?map_(sg_attrs|sgtable|page_attrs|phys)$/ ||
				name ~ /^(__)?dma_sync_(sg|single)_for_(cpu|device)$/ ||
				name ~ /^dma_direct_((un)?map_sg|sync_sg_for_(cpu|device))$/ ||
				name ~ /^iommu_dma_((un)?map_(sg|page|phys)|sync_(sg|single)_for_(cpu|device))$/ ||
				name ~ /^dma_iova_(sync|unlink|destroy)$/ || name == "iommu_dma_unmap_sg_swiotlb" ||
				name ~ /^(iommu_map(_sg)?(_atomic)?|_iommu_map|__iommu_map_sg)$/
		}
		$4 != "" || tolower($2) != "t" || $3 ~ /^[$]/ { next }
		start != "" && $1 != start { printf ",api=%s-%s:%s", start, $1, found; start = "" }
		table != "" && $1 != table { printf ",vectors=%s-%s", table, $1; table = "" }
		writer != "" && $1 != writer {
			# First the one that the driver calls.
			if (outer) writers = ",table=" writer "-" $1 writers
			else writers = writers ",table=" writer "-" $1
			writer = ""
		}
		wanted($3) { start = $1; found = $3 }
		$3 == "swiotlb_bounce" { printf ",bounce=%s", $1 }
		$3 ~ /^(__)?swiotlb_tbl_unmap_single$/ { printf ",back=%s", $1 }
		$3 == "vectors" || $3 == "__bp_harden_el1_vectors" { table = $1 }
		$3 ~ /^(arm_lpae_map_pages|__arm_lpae_map|(__)?arm_lpae_init_pte)$/ {
			writer = $1
			outer = $3 ~ /pages$/
		}
		$3 == "_stext" { printf ",stext=%s", $1 }
		END { printf "%s", writers }'
}

# model_spec WORK: the -plugin argument of the modelled core, with the functions to time.
model_spec()
{
	local spec=$built/plugin/model.so,out=$1/model.json,set=$model name
	for name in "${timed[@]}"; do
		guest_symbols >&2
		spec+=$(sort -k1,1 "$kernel/kallsyms" | awk -v name="$name" '
			start != "" && $1 != start && $4 == "" { print ",time=" start "-" $1 ":" name; exit }
			$3 == name && $4 == "" && tolower($2) == "t" { start = $1 }')
		[[ $spec == *":$name" ]] || die "--time $name: $(<"$kernel/release") has no such function"
	done
	echo "$spec"
}

# guest_extra WORK COMMAND: the archive of this run: configuration, command, the user's files.
guest_extra()
{
	local file from to root=$1/root
	for file in "${peers[@]}"; do
		peer_add "$file"
	done
	mkdir -p "$root/lab/module-files" "$root/root"
	printf '%s\n' "$2" >"$root/lab/command"
	cat >"$root/lab/config" <<-CONFIG
		DISKS='$([[ $disk == none ]] || echo "${disk//,/ }")'
		PLUGIN=${plugin:-0} SYMBOLS_WANTED=${symbols:-0} SHELL_WANTED=${interactive:-0}
		NOW=$([[ -z $snapshot ]] || date +%s) SETTLE=${settle:-0} TERM=${TERM:-linux} SCREEN='$(stty size 2>/dev/null || :)'
	CONFIG
	[[ -z $kmod ]] || module_files+=("$("$top/scripts/build-kmod" --flavour "$flavour" "$kernel")")
	for file in "${module_files[@]}"; do
		[[ -e $file ]] || die "--module-file $file: no such file"
		cp -L "$file" "$root/lab/module-files/"
	done
	for file in "${files[@]}"; do
		from=${file%%:*}
		to=/root/$(basename "$from")
		[[ $file == *:* ]] && to=${file#*:}
		[[ -e $from ]] || die "--file $from: no such file"
		mkdir -p "$root$(dirname "$to")"
		cp -aL "$from" "$root$to"
	done
	archive "$root" "$1/extra.cpio"
}

# guest_cmdline: the kernel's command line, from the options.
guest_cmdline()
{
	local console=ttyAMA0
	[[ $arch == arm64 ]] || console=ttyS0
	printf %s "console=$console nokaslr panic=-1 quiet loglevel=4 8250.nr_uarts=8"
	# Certificates, randomness and the ciphers' self-tests: most of the instructions to init. Of the rest
	# a fifth to a third: names of constants in the formats of tracepoints, and what BPF is for elsewhere,
	# whose types are looked for one by one: schedulers, TCP, HID and its self-test.
	printf %s " initcall_blacklist=load_system_certificate_list,jent_mod_init,trace_eval_init,scx_init"
	printf %s ",bpf_tcp_ca_kfunc_init,bpf_dummy_struct_ops_init,bpf_qdisc_kfunc_init,hid_bpf_struct_ops_init"
	# Ports are bridges and no more: what was plugged into one before the guest looked stays there.
	printf %s " cryptomgr.notests usb-storage.delay_use=0 pcie_ports=compat"
	[[ $swiotlb != force ]] || printf %s " swiotlb=force"
	printf %s " $append"
}

# guest_prepare WORK COMMAND: fills the array qemu; sets snapshot if it resumes one. With --plugin, in
# WORK/functions are those of the guest's modules.
guest_prepare()
{
	local base cmdline threads=multi machine=''
	# The plugin takes no locks, and icount has one thread anyway.
	[[ -z $icount$plugin ]] || threads=single
	[[ $arch == arm64 ]] && cpu=${cpu:-cortex-a76} || cpu=${cpu:-qemu64}
	machine_args
	[[ $arch == arm64 && $coherent == no ]] && qemu+=(-dtb "$(machine_dtb)")
	cmdline=$(guest_cmdline)
	if snapshot_possible; then
		snapshot=$(snapshot_file "$cmdline") || exit
	fi
	qemu+=(-accel "tcg,thread=$threads")
	machine_disks "$1"
	machine_nics
	qemu+=("${devices[@]}")
	base=$(initramfs_base "$arch" "$kernel" "${modules[@]}") ||
		die "this kernel cannot run --disk $disk: use --disk none or another kernel"
	guest_extra "$1" "$2"
	if [[ -n $plugin ]]; then
		{ cat "${base%.cpio}.functions" && module_functions "${module_files[@]}"; } >"$1/functions" ||
			die "cannot list the functions of this guest's modules"
	fi
	[[ -z $icount ]] || qemu+=(-icount "shift=0,sleep=off" -seed "$seed"
		-rtc "base=2026-01-01T00:00:00,clock=vm")
	[[ -z $plugin ]] || qemu+=(-plugin "$(plugin_spec "$1")")
	[[ -z $model ]] || qemu+=(-plugin "$(model_spec "$1")")
	if ((${#late[@]})); then
		snapshot_late "$1"
	else
		qemu+=(-monitor none)
	fi
	if [[ -n $snapshot ]]; then
		snapshot_resume "$snapshot" "$1" "$base"
	else
		cat "$base" "$1/extra.cpio" >"$1/initrd"
		qemu+=(-kernel "$kernel/vmlinuz" -initrd "$1/initrd" -append "$cmdline")
	fi
}

guest_run()
{
	local work status=0 pid follow=() input=/dev/null snapshot='' late=()
	need_tools "qemu-system-$([[ $arch == arm64 ]] && echo aarch64 || echo x86_64)" fdtput cpio xz
	guest_kernel
	work=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$work'" EXIT
	guest_prepare "$work" "$1"
	machine_ports "$work"
	touch "$work"/{console,stdout,stderr,back,said}
	((!${#late[@]})) || input=$work/commands

	timeout -k 5 "$timeout" "${qemu[@]}" <"$input" >"$work/said" 2>"$work/qemu" &
	pid=$!
	trap 'kill $pid; wait $pid; exit 130' INT TERM
	((!${#late[@]})) || snapshot_plug "$work" $pid || die "QEMU cannot plug in ${late[*]} (--fresh boots)"
	tail -c +1 -s 0.1 -f --pid=$pid "$work/stdout" &
	follow+=($!)
	tail -c +1 -s 0.1 -f --pid=$pid "$work/stderr" >&2 &
	follow+=($!)
	if [[ -n $verbose ]]; then
		tail -c +1 -s 0.1 -f --pid=$pid "$work/console" >&2 &
		follow+=($!)
	fi
	wait $pid || status=$?
	trap - INT TERM
	wait "${follow[@]}"
	guest_finish "$work" "$status"
}

# guest_finish WORK QEMU_STATUS: unpacks what came back; returns the guest command's status.
guest_finish()
{
	local work=$1
	mkdir -p "$work/got"
	if ! gzip -dc "$work/back" 2>/dev/null | tar -x -C "$work/got" 2>/dev/null ||
		[[ ! -s $work/got/tmp/lab/status ]]; then
		cat "$work/console" "$work/qemu" | tail -n 30 | tr -d '\r' >&2
		if (($2 == 124 || $2 == 137)); then
			say "the guest did not end within $timeout s: its last lines are above (--timeout, -v)"
			return 124
		fi
		if (($2)) && [[ ! -s $work/console ]]; then
			if [[ -n $snapshot ]] && grep -q 'load of migration failed' "$work/qemu"; then
				rm -f "$snapshot"
				cat "$work/qemu" >&2
				die "QEMU cannot resume this guest (--fresh boots); next time its snapshot is taken anew"
			fi
			die "QEMU failed: $(tail -n1 "$work/qemu")"
		fi
		say "the guest died before its command ended: its last lines are above (-v for all)"
		return 125
	fi
	if [[ -n $out ]]; then
		mkdir -p "$out"
		cp -a "$work/got/out/." "$out/"
		if [[ -e $work/plugin.ndjson ]]; then
			cp "$work/plugin.ndjson" "$out/"
			ln -sfn "$kernel/kallsyms" "$out/kallsyms"
		fi
		[[ ! -e $work/model.json ]] || cp "$work/model.json" "$out/"
		if [[ -e $work/got/tmp/lab/sections ]]; then
			cp "$work/got/tmp/lab/sections" "$out/"
			cp "$work/functions" "$out/"
		fi
	fi
	if [[ -n $symbols ]]; then
		# A guest without a clock says that they are older than its kernel.
		touch "$work/got/tmp/lab/kallsyms"
		mv "$work/got/tmp/lab/kallsyms" "$kernel/kallsyms"
	fi
	return "$(<"$work/got/tmp/lab/status")"
}

# guest_shell [COMMAND]: a guest on this terminal; the guest's own status stays there.
guest_shell()
{
	local work status=0 interactive=1 snapshot='' late=()
	guest_kernel
	work=$(mktemp -d "${TMPDIR:-/tmp}/lab.XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$work'" EXIT
	guest_prepare "$work" "${1:-sh -l}"
	"${qemu[@]}" -chardev stdio,id=console,signal=off -serial chardev:console || status=$?
	return $status
}
