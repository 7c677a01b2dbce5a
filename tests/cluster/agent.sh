#!/bin/bash
# Time limit: 120 s
# deploy/kubernetes/agent.yaml at a real API server: what is in it is accepted, and a pod of it.
set -u
# shellcheck source=tests/cluster/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
cluster_begin
if k apply -f "$repo/deploy/kubernetes/agent.yaml" >"$scratch/log" 2>&1; then
	ok "the API server takes the manifest"
else
	not_ok "the API server takes the manifest" "$scratch/log"
fi
k -n boltseal-node get daemonset boltseal-agent -o json >"$scratch/set.json" 2>"$scratch/log"
if python3 - "$scratch/set.json" >"$scratch/log" 2>&1 <<'PY'; then
import json, sys
spec = json.load(open(sys.argv[1]))["spec"]["template"]["spec"]
c = spec["containers"][0]["securityContext"]
assert c["capabilities"]["drop"] == ["ALL"] and len(c["capabilities"]["add"]) == 8, c
assert c["readOnlyRootFilesystem"] and not c["allowPrivilegeEscalation"] and "privileged" not in c, c
assert spec["automountServiceAccountToken"] is False and spec["hostPID"] and not spec.get("hostNetwork"), spec
pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "agent", "namespace": "boltseal-node"}, "spec": spec}
del spec["priorityClassName"]
json.dump(pod, open(sys.argv[1] + ".pod", "w"))
PY
	ok "as it was written"
else
	not_ok "as it was written" "$scratch/log"
fi
if k create --dry-run=server -f "$scratch/set.json.pod" >"$scratch/log" 2>&1; then
	ok "its pods are admitted"
else
	not_ok "its pods are admitted" "$scratch/log"
fi
tap_end
