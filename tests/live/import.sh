#!/bin/bash
# Do imported logs say what a recording says?   tests/live/import.sh
#
# One workload is recorded, and traced by the real strace in every form that it can print; the models
# have to agree: calls, arguments, phases, files, programs, network, capabilities.
# Time limit: 240 s
set -euo pipefail

# In a network of its own, where its port is free.
if [ -z "${BOLTSEAL_OWN_NETWORK:-}" ] && [ "$(id -u)" = 0 ]; then
	# shellcheck disable=SC2016 # for the inner shell
	BOLTSEAL_OWN_NETWORK=1 exec unshare -n sh -c 'busybox ip link set lo up; exec "$0" "$@"' \
		"${BASH_SOURCE[0]}" "$@"
fi

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "needs root"
command -v strace >/dev/null || skip_all "strace is not installed"

# What a profile would have denied goes back into the model, until nothing is missing. First by the
# report of boltseal run, then by the kernel's log (SECCOMP_RET_LOG), which goes on beside the rest: the
# kernel logs ten records in five seconds and drops the others.
program=(/usr/bin/python3 -c '
import os, socket, threading
t = threading.Thread(target=os.getpid)
t.start()
t.join()
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print("worked")')
"$boltseal" record --method ptrace --output "$scratch/base.json" -- /bin/cat /etc/hostname \
	>/dev/null 2>&1

# profile FILE OPTION...
profile() {
	"$boltseal" generate seccomp --allow-incomplete --output "$@" 2>/dev/null
}

# enforced NAME MODEL: a profile made from the model lets the program do its work.
enforced() {
	if profile "$scratch/profile.json" "$2" &&
		"$boltseal" run --profile "$scratch/profile.json" -- "${program[@]}" \
			>"$scratch/out" 2>&1 && grep -q worked "$scratch/out"; then
		ok "$1: the profile made from it is enough"
	else
		not_ok "$1: the profile made from it is enough" "$scratch/out"
	fi
}

# From $scratch/logged.json on; the rounds that it took are in $scratch/rounds.
learn_from_log() {
	local round name
	cp "$scratch/base.json" "$scratch/logged.json"
	for round in 1 2 3 4 5 6; do
		profile "$scratch/logged.profile" --mode complain "$scratch/logged.json"
		sleep 6
		name=bs${$}r$round # a name of its own in the log
		ln -sf /usr/bin/python3 "$scratch/$name"
		"$boltseal" run --profile "$scratch/logged.profile" -- "$scratch/$name" "${program[@]:1}" \
			>/dev/null 2>&1 || true
		dmesg | "$boltseal" import audit --comm "$name" - 2>"$scratch/audit.err" \
			>"$scratch/denied.json" || break
		"$boltseal" merge "$scratch/logged.json" "$scratch/denied.json" --output "$scratch/logged.json"
	done
	echo "$round" >"$scratch/rounds"
}
from_log=
if dmesg >/dev/null 2>&1; then
	learn_from_log &
	from_log=$!
	background+=("$from_log")
fi

# Folders for the workload, made in time: files that are there before are told apart by their age in seconds.
for made in $(seq 20); do mkdir "$scratch/w.$made"; done
sleep 1

# workload COMMAND...: runs the workload under the command, in a folder that is new each time.
workload() {
	rm -rf "$scratch/w"
	mv "$scratch/w.$made" "$scratch/w"
	made=$((made - 1))
	timeout 60 "$@" /bin/sh "$here/import_workload" "$scratch/w" /usr/bin/python3 >/dev/null
}

# import_strace NAME FILE...: the model goes to NAME.json.
import_strace() {
	local name=$1
	shift
	if ! "$boltseal" import strace --root / --output "$scratch/$name.json" "$@" \
		2>"$scratch/$name.err"; then
		not_ok "strace, $name: imported" "$scratch/$name.err"
		return 1
	fi
}

# agree NAME PART...: these parts are those of the recording.
agree() {
	local name=$1
	shift
	if python3 "$here/import_compare.py" "$scratch/recorded.json" "$scratch/$name.json" "$@" \
		>"$scratch/result" 2>&1; then
		ok "strace, $name: $(tr '\n' ',' <"$scratch/result" | sed 's/ entries//g; s/,$//; s/,/, /g')"
	else
		grep only "$scratch/result" | head -n 12 >"$scratch/short" || cp "$scratch/result" "$scratch/short"
		not_ok "strace, $name" "$scratch/short"
	fi
}

if workload "$boltseal" record --method ptrace --output "$scratch/recorded.json" -- \
	2>"$scratch/record.err"; then
	ok "recorded"
else
	not_ok "recorded" "$scratch/record.err"
fi

# form NAME OPTION...: one form of a log, compared in all parts.
form() {
	local name=$1
	shift
	workload strace -f "$@" -o "$scratch/$name.log"
	import_strace "$name" "$scratch/$name.log" || return 0
	agree "$name" calls arguments phases by_program files programs network capabilities
}
form paths -y
form relative-time -r -y
form everything -ttt -T -n -i -yy -Y
form numbers --timestamps=unix,ns -X raw -y
form verbose -X verbose -y -s 4

workload strace -f -tt -y 2>"$scratch/stderr.log"
if import_strace stderr "$scratch/stderr.log"; then
	agree stderr calls arguments phases by_program files programs network capabilities
fi

# Without -y a name that is a link cannot be told from the file: everything but files.
workload strace -f -o "$scratch/plain.log"
if import_strace plain "$scratch/plain.log"; then
	agree plain calls arguments phases by_program programs network capabilities
fi

# One file for each process: no order between them, so no phases.
workload strace -ff -y -o "$scratch/split"
if import_strace split "$scratch"/split.*; then
	agree split calls arguments by_program files programs network capabilities
fi

# Only numbers: argument values are there, but for clone3, whose flags are behind a pointer.
workload strace -f -e raw=all -o "$scratch/raw.log"
import_strace raw "$scratch/raw.log" && agree raw calls
if grep -q "raw arguments" "$scratch/raw.err" &&
	python3 -c '
import json, sys
raw, rec = ({(s["name"], tuple(c["value"])) for s in json.load(open(p))["syscalls"]["x86_64"]
             for c in s.get("arguments", []) if s["name"] != "clone3"} for p in sys.argv[1:])
sys.exit(raw != rec)' "$scratch/raw.json" "$scratch/recorded.json"; then
	ok "strace, raw: argument values"
else
	not_ok "strace, raw: argument values" "$scratch/raw.err"
fi

workload strace -f -c -o "$scratch/count.log"
import_strace count "$scratch/count.log" && agree count calls
workload strace -f -c -U calls,name -o "$scratch/columns.log"
import_strace columns "$scratch/columns.log" && agree columns calls

workload strace -f -e trace=openat -o "$scratch/filtered.log"
import_strace filtered "$scratch/filtered.log" || true
if grep -q "no execve, mmap, close, exit_group in the log" "$scratch/filtered.err" &&
	grep -q '"complete": false' "$scratch/filtered.json"; then
	ok "strace, filtered: said"
else
	not_ok "strace, filtered: said" "$scratch/filtered.err"
fi

# 32-bit programs.
if gcc -m32 -idirafter /usr/include/x86_64-linux-gnu -o "$scratch/compat" "$here/compat.c" 2>"$scratch/gcc.err"; then
	"$boltseal" record --method ptrace --output "$scratch/recorded.json" -- "$scratch/compat" \
		2>/dev/null
	strace -f -n -o "$scratch/compat.log" "$scratch/compat"
	import_strace compat "$scratch/compat.log" && agree compat calls arguments files programs
else
	skip "strace, 32 bits" "gcc has no 32-bit libraries"
fi

profile "$scratch/profile.json" "$scratch/base.json"
if "$boltseal" run --profile "$scratch/profile.json" -- "${program[@]}" >"$scratch/out" 2>&1; then
	not_ok "loop: the first profile is not enough"
else
	ok "loop: the first profile is not enough"
fi
"$boltseal" run --mode complain -o json --report "$scratch/report.json" \
	--profile "$scratch/profile.json" -- "${program[@]}" >/dev/null 2>&1 || true
"$boltseal" import run "$scratch/report.json" 2>/dev/null |
	"$boltseal" merge "$scratch/base.json" - --output "$scratch/learnt.json"
enforced "report of run" "$scratch/learnt.json"

# Policies: a model made from a policy and the policy made from it again say the same.
"$boltseal" import tests/golden/web.apparmorprofile.yaml 2>/dev/null |
	"$boltseal" generate spo --kind AppArmorProfile --allow-incomplete - \
		>"$scratch/again.yaml" 2>/dev/null || true
if cmp -s "$scratch/again.yaml" tests/golden/web.apparmorprofile.yaml; then
	ok "spo: an AppArmorProfile there and back"
else
	not_ok "spo: an AppArmorProfile there and back" "$scratch/again.yaml"
fi
for profile in tests/golden/web.seccomp.docker.json /usr/share/containers/seccomp.json; do
	if [ ! -f "$profile" ]; then
		skip "seccomp: $profile" "not installed"
	elif "$boltseal" import seccomp --output "$scratch/policy.json" "$profile" 2>/dev/null &&
		"$boltseal" verify --profile "$profile" "$scratch/policy.json" >"$scratch/out" 2>&1; then
		ok "seccomp: $profile denies nothing of its own model"
	else
		not_ok "seccomp: $profile denies nothing of its own model" "$scratch/out"
	fi
done
parser=$(PATH=$PATH:/usr/sbin command -v apparmor_parser || true)
for profile in tests/golden/web.apparmor /etc/apparmor.d/usr.bin.man; do
	# Patterns in numbers take the parser minutes: there only their syntax is looked at.
	how=(-Q -K)
	[ "$profile" = tests/golden/web.apparmor ] || how=(-N)
	if [ -z "$parser" ] || [ ! -f "$profile" ]; then
		skip "apparmor: $profile" "apparmor_parser or the profile is not installed"
	elif "$boltseal" import apparmor --output "$scratch/policy.json" "$profile" 2>"$scratch/out" &&
		"$boltseal" generate apparmor --allow-incomplete --output "$scratch/again.apparmor" \
			"$scratch/policy.json" 2>>"$scratch/out" &&
		"$parser" "${how[@]}" "$scratch/again.apparmor" >>"$scratch/out" 2>&1; then
		ok "apparmor: $profile there and back, and the parser takes it (${how[*]})"
	else
		not_ok "apparmor: $profile there and back, and the parser takes it" "$scratch/out"
	fi
done

# A profile through the model into a profile: it allows nothing less.
for profile in tests/golden/web.seccomp.docker.json /usr/share/containers/seccomp.json; do
	if [ ! -f "$profile" ]; then
		skip "seccomp: $profile there and back allows nothing less" "not installed"
	elif "$boltseal" import seccomp --output "$scratch/policy.json" "$profile" 2>"$scratch/out" &&
		"$boltseal" generate seccomp --allow-incomplete --output "$scratch/again.json" \
			"$scratch/policy.json" 2>"$scratch/out" &&
		"$boltseal" verify --subset "$profile" "$scratch/again.json" >"$scratch/out" 2>&1; then
		ok "seccomp: $profile there and back allows nothing less"
	else
		not_ok "seccomp: $profile there and back allows nothing less" "$scratch/out"
	fi
done

# Streams without an end: --max-size and --max-time end them, and the model says so.
if { yes '1 getpid() = 1' || true; } | "$boltseal" import strace --max-size 1 --output "$scratch/endless.json" - \
	2>"$scratch/out" && grep -q '"complete": false.*the limit of --max-size' "$scratch/endless.json"; then
	ok "a log without an end is read up to --max-size"
else
	not_ok "a log without an end is read up to --max-size" "$scratch/out"
fi
if { echo '1 getpid() = 1'; sleep 3; } |
	"$boltseal" import strace --max-time 1 --output "$scratch/endless.json" - 2>"$scratch/out" &&
	grep -q '"complete": false.*the limit of --max-time' "$scratch/endless.json"; then
	ok "a log that nobody writes on is read up to --max-time"
else
	not_ok "a log that nobody writes on is read up to --max-time" "$scratch/out"
fi
if [ -n "$from_log" ]; then
	wait "$from_log" || true
	round=$(cat "$scratch/rounds")
	if [ "${round:-0}" -gt 1 ] && grep -q "none is of seccomp\|no audit record" "$scratch/audit.err"; then
		ok "kernel log: nothing is denied after $((round - 1)) rounds"
		enforced "kernel log" "$scratch/logged.json"
	else
		not_ok "kernel log: round $round still has denials, or none was seen" "$scratch/audit.err"
	fi
else
	skip "kernel log" "dmesg is not allowed"
fi
tap_end
