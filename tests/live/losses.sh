#!/bin/bash
# What boltseal watch says of records that found no room, by numbers: what was done is what was seen and
# what was lost, for each processor and kind; the rules that may have missed something are named; who acts
# afterwards is known, though programs were executed meanwhile. It was stopped, or its rings are small.
# Time limit: 100 s
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
chmod 755 "$scratch"

# Calls that nobody else makes: setns(2) of no descriptor and chroot(2) to no folder, which fail.
cat >"$scratch/rules.yaml" <<-'END'
	- rule: Enters
	  desc: d
	  condition: evt.type = setns and evt.failed = true and proc.name startswith python
	  output: enters | %proc.name
	  priority: WARNING
	- rule: Roots
	  desc: d
	  condition: evt.type = chroot and evt.arg.path startswith /nonexistent/boltseal
	  output: roots | exe=%proc.exepath up=%proc.pname args=%proc.args
	  priority: WARNING
	- rule: Sessions
	  desc: d
	  condition: evt.type = setsid and proc.name = boltseal-nobody
	  output: never
	  priority: WARNING
END
cat >"$scratch/calls.py" <<-'END'
	import ctypes, sys
	libc = ctypes.CDLL(None)
	for i in range(int(sys.argv[1])):
	    libc.setns(-1, 0)
	for i in range(int(sys.argv[2])):
	    libc.chroot(b"/nonexistent/boltseal")
END

start() { watch_start -r "$scratch/rules.yaml" --ring 1 "$@"; }

shown=("$scratch/err" "$scratch/out")

# told CALL: how many of them findings say were lost.
told() {
	grep 'Warning Events were lost' "$scratch/out" | sed -n "s/.*[:,] $1 \([0-9]*\)[,;].*/\1/p" |
		awk '{ n += $1 } END { print n + 0 }'
}

# adds_up: of each such finding, the kinds together are the processors together.
adds_up() {
	python3 - "$scratch/out" <<-'END'
		import re, sys
		n = 0
		for line in open(sys.argv[1]):
		    m = re.search(r"records found no room: ([^;]*); by processor ([^;]*)", line)
		    if not m:
		        continue
		    n += 1
		    kinds = sum(int(x.split()[-1]) for x in m[1].split(", "))
		    cpus = sum(int(x.split(": ")[1]) for x in m[2].split(", "))
		    if kinds != cpus:
		        sys.exit(f"{kinds} by kind, {cpus} by processor: {line}")
		sys.exit(0 if n else "no such finding")
	END
}

for user in '' nobody; do
	name=${user:-root}
	start ${user:+--user "$user"} || skip_all "watching does not work here: $(tail -n 1 "$scratch/err")"
	judge=$(pgrep -P "$watcher" -x boltseal || echo "$watcher")
	# A shell that executes another program, and another process, while nothing is taken.
	# shellcheck disable=SC2016 # for that shell
	bash -c 'until [ -e "$1/go" ]; do read -rt 0.05 <>"$1/never"; done; exec python3 "$1/late.py" "$1"' sh "$scratch" &
	late=$!
	background+=("$late")
	mkfifo "$scratch/never" 2>/dev/null
	cat >"$scratch/late.py" <<-'END'
		import ctypes, os, sys, time
		open(sys.argv[1] + "/runs", "w").close()
		while not os.path.exists(sys.argv[1] + "/now"):
		    time.sleep(0.05)
		ctypes.CDLL(None).chroot(b"/nonexistent/boltseal/late")
	END
	sleep 0.5
	kill -STOP "$judge"
	timeout 60 python3 "$scratch/calls.py" 9000 500
	touch "$scratch/go"
	until_true test -e "$scratch/runs"
	sleep 1
	kill -CONT "$judge"
	expect "$name: what is lost is a finding" until_true grep -q 'Warning Events were lost: ' "$scratch/out"
	sleep 2.5
	touch "$scratch/now"
	wait "$late"
	sleep 0.3
	kill -TERM "$watcher"
	wait "$watcher"
	expect "$name: exit status 3" test $? = 3
	seen=$(grep -c 'enters | python3' "$scratch/out") roots=$(grep -c 'roots | .*calls.py' "$scratch/out")
	lost=$(told setns)
	echo "# setns: $seen seen, $lost lost; chroot: $roots seen, $(told chroot) lost"
	expect "$name: more was lost than seen" test "$lost" -gt "$seen"
	expect "$name: 9000 calls are those seen and those lost" test $((seen + lost)) = 9000
	# Others may change their root meanwhile, to folders that the kernel cannot compare.
	expect "$name: so are 500 of another kind" test $((roots + $(told chroot))) -ge 500
	expect "$name: kinds and processors add up" adds_up
	expect "$name: the rules that may have missed something are named" \
		grep -q 'that may have missed something: Enters, Roots$' "$scratch/out"
	expect "$name: at the end all of it is said once more" \
		grep -q "found no room in the ring buffers .*[:,] setns ${lost}[,;]" "$scratch/err"
	expect "$name: a program whose start was lost is known afterwards" \
		grep -q 'roots | exe=.*python3[.0-9]* up=.* args=.*late.py' "$scratch/out"
	rm -f "$scratch/go" "$scratch/now" "$scratch/runs"
done

# ---- new rules while something was lost: what the old programs lost is told
start
kill -STOP "$watcher"
timeout 60 python3 "$scratch/calls.py" 9000 0
kill -HUP "$watcher"
kill -CONT "$watcher"
until_true grep -q 'loaded again' "$scratch/err"
sleep 1.2
kill -TERM "$watcher"
wait "$watcher"
seen=$(grep -c 'enters | python3' "$scratch/out")
expect "rules were loaded again: all calls are those seen and those lost" test $((seen + $(told setns))) = 9000
expect "and the end says so, too" grep -q "found no room in the ring buffers .* setns $(told setns)[,;]" "$scratch/err"

# ---- a signal before anything is there
"$boltseal" watch -r "$scratch/rules.yaml" --user nobody >"$scratch/out" 2>"$scratch/err" &
watcher=$!
background+=("$watcher")
# Not before the program has begun: bit 0 of the signals that it ignores or catches.
takes_hangup() {
	sed -n 's/^Sig\(Ign\|Cgt\):.*\(.\)$/\2/p' "/proc/$watcher/status" | grep -q '[13579bdf]'
}
until_true takes_hangup
for _ in 1 2 3 4 5; do
	kill -HUP "$watcher"
	sleep 0.02
done
expect "SIGHUP before it watches does not end it" until_true grep -q 'watching with' "$scratch/err"
kill -TERM "$watcher"
wait "$watcher"
expect "and it ends as asked" test $? = 0
tap_end
