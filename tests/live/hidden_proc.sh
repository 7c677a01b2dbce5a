#!/bin/bash
# boltseal watch --user where /proc shows users their own processes only (proc(5), hidepid=): who ran before
# is known, and still is after records were lost.
# Time limit: 60 s
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
# In a mount namespace of its own, with a /proc of its own.
if [ -z "${HIDDEN_PROC:-}" ]; then
	HIDDEN_PROC=1 exec unshare --mount -- bash "${BASH_SOURCE[0]}"
fi
mount -t proc -o hidepid=invisible proc /proc 2>"$out" || skip_all "no such /proc can be mounted: $(cat "$out")"
[ "$(setpriv --reuid nobody --regid nogroup --clear-groups ls /proc | grep -c '^[0-9]')" -lt 3 ] ||
	skip_all "hidepid= hides nothing here"
chmod 755 "$scratch"

cat >"$scratch/rules.yaml" <<-'END'
	- rule: Roots
	  desc: d
	  condition: evt.type = chroot and evt.arg.path startswith /nonexistent/boltseal
	  output: roots | %evt.arg.path up=%proc.pname args=%proc.args
	  priority: WARNING
	- rule: Enters
	  desc: d
	  condition: evt.type = setns and evt.failed = true and proc.name startswith python
	  output: enters
	  priority: INFO
END
cat >"$scratch/before.py" <<-'END'
	import ctypes, os, sys, time
	libc, folder = ctypes.CDLL(None), sys.argv[1]
	for step in "first", "second":
	    while not os.path.exists(f"{folder}/{step}"):
	        time.sleep(0.05)
	    libc.chroot(f"/nonexistent/boltseal/{step}".encode())
END
# shellcheck disable=SC2016 # for that shell
bash -c 'python3 "$1/before.py" "$1"; exit' parent "$scratch" &
parent=$!
background+=("$parent")
until_true pgrep -P "$parent"

"$boltseal" watch -r "$scratch/rules.yaml" --user nobody --ring 1 >"$scratch/found" 2>"$scratch/err" &
watcher=$!
background+=("$watcher")
until_true grep -q 'watching with' "$scratch/err" ||
	skip_all "watching does not work here: $(tail -n 1 "$scratch/err")"
shown=("$scratch/err")
roots() { until_true grep -q "roots | /nonexistent/boltseal/$1 up=bash args=.*before.py" "$scratch/found"; }
touch "$scratch/first"
expect "who ran before is known, and its parent" roots first

judge=$(pgrep -P "$watcher" -x boltseal)
kill -STOP "$judge"
timeout 30 python3 -c 'import ctypes; c = ctypes.CDLL(None); [c.setns(-1, 0) for i in range(9000)]'
kill -CONT "$judge"
expect "records are lost" until_true grep -q 'Warning Events were lost' "$scratch/found"
# It lists the processes once, and the next time no sooner than 5 s later.
sleep 2.5
touch "$scratch/second"
expect "and it still is after records were lost" roots second
kill -TERM "$watcher"
wait "$watcher"
tap_end
