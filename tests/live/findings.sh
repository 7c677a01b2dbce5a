#!/bin/bash
# boltseal watch with a store and sinks, and boltseal findings: a web server that is down and comes
# up, the end of boltseal by kill -9, repeats, metrics.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"

store=$scratch/findings.db
received=$scratch/received
export FINDING_FILE=$scratch/precious
echo secret >"$FINDING_FILE"

cat >"$scratch/rules.yaml" <<-END
	- rule: Precious file read
	  desc: A file that nobody should read was read.
	  condition: evt.type in (open, openat, openat2) and fd.name = $FINDING_FILE
	  output: read | file=%fd.name command=%proc.cmdline
	  priority: WARNING
	  tags: [T1552.001, mitre_credential_access]
	- rule: Precious program
	  desc: A program that nobody should run was run.
	  condition: evt.type = execve and proc.name startswith precious-
	  output: run | command=%proc.cmdline
	  priority: CRITICAL
	  tags: [mitre_execution, "Execution:Runtime/SuspiciousTool"]
END

start() { watch_start --rules "$scratch/rules.yaml" "$@"; }

findings() {
	"$boltseal" findings "$@" --store "$store"
}

# What boltseal tells of itself because of what others do on this machine: a 32-bit program, a flood, the clock.
of_others() {
	findings list --type 'agent:*' 2>/dev/null | grep -vc 'Watching was interrupted'
}
# Besides these there are so many.
count_is() {
	[ "$(findings list 2>/dev/null | wc -l)" = $(($1 + $(of_others))) ]
}

serve() {
	python3 "$repo/tests/unit/http_server.py" "$1" "$received" >"$scratch/port" &
	server=$!
	background+=("$server")
	until_true test -s "$scratch/port"
	port=$(cat "$scratch/port")
}

# A port that answers, and then does not.
serve 0
kill "$server"
wait "$server" 2>/dev/null

start --store "$store" --sink "http://127.0.0.1:$port/" --sink "file:$scratch/out.ndjson" --sink metrics:0
if ! kill -0 "$watcher" 2>/dev/null; then
	skip_all "watching does not work here: $(tail -n 1 "$err")"
fi
for _ in 1 2 3; do cat "$FINDING_FILE" >/dev/null; done
head -n 1 "$FINDING_FILE" >/dev/null
expect "repeats are one finding" until_true count_is 2
findings export >"$scratch/all"
expect "with their number" grep -q '"count":3.*"exe":"[^"]*/cat"' "$scratch/all"
expect "type, technique and advice" grep -q \
	'"type":"CredentialAccess:Runtime/PreciousFileRead","severity":5.0,.*"remedy":"Replace.*"T1552.001"' \
	"$scratch/all"

# What is in the store survives, and the next run knows it.
kill -9 "$watcher"
wait "$watcher" 2>/dev/null
expect "nothing is lost by kill -9" count_is 2
rm -f "$scratch/port"
serve "$port"
start --store "$store" --sink "http://127.0.0.1:$port/" --sink "file:$scratch/out.ndjson" \
	--sink "metrics:$scratch/metrics.prom"
cat "$FINDING_FILE" >/dev/null
tail -n 1 "$FINDING_FILE" >/dev/null
cp /bin/true "$scratch/precious-program"
"$scratch/precious-program" 17 >/dev/null
"$scratch/precious-program" 18 >/dev/null
expect "the next run goes on counting" until_true count_is 5
# What was on its way when the first run was killed may have come twice.
ids_received() { cut -d' ' -f2 "$received" | sort -u; }
ids_of() { sed 's/.*"id":"\([0-9a-f]\{8\}-[^"]*\)".*/\1/' "$1" | sort -u; }
received_is() {
	[ "$(ids_received | wc -l)" = "$1" ]
}
all_received() { received_is $((5 + $(of_others))); }
expect "what waited is delivered" until_true all_received
watch_stop
code=$?
expect "exit code 0" test $code = 0
all=$((5 + $(of_others)))
findings export >"$scratch/all"
expect "over both runs" grep -q '"count":4.*"exe":"[^"]*/cat"' "$scratch/all"
expect "the gap is a finding" grep -q \
	'"type":"Agent:Runtime/Gap".*nothing was seen from 20.* to 20' "$scratch/all"
expect "numbers in command lines do not matter" grep -q \
	'"Execution:Runtime/SuspiciousTool","severity":8.0.*"count":2' "$scratch/all"
