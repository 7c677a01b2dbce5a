#!/bin/sh
# apt of a Debian suite and architecture that need not be this machine's, with its mirrors and its keys,
# and with lists of its own below FOLDER; nothing is installed, and no package counts as installed:
#
#   tools/apt-suite.sh FOLDER SUITE ARCH PROGRAM ARGUMENT...     (PROGRAM: apt-get or apt-cache)
#
# What is downloaded stays in FOLDER/cache. Lists are fetched when `apt-get update` is asked for.
set -eu

folder=$1
suite=$2
arch=$3
program=$4
shift 4

# The Debian mirror that this machine's apt has.
if [ ! -s "$folder/sources.list" ]; then
	mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
		sed -n "s/^$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) main //p" | head -n 1)
	[ -n "$mirror" ] || {
		echo "apt-suite: apt has no Debian mirror here" >&2
		exit 3
	}
	mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
	: >"$folder/status"
	: >"$folder/extended_states"
	echo "deb $mirror $suite main" >"$folder/sources.list"
fi
exec "$program" -q -o APT::Sandbox::User=root -o APT::Install-Recommends=false \
	-o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Acquire::Languages=none \
	-o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
	-o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" \
	-o Dir::State::status="$folder/status" \
	-o Dir::State::extended_states="$folder/extended_states" "$@"
