#!/bin/bash
# The seccomp profile of `boltseal watch --user` (profiles/watch.json, watch-aarch64.json): recorded with boltseal itself and
# generated from the model. Without argument: records again and verifies that the profile allows it, and
# that the process runs under it. With --write: writes the profile anew.
# Time limit: 120 s
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
command -v curl >/dev/null || skip_all "curl is not installed"
arch=$(uname -m)
if [ "$arch" = x86_64 ]; then
	profile=$repo/profiles/watch.json others='dup2 access'
else
	profile=$repo/profiles/watch-$arch.json others='dup3 faccessat'
fi
chmod 755 "$scratch"
export FINDING_FILE=$scratch/precious
echo secret >"$FINDING_FILE"

rules() {
	cat <<-END
		- rule: Precious file read
		  desc: d
		  condition: evt.type in (open, openat, openat2) and fd.name = $FINDING_FILE
		  output: read | file=%fd.name user=%user.name group=%group.name image=%container.image
		  priority: WARNING
		- rule: Precious program
		  desc: d
		  condition: evt.type = execve and proc.name = precious and proc.cmdline regex ".*x+.*"
		  output: run | %proc.cmdline
		  priority: WARNING
	END
}

# one NAME OPTION...: a run with these options, recorded from the reading of its rules on.
one() {
	local name=$1
	shift
	dir=$scratch/$name
	mkdir "$dir" && chown nobody "$dir" && mkfifo -m 644 "$dir/rules"
	"$boltseal" watch --user nobody -r "$dir/rules" --store "$dir/f.db" "$@" >"$dir/out" 2>"$dir/err" &
	keeper=$!
	background+=("$keeper")
	until_true pgrep -P "$keeper" -x boltseal || return 1
	judge=$(pgrep -P "$keeper" -x boltseal)
	# It waits for somebody to write rules.
	until_true grep -q 'Sleeping\|sleeping' "/proc/$judge/status"
	"$boltseal" record --pid "$judge" --name watch --output "$dir/model.json" 2>"$dir/record" &
	recorder=$!
	background+=("$recorder")
	record_ready "$recorder"
	sleep 0.3
	rules >"$dir/rules"
	until_true grep -q 'watching with' "$dir/err" || return 1
	rm "$dir/rules"
	rules >"$dir/rules"
	cat "$FINDING_FILE" >/dev/null
	cp "/proc/$judge/status" "$dir/status"
	cp /bin/true "$dir/precious"
	"$dir/precious" xx
}

again() {
	kill -HUP "$keeper"
	until_true grep -q 'loaded again' "$dir/err"
	head -n 1 "$FINDING_FILE" >/dev/null
	sleep 1.5
}

finish() {
	kill -TERM "$keeper"
	wait "$keeper"
	wait "$recorder"
	if [ -s "$dir/model.json" ]; then
		ok "$1"
	else
		not_ok "$1" "$dir/record"
	fi
}

python3 "$repo/tests/unit/http_server.py" 0 "$scratch/received" >"$scratch/port" &
server=$!
background+=("$server")
until_true test -s "$scratch/port"
port=$(cat "$scratch/port")

one first --sink "http://127.0.0.1:$port/" --sink "http://localhost:1/" --sink "file:$scratch/first/f.out" \
	--sink syslog:udp://127.0.0.1:9 --sink syslog:tcp://localhost:1 --sink metrics:0 \
	--capture "$scratch/first/all.gz" --output "$scratch/first/o" -o json ||
	skip_all "watching does not work here: $(tail -n 1 "$scratch/first/err")"
again
metrics=$(ss -ltnpH 2>/dev/null | sed -n "s/.*127.0.0.1:\([0-9]*\) .*pid=$judge,.*/\1/p" | head -n 1)
[ -z "$metrics" ] || {
	curl -s "http://127.0.0.1:$metrics/metrics" >"$scratch/metrics"
	curl -s "http://127.0.0.1:$metrics/healthz" >"$scratch/health"
}
finish "a run with sinks, metrics, a capture and new rules is recorded"

# A store that is damaged, one that is locked, a broken file at reload, sockets of other kinds.
one second --sink syslog: --sink "metrics:$scratch/second/m.prom" --sink 'syslog:udp://[::1]:9' \
	--sink "http://[::1]:$port/#full"
again
finish "a run with other sinks"
mkdir "$scratch/third.old"
cp "$scratch/first/f.db" "$scratch/third.old/f.db"
one third
sqlite3=$(command -v python3)
"$sqlite3" - "$scratch/third/f.db" <<'PY'
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("begin immediate")
time.sleep(1)
db.execute("rollback")
PY
dd if=/dev/urandom of="$scratch/third/f.db" bs=4096 seek=1 count=8 conv=notrunc status=none
head -n 1 "$FINDING_FILE" >/dev/null
sleep 1
echo 'nonsense: [' >"$scratch/third/rules"
kill -HUP "$keeper"
until_true grep -q 'stay as they are' "$dir/err"
tail -n 1 "$FINDING_FILE" >/dev/null
sleep 1
finish "a run with faults"

