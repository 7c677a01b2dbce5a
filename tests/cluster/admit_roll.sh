#!/bin/bash
# Time limit: 120 s
# boltseal admit in two replicas behind a Service (tests/cluster/admit_service.py), restarted one after the
# other under load as a Deployment does with maxSurge 1 and maxUnavailable 0: nothing fails meanwhile.
set -u
# shellcheck source=tests/cluster/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
python3 -c 'import yaml' 2>/dev/null || skip_all "PyYAML is not installed"
cluster_begin
here=$repo/tests/cluster
read -r port_hook old_1 old_2 new_1 new_2 < <(python3 -c 'import socket
s = [socket.socket() for _ in range(5)]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])')
certs=$scratch/certs
"$boltseal" admit --make-certs "$certs" --dns 127.0.0.1 --output="$scratch/admit.yaml" \
	--manifest "$repo/deploy/kubernetes/admit.yaml" 2>"$scratch/log" &&
	python3 "$here/admit_manifest.py" "$scratch/admit.yaml" "$port_hook" "$scratch" 2>>"$scratch/log" ||
	skip_all "the manifest cannot be made: $(cat "$scratch/log")"
k create namespace baseline >/dev/null
k label namespace baseline pod-security.kubernetes.io/enforce=baseline >/dev/null
k apply -f "$scratch/objects.yaml" >"$scratch/log" 2>&1 || skip_all "$(tail -n 1 "$scratch/log")"
cluster_account boltseal boltseal-admit || skip_all "no token for the service account"
cluster_account_kubeconfig "$scratch/hook.kubeconfig"

# replica PORT: its process id in $replica.
replica() {
	cat >"$scratch/$1.yaml" <<YAML
apiVersion: boltseal.dev/v1
kind: AdmitConfiguration
server:
  listen: "127.0.0.1:$1"
  certificate: $certs/tls.crt
  key: $certs/tls.key
  drainSeconds: 4
YAML
	"$boltseal" admit --config "$scratch/$1.yaml" --kubeconfig "$scratch/hook.kubeconfig" \
		>"$scratch/$1.log" 2>&1 &
	replica=$!
	background+=("$replica")
}
# endpoints PORT...: of the Service; all of them are ready soon.
endpoints() {
	echo "$@" >"$scratch/endpoints.new"
	mv "$scratch/endpoints.new" "$scratch/endpoints"
	cluster_wait 20 "$(printf '%s\n' "$@" | sort)" eval "tr ' ' '\\n' <'$scratch/ready' | sort"
}
# reviews PORT: how many it answered.
reviews() {
	curl -s --cacert "$certs/ca.crt" "https://127.0.0.1:$1/metrics" |
		awk '/^boltseal_admit_reviews_total/ { n += $NF } END { print n + 0 }'
}

replica "$old_1"
first=$replica
replica "$old_2"
second=$replica
echo >"$scratch/endpoints"
python3 "$here/admit_service.py" "$port_hook" "$certs/ca.crt" "$scratch" >"$scratch/service.log" 2>&1 &
background+=("$!")
endpoints "$old_1" "$old_2" && ok "two replicas are ready" ||
	not_ok "two replicas are ready" "$scratch/$old_1.log"
for kind in good bad; do
	cat >"$scratch/$kind.json" <<JSON
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "load"}, "spec": {"containers": [
 {"name": "c", "image": "x", "securityContext": {"privileged": $([ $kind = bad ] && echo true || echo false)}}]}}
JSON
done
timeout 80 python3 "$here/admit_load.py" "$cluster" "$port_api" "$scratch" >"$scratch/load" 2>&1 &
load=$!
background+=("$load")
answer() {
	[ "$(reviews "$1")" -gt 0 ] && [ "$(reviews "$2")" -gt 0 ]
}
both=0
until_true answer "$old_1" "$old_2" && both=1

replica "$new_1"
endpoints "$old_1" "$old_2" "$new_1"
kill -TERM "$first"
wait "$first"
code_1=$?
replica "$new_2"
endpoints "$old_2" "$new_1" "$new_2"
kill -TERM "$second"
wait "$second"
code_2=$?
endpoints "$new_1" "$new_2"
until_true answer "$new_1" "$new_2"
touch "$scratch/enough"
wait "$load"
read -r good_made good_failed bad_made bad_refused bad_failed last_good last_bad <"$scratch/load"
echo "# good: $good_made made, $good_failed failed; bad: $bad_made made, $bad_refused refused, $bad_failed failed"
# is DESCRIPTION CONDITION [FILE]
is() {
	if (($2)); then
		ok "$1"
	else
		not_ok "$1" "${3:-$scratch/load}"
	fi
}
is "both answered before" "$both"
is "the old ones end with 0" "$code_1 == 0 && $code_2 == 0" "$scratch/$old_1.log"
is "no good pod failed" "${good_failed:-1} == 0 && ${good_made:-0} > 100"
is "every bad pod was refused" "${bad_made:-1} == 0 && ${bad_failed:-1} == 0 && ${bad_refused:-0} > 100"
is "both new ones answer" "$(reviews "$new_1") > 0 && $(reviews "$new_2") > 0"
is "they judge as the old ones did" "${last_good:-0} == 1 && ${last_bad:-0} == 1"
tap_end
