#!/bin/bash
# make-root.sh OUT_DIR: the Debian root file system in which the services of the profile benchmark run.
#
# debootstrap makes a minimal system from the sources that apt of this host has for its own release;
# the packages below come on top, with their maintainer scripts, without what they only recommend, and
# with a policy-rc.d that refuses to start daemons. What already exists and was made by the same
# version of this script stays. Exit status: 0 done, 3 the packages cannot be fetched, 1 other errors.
#
# Mounts are made in a mount namespace of its own and end with it.
set -euo pipefail

packages=(nginx-light redis-server postgresql memcached apache2 mariadb-server nodejs python3 haproxy
	lighttpd bind9 sqlite3 curl redis-tools apache2-utils procps libcap2-bin ca-certificates)

die() {
	echo "make-root: $1" >&2
	exit "${2:-1}"
}

# Lines "URI SUITE" of the Debian archives that apt uses; the suites of one release.
archives() {
	apt-get indextargets --format "\$(SITE) \$(RELEASE)" 'Created-By: Packages' 'Origin: Debian' |
		awk -v code="$1" '$2 ~ "^" code { print $1, $2 }' | sort -u
}

# In the new mount namespace. The root file system belongs to nobody else yet.
populate() {
	local root=$1 release=$2 mirror
	mirror=$(archives "$release" | awk -v code="$release" '$2 == code { print $1; exit }')
	[ -n "$mirror" ] || die "apt has no archive of $release" 3
	debootstrap --variant=minbase "$release" "$root" "$mirror" || die "debootstrap failed" 3
	archives "$release" | sed 's/$/ main/; s/^/deb /' >"$root/etc/apt/sources.list"
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mount -t proc proc "$root/proc"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	mount -t tmpfs shm "$root/dev/shm"
	local apt=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
		DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get -q -y
		-o APT::Install-Recommends=false)
	"${apt[@]}" update || die "apt cannot read the archives" 3
	"${apt[@]}" install --download-only "${packages[@]}" || die "packages cannot be fetched" 3
	"${apt[@]}" install "${packages[@]}" || die "packages cannot be installed"
	"${apt[@]}" clean
	rm -rf "$root"/var/lib/apt/lists/*
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
	: >"$root/etc/resolv.conf"
}

if [ "${1:-}" = --populate ]; then
	populate "$2" "$3"
	exit
fi
case $#:${1:-} in
1: | 1:/) die "refusing to write to '$1'" ;;
1:*) ;;
*) die "usage: make-root.sh OUT_DIR" ;;
esac
[ "$(id -u)" = 0 ] || die "must run as root"
out=$1
stamp=$(cksum <"$0")
if [ -d "$out" ] && [ "$(cat "$out.stamp" 2>/dev/null)" = "$stamp" ]; then
	exit 0
fi
command -v debootstrap >/dev/null || die "debootstrap is not installed" 3
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[ "$release" = bookworm ] || die "the benchmark is defined for Debian 12 (bookworm)" 3
rm -rf "$out.new"
mkdir -p "${out%/*}"
code=0
timeout -k 10 1800 unshare -m --propagation private "$0" --populate "$out.new" "$release" \
	>"$out.log" 2>&1 </dev/null || code=$?
if [ $code != 0 ]; then
	tail -n 20 "$out.log" >&2
	rm -rf --one-file-system "$out.new"
	exit $code
fi
rm -rf "$out" "$out.stamp"
mv "$out.new" "$out"
echo "$stamp" >"$out.stamp"
