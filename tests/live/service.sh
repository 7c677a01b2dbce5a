#!/bin/bash
# boltseal watch as systemd and Kubernetes run it: the unit and its score, the manifest as boltseal inspect
# sees it, and watching with just the capabilities that both give.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
unit=$repo/deploy/systemd/boltseal.service

if command -v systemd-analyze >/dev/null; then
	sed "s|/usr/bin/boltseal|$(realpath "$boltseal")|" "$unit" >"$scratch/boltseal.service"
	if systemd-analyze verify --man=no "$scratch/boltseal.service" >"$scratch/log" 2>&1 && [ ! -s "$scratch/log" ]; then
		ok "systemd takes the unit, all of it"
	else
		not_ok "systemd takes the unit, all of it" "$scratch/log"
	fi
	mkdir "$scratch/respond" "$scratch/respond/boltseal.service.d"
	cp "$scratch/boltseal.service" "$scratch/respond/"
	cp "$repo/deploy/systemd/boltseal-respond.conf" "$scratch/respond/boltseal.service.d/respond.conf"
	if systemd-analyze verify --man=no "$scratch/respond/boltseal.service" >"$scratch/log" 2>&1 && [ ! -s "$scratch/log" ]; then
		ok "and what it needs to respond"
	else
		not_ok "and what it needs to respond" "$scratch/log"
	fi
	if systemd-analyze security --offline=true --no-pager --threshold=35 "$scratch/boltseal.service" \
		>"$scratch/log" 2>&1; then
		ok "its exposure is at most 3.5 of 10"
	else
		not_ok "its exposure is at most 3.5 of 10" "$scratch/log"
	fi
else
	skip "the unit" "systemd-analyze is not installed"
fi

"$boltseal" inspect -o json --output="$scratch/report" "$repo/deploy/kubernetes/agent.yaml" 2>"$scratch/log"
if python3 - "$scratch/report" >"$scratch/log" 2>&1 <<'PY'; then
import json, sys
report = json.load(open(sys.argv[1]))
bad = [f for f in report["findings"] if f.get("severity") == "critical"]
sys.exit(f"{bad}" if bad or not report["findings"] else 0)
PY
	ok "nothing critical in the manifest"
else
	not_ok "nothing critical in the manifest" "$scratch/log"
fi

if [ "$(id -u)" != 0 ]; then
	skip "watching with few capabilities" "not root"
	tap_end
	exit
fi

# capabilities FILE: numbers of those that it gives, for setpriv.
capabilities() {
	grep -o 'CAP_[A-Z_]*\|add: \[.*\]' "$1" | tr -c 'A-Z_\n' '\n' | sed 's/^CAP_//' | sort -u |
		while read -r name; do
			case $name in
			CHOWN) echo 0 ;; DAC_READ_SEARCH) echo 2 ;; KILL) echo 5 ;; SETGID) echo 6 ;; SETUID) echo 7 ;;
			SYS_PTRACE) echo 19 ;; PERFMON) echo 38 ;; BPF) echo 39 ;; '') ;; *) echo "unknown-$name" ;;
			esac
		done | sed 's/^/+cap_/' | paste -sd,
}

chmod 755 "$scratch"
cp /bin/true "$scratch/precious"
cat >"$scratch/rules.yaml" <<-END
	- rule: Precious program
	  desc: d
	  condition: evt.type = execve and proc.exepath = $scratch/precious
	  output: run | %proc.args cwd=%proc.cwd parent=%proc.pexepath user=%user.name
	  priority: CRITICAL
END
grep '^CapabilityBoundingSet=' "$unit" >"$scratch/unit.caps"
grep 'add: \[' "$repo/deploy/kubernetes/agent.yaml" >"$scratch/pod.caps"
for where in unit pod; do
	dir=$scratch/$where
	mkdir "$dir" && chown nobody "$dir"
	caps=$(capabilities "$scratch/$where.caps")
	setpriv --bounding-set "-all,$caps" --inh-caps -all --no-new-privs "$boltseal" watch --user nobody \
		-r "$scratch/rules.yaml" --store "$dir/f.db" >"$dir/out" 2>"$dir/err" &
	watcher=$!
	background+=("$watcher")
	if ! watch_ready "$dir/err"; then
		not_ok "$where: watches with $caps" "$dir/err"
		continue
	fi
	(cd / && "$scratch/precious" one)
	if until_true grep -q "run | one cwd=/ parent=/[a-z/]*bash user=root" "$dir/out"; then
		ok "$where: watches with $caps"
	else
		not_ok "$where: watches with $caps" "$dir/out"
	fi
	kill -HUP "$watcher"
	if until_true grep -q 'loaded again' "$dir/err"; then
		ok "$where: loads rules again"
	else
		not_ok "$where: loads rules again" "$dir/err"
	fi
	watch_stop
	code=$?
	if [ $code = 0 ] && [ "$("$boltseal" findings list --store "$dir/f.db" | wc -l)" = 1 ]; then
		ok "$where: ends, and the finding is stored"
	else
		not_ok "$where: ends, and the finding is stored" "$dir/err"
	fi
done
tap_end
