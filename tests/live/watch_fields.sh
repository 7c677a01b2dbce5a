#!/bin/bash
# Every field and event type that the published rule files use has values in `boltseal watch`.
# Time limit: 120 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"
# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

tsv=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/falco/fields.tsv
[ "$(id -u)" = 0 ] || skip_all "needs root"
[ "$(uname -m)" = x86_64 ] || skip_all "no numbers of calls for $(uname -m)"
[ -f "$tsv" ] || skip_all "$tsv is not there"
fields=$here/watch_fields.py
found=$scratch/found.json
log=$scratch/log
have_docker=
if command -v busybox >/dev/null && dockerd_up 2>"$scratch/docker"; then
	have_docker=1
	install -D "$(command -v busybox)" "$scratch/root/fields-box"
	tar -C "$scratch/root" -c . | docker import - boltseal-fields:1 >/dev/null
fi
"$fields" rules "$tsv" fields >"$scratch/rules.yaml"
timeout -s KILL 100 "$boltseal" watch --rules "$scratch/rules.yaml" --all -o json --output "$found" 2>"$log" &
watcher=$!
background+=("$watcher")
for _ in $(seq 200); do
	grep -q 'watching with' "$log" && break
	kill -0 "$watcher" 2>/dev/null || break
	sleep 0.05
done
if ! grep -q 'watching with' "$log"; then
	grep -q 'no right\|refuses\|no BTF' "$log" && skip_all "$(cat "$log")"
	not_ok "it watches" "$log"
	tap_end
	exit
fi
mkdir "$scratch/act"
# shellcheck disable=SC2016 # for the inner shell
unshare -n sh -c 'ip link set lo up; exec "$0" act "$1"' "$fields" "$scratch/act" >"$scratch/acted" 2>&1 ||
	not_ok "the calls are made" "$scratch/acted"
if [ -n "$have_docker" ]; then
	timeout 60 docker run --rm --network none -v /etc:/etc-of-host:ro --label io.kubernetes.pod.name=web-0 \
		--label io.kubernetes.pod.namespace=shop boltseal-fields:1 /fields-box >/dev/null 2>&1 || true
fi
sleep 0.5
pkill -TERM -P "$watcher" -x boltseal || true
wait "$watcher" || not_ok "nothing is lost" "$log"
while IFS= read -r line; do
	case $line in
	"ok "*) ok "${line#ok }" ;;
	"skip "*)
		line=${line#skip }
		skip "${line%%: *}" "${line#*: }"
		;;
	*) not_ok "${line#not ok }" ;;
	esac
done < <("$fields" check "$tsv" "$found")
[ -z "$have_docker" ] || docker image rm boltseal-fields:1 >/dev/null 2>&1 || true
dockerd_down
tap_end
