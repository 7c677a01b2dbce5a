#!/bin/bash
# Do both recorders write the same model?   tests/live/same_model.sh
#
# Records one workload (files made, moved, linked, deleted; programs; threads; sockets) with eBPF and
# with ptrace and compares the models: system calls and arguments by phase, files with accesses,
# programs, network. Capabilities: ptrace concludes them from calls, so it may know fewer, never others.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "needs root"

cat >"$scratch/workload.sh" <<'SH'
set -e
d=$1
mkdir -p $d/a/b; echo one >$d/a/f; echo two >>$d/a/f; cat $d/a/f /etc/hostname
mv $d/a/f $d/a/g; ln -s g $d/a/h; cat $d/a/h; ln $d/a/g $d/a/i
chmod 600 $d/a/g; chown 7:7 $d/a/g; (cd $d/a; ls -l | sort | head -n 1); rm -r $d/a
cat /nonexistent 2>/dev/null || true
python3 -c "
import socket, threading, os
s = socket.socket()
s.bind(('127.0.0.1', 0))
s.listen()
def client():
    k = socket.create_connection(s.getsockname())
    k.send(b'x')
    k.close()
t = threading.Thread(target=client)
t.start()
q, _ = s.accept()
q.recv(1)
t.join()
u = socket.socket(socket.AF_UNIX)
u.bind('$d/sock')
os.unlink('$d/sock')
v = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
v.sendto(b'x', ('::1', 9))
"
SH

cat >"$scratch/compare.py" <<'PY'
import json, sys
a, b = (json.load(open(p)) for p in sys.argv[1:3])
part = sys.argv[3]
PHASES = {"start", "serving"}
TIMING = {"futex", "restart_syscall"}  # whether a thread has to wait

def calls(m):
    return {(abi, s["name"]) for abi, l in m["syscalls"].items() for s in l
            if PHASES & set(s["phases"])} - {(abi, n) for abi in m["syscalls"] for n in TIMING}

def arguments(m):
    return {(abi, s["name"], tuple(c["index"]), tuple(c["value"]))
            for abi, l in m["syscalls"].items() for s in l for c in s.get("arguments", [])
            if PHASES & set(c["phases"])}

def files(m):
    return {(f["path"], w) for f in m["files"] for w in f["access"]}

def programs(m):
    return {(p["path"], p.get("interpreter"), tuple(p.get("parents", []))) for p in m["programs"]}

def network(m):  # ephemeral ports differ
    return {(n["op"], n["family"], n.get("type"), n.get("address"), n.get("port", 0) > 1024)
            for n in m["network"]}

def capabilities(m):
    return {(c["name"], c["result"]) for c in m["capabilities"]
            if any(not u.get("speculative") for u in c["uses"])}

x, y = globals()[part](a), globals()[part](b)
if part == "capabilities":
    x &= y
for one in sorted(map(str, x - y)):
    print("only eBPF:", one)
for one in sorted(map(str, y - x)):
    print("only ptrace:", one)
print(len(x), "entries")
sys.exit(x != y)
PY

mkdir "$scratch/d"
sh "$scratch/workload.sh" "$scratch/d" >/dev/null 2>&1 # Python keeps modules that it had to compile
sleep 1 # folders that are there before are told apart by their age in seconds
for method in ebpf ptrace; do
	if timeout 60 "$boltseal" record --method $method --output "$scratch/$method.json" -- \
		sh "$scratch/workload.sh" "$scratch/d" >/dev/null 2>"$scratch/$method.log"; then
		ok "$method: recorded"
	else
		not_ok "$method: recorded" "$scratch/$method.log"
	fi
done
for part in calls arguments files programs network capabilities; do
	if python3 "$scratch/compare.py" "$scratch/ebpf.json" "$scratch/ptrace.json" $part \
		>"$scratch/result" 2>&1; then
		ok "$part: $(tail -n 1 "$scratch/result")"
	else
		not_ok "$part" "$scratch/result"
	fi
done
tap_end
