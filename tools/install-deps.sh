#!/bin/sh
# Installs the packages of tools/packages that are missing. Nothing to do: takes no time and says
# nothing. No service is started. Groups may be given; without any: build, test.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
policy=/usr/sbin/policy-rc.d

if ! command -v dpkg-query >/dev/null; then
	echo "install-deps: this is no Debian; tools/packages lists what to install" >&2
	exit 1
fi

# "PACKAGE", or "PACKAGE:PROGRAM".
wanted=$(awk -v groups=" ${*:-build test} " \
	'(NF == 2 || NF == 3) && $1 !~ /^#/ && index(groups, " " $1 " ") {
		print NF == 3 ? $2 ":" $3 : $2 }' "$here/packages")
missing=
for package in $wanted; do
	case $package in
	*:*)
		! command -v "${package#*:}" >/dev/null || continue
		package=${package%%:*} ;;
	esac
	status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "install-deps: missing packages; as root: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

# Services of the packages (docker) must not start by themselves: policy-rc.d says no meanwhile.
log=$(mktemp)
made_policy=
cleanup() {
	rm -f "$log"
	[ -z "$made_policy" ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
if [ ! -e "$policy" ]; then
	made_policy=1
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

apt() {
	if ! DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 \
		-o Acquire::Retries=3 "$@" </dev/null >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		echo "install-deps: apt-get $1 failed" >&2
		exit 1
	fi
}
echo "install-deps: installing$missing"
apt update
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $missing
