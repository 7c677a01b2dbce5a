#!/bin/bash
# generate ecs: a real Docker daemon starts with the daemon.json and applies its profile.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "needs root"
for program in dockerd docker; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
profile=$scratch/web.json
model=$repo/tests/golden/web.workload.json

"$boltseal" generate seccomp --engine docker:20.10 --output "$profile" "$model" 2>/dev/null
if "$boltseal" generate ecs --part daemon.json --seccomp "$profile" --output "$scratch/daemon.json" \
	"$model" 2>"$scratch/log" && grep -q 'of the instance' "$scratch/log"; then
	ok "daemon.json is written, with a remark on whom it concerns"
else
	not_ok "daemon.json is written, with a remark on whom it concerns" "$scratch/log"
fi

export DOCKER_HOST=unix://$scratch/docker.sock
dockerd --config-file "$scratch/daemon.json" --data-root "$scratch/data" --exec-root "$scratch/exec" \
	--pidfile "$scratch/pid" --host "$DOCKER_HOST" --bridge none --iptables=false \
	--ip6tables=false --ip-forward=false --ip-masq=false --storage-driver vfs \
	>"$scratch/dockerd.log" 2>&1 </dev/null &
daemon=$!
background+=("$daemon")
tries=0
until docker info >/dev/null 2>&1; do
	tries=$((tries + 1))
	if ! kill -0 "$daemon" 2>/dev/null || [ $tries -ge 150 ]; then
		not_ok "dockerd starts with it" "$scratch/dockerd.log"
		tap_end
		exit 1
	fi
	sleep 0.2
done
ok "dockerd starts with it"
docker info --format '{{.SecurityOptions}}' >"$scratch/log" 2>&1
if grep -q "profile=$profile" "$scratch/log"; then
	ok "its default is the generated profile"
else
	not_ok "its default is the generated profile" "$scratch/log"
fi
kill "$daemon"
wait "$daemon" 2>/dev/null || true
tap_end
