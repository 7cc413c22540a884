# SPDX-License-Identifier: GPL-2.0
# Suites: a machine, and guest commands to run on it between markers. Sourced by scripts/lab.
# shellcheck shell=bash disable=SC2034,SC2154

# suite_names: every suite on every path that its file lists.
suite_names()
{
	local file path paths
	for file in "$top"/lab/suites/*; do
		read -ra paths < <(sed -n 's/^paths: //p' "$file")
		for path in "${paths[@]}"; do
			echo "${file##*/}-$path"
		done
	done
}

suites_list()
{
	local name file
	for name in $(suite_names); do
		file=$top/lab/suites/${name%-*}
		printf '%-16s %s\n' "$name" "$(sed -n '1s/^# //p' "$file")"
	done
}

# suite_machine NAME: sets the options of `lab run` that the suite wants.
suite_machine()
{
	local file=$top/lab/suites/${1%-*} words
	[[ " $(suite_names | tr '\n' ' ') " == *" $1 "* ]] || die "no suite $1: see lab suites"
	read -ra words < <(sed -n 's/^machine: //p' "$file")
	parse_options "${words[@]}"
	case ${1##*-} in
	smmuv3) iommu=smmuv3 ;;
	walker) iommu=smmuv3 walker=no ;;
	swiotlb) swiotlb=force ;;
	esac
	plugin=1
}

# suite_script NAME: the guest's script. Each run is done bare, or once a --tool, each its own window.
suite_script()
{
	local label command tool mode
	echo 'failed=0'
	while read -r _ label command; do
		for tool in "${tools[@]-}"; do
			mode=$label
			[[ -z $tool ]] || mode=$label.${tool%%=*}
			cat <<-SCRIPT
				workload mark begin $mode
				${tool#*=}${tool:+ -- }$command -o /out/$mode.workload >/out/$mode.json 2>/out/$mode.err
				status=\$?
				workload mark end
				[ \$status = 0 ] || { failed=1; echo "$mode: exit status \$status" >&2; cat /out/$mode.err >&2; }
			SCRIPT
		done
	done < <(grep '^run: ' "$top/lab/suites/${1%-*}")
	echo "exit \$failed"
}
