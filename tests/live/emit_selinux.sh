#!/bin/bash
# generate selinux: secilc compiles the module against a small policy, and the result says what it
# should, and no more. tests/vm/selinux.sh loads it into a kernel.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
for program in secilc sesearch seinfo; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
base=$repo/tests/selinux/base.cil

# compile NAME ARGUMENT...: a module of a golden model with the small policy, in $scratch/policy.
compile() {
	local name=$1
	shift
	"$boltseal" generate selinux --output "$scratch/module.cil" "$@" 2>"$scratch/log"
	if secilc -o "$scratch/policy" -f "$scratch/contexts" "$base" "$scratch/module.cil" \
		>>"$scratch/log" 2>&1; then
		ok "$name: secilc compiles it"
	else
		not_ok "$name: secilc compiles it" "$scratch/log"
	fi
}

# rules NAME EXPECTED ARGUMENT...: what sesearch finds of the process.
rules() {
	local name=$1 want=$2
	shift 2
	sesearch -A -ds "$@" "$scratch/policy" >"$scratch/log" 2>&1
	if [ "$(sort "$scratch/log")" = "$want" ]; then
		ok "$name"
	else
		not_ok "$name" "$scratch/log"
	fi
}

model=$repo/tests/golden
compile web --volume /var/log --volume /srv/data:/var/lib/web --volume /tmp \
	--volume /home/u:/var/cache/web --volume /etc "$model/web.workload.json"
rules "web: its capabilities" \
	'allow web.process web.process:capability { net_bind_service setuid };' \
	-s web.process -c capability
rules "web: the port that it listens on" \
	'allow web.process http_port_t:tcp_socket { name_bind name_connect };' \
	-s web.process -t http_port_t -c tcp_socket
rules "web: no other port" '' -s web.process -t postgresql_port_t -c tcp_socket
rules "web: logs are written" \
	'allow web.process logfile:file { append create getattr ioctl lock open read write };' \
	-s web.process -t logfile -c file
rules "web: files of another type are not read" '' -s web.process -t secret_t
compile api --mode complain "$model/api.workload.json"
rules "api: no capability" '' -s api.process -c capability
if seinfo "$scratch/policy" --permissive -x 2>/dev/null | grep -q api.process; then
	ok "api: complain makes the domain permissive"
else
	not_ok "api: complain makes the domain permissive"
fi
# What the Security Profiles Operator is given is the inside of the same block.
"$boltseal" generate spo --kind RawSelinuxProfile -o json "$model/api.workload.json" 2>/dev/null |
	python3 -c 'import json, sys
print("(block raw")
print(json.load(sys.stdin)["spec"]["policy"] + ")")' >"$scratch/raw.cil"
if secilc -o "$scratch/policy" -f "$scratch/contexts" "$base" "$scratch/raw.cil" >"$scratch/log" 2>&1; then
	ok "the policy of a RawSelinuxProfile compiles"
else
	not_ok "the policy of a RawSelinuxProfile compiles" "$scratch/log"
fi
tap_end
