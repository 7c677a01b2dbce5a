#!/bin/bash
# Does a recording see exactly what strace sees?   tests/live/record_sets.sh
#
# Records commands whose system calls are the same in each run, with both recorders, and compares the
# sets with those of `strace -f`. A call that strace shows and the recording lacks is a failure, and
# so is one that only the recording has, unless timing explains it (see compare_sets.py).
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
command -v strace >/dev/null || skip_all "strace is not installed"
[ "$(id -u)" = 0 ] || skip_all "needs root"

# compare NAME COMMAND...
compare() {
	local name=$1 method i logs=()
	shift
	for i in 1 2 3; do
		logs+=("$scratch/$name.strace$i")
		timeout 60 strace -f -n -o "$scratch/$name.strace$i" "$@" \
			>/dev/null 2>"$scratch/$name.err" || {
			not_ok "$name: runs under strace" "$scratch/$name.err"
			return
		}
	done
	for method in ebpf ptrace; do
		if ! timeout 60 "$boltseal" record --method "$method" --output "$scratch/$name.json" \
			-- "$@" >/dev/null 2>"$scratch/$name.err"; then
			not_ok "$name, $method: recorded" "$scratch/$name.err"
		elif "$here/compare_sets.py" "$scratch/$name.json" "${logs[@]}" \
			>"$scratch/$name.result"; then
			ok "$name, $method: $(head -n 1 "$scratch/$name.result")"
			tail -n +2 "$scratch/$name.result"
		else
			not_ok "$name, $method: $(head -n 1 "$scratch/$name.result")"
			tail -n +2 "$scratch/$name.result"
		fi
	done
}

mkdir "$scratch/tree"
for i in 1 2 3; do
	cp /etc/passwd "$scratch/tree/$i"
done
printf '#!/bin/sh\nexec /bin/true\n' >"$scratch/script"
chmod +x "$scratch/script"

compare ls /bin/ls -la /usr
compare pipeline /bin/sh -c 'cat /etc/passwd | sort | uniq -c | head -n 3'
compare tar /bin/tar -C "$scratch" -cf "$scratch/tree.tar" tree
compare script "$scratch/script"
compare failing-exec /bin/sh -c '/nothing/here; /etc/passwd; true'
compare background /bin/sh -c 'sleep 0.1 & wait'
if [ -x /usr/bin/python3 ]; then
	compare threads /usr/bin/python3 "$here/threads.py" once
else
	skip threads "no /usr/bin/python3"
fi
if gcc -m32 -idirafter /usr/include/x86_64-linux-gnu -static -o "$scratch/compat" "$here/compat.c" 2>/dev/null &&
	"$scratch/compat" 2>/dev/null; then
	compare 32-bit "$scratch/compat"
	compare mixed /bin/sh -c "/bin/true; $scratch/compat; /bin/true"
else
	skip 32-bit "no 32-bit programs can be built and run (gcc-12-multilib)"
fi
tap_end
