#!/bin/bash
# boltseal watch under faults and load: killed with -9 in the middle, many findings for a receiver that is
# away, full disks under spool and capture, a store that is locked or damaged when watching begins.
# (Short faults of each: agent.sh, findings.sh; an hour, and clocks: tests/vm/faults.sh.)
# Time limit: 500 s
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
chmod 755 "$scratch"
seen=$scratch/seen
store=$scratch/f.db
received=$scratch/received
mkdir "$seen"
cat >"$scratch/rules.yaml" <<-END
	- rule: Read
	  desc: d
	  condition: evt.type in (open, openat, openat2, creat) and fd.name startswith $seen/
	  output: read | file=%fd.name
	  priority: WARNING
END

start() { watch_start -r "$scratch/rules.yaml" --distinct 0 "$@"; }

# touch_files FROM N PAUSE: so many files are opened, of which $scratch/opened has the time of each.
touch_files() {
	python3 -c '
import os, sys, time
d, first, n, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
for i in range(first, first + n):
    t = time.time_ns()
    os.close(os.open(f"{d}/{i}", os.O_WRONLY | os.O_CREAT))
    print(i, t, flush=True)
    if pause and i % 10 == 0:
        time.sleep(pause)' "$seen" "$1" "$2" "$3" >>"$scratch/opened"
}

serve() {
	rm -f "$scratch/port"
	python3 "$repo/tests/live/receive.py" "$1" "$received" >"$scratch/port" 2>"$scratch/server" &
	server=$!
	background+=("$server")
	until_true test -s "$scratch/port"
	port=$(cat "$scratch/port")
}

received_is() {
	[ "$(wc -l <"$received")" -ge "$1" ]
}

export_all() {
	"$boltseal" findings export --store "$store" >"$scratch/all" 2>&1
}

# in_order FILE EXPRESSION: numbers of files, as the expression takes them out, only grow.
in_order() {
	sed -n "$2" "$1" | sort -n -C -u
}

# each_once: what was received are the findings of the store, by their ids.
each_once() {
	export_all
	cut -d' ' -f1 "$received" | sort >"$scratch/ids.received"
	sed 's/.*"id":"\([0-9a-f]\{8\}-[^"]*\)".*/\1/' "$scratch/all" | sort >"$scratch/ids.stored"
	diff "$scratch/ids.received" "$scratch/ids.stored" | head
	cmp "$scratch/ids.received" "$scratch/ids.stored"
}

serve 0
start --store "$store" --sink "http://127.0.0.1:$port/"
kill -0 "$watcher" 2>/dev/null || skip_all "watching does not work here: $(tail -n 1 "$scratch/err")"

# ---- killed with -9 under load, three times
for round in 1 2 3; do
	touch_files $((round * 100000)) 8000 0.004 &
	runner=$!
	background+=("$runner")
	sleep 0."$((round + 5))"
	export_all
	cp "$scratch/all" "$scratch/before.$round"
	cp "$received" "$scratch/received.$round"
	kill -9 "$watcher"
	wait "$watcher" 2>/dev/null
	sleep 0.5
	start --store "$store" --sink "http://127.0.0.1:$port/"
	wait "$runner"
done
sleep 1
export_all
total=$(wc -l <"$scratch/all")
patience=1200 until_true received_is "$total"
watch_stop
export_all
cat >"$scratch/judge.py" <<'PY'
import datetime, json, re, sys
scratch = sys.argv[1]
def ns(text):
    base = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return int(base.timestamp()) * 10**9 + int(text[20:29])
def read(name):
    return [json.loads(l) for l in open(f"{scratch}/{name}")]
