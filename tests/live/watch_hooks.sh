#!/bin/bash
# However `boltseal watch` hooks system calls, it sees the same.   tests/live/watch_hooks.sh
#
# A program makes one call after the other (tests/vm/calls.c), built for 64 and for 32 bits, with each way of
# hooking that this kernel allows. tests/vm/watch.sh does the same on Debian's kernel.
# Time limit: 120 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

vm=$here/../vm
[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(uname -m)" = x86_64 ] || skip_all "no test for $(uname -m)"
mkdir "$scratch/32"
gcc -std=gnu17 -D_GNU_SOURCE -Wall -O2 -static -o "$scratch/calls" "$vm/calls.c"
gcc -m32 -idirafter /usr/include/x86_64-linux-gnu -std=gnu17 -D_GNU_SOURCE -Wall -O2 -static \
	-o "$scratch/32/calls" "$vm/calls.c" 2>/dev/null || true
found=$scratch/found

# begin HOOKS: from now on what is found is in $found.
begin() {
	rm -f "$found"
	watch_start --rules "$vm/calls.yaml" --all --hooks "$1" --output "$found"
}

# end NAME: what was said of the programs, without what differs from run to run, is in the file.
end() {
	local status=0
	watch_stop || status=$?
	[ $status = 0 ] || not_ok "$1: the watcher ends, and lost nothing (exit status $status)" "$err"
	# Other 32-bit programs may run here.
	grep -v 'were not seen' "$found" |
		sed -e 's/^[^ ]* //' -e 's/ container_id=.*//' -e 's/ ino=[0-9]*//' -e 's/ dev=[0-9]*//' \
			-e 's/ mtime_age=[0-9]*//' \
			>"$scratch/$1" || true
}

more_links() { [ "$(links_of "$watcher")" -gt "$1" ]; }

"$scratch/calls" || skip_all "this machine does not allow the test's calls"
for hooks in tracepoints tracepoint functions; do
	if ! begin "$hooks"; then
		watch_refused && skip_all "$(cat "$err")"
		if [ "$hooks" = functions ] && grep -q 'cannot hook system calls at functions' "$err"; then
			skip "$hooks" "$(sed 's/.*functions: //' "$err")"
		else
			not_ok "$hooks: it watches" "$err"
		fi
		continue
	fi
	"$scratch/calls"
	"$scratch/calls" filtered
	end "$hooks"
	if [ "$(grep -c ^Notice "$scratch/$hooks")" = 38 ]; then
		ok "$hooks: 37 calls and the start of a process are seen"
	else
		not_ok "$hooks: 37 calls and the start of a process are seen" "$scratch/$hooks"
	fi
	[ "$hooks" = tracepoints ] ||
		expect "$hooks: they are the same as by a tracepoint each" diff "$scratch/tracepoints" "$scratch/$hooks"
	if ! "$scratch/32/calls" 2>/dev/null; then
		skip "$hooks: 32-bit programs" "none can be built and run (gcc-12-multilib)"
		continue
	fi
	# The first such program makes the watcher look at them; here that is one that waits.
	begin "$hooks"
	before=$(links_of "$watcher")
	"$scratch/32/calls" wait &
	waits=$!
	background+=("$waits")
	[ "$hooks" = functions ] || until_true more_links "$before" ||
		not_ok "$hooks: the first 32-bit program makes the watcher look at them" "$err"
	"$scratch/32/calls"
	"$scratch/calls" gate
	kill "$waits"
	wait "$waits" 2>/dev/null || true
	end "$hooks.32"
	sed 's/^Notice mount.*/Notice open SUCCESS fd=\/etc\/shadow/' "$scratch/$hooks" >"$scratch/64"
	sed -i 's/\(open SUCCESS fd=\/etc\/shadow\) .*/\1/' "$scratch/$hooks.32"
	expect "$hooks: the same of a 32-bit program, and int 0x80 of a 64-bit one" diff "$scratch/64" "$scratch/$hooks.32"
done

# ---- 32-bit programs that ran before, and those of which the first milliseconds are missed
if "$scratch/32/calls" 2>/dev/null; then
	"$scratch/32/calls" wait &
	waits=$!
	background+=("$waits")
	until_true test "/proc/$waits/exe" -ef "$scratch/32/calls" || true
	begin tracepoints
	"$scratch/32/calls"
	end before
	kill "$waits"
	wait "$waits" 2>/dev/null || true
	grep -v ' mount ' "$scratch/tracepoints" >"$scratch/64"
	expect "32-bit programs that run already are noticed at the start" diff "$scratch/64" "$scratch/before"
fi
tap_end
