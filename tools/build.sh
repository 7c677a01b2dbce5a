#!/bin/sh
# build.sh DIR [-DOPTION=VALUE]...: configures DIR when that is not done yet or the options changed,
# and builds. Says nothing unless something is wrong or there is a compiler's warning.
set -eu

cd -- "$(dirname -- "$0")/.."
dir=$1
shift

for program in meson ninja; do
	command -v "$program" >/dev/null || {
		echo "build: $program is missing; 'make deps' installs what the build needs" >&2
		exit 1
	}
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT
configure() {
	if ! meson setup "$@" >"$log" 2>&1; then
		cat "$log" >&2
		echo "build: cannot configure; 'make deps' installs what the build needs" >&2
		exit 1
	fi
}
# The options of the last time are kept beside what meson knows about them.
stamp=$dir/boltseal-options
if [ ! -f "$dir/build.ninja" ]; then
	configure "$dir" "$@"
	echo "$*" >"$stamp"
elif [ $# -gt 0 ] && [ "$(cat "$stamp" 2>/dev/null)" != "$*" ]; then
	configure --reconfigure "$dir" "$@"
	echo "$*" >"$stamp"
fi

# Compiler messages, without ninja's progress and what meson says when it configures again.
messages() {
	awk '/^\[0\/1\] Regenerating/ { quiet = 1 }
		/ERROR: / { quiet = 0 }
		/^\[[0-9]+\/[0-9]+\]/ { if (!/^\[0/) quiet = 0; next }
		/^ninja: (Entering|no work)/ { next }
		!quiet' "$log" >&2
}

[ ! -t 1 ] || printf 'building %s …\r' "$dir"
ninja -C "$dir" >"$log" 2>&1 || {
	messages
	exit 1
}
[ ! -t 1 ] || printf '\033[K'
messages
