#!/bin/bash
# Another thread changes the name or the address of a call that waits in the kernel: with --entry rules see what
# the call was given and what stands there at its end; what the kernel opened they see anyhow.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ "$(uname -m)" = x86_64 ] || skip_all "no numbers of calls for $(uname -m)"
cat >"$scratch/rules.yaml" <<'END'
- macro: actor
  condition: (proc.name = entry-actor)
- rule: Secret opened
  desc: d
  condition: evt.type = open and actor and fd.name endswith /secret and evt.is_open_read = true
  output: 'name=%fd.name raw=%fd.nameraw res=%evt.res'
  priority: INFO
- rule: Public opened
  desc: d
  condition: evt.type = open and actor and fd.name endswith /public
  output: 'name=%fd.name raw=%fd.nameraw res=%evt.res'
  priority: INFO
- rule: First port
  desc: d
  condition: evt.type = connect and actor and fd.rport = 4301 and evt.res startswith E and evt.res != EINPROGRESS
  output: 'name=%fd.name res=%evt.res'
  priority: INFO
- rule: Second port
  desc: d
  condition: evt.type = connect and actor and fd.rport = 4302
  output: 'name=%fd.name res=%evt.res'
  priority: INFO
END
# watched NAME [OPTION]...: findings of one run, as RULE and a blank and evt.res, in $scratch/NAME.
watched() {
	local name=$1
	shift
	mkdir "$scratch/$name.folder"
	timeout -s KILL 50 "$boltseal" watch "$@" --rules "$scratch/rules.yaml" --all -o json --output "$scratch/$name.json" \
		2>"$scratch/log" &
	watcher=$!
	background+=("$watcher")
	for _ in $(seq 200); do
		grep -q 'watching with' "$scratch/log" && break
		kill -0 "$watcher" 2>/dev/null || break
		sleep 0.05
	done
	if ! grep -q 'watching with' "$scratch/log"; then
		grep -q 'no right\|refuses\|no BTF' "$scratch/log" && skip_all "$(cat "$scratch/log")"
		not_ok "it watches $*" "$scratch/log"
		return
	fi
	# shellcheck disable=SC2016 # for the inner shell
	timeout 30 unshare -n sh -c 'ip link set lo up; exec "$0" "$1"' "$here/watch_entry.py" "$scratch/$name.folder" \
		>"$scratch/acted" 2>&1 || not_ok "the calls are made" "$scratch/acted"
	sleep 0.3
	pkill -TERM -P "$watcher" -x boltseal || true
	wait "$watcher" || not_ok "nothing is lost $*" "$scratch/log"
	python3 - "$scratch/$name.json" >"$scratch/$name" <<'PY'
import json, sys
for line in open(sys.argv[1]):
    x = json.loads(line)
    if "evt.res" in x["output_fields"]:
        print(x["rule"], x["output_fields"]["evt.res"])
PY
}

# has NAME DESCRIPTION LINE / lacks NAME DESCRIPTION LINE
has() { if grep -qx "$3" "$scratch/$1"; then ok "$2"; else not_ok "$2" "$scratch/$1"; fi; }
lacks() { if grep -qx "$3" "$scratch/$1"; then not_ok "$2" "$scratch/$1"; else ok "$2"; fi; }

watched without
watched with --entry --capture "$scratch/capture"
has without "the file that the kernel opened counts, whatever is in memory" "Secret opened SUCCESS"
has without "and what is in memory" "Public opened SUCCESS"
lacks without "without --entry the name of an open that fails can be hidden" "Secret opened ERESTARTSYS"
has with "with it: the name at the beginning of an open that fails" "Secret opened ERESTARTSYS"
has with "and at its end" "Public opened ERESTARTSYS"
has with "of one that succeeds" "Secret opened SUCCESS"
has with "and at its end" "Public opened SUCCESS"
has without "the address that the kernel connects to counts, whatever is in memory" "First port ERESTARTSYS"
lacks without "and not what is in memory" "Second port ERESTARTSYS"
"$boltseal" watch --rules "$scratch/rules.yaml" --all -o json --replay "$scratch/capture" >"$scratch/replayed" 2>"$scratch/log"
if [ "$(grep -c ERESTARTSYS "$scratch/replayed")" = "$(grep -c ERESTARTSYS "$scratch/with.json")" ]; then
	ok "a capture has both"
else
	not_ok "a capture has both" "$scratch/log"
fi
tap_end
