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
	if ! watch_start "$@" --rules "$scratch/rules.yaml" --all -o json --output "$scratch/$name.json"; then
		watch_refused && skip_all "$(cat "$err")"
		not_ok "it watches $*" "$err"
		return
	fi
	# shellcheck disable=SC2016 # for the inner shell
	timeout 30 unshare -n sh -c 'ip link set lo up; exec "$0" "$1"' "$here/watch_entry.py" "$scratch/$name.folder" \
		>"$scratch/acted" 2>&1 || not_ok "the calls are made" "$scratch/acted"
	watch_stop || not_ok "nothing is lost $*" "$err"
	python3 - "$scratch/$name.json" >"$scratch/$name" <<'PY'
import json, sys
for line in open(sys.argv[1]):
    x = json.loads(line)
    if "evt.res" in x["output_fields"]:
        print(x["rule"], x["output_fields"]["evt.res"])
PY
}

watched without
watched with --entry --capture "$scratch/capture"
has "the file that the kernel opened counts, whatever is in memory" "Secret opened SUCCESS" "$scratch/without"
has "and what is in memory" "Public opened SUCCESS" "$scratch/without"
lacks "without --entry the name of an open that fails can be hidden" "Secret opened ERESTARTSYS" "$scratch/without"
has "with it: the name at the beginning of an open that fails" "Secret opened ERESTARTSYS" "$scratch/with"
has "and at its end" "Public opened ERESTARTSYS" "$scratch/with"
has "of one that succeeds" "Secret opened SUCCESS" "$scratch/with"
has "and at its end" "Public opened SUCCESS" "$scratch/with"
has "the address that the kernel connects to counts, whatever is in memory" "First port ERESTARTSYS" "$scratch/without"
lacks "and not what is in memory" "Second port ERESTARTSYS" "$scratch/without"
"$boltseal" watch --rules "$scratch/rules.yaml" --all -o json --replay "$scratch/capture" >"$scratch/replayed" 2>"$scratch/log"
if [ "$(grep -c ERESTARTSYS "$scratch/replayed")" = "$(grep -c ERESTARTSYS "$scratch/with.json")" ]; then
	ok "a capture has both"
else
	not_ok "a capture has both" "$scratch/log"
fi
tap_end
