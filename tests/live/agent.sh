#!/bin/bash
# boltseal watch as a service: rules loaded again without losing an event, health, two processes and the
# end of either, and what goes wrong: full rings, a full disk, a locked store, the clock, kill -9.
# Time limit: 200 s
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
chmod 755 "$scratch"
mkdir "$scratch/bin"
cp /bin/true "$scratch/bin/precious"

# rules PREFIX: a rule about programs whose arguments begin so.
rules() {
	cat <<-END
		- rule: Precious program $1
		  desc: d
		  condition: evt.type = execve and proc.exepath = $scratch/bin/precious and proc.args startswith $1
		  output: run | %proc.args
		  priority: WARNING
	END
}

start() { watch_start -r "$scratch/rules.yaml" "$@"; }

listener() {
	ss -ltnpH 2>/dev/null | sed -n "s/.*127.0.0.1:\([0-9]*\) .*pid=$1,.*/\1/p" | head -n 1
}

# ---- new rules, in one process and in two
rules a >"$scratch/rules.yaml"
for user in '' nobody; do
	name=${user:-root}
	start ${user:+--user "$user"} || skip_all "watching does not work here: $(tail -n 1 "$scratch/err")"
	(
		for i in $(seq 1 300); do
			"$scratch/bin/precious" "a$i"
			sleep 0.01
		done
	) &
	runner=$!
	background+=("$runner")
	for n in 1 2; do
		sleep 0.5
		kill -HUP "$watcher"
		until_true lines_are $n 'loaded again' "$scratch/err"
	done
	wait "$runner"
	sleep 0.3
	expect "$name: rules were loaded again twice" lines_are 2 'loaded again' "$scratch/err"
	expect "$name: all 300 events were seen, each once" diff <(seq 1 300) \
		<(sed -n 's/.*run | a\([0-9]*\) .*/\1/p' "$scratch/out")
	rules b >"$scratch/rules.yaml"
	kill -HUP "$watcher"
	until_true lines_are 3 'loaded again' "$scratch/err"
	"$scratch/bin/precious" a_old
	"$scratch/bin/precious" b_new
	expect "$name: other rules hold" until_true grep -q b_new "$scratch/out"
	expect "$name: and the old ones do not" lines_are 0 a_old "$scratch/out"
	echo '- rule: [' >"$scratch/rules.yaml"
	kill -HUP "$watcher"
	expect "$name: a broken file is reported" until_true grep -q 'rules.yaml:[0-9:]* .*the rules stay as they are' "$scratch/err"
	expect "$name: as a finding" until_true grep -q 'Error Rules could not be loaded: .*rules.yaml:' "$scratch/out"
	"$scratch/bin/precious" b_still
	expect "$name: and the old rules stay" until_true grep -q b_still "$scratch/out"
	watch_stop
	expect "$name: exit status 0" test $? = 0
	rules a >"$scratch/rules.yaml"
done

# ---- once
start --once
"$scratch/bin/precious" a1
wait "$watcher"
expect "--once: exit status 2 at the first finding" test $? = 2

# ---- health
store=$scratch/st/f.db
cd "$scratch" || exit 1 # a name without a place is that of a file here, also for another user
start --user nobody --store st/f.db --sink metrics:0
cd "$repo" || exit 1
judge=$(pgrep -P "$watcher")
port=$(listener "$judge")
if [ -n "$port" ] && command -v curl >/dev/null; then
	sleep 1.2
	expect "healthy" test "$(curl -s "http://127.0.0.1:$port/healthz")" = ok
	expect "ready" test "$(curl -s -w '%{http_code}' "http://127.0.0.1:$port/readyz")" = "ok
200"
	python3 - "$store" "$scratch/locked" <<'PY' &
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin immediate")
open(sys.argv[2], "w").close()
for _ in range(600):
    if os.path.exists(sys.argv[2] + ".enough"):
        break
    time.sleep(0.05)
