#!/bin/bash
# What is in deploy/: a real API server takes the manifests; the Helm chart, rendered as Helm does
# (tests/cluster/render.go), says the same as they, and with other values is taken, too.
set -u
# shellcheck source=tests/cluster/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
cluster_begin

# try NAME COMMAND...: it succeeds.
try() {
	local name=$1
	shift
	if "$@" >"$scratch/log" 2>&1; then
		ok "$name"
	else
		not_ok "$name" "$scratch/log"
	fi
}

# ---- plain manifests ----
try "the definitions are accepted" k apply -f "$repo/deploy/crds"
for manifest in "$repo"/deploy/kubernetes/*.yaml; do
	try "kubernetes/${manifest##*/} is accepted" k apply -f "$manifest"
	# Each permission says what it gives.
	python3 - "$manifest" >"$scratch/log" 2>&1 <<'PYTHON'
import re, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
bare = [n for n, line in enumerate(lines, 1)
        if re.match(r"- apiGroups:", line) and not lines[n - 2].startswith("#")
        and "nodeprofilestatuses/status" not in lines[n]]
sys.exit(f"no SECURITY note before the rules of lines {bare}" if bare else None)
PYTHON
	if [ ! -s "$scratch/log" ]; then
		ok "every permission in it has a note"
	else
		not_ok "every permission in it has a note" "$scratch/log"
	fi
done

# ---- the chart ----
chart=$repo/deploy/helm/boltseal
for crd in "$repo"/deploy/crds/*.yaml; do
	try "the chart has ${crd##*/} as it is" cmp "$crd" "$chart/crds/${crd##*/}"
done
try "the schema of its values is JSON" python3 -m json.tool "$chart/values.schema.json"
render=$scratch/render
if ! command -v go >/dev/null || [ ! -d /usr/share/gocode/src/github.com/Masterminds/sprig ]; then
	skip "the chart is rendered" "Go or its sprig library is not installed"
	tap_end
	exit
fi
try "the renderer is built" env GO111MODULE=off GOPATH=/usr/share/gocode \
	GOCACHE="$BOLTSEAL_CACHE/go" GOFLAGS= go build -o "$render" "$repo/tests/cluster/render.go"

"$render" "$chart" boltseal boltseal-node v1.20.2 >"$scratch/default.yaml" 2>"$scratch/log"
cat >"$scratch/same.py" <<'PYTHON'
"""Objects of both files by kind and name, without the labels that Helm adds."""
import sys, yaml


def objects(path):
    out = {}
    for o in yaml.safe_load_all(open(path, encoding="utf-8")):
        if not o or o["kind"] == "Namespace":
            continue
        for key in ("app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart"):
            o["metadata"]["labels"].pop(key, None)
        out[o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]] = o
    return out


def differ(a, b, at=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            yield from differ(a.get(key), b.get(key), f"{at}/{key}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            yield from differ(x, y, f"{at}/{i}")
    elif a != b:
        yield f"{at}: {a!r}, chart: {b!r}"


plain, chart = objects(sys.argv[1]), objects(sys.argv[2])
found = [f"{key}: only in one" for key in plain.keys() ^ chart.keys()]
for key in plain.keys() & chart.keys():
    found += [f"{key} {line}" for line in differ(plain[key], chart[key])]
sys.exit("\n".join(found) or (None if plain else "no objects"))
PYTHON
try "with its own values the chart says what the plain manifest says" \
	python3 "$scratch/same.py" "$repo/deploy/kubernetes/node.yaml" "$scratch/default.yaml"

cat >"$scratch/values.yaml" <<'YAML'
image: {repository: registry.example/boltseal, tag: v9, pullPolicy: Always}
imagePullSecrets: [{name: pull}]
node:
  sources: {seals: false, configmaps: "", spo: v1}
  kubeletDir: /data/kubelet
  apparmor: false
  failOn: medium
  engine: cri-o
  startupTaint: example.com/wait
  graceSeconds: 0
  intervalSeconds: 5
  metricsPort: 9000
  extraArgs: ["--timeout=5"]
  priorityClassName: ""
  nodeSelector: null
  tolerations: []
  podAnnotations: {example.com/a: "yes"}
  podLabels: {example.com/b: "no"}
  maxUnavailable: 2
  resources: {}
YAML
"$render" "$chart" other boltseal-node v1.20.2 "$scratch/values.yaml" >"$scratch/other.yaml" 2>"$scratch/log"
try "with other values it is accepted" k apply --dry-run=server -f "$scratch/other.yaml"
cat >"$scratch/other.py" <<'PYTHON'
import sys, yaml
objects = [o for o in yaml.safe_load_all(open(sys.argv[1], encoding="utf-8")) if o]
pod = [o for o in objects if o["kind"] == "DaemonSet"][0]["spec"]["template"]
c = pod["spec"]["containers"][0]
assert c["image"] == "registry.example/boltseal:v9" and c["imagePullPolicy"] == "Always", c
assert c["args"] == ["node", "--spo=v1", "--metrics=metrics:0.0.0.0:9000",
                     "--kubelet-dir=/data/kubelet", "--fail-on=medium", "--engine=cri-o",
                     "--taint=example.com/wait", "--grace=0", "--interval=5",
                     "--timeout=5"], c["args"]
assert c["securityContext"]["capabilities"] == {"drop": ["ALL"]}, c
assert pod["metadata"]["annotations"] == {"example.com/a": "yes"}, pod
assert {"name": "kubelet-seccomp", "mountPath": "/data/kubelet/seccomp"} in c["volumeMounts"], c
assert not {"tolerations", "nodeSelector", "priorityClassName"} & pod["spec"].keys(), pod
groups = {g for o in objects for r in o.get("rules", []) for g in r["apiGroups"]}
assert groups == {"", "boltseal.dev", "security-profiles-operator.x-k8s.io"}, groups
assert not any(r["resources"] == ["configmaps"] for o in objects for r in o.get("rules", []))
PYTHON
try "and says what they say" python3 "$scratch/other.py" "$scratch/other.yaml"
"$render" "$chart" boltseal boltseal-node v1.31.0 >"$scratch/new.yaml" 2>"$scratch/log"
if grep -A1 'appArmorProfile:' "$scratch/new.yaml" | grep -q 'type: Unconfined' &&
	! grep -q beta.kubernetes.io/node "$scratch/new.yaml"; then
	ok "from Kubernetes 1.30 on AppArmor is a field"
else
	not_ok "from Kubernetes 1.30 on AppArmor is a field" "$scratch/new.yaml"
fi
tap_end
