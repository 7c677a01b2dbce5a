#!/bin/bash
# capture_mix.sh BOLTSEAL CAPTURE RULES...: what a machine does that compiles, starts programs, reads files
# and connects, captured live as the rules ask for it. As root.
set -euo pipefail
boltseal=$1 capture=$2
shift 2
rules=()
for file; do
	rules+=(-r "$file")
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"; kill "$watcher" 2>/dev/null || true' EXIT

"$boltseal" watch "${rules[@]}" --capture "$capture" >/dev/null 2>"$dir/err" &
watcher=$!
until grep -q 'watching with' "$dir/err"; do
	kill -0 "$watcher" || {
		cat "$dir/err"
		exit 1
	}
	sleep 0.05
done
printf '#include <stdio.h>\n#include <sys/socket.h>\nint main(void) { return puts("x") < 0; }\n' >"$dir/a.c"
for i in 1 2 3 4 5 6 7 8; do
	cc -O1 -o "$dir/a" "$dir/a.c"
	"$dir/a"
	find /usr/lib/python3 /etc -type f -size -20k -print0 >"$dir/files" || true
	head -z -n 400 "$dir/files" | xargs -0 cat || true
	python3 -c '
import json, socket, subprocess, email, http.client
for i in range(40):
    s = socket.socket(); s.settimeout(0.2)
    try: s.connect(("127.0.0.1", 9))
    except OSError: pass
    s.close()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(60):
    try: u.sendto(b"x", ("127.0.0.1", 8125))
    except OSError: pass
subprocess.run(["sh", "-c", "ls -l / | sort | head -n 3; id; cat /etc/hosts"])
'
	echo "$i" >"$dir/log"
done >/dev/null 2>&1
kill -TERM "$watcher"
wait "$watcher" || true
grep records "$dir/err"
