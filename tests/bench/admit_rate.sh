#!/bin/bash
# admit_rate.sh [RATE [SECONDS [PROFILES]]]: how long the admission webhook takes to answer over TLS at a
# fixed rate (1,000 requests a second unless given) on two processors, which it shares with what asks; and
# the same for a handler that does nothing on the same server, in turns. Reviews are those of a pod of
# three containers, as an API server sends them: mutating ones lead to a patch, validating ones are
# judged at level restricted. The configuration has PROFILES profiles of other images, none unless
# given. Lines to read: "WHAT: N answers, F failed; ms: p50 … p99 …".
set -eu

repo=$(cd -- "$(dirname -- "$0")/../.." && pwd)
boltseal=${BOLTSEAL:-$repo/build/boltseal}
tool=${BOLTSEAL_BUILD:-$repo/build}/tests/admit_rate
rate=${1:-1000}
seconds=${2:-10}
profiles=${3:-0}
dir=$(mktemp -d)
pids=()
trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done; rm -rf "$dir"' EXIT

"$boltseal" admit --make-certs "$dir" --dns 127.0.0.1 >/dev/null
python3 - "$dir" "$profiles" <<'END'
import json, sys
fields = {f"f:{name}": {} for name in ("image", "imagePullPolicy", "name", "resources",
                                       "terminationMessagePath", "terminationMessagePolicy")}
hard = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
def container(i, context):
    return {"name": f"c{i}", "image": f"registry.example/team/app-{i}:1.{i}", "imagePullPolicy": "Always",
            "ports": [{"containerPort": 8000 + i, "protocol": "TCP"}], "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File", "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}},
            "env": [{"name": f"V{k}", "value": "x" * 20} for k in range(8)], "securityContext": context,
            "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
def review(context, pod_context):
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "shop",
           "labels": {"app": "web"}, "managedFields": [{"manager": "kubectl", "operation": "Update",
           "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:containers":
           {f'k:{{"name":"c{i}"}}': fields for i in range(3)}}}}]},
           "spec": {"containers": [container(i, context) for i in range(3)], "volumes": [{"name": "data", "emptyDir": {}}],
                    "securityContext": pod_context, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}}
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "8d9c164d-cf35-41c1-b5ca-926dff14f40e", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "name": "web", "namespace": "shop",
        "operation": "CREATE", "userInfo": {"username": "admin", "groups": ["system:masters"]}, "object": pod,
        "oldObject": None, "dryRun": False, "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}}
json.dump(review({}, {}), open(f"{sys.argv[1]}/mutate", "w"))
json.dump(review(hard, {"seccompProfile": {"type": "RuntimeDefault"}}), open(f"{sys.argv[1]}/validate", "w"))
open(f"{sys.argv[1]}/config.yaml", "w").write("""apiVersion: boltseal.dev/v1
kind: AdmitConfiguration
podSecurity: {defaults: {enforce: restricted, audit: restricted, warn: restricted}}
namespaces: {from: requests}
mutate: {profiles: [OTHERS{image: registry.example/team/app-1, seccomp: a.json, seccompLabel: a/b=c, capabilities: []}]}
""".replace("OTHERS", "".join(f"{{image: registry.example/team/other-{i}, seccomp: {i}.json}}, "
                              for i in range(int(sys.argv[2])))))
END

"$boltseal" admit --config "$dir/config.yaml" --listen 127.0.0.1:0 --certificate "$dir/tls.crt" \
	--key "$dir/tls.key" 2>"$dir/log" &
pids+=("$!")
until port=$(sed -n 's/.*listening at port //p' "$dir/log") && [ -n "$port" ]; do sleep 0.1; done
mkfifo "$dir/end"
"$tool" serve "$dir/tls.crt" "$dir/tls.key" >"$dir/peer" <"$dir/end" &
pids+=("$!")
exec 9>"$dir/end"
until [ -s "$dir/peer" ]; do sleep 0.1; done
peer=$(cat "$dir/peer")

echo "reviews of $(stat -c %s "$dir/mutate") bytes, $rate a second for $seconds s over 8 connections, $(nproc) processors"
for turn in 1 2; do
	for hook in mutate validate; do
		printf '%-22s ' "$hook $turn:"
		"$tool" load "$port" "/$hook" "$dir/$hook" "$rate" "$seconds" 8
	done
	printf '%-22s ' "nothing $turn:"
	"$tool" load "$peer" /x "$dir/mutate" "$rate" "$seconds" 8
done
printf 'memory of the webhook: %s kB\n' "$(awk '/VmRSS/ { print $2 }' "/proc/${pids[0]}/status")"