db.execute("rollback")
PY
	until_true test -e "$scratch/locked"
	"$scratch/bin/precious" a_locked
	not_ready() {
		[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/readyz")" = 503 ]
	}
	expect "not ready while the store is locked" until_true not_ready
	expect "but healthy" test "$(curl -s "http://127.0.0.1:$port/healthz")" = ok
	touch "$scratch/locked.enough"
	expect "ready again" until_true curl -sf "http://127.0.0.1:$port/readyz"
	has_locked() {
		"$boltseal" findings export --store "$store" | grep -q a_locked
	}
	expect "and the finding is stored" until_true has_locked
else
	skip "health" "ss or curl is missing"
fi

# ---- the end of one of two
kill -9 "$judge"
wait "$watcher"
expect "who judges is killed: the other ends too" test $? = 1
expect "and says why" grep -q 'was ended by signal 9' "$scratch/err"
start --user nobody --store "$store"
expect "the gap is a finding" until_true grep -q 'Watching was interrupted: nothing was seen from' "$scratch/out"
judge=$(pgrep -P "$watcher")
kill -9 "$watcher"
wait "$watcher" 2>/dev/null
expect "who loads programs is killed: the other ends too" until_true ended "$judge"

# ---- rings that are full
start --ring 1 --store "$store.3"
kill -STOP "$watcher"
# shellcheck disable=SC2016 # for that shell
timeout -s KILL 30 sh -c 'i=0; while [ $i -lt 3000 ]; do /bin/true; i=$((i + 1)); done'
kill -CONT "$watcher"
expect "what is lost is a finding" until_true grep -q 'Warning Events were lost: records found no room: .*by processor' "$scratch/out"
watch_stop
expect "and exit status 3" test $? = 3

# ---- a full disk under the store: what is found waits
mkdir "$scratch/small"
rm -f "$err"
# shellcheck disable=SC2016 # for that shell
unshare -m --propagation private sh -c 'mount -t tmpfs -o size=3m none "$1/small" &&
	exec "$2" watch -r "$1/rules.yaml" --store "$1/small/f.db" >"$1/out" 2>"$1/err"' sh "$scratch" "$boltseal" &
watcher=$!
background+=("$watcher")
watch_ready
full=/proc/$watcher/root$scratch/small
dd if=/dev/zero of="$full/ballast" bs=4k count=1000 2>/dev/null
"$scratch/bin/precious" a_full
expect "a full disk: a message" until_true grep -q 'findings\? waits\?' "$scratch/err"
rm -f "$full/ballast"
expect "room again: they are stored" until_true grep -q 'findings are stored again' "$scratch/err"
cp "$full"/f.db* "$scratch/" 2>/dev/null
expect "all of them" grep -q a_full <("$boltseal" findings export --store "$scratch/f.db")
watch_stop

# ---- the clock is set: a library stands in for the kernel's
clock=$(find /usr/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
if [ -n "$clock" ]; then
	echo "+0" >"$scratch/clock"
	rm -f "$scratch/err"
	LD_PRELOAD=$clock FAKETIME_TIMESTAMP_FILE=$scratch/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
		"$boltseal" watch -r "$scratch/rules.yaml" --store "$store.2" >"$scratch/out" 2>"$scratch/err" &
	watcher=$!
	background+=("$watcher")
	watch_ready
	"$scratch/bin/precious" a_before
	sleep 0.3
	echo "-86400" >"$scratch/clock"
	expect "the clock was set: a finding" until_true grep -q 'Notice The clock was set: by -8[0-9]* s' "$scratch/out"
	"$scratch/bin/precious" a_before
	"$scratch/bin/precious" a_after
	expect "findings go on" until_true grep -q a_after "$scratch/out"
	watch_stop
	expect "and the same thing of another day is another finding" test \
		"$("$boltseal" findings export --store "$store.2" | grep -c a_before)" = 2
else
	skip "the clock is set" "libfaketime is not installed"
fi
tap_end
