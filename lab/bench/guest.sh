#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Runs in the guest: each of the tools named in turn on the same workload, then their starts.
# shellcheck shell=dash disable=SC2086
set -u

tracing=/sys/kernel/tracing
pids=''

# real_name NAME: what this kernel calls it; from 6.10 on the API's names are inline wrappers.
real_name()
{
	grep -qE "^[0-9a-f]+ [tT] __$1$" /proc/kallsyms && echo "__$1" || echo "$1"
}
for_cpu=$(real_name dma_sync_sg_for_cpu)
for_device=$(real_name dma_sync_sg_for_device)
per_entry='arch_sync_dma_for_cpu arch_sync_dma_for_device'

start()
{
	"$@" >>"/out/$tool.out" 2>>"/out/$tool.err" &
	pids="$pids $!"
}

dmasynctop_live()
{
	start dmasynctop -b --json -i 1000 "$@"
}

function_graph()
{
	echo "$for_cpu" >$tracing/"$1" && echo "$for_device" >>$tracing/"$1" &&
		echo function_graph >$tracing/current_tracer
}

attach()
{
	case $1 in
	nothing*) ;;
	empty-pair) start empty $for_cpu $for_device ;;
	empty-session) start empty -s $for_cpu $for_device ;;
	empty-entry) start empty -e $per_entry ;;
	default) dmasynctop_live ;;
	no-bytes) dmasynctop_live --no-bytes ;;
	process) dmasynctop_live --no-bytes --by process ;;
	storms) dmasynctop_live --no-bytes --storms ;;
	exact) dmasynctop_live --no-bytes --exact ;;
	arch) dmasynctop_live --level arch ;;
	backend-ftrace) dmasynctop_live --backend ftrace ;;
	kprobe) dmasynctop_live --no-bytes --attach=kprobe ;;
	funclatency)
		start funclatency $for_cpu
		start funclatency $for_device ;;
	ftrace) function_graph set_ftrace_filter ;;
	ftrace-callees) function_graph set_graph_function ;;
	*) echo "no tool $1" >&2; false ;;
	esac
}

detach()
{
	[ -z "$pids" ] || kill -INT $pids || return 1
	wait $pids
	pids=''
	[ "$(cat $tracing/current_tracer)" = nop ] && return
	head -n 20 $tracing/trace >"/out/$tool.out"
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
	echo >$tracing/set_graph_function
}

# Idle time costs nothing here, and what the kernel puts off until then must not fall into a window.
measure()
{
	attach "$tool" || return
	sleep 10
	for n in $ENTRIES; do
		workload udmabuf -w -n "$n" -k "$ROUNDS" -m "$tool.$n" ||
			return
	done
	detach
	sleep 5
}

# From the start to the first interval, which lasts a second.
starts()
{
	local interval='"type":"interval"'
	first start.dmasynctop "$interval" dmasynctop -b --json -i 1 -n 1 &&
		first start.one "$interval" dmasynctop -b --json -i 1 -n 1 -O sync_sg_for_cpu &&
		first start.funclatency : funclatency -T -i 1 "$for_cpu"
}

for tool in $TOOLS; do
	measure >"/out/$tool.workload" || { echo "$tool: failed" >&2; cat "/out/$tool.err" >&2; exit 1; }
done
[ -z "$STARTS" ] || starts
