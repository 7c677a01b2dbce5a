#!/bin/bash
# Signals to an agent in each way that a kernel has for it: our own rule tells them, with the names of all
# processes that they went to, in one process and in two.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
export BOLTSEAL_RULES=$repo/rules
mkdir "$scratch/agents"
cp "$(readlink -f /bin/sh)" "$scratch/agents/auditd"
ln -s "$(python3 -c 'import sys; print(sys.executable)')" "$scratch/agents/tracee"

# told FILE: the rule's findings as TYPE SIGNAL TARGETS.
told() {
	python3 - "$1" <<'PY'
import json
import sys

for line in open(sys.argv[1], encoding="utf-8"):
    found = json.loads(line)
    of = found["output_fields"]
    if found["rule"] == "Defence ended by a signal" and "watch_signals.py" in of["proc.cmdline"]:
        print(of["evt.type"], of["evt.arg.sig"], " ".join(sorted(of["evt.arg.pid"].split())))
PY
}
cat >"$scratch/expected" <<'END'
kill SIGTERM auditd
tkill SIGTERM auditd
tgkill SIGTERM auditd
rt_sigqueueinfo SIGTERM auditd
rt_tgsigqueueinfo SIGTERM auditd
pidfd_send_signal SIGTERM auditd
pidfd_send_signal SIGTERM auditd
kill SIGTERM auditd
kill SIGTERM auditd python3
kill SIGTERM auditd sh
tkill SIGKILL tracee
END

for how in "one process" "two processes"; do
	options=()
	[ "$how" = "one process" ] || options=(--user nobody)
	rm -f "$scratch/found.json"
	install -o nobody -m 0600 /dev/null "$scratch/found.json"
	chmod 0711 "$scratch"
	if ! watch_start "${options[@]}" -o json --output "$scratch/found.json"; then
		watch_refused && skip_all "$(cat "$err")"
		not_ok "it watches, $how" "$err"
		continue
	fi
	timeout 60 "$here/watch_signals.py" "$scratch/agents/auditd" "$scratch/agents/tracee" >"$scratch/sent" 2>&1 ||
		not_ok "the signals are sent, $how" "$scratch/sent"
	watch_stop || not_ok "nothing is lost, $how" "$err"
	same "each way is told once, with its targets, $how" "$(cat "$scratch/expected")" "$(told "$scratch/found.json")"
done
tap_end
