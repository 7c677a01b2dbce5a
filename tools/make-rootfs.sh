#!/bin/sh
# Makes the root file system of a container from Debian packages:
#
#   tools/make-rootfs.sh [--arch ARCH] [--user NAME:UID:HOME]... NAME OUT_DIR PACKAGE...
#
# apt resolves and downloads the packages with everything they depend on as if nothing were
# installed, and checks their signatures; their files are unpacked without running maintainer
# scripts, which makes it a matter of seconds. What those scripts would have left behind and a service
# needs is written here: users and groups, the linker's cache, /etc/nsswitch.conf. A shell and
# coreutils are always included. ARCH: packages of another architecture (arm64), of the same suite.
# Exit status: 0 done, 3 the packages cannot be fetched, 1 other errors.
#
# Downloads are kept in $BOLTSEAL_CACHE/apt (default: .demo in the repository). A second run with
# the same arguments and the same version of this script changes nothing and takes no time; the
# stamp beside OUT_DIR says what is in it. Files that a caller adds to OUT_DIR stay.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${BOLTSEAL_CACHE:-${here%/*}/.demo}

die() {
	echo "make-rootfs: $*" >&2
	exit 1
}

users=
arch=
while :; do
	case ${1:-} in
	--user) users="$users $2" ;;
	--arch) arch=$2 ;;
	*) break ;;
	esac
	shift 2
done
[ $# -ge 3 ] ||
	die "usage: make-rootfs.sh [--arch ARCH] [--user NAME:UID:HOME]... NAME OUT_DIR PACKAGE..."
name=$1
out=$2
shift 2
packages="base-files base-passwd coreutils dash libc-bin $*"
[ "$(id -u)" = 0 ] || die "must run as root: the files belong to several users"
case $out in '' | /) die "refusing to write to '$out'" ;; esac

stamp="$name:$arch:$users:$packages:$(cksum <"$0")"
if [ -d "$out" ] && [ "$(cat "$out.stamp" 2>/dev/null)" = "$stamp" ]; then
	exit 0
fi

apt_dir=$cache/apt
mkdir -p "$apt_dir/archives/partial" "$apt_dir/empty/partial"
: >"$apt_dir/status"
: >"$apt_dir/extended_states"

# With an empty status file apt knows of no installed package.
apt_get() {
	if [ -n "$arch" ]; then
		"$here/apt-suite.sh" "$apt_dir/$arch" \
			"$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$arch" apt-get -y \
			-o Dir::Cache::archives="$apt_dir/archives" -o Debug::NoLocking=true "$@"
		return
	fi
	apt-get -q -y -o Dir::State::status="$apt_dir/status" \
		-o Dir::State::extended_states="$apt_dir/extended_states" \
		-o Dir::Cache="$apt_dir" -o APT::Install-Recommends=false \
		-o APT::Sandbox::User=root -o Debug::NoLocking=true "$@"
}

fetch() {
	# What is in the archive folder already is not listed: name an empty one.
	# shellcheck disable=SC2086 # a list of package names
	apt_get -o Dir::Cache::archives="$apt_dir/empty" --print-uris install $packages \
		>"$apt_dir/$name.uris" 2>"$apt_dir/$name.log" &&
		apt_get --download-only install $packages >>"$apt_dir/$name.log" 2>&1
}

if ! fetch; then
	# Package lists are missing, or name versions that the mirror no longer has.
	if [ -n "$arch" ]; then
		apt_get update >>"$apt_dir/$name.log" 2>&1 || true
	else
		apt-get -q update >>"$apt_dir/$name.log" 2>&1 || true
	fi
	fetch || {
		tail -n 20 "$apt_dir/$name.log" >&2
		echo "make-rootfs: apt could not fetch $packages" >&2
		exit 3
	}
fi

rm -rf "$out" "$out.stamp"
mkdir -p "$out/usr/bin" "$out/usr/sbin" "$out/usr/lib" "$out/usr/lib64"
for d in bin sbin lib lib64; do
	ln -s "usr/$d" "$out/$d"
done
# Lines of apt's list: 'URI' FILE SIZE HASH
sed -n "s/^'[^']*' \([^ ]*\.deb\) .*/\1/p" "$apt_dir/$name.uris" >"$apt_dir/$name.debs"
[ -s "$apt_dir/$name.debs" ] || die "apt named no package file for $packages"
while read -r deb; do
	dpkg-deb --fsys-tarfile "$apt_dir/archives/$deb" |
		tar -x -C "$out" --keep-directory-symlink --exclude='./usr/share/doc/*' \
			--exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
			--exclude='./usr/share/info/*' --exclude='./usr/share/lintian/*' ||
		die "cannot unpack $deb"
done <"$apt_dir/$name.debs"

install -m 644 "$out/usr/share/base-passwd/passwd.master" "$out/etc/passwd"
install -m 644 "$out/usr/share/base-passwd/group.master" "$out/etc/group"
for u in $users; do
	n=${u%%:*}
	rest=${u#*:}
	echo "$n:x:${rest%%:*}:${rest%%:*}::${rest#*:}:/usr/sbin/nologin" >>"$out/etc/passwd"
	echo "$n:x:${rest%%:*}:" >>"$out/etc/group"
	install -d -o "${rest%%:*}" -g "${rest%%:*}" "$out${rest#*:}"
done
sed 's/^\([^:]*\):.*/\1:*:19700:0:99999:7:::/' "$out/etc/passwd" >"$out/etc/shadow"
chown 0:42 "$out/etc/shadow"
chmod 640 "$out/etc/shadow"
printf '%s\n' 'passwd: files' 'group: files' 'shadow: files' 'hosts: files dns' \
	>"$out/etc/nsswitch.conf"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$out/etc/hosts"
# Of another architecture's libraries it knows nothing; their linker looks where Debian has them.
[ -n "$arch" ] || ldconfig -r "$out"
echo "$stamp" >"$out.stamp"
