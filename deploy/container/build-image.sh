#!/bin/bash
# build-image.sh [NAME:TAG]: the image of boltseal without a registry: a small Debian system by debootstrap,
# the libraries of deploy/container/packages, the binary of build/. As root; Docker imports it.
# IMAGE_TAR=FILE writes the root file system as a tar file in place of importing it. IMAGE_BASE=FILE keeps what
# debootstrap made as a tar file, and takes it from there when it exists.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd -- "$here/../.." && pwd)
name=${1:-boltseal:0.1.0}
build=${BUILD:-$repo/build}
[ "$(id -u)" = 0 ] || {
	echo "build-image.sh: needs root" >&2
	exit 1
}
[ -x "$build/boltseal" ] || {
	echo "build-image.sh: $build/boltseal is not built" >&2
	exit 1
}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root" # it becomes the root folder, which other users read too
packages=$(grep -v '^#' "$here/packages" | tr '\n' , | sed 's/,*$//')
if [ -n "${IMAGE_BASE:-}" ] && [ -s "$IMAGE_BASE" ]; then
	tar -C "$root" -xf "$IMAGE_BASE"
else
	debootstrap --variant=minbase --include="$packages" bookworm "$root" >&2
	if [ -n "${IMAGE_BASE:-}" ]; then
		tar -C "$root" -cf "$IMAGE_BASE.new" .
		mv "$IMAGE_BASE.new" "$IMAGE_BASE"
	fi
fi
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/man/* \
	"$root"/usr/share/locale/*
chroot "$root" groupadd -r -g 990 boltseal
chroot "$root" useradd -r -u 990 -g boltseal -d /var/lib/boltseal -s /usr/sbin/nologin boltseal
install -s -m 0755 "$build/boltseal" "$root/usr/bin/boltseal"
mkdir -p "$root/usr/share/boltseal"
cp -r "$repo/rules" "$root/usr/share/boltseal/rules"
rm -rf "$root/usr/share/boltseal/rules/examples"
# A binary that was built for another prefix looks there.
mkdir -p "$root/usr/local/share"
ln -sfn /usr/share/boltseal "$root/usr/local/share/boltseal"
chroot "$root" /usr/bin/boltseal --version >&2
if [ -n "${IMAGE_TAR:-}" ]; then
	tar -C "$root" -cf "$IMAGE_TAR" .
else
	tar -C "$root" -cf - . | docker import --change 'ENTRYPOINT ["/usr/bin/boltseal"]' \
		--change 'CMD ["--help"]' - "$name"
fi