what = sys.argv[2]
all = read("all")
ids = {f["id"] for f in all}
gaps = [re.search(r"from (\S+) to (\S+)", f["output"]) for f in all if f["type"] == "Agent:Runtime/Gap"]
gaps = [(ns(m[1]), ns(m[2])) for m in gaps]
files = {f["evidence"]["fd.name"].rsplit("/", 1)[1] for f in all if f["rule"] == "Read"}
opened = dict(l.split() for l in open(f"{scratch}/opened"))
if what == "stored":
    for r in "123":
        before = {f["id"] for f in read(f"before.{r}")}
        assert before and before <= ids, f"{len(before - ids)} of {len(before)} are gone"
        got = {l.split(" ")[0] for l in open(f"{scratch}/received.{r}")}
        assert got <= ids, f"{len(got - ids)} were delivered and are not stored"
elif what == "gaps":
    assert len(gaps) == 3, gaps
    missing = {i: int(t) for i, t in opened.items() if i not in files}
    assert missing, "nothing happened in the gaps"
    # The times are those before the call, events have that of its end.
    late = 20 * 10**6
    bad = {i: t for i, t in missing.items() if not any(a - late <= t <= b for a, b in gaps)}
    longest = max(b - a for a, b in gaps) / 1e9
    print(f"{len(opened)} files, {len(missing)} not seen, gaps of up to {longest:.1f} s")
    assert not bad, f"{len(bad)} of {len(missing)} not seen, but in no gap: {sorted(bad.items())[:3]} {gaps}"
    assert longest < 60, longest
PY
expect "killed with -9 three times under load: what was stored or delivered is stored" \
	python3 "$scratch/judge.py" "$scratch" stored
expect "what was not seen lies in the gaps that findings state" python3 "$scratch/judge.py" "$scratch" gaps
sed 's/^/# /' "$scratch/expect.log"
twice=$(cut -d' ' -f1 "$received" | sort | uniq -d | wc -l)
expect "each delivered once, but for what was on its way ($twice twice)" test "$twice" -le 3
# Each file was opened once.
expect "no event has two ids" test -z "$(cut -d' ' -f1,2- "$received" | sort -u -k1,1 | grep -o 'file=[^ "]*' | sort | uniq -d)"
expect "what came twice is the same" test -z "$(sort -u "$received" | cut -d' ' -f1 | uniq -d)"
expect "all of them" cmp <(cut -d' ' -f1 "$received" | sort -u) <(sed 's/.*"id":"\([0-9a-f]\{8\}-[^"]*\)".*/\1/' "$scratch/all" | sort)
# ---- the process that is root is killed: the one that judges ends by itself, and there is a gap
install -d -o nobody "$scratch/two"
start --store "$scratch/two/f.db" --user nobody
judge=$(pgrep -P "$watcher")
kill -9 "$watcher"
wait "$watcher" 2>/dev/null
until_true ended "$judge"
start --store "$scratch/two/f.db" --user nobody
expect "killed is who loads programs: the gap is a finding too" until_true grep -q \
	'Watching was interrupted: nothing was seen from 20.* to 20' "$scratch/out"
watch_stop
start --store "$scratch/two/f.db" --user nobody
watch_stop
expect "an end that was asked for is no gap" test "$(grep -c interrupted "$scratch/out")" = 0

# ---- many findings while the receiver is away (BOLTSEAL_FINDINGS=100000: the spool of 64 MiB gets full)
rm -rf "$store"* "$seen"
mkdir "$seen"
: >"$received"
kill "$server"
wait "$server" 2>/dev/null
many=${BOLTSEAL_FINDINGS:-20000}
start --store "$store" --sink "http://127.0.0.1:$port/" --sink "metrics:$scratch/m.prom"
touch_files 1000000 "$many" 0.0005
count_is() {
	[ "$(sed -n 's/^boltseal_store_committed_total //p' "$scratch/m.prom")" -ge "$1" ]
}
patience=1200 until_true count_is "$many"
expect "$many findings are stored" count_is "$many"
sleep 1.5
spool_bytes() {
	sed -n 's/^boltseal_sink_spool_bytes.* //p' "$scratch/m.prom"
}
expect "the spool keeps its bound ($(spool_bytes) bytes)" test "$(spool_bytes)" -le 67108864
[ "$many" -lt 60000 ] ||
	expect "and is full, which is told once" lines_are 1 'spool: is full' "$scratch/err"
