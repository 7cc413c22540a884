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

# suite_machine NAME...: sets the options of `lab run` that the suites want, which share a path.
suite_machine()
{
	local name words disks=''
	for name; do
		[[ " $(suite_names | tr '\n' ' ') " == *" $name "* ]] || die "no suite $name: see lab suites"
		[[ ${name##*-} == "${1##*-}" ]] ||
			die "$1 and $name want different machines: name suites of one path"
		read -ra words < <(sed -n 's/^machine: //p' "$top/lab/suites/${name%-*}")
		disk=none
		parse_options "${words[@]}"
		[[ $disk == none || ,$disks, == *,$disk,* ]] || disks+=${disks:+,}$disk
	done
	disk=${disks:-none}
	case ${1##*-} in
	smmuv3) iommu=smmuv3 ;;
	walker) iommu=smmuv3 walker=no ;;
	swiotlb) swiotlb=force ;;
	esac
	plugin=1
}

# suite_runs NUMBER NAME...: "SUITE LABEL COMMAND" of each suite's run of that number.
suite_runs()
{
	local number=$1 name file
	shift
	for name; do
		file=$top/lab/suites/${name%-*}
		sed -n 's/^run: //p' "$file" | sed -n "${number}s/^/${name%-*} /p"
	done
}

# suite_session NUMBER MODE NAME...: what a session runs: each run a window of its own, SUITE.LABEL
# and .MODE, and the session's for what lies between.
suite_session()
{
	local suite label command kind window session=session-$1${2:+.$2} mode=$2
	while read -r suite label command; do
		window=$suite.$label${mode:+.$mode}
		kind=$(sed -n 's/^machine:.*--disk //p' "$top/lab/suites/$suite")
		[[ $kind == none ]] || echo "DISK=\$DISK_$kind"
		cat <<-SCRIPT
			workload mark begin $window
			$command -o /out/$window.workload ||
			{ failed=\$?; echo "$window: exit status \$failed" >&2; }
			workload mark begin $session
		SCRIPT
	done < <(suite_runs "$1" "${@:3}")
}

# suite_script NAME...: the guest's script. A session of the tool watches a run of every suite, which
# differ in device; it is done bare, or once a --tool.
suite_script()
{
	local number tool mode session
	echo 'failed=0'
	for ((number = 1; $(suite_runs $number "$@" | wc -l); number++)); do
		for tool in "${tools[@]-}"; do
			mode=${tool%%=*} session=session-$number${tool:+.${tool%%=*}}
			cat <<-SCRIPT
				cat >/tmp/$session <<'END'
				failed=0
				$(suite_session $number "$mode" "$@")
				exit \$failed
				END
				workload mark begin $session
				${tool#*=}${tool:+ -- }sh /tmp/$session >/out/$session.json 2>/out/$session.err
				status=\$?
				workload mark end
				[ \$status = 0 ] || { failed=1; echo "$session: exit status \$status" >&2; cat /out/$session.err >&2; }
			SCRIPT
		done
	done
	echo "exit \$failed"
}
