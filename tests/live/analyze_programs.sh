#!/bin/bash
# Ordinary programs: every system call that strace sees them make is one that analyze finds.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
command -v strace >/dev/null || skip_all "there is no strace"
export XDG_CACHE_HOME=$scratch/cache HOME=$scratch
mkdir "$XDG_CACHE_HOME" "$scratch/files"
cd "$scratch" || exit 1
for i in 1 2 3; do
	seq 3000 >"files/$i"
done

# made_by PROGRAM TRACE: the calls that processes made while they were running this program.
made_by() {
	python3 - "$@" <<'PY'
import os, re, sys
program, trace = sys.argv[1:]
running, asked, made = {}, {}, set()
for line in open(trace, errors="replace"):
    m = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed)(.*)", line)
    if not m:
        continue
    pid, call, rest = m.groups()
    result = re.search(r"= (-?\d+)[^=]*$", rest)
    if call == "execve":
        path = re.match(r'"([^"]*)"', rest)
        if path:
            asked[pid] = os.path.realpath(path[1])
        if result and result[1] == "0":
            running[pid] = asked.get(pid)
            continue
    if running.get(pid) == program:
        made.add(call)
    if call in ("clone", "clone3", "fork", "vfork") and result:
        running.setdefault(result[1], running.get(pid))
print("\n".join(sorted(made)))
PY
}

# contained COMMAND...: runs it, and compares.
contained() {
	local program found missing
	program=$(command -v "$1") || {
		skip "$*" "not here"
		return
	}
	program=$(readlink -f "$program")
	timeout 30 strace -f -qq -o trace "$@" >/dev/null 2>&1 </dev/null
	"$boltseal" analyze -o json "$program" >model.json 2>model.log
	found=$(python3 -c 'import json
for abi, calls in json.load(open("model.json"))["syscalls"].items():
    for c in calls:
        print(c["name"])' 2>>model.log)
	made_by "$program" trace >made
	missing=$(grep -vxF -f <(echo "$found") made | tr '\n' ' ')
	if [ -s made ] && [ -z "$missing" ]; then
		ok "$*: $(wc -l <made) calls are among $(wc -l <<<"$found")"
	else
		not_ok "$*: missing: $missing" model.log
	fi
}

contained ls -la /etc
contained sort --parallel=2 files/1
contained cp -a files copy
contained tar czf files.tar.gz files
contained tar xzf files.tar.gz
contained find files -type f -exec true '{}' ';'
contained gzip -k files/2
contained xz -T2 -k files/3
contained awk 'BEGIN { system("true"); "date" | getline x }'
contained dash -c 'ls | wc -l; trap : 1; kill -1 $$'
contained git init -q repository
contained curl -s http://127.0.0.1:9/
contained openssl req -x509 -newkey rsa:1024 -nodes -keyout key -out cert -subj /CN=a -days 1
contained ssh-keygen -q -t ed25519 -N '' -f ssh.key
contained sqlite3 base 'pragma journal_mode=wal; create table t (a); insert into t values (1); vacuum'
contained /usr/bin/python3 -c 'import socket as s, subprocess as p, threading as t; a, b = s.socketpair(); a.send(b"x"); b.recvmsg(1); t.Thread(target=p.run, args=(["true"],)).start()'
contained getent hosts localhost
tap_end
