# SPDX-License-Identifier: GPL-2.0
# A private apt (state, cache, sources) that knows more suites than the machine's own. Sourced.
# shellcheck shell=bash disable=SC2154

lab_suites=(bookworm bookworm-security trixie trixie-security trixie-backports)

# apt_uri main|security: the archive's URI as this machine's own apt has it.
apt_uri()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v want="$1" -v names='^(bookworm|trixie|forky|sid|stable|oldstable|testing|unstable)$' '
		{
			kind = $1 ~ /-security$/ ? "security" : ($1 ~ names ? "main" : "")
			if (kind == want && !done++)
				print $2
		}'
}

# Writes the private apt's configuration for one architecture.
apt_configure()
{
	local arch=$1 dir=$2 suite kind uri
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	[[ -r $keyring ]] || die "no $keyring: run scripts/setup --lab"
	mkdir -p "$dir/none" "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/debs"
	: >"$dir/status"
	: >"$dir/sources.list"
	for suite in "${lab_suites[@]}"; do
		kind=main
		[[ $suite == *-security ]] && kind=security
		uri=$(apt_uri $kind)
		if [[ -z $uri ]]; then
			[[ $kind == security ]] && continue
			die "no Debian archive in this machine's apt sources: add one, run apt-get update, try again"
		fi
		echo "deb [arch=$arch signed-by=$keyring] $uri $suite main" >>"$dir/sources.list"
	done
	{
		# The machine's proxies and mirrors' peculiarities stay in force, its hooks do not.
		apt-config dump Acquire
		cat <<CONF
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::GzipIndexes "true";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Dir::State "$dir";
Dir::State::lists "$dir/lists";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::parts "$dir/none";
Dir::Etc::main "-";
CONF
	} >"$dir/apt.conf"
}

# apt_private ARCH COMMAND...: one of apt's commands in the private state.
apt_private()
{
	local dir=$cache/apt/$1
	shift
	APT_CONFIG=$dir/apt.conf "$@"
}

# apt_refresh ARCH [force]: fetches the indices when they are older than a day; fails without any.
apt_refresh()
{
	local arch=$1 dir=$cache/apt/$1 why
	if [[ ${2-} != force && -n $(find "$dir/stamp" -mtime -1 2>/dev/null) ]]; then
		return
	fi
	say "fetching package indices ($arch)"
	apt_configure "$arch" "$dir"
	if apt_private "$arch" apt-get -qq update >"$dir/log" 2>&1; then
		touch "$dir/stamp"
		return
	fi
	why=$(grep -m1 '^[EW]:' "$dir/log" || tail -n1 "$dir/log")
	if [[ -e $dir/stamp ]]; then
		say "no fresh package indices ($why): going on with those of $(date -r "$dir/stamp" +%F)"
	elif [[ -n $(apt_private "$arch" apt-cache pkgnames linux-image- 2>/dev/null) ]]; then
		say "some package indices are missing ($why): going on with the others"
		touch "$dir/stamp"
	else
		say "cannot fetch package indices ($why): check the network and apt-get update, try again"
		return 1
	fi
}

# apt_newest ARCH REGEX: "package version" of the newest package whose name matches (ERE, whole name).
apt_newest()
{
	local names best='' best_version='' name version
	names=$(apt_private "$1" apt-cache pkgnames | grep -xE "$2") || return 0
	# shellcheck disable=SC2086
	while IFS='| ' read -r name version _; do
		if [[ -z $best ]] || dpkg --compare-versions "$version" gt "$best_version"; then
			best=$name best_version=$version
		fi
	done < <(apt_private "$1" apt-cache madison $names)
	[[ -z $best ]] || echo "$best $best_version"
}

# apt_fetch ARCH PACKAGE VERSION: downloads (verified by apt) and prints the path of the .deb.
apt_fetch()
{
	local arch=$1 name=$2 version=$3 dir=$cache/apt/$1/debs file
	file=$dir/${name}_${version//:/%3a}_$arch.deb
	if [[ ! -e $file ]]; then
		say "fetching $name $version ($arch)"
		(cd "$dir" && apt_private "$arch" apt-get -qq download "$name=$version") \
			>"$dir/log" 2>&1 || return 1
		# A package that is the same for all architectures says so in its name.
		[[ -e $file ]] || mv "${file%_*}_all.deb" "$file" || return 1
	fi
	echo "$file"
}