expect "ids of the store" diff <(ids_received) <(ids_of "$scratch/all")
# shellcheck disable=SC2016 # Python
expect "what falcosidekick checks" python3 -c '
import datetime, json, sys
known = "emergency alert critical error warning notice informational debug".split()
for line in open(sys.argv[1]):
    f = json.loads(line.split(" ", 2)[2])
    assert f["priority"].lower() in known and f["rule"] and f["output_fields"], f
    datetime.datetime.strptime(f["time"][:19] + f["time"][29:], "%Y-%m-%dT%H:%M:%SZ")
    assert set(f) <= set("uuid output priority rule time output_fields source tags hostname".split())
    assert all(isinstance(t, str) for t in f["tags"])
' "$received"
expect "the file has all" diff <(ids_of "$scratch/out.ndjson") <(ids_of "$scratch/all")
expect "metrics" grep -q '^boltseal_rule_events_total{rule="Precious program",priority="Critical"} 2$' \
	"$scratch/metrics.prom"
has_metric() { # has_metric LINE: as an extended pattern
	grep -qE "^$1\$" "$scratch/metrics.prom"
}
expect "what it is" has_metric 'boltseal_build_info\{version="[^"]+"\} 1'
expect "rules" has_metric 'boltseal_rules 2'
expect "the process" has_metric 'process_(resident_memory_bytes|cpu_seconds_total) [1-9][0-9.]*'
if command -v promtool >/dev/null; then
	promtool check metrics <"$scratch/metrics.prom" >"$scratch/promtool" 2>&1 && [ ! -s "$scratch/promtool" ]
	expect "promtool has nothing to say" test $? = 0
else
	ok "promtool has nothing to say # SKIP promtool is not installed"
fi
expect "of the sinks" grep -q '^boltseal_sink_delivered_total{sink="http://127.0.0.1:[0-9]*/"} '"$all"'$' \
	"$scratch/metrics.prom"

# ---- boltseal findings
listed() { # listed N ARGUMENT...: so many lines
	local n=$1
	shift
	[ "$(findings "$@" | wc -l)" = "$n" ]
}
# A copy of the store, by somebody who may only read.
unprivileged_reads() {
	mkdir "$scratch/evidence"
	cp "$store" "$scratch/evidence/copy.db"
	chmod 755 "$scratch"
	chmod 444 "$scratch/evidence/copy.db"
	chmod 555 "$scratch/evidence"
	[ "$(setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$boltseal" findings list --store "$scratch/evidence/copy.db" | wc -l)" = "$all" ]
}

expect "list by severity" listed 1 list --severity high
expect "list by rule" listed 3 list --rule 'Precious file*'
expect "list by container" listed 0 list --container nobody
expect "list by time" listed "$all" list --since 1h
expect "list until" listed 0 list --until 1h
expect "limit" listed 2 list --limit 2
id=$(findings list --severity high | cut -c1-8)
expect "show by the beginning of an id" grep -q '^what to do' <(findings show "$id")
expect "show as JSON" python3 -c 'import json,sys; json.loads(sys.argv[1])["evidence"]["proc.cmdline"]' \
	"$(findings show "$id" -o json)"
expect "list as JSON" python3 -c 'import json,sys; assert len(json.loads(sys.argv[1])) == int(sys.argv[2])' \
	"$(findings list -o json)" "$all"
# shellcheck disable=SC2016 # Python
expect "export as a table" python3 -c '
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
assert len(rows) == int(sys.argv[2]) and all(None not in r and None not in r.values() for r in rows), rows
' <(findings export -o csv) "$all"
expect "export in Falco's form" python3 -c '
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
assert len(rows) == int(sys.argv[2]) and all(r["uuid"] and r["output_fields"] and r["priority"] for r in rows)
' <(findings export -o falco) "$all"
expect "export in OCSF's" python3 -c '
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
need = "activity_id category_uid class_uid type_uid severity_id time metadata finding_info".split()
assert len(rows) == int(sys.argv[2]) and all(k in r for r in rows for k in need)
assert all(r["type_uid"] == r["class_uid"] * 100 + r["activity_id"] for r in rows)
assert [r["count"] for r in rows].count(4) == 1
' <(findings export -o ocsf) "$all"
expect "list by type" listed 1 list --type 'agent:*/gap'
expect "list by technique" listed 3 list --technique t1552
expect "list by program" listed 1 list --program '*/cat'
expect "list by host" listed "$all" list --host "$(hostname)"
expect "list by image" listed 0 list --image nginx
expect "a day" listed "$all" list --since "$(date -u -d yesterday +%F)"
expect "a time elsewhere" listed 0 list --until "$(TZ=Asia/Tokyo date -d '1 hour ago' +%FT%T%:z)"
expect "stats of some" grep -q '^findings *1, of 4 events' <(findings stats --program '*/cat')
expect "columns for people" grep -q '^ID  *LAST SEEN' \
	<(script -qec "'$boltseal' findings list --store '$store'" /dev/null)