# Responses: where the kernel kills, and executions, which are decided here. A control group with a container's
# name and mounts of its own stand for a container.
groups=/sys/fs/cgroup/unified
[ -d "$groups" ] || groups=/sys/fs/cgroup
group=$groups/docker/$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
inside() {
	# shellcheck disable=SC2016 # for the inner shell
	timeout 30 ${first:+nsenter -t "$first" -m} sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$@"
}
if mkdir -p "$group" 2>/dev/null && [ -e "$group/cgroup.procs" ]; then
	yara=
	if ldd "$boltseal" | grep -q libyara; then
		# shellcheck disable=SC2016 # for YARA
		echo 'rule Marked { strings: $a = "boltseal-nowhere" condition: $a }' >"$scratch/mark.yar"
		yara=", yara: [$scratch/mark.yar]"
	fi
	cat >"$scratch/policy.yaml" <<-END
		respond: [{rule: 'Precious program', do: [block-exec]}, {rule: 'Precious file read', do: [kill]}]
		exec: {hashes: [$(printf %064d 0)], models: [{image: nobody, model: $scratch/first/model.json}]$yara}
		limits: {container: {actions: 20, within: 1m}}
	END
	one fourth --respond=enforce --response "$scratch/policy.yaml" --respond-state "$scratch/state" -o json
	unshare -m sleep 20 &
	first=$!
	background+=("$first")
	echo "$first" >"$group/cgroup.procs"
	sleep 0.3
	inside "$dir/precious" xx
	until_true grep -q 'is forbidden (SHA-256' "$dir/out"
	if inside "$dir/precious" xx; then
		not_ok "responses: executions are refused" "$dir/out"
	else
		ok "responses: executions are refused"
	fi
	inside cat "$FINDING_FILE" >/dev/null
	again
	finish "a run with responses"
	while read -r process; do kill -KILL "$process"; done <"$group/cgroup.procs"
	wait "$first" 2>/dev/null
	until_true rmdir "$group"
	rmdir "$groups/docker" 2>/dev/null
else
	skip "a run with responses" "no control groups of version 2"
fi

models=("$scratch"/*/model.json)
"$boltseal" merge --output "$scratch/model.json" "${models[@]}" 2>"$scratch/merge"
if [ "${1-}" = --write ]; then
	# No container runtime loads it, so none needs calls of its own.
	cat >"$scratch/none.json" <<-END
		{"format": "boltseal.workload/2", "identity": {"name": "none", "arch": "$arch"},
		"sources": [{"kind": "ebpf", "target": "nothing", "started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:00:00Z", "kernel": "6.1", "version": "0.1.0", "runs": 1, "complete": true}],
		"syscalls": {"$arch": [{"name": "exit_group", "phases": ["runtime_sealed"], "sources": [0]}]}}
	END
	# What the C library does when it asks a DNS server, moves or sorts much, looks whether a file is
	# there, or aborts, and --live with a terminal.
	calls='"phases": ["serving"], "sources": [0]'
	cat >"$scratch/libc.json" <<-END
		{"format": "boltseal.workload/2", "identity": {"name": "watch", "arch": "$arch"},
		"sources": [{"kind": "import", "target": "the C library", "started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:00:00Z", "kernel": "6.1", "version": "0.1.0", "runs": 1, "complete": true}],
		"syscalls": {"$arch": [{"name": "sendmmsg", $calls}, {"name": "mremap", $calls}, {"name": "gettid", $calls}, {"name": "tgkill", $calls}, {"name": "sched_getaffinity", $calls}, {"name": "pipe2", $calls}, {"name": "sysinfo", $calls}, {"name": "${others% *}", $calls}, {"name": "${others#* }", $calls},
		{"name": "socket", $calls, "arguments": [{"index": [0, 1, 2], "value": [16, 3, 0], $calls}]}]}}
	END
	"$boltseal" merge --output "$scratch/both.json" "$scratch/model.json" "$scratch/libc.json"
	"$boltseal" generate seccomp --dialect oci --allow-incomplete --unseen none --base "$scratch/none.json" \
		--clone3 allow --output "$profile" "$scratch/both.json"
	# This process executes nothing.
	sed -i '/"execve",*$/d' "$profile"
	exit
fi
confined() {
	grep -q '^Uid:.65534.65534.65534.65534$' "$1" && grep -q '^Gid:.65534.65534.65534.65534$' "$1" &&
		grep -q '^CapEff:.0*$' "$1" && grep -q '^CapPrm:.0*$' "$1" && grep -q '^NoNewPrivs:.1$' "$1" &&
		grep -q '^Seccomp:.2$' "$1"
}
if confined "$scratch/first/status"; then
	ok "who judges is another user, without capabilities, under the filter"
else
	not_ok "who judges is another user, without capabilities, under the filter" "$scratch/first/status"
fi
findings=$("$boltseal" findings list --store "$scratch/first/f.db" | wc -l)
if [ "$findings" -ge 3 ] && [ "$(wc -l <"$scratch/received")" -ge 3 ] && [ "$(wc -l <"$scratch/first/f.out")" -ge 3 ] &&
	[ "$(cat "$scratch/health")" = ok ] && ! grep -i 'not permitted' "$scratch"/*/err; then
	ok "and everything works: findings, sinks, metrics, health"
else
	not_ok "and everything works: findings, sinks, metrics, health" "$scratch/first/err"
fi
if "$boltseal" verify --profile "$profile" "$scratch/model.json" >"$scratch/verify" 2>&1; then
	ok "the profile allows all that was recorded"
else
	not_ok "the profile allows all that was recorded" "$scratch/verify"
fi
tap_end
