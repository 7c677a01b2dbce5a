#!/bin/sh
# build-arm64.sh DIR: builds boltseal and its tests for AArch64, on a machine that is none. Needs
# gcc-aarch64-linux-gnu; headers and libraries are those of Debian's arm64 packages, which lie below
# $BOLTSEAL_CACHE/arm64 (default: .demo) and not in this machine's system. As root, for that tree's sake.
# Exit status: 3 when the packages cannot be fetched.
set -eu

cd -- "$(dirname -- "$0")/.."
dir=$1
cache=${BOLTSEAL_CACHE:-$PWD/.demo}/arm64
tree=$cache/root
gcc=aarch64-linux-gnu-gcc
command -v $gcc >/dev/null || {
	echo "build-arm64: $gcc is missing (package gcc-aarch64-linux-gnu)" >&2
	exit 1
}

mkdir -p "$cache"
# What tools/packages names for the build and of libraries for the tests, and programs for guests.
# shellcheck disable=SC2046 # a list of package names
tools/make-rootfs.sh --arch arm64 build-arm64 "$tree" libc6-dev busybox-static crun apparmor \
	$(sed -n 's/^\(build\|test\)\t\(lib[a-z0-9.+-]*-dev\|zlib1g-dev\)$/\2/p' tools/packages |
		grep -v -- '-cross$\|^libclang')

compiler="'$gcc'"
! command -v ccache >/dev/null || compiler="'ccache', $compiler"
cat >"$cache/cross.new" <<END
[binaries]
c = [$compiler, '--sysroot=$tree']
ar = 'aarch64-linux-gnu-gcc-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
[properties]
sys_root = '$tree'
pkg_config_libdir = '$tree/usr/lib/aarch64-linux-gnu/pkgconfig:$tree/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
END
mv "$cache/cross.new" "$cache/cross"
tools/build.sh "$dir" --cross-file "$cache/cross" -Dtests=enabled -Dwerror=true