begun=$SECONDS
serve "$port"
patience=4000 until_true received_is "$many"
echo "# $many delivered in $((SECONDS - begun)) s"
expect "nothing is dropped" grep -q '^boltseal_sink_dropped_total.* 0$' "$scratch/m.prom"
watch_stop
expect "each is delivered once, by its id" each_once
expect "in the order in which they were found" in_order "$received" "s|.*$seen/\([0-9]*\).*|\1|p"

# ---- the disk of the spool is full: what waits is in the store
rm -rf "$store"* "$seen"
mkdir "$seen" "$scratch/small"
: >"$received"
kill "$server"
wait "$server" 2>/dev/null
rm -f "$scratch/err"
# shellcheck disable=SC2016 # for that shell
unshare -m --propagation private sh -c 'mount -t tmpfs -o size=1m none "$1/small" &&
	exec "$2" watch -r "$1/rules.yaml" --distinct 0 --store "$1/f.db" --spool "$1/small" --sink "http://127.0.0.1:$3/" \
	--capture "$1/small/capture" >"$1/out" 2>"$1/err"' sh "$scratch" "$boltseal" "$port" &
watcher=$!
background+=("$watcher")
watch_ready
touch_files 2000000 3000 0.001
stored_are() {
	export_all
	[ "$(grep -c "$seen/" "$scratch/all")" = "$1" ]
}
expect "the disk of the spool is full: all findings are stored" until_true stored_are 3000
expect "and it is told" until_true grep -q 'small/http-.*spool: cannot be written: No space left' "$scratch/err"
expect "so is the end of the capture, once" lines_are 1 'small/capture: .*No space left' "$scratch/err"
# The capture takes the room that there is; it is not what the spool waits for.
: >"/proc/$watcher/root$scratch/small/capture"
serve "$port"
all_received() {
	patience=1200 until_true received_is 3000
}
expect "room again: all are delivered" all_received
watch_stop
expect "an incomplete capture is exit status 3" test $? = 3
expect "each once by its id" each_once
expect "and in order" in_order "$received" "s|.*$seen/\([0-9]*\).*|\1|p"

# ---- a store that is locked, or damaged, when watching begins
holds() { # holds SECONDS: another process has the store for itself
	rm -f "$scratch/locked"
	python3 - "$store" "$scratch/locked" "$1" <<'PY' &
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin exclusive")
open(sys.argv[2], "w").close()
time.sleep(float(sys.argv[3]))
db.execute("rollback")
PY
	until_true test -e "$scratch/locked"
}
holds 3
start --store "$store"
expect "locked for 3 s when watching begins: it waits" kill -0 "$watcher"
touch_files 3000000 1 0
expect "and stores" until_true stored_are 3001
watch_stop
for damage in head end middle; do
	cp "$store" "$scratch/whole.db"
	size=$(stat -c %s "$store")
	case $damage in
	head) dd if=/dev/zero of="$store" bs=100 count=1 conv=notrunc status=none ;;
	end) truncate -s $((size * 2 / 3)) "$store" ;;
	middle) dd if=/dev/urandom of="$store" bs=4096 seek=$((size / 8192)) count=4 conv=notrunc status=none ;;
	esac
	start --store "$store"
	touch_files 3000001 1 0
	again() {
		export_all
		grep -q "$seen/3000001" "$scratch/all"
	}
	expect "$damage damaged: findings are stored again" until_true again
	watch_stop
	saved=$(sed -n 's/.*a new one has the \([0-9]*\) findings that could be read/\1/p' "$scratch/err")
	case $damage in head) least=3001 ;; *) least=1500 ;; esac
	expect "$damage damaged: a message, and $saved of 3001 are saved" test "${saved:-0}" -ge "$least"
	rm -f "$store"*
	cp "$scratch/whole.db" "$store"
done

tap_end