expect "a copy where nothing can be written" unprivileged_reads
expect "stats" grep -q "^findings *$all, of [0-9]* events" <(findings stats)
expect "stats of a rule" grep -q '^findings *4, of 8 events' <(findings stats --rule 'Precious*')
if findings show nonsense >/dev/null 2>"$scratch/none"; then
	not_ok "an id that is none"
else
	expect "an id that is none" grep -q 'there is no such finding' "$scratch/none"
fi

# ---- a damaged store is replaced, with a message
dd if=/dev/urandom of="$store" bs=4096 seek=1 count=8 conv=notrunc status=none
start --store "$store"
cat "$FINDING_FILE" >/dev/null
has_precious() {
	findings export | grep -q precious
}
expect "a damaged store: a new one" until_true has_precious
watch_stop
expect "and a message" grep -q 'was damaged: it is now' "$err"

# ---- a rule that wants a capture
cat >"$scratch/capture.yaml" <<-END
	- rule: Precious program
	  capture: true
	  override: {capture: replace}
END
"$boltseal" watch --rules "$scratch/rules.yaml" --rules "$scratch/capture.yaml" --for 1 \
	>"$scratch/watch.out" 2>"$scratch/watch.err"
expect "a rule that wants a capture is told that there is none" \
	grep -q 'warning: 1 rule wants a capture (capture: true); --captures=DIR' "$scratch/watch.err"

# ---- a program that does the same to very many files, over two runs
cat >"$scratch/many.yaml" <<-END
	- rule: Many files
	  desc: A file was made.
	  condition: evt.type = openat and fd.name startswith $scratch/many/ and evt.arg.flags contains O_CREAT
	  output: made %fd.name
	  priority: WARNING
	- rule: Few of many files
	  desc: A file was made.
	  condition: evt.type = openat and fd.name startswith $scratch/many/ and evt.arg.flags contains O_CREAT
	  output: made %fd.name
	  priority: WARNING
	  distinct_findings: 4
END
mkdir "$scratch/many"
store=$scratch/many.db
makes() { python3 -c 'import sys
for i in range(int(sys.argv[2]), int(sys.argv[3])):
    open(f"{sys.argv[1]}/{i}.locked", "w").close()' "$scratch/many" "$@"; }
of_many() { "$boltseal" findings export --store "$store" --rule 'Many files' >"$scratch/all"; }
further() {
	of_many && [ "$(wc -l <"$scratch/all")" = 31 ] && [ "$(grep -c '"further":true' "$scratch/all")" = 1 ] &&
		grep -q "\"count\":$1,.*made .*/many/30.locked.*only counted, here.*\"further\":true" "$scratch/all"
}
few() {
	"$boltseal" findings export --store "$store" --rule 'Few of many files' >"$scratch/few" &&
		[ "$(wc -l <"$scratch/few")" = 5 ] && grep -q "\"count\":$1,.*\"further\":true" "$scratch/few"
}
many=(--all --rules "$scratch/many.yaml" --store "$store" --distinct 30)
watch_start "${many[@]}"
makes 0 2000
expect "2,000 files are 30 findings, and one that counts the others" until_true further 1970
expect "four of a rule that says so, and one for the others" until_true few 1996
watch_stop
watch_start "${many[@]}"
makes 2000 2500
expect "the next run goes on with them" until_true further 2470
expect "and with those of the rule that says four" until_true few 2496
watch_stop

# ---- sinks without a store
start --sink "file:$scratch/plain.ndjson" --spool "$scratch/spool" --findings 2
cat "$FINDING_FILE" >/dev/null
cat "$FINDING_FILE" >/dev/null
wait "$watcher"
expect "without a store: the finding, not its repeat" lines_are 1 Precious "$scratch/plain.ndjson"

tap_end
