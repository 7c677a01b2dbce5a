#!/bin/bash
# What is in deploy/: a real API server takes the manifests; the Helm chart, rendered as Helm does
# (tests/cluster/render.go), says the same as they, and with other values is taken, too.
set -u
# shellcheck source=tests/cluster/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
cluster_begin

# noted FILE: each permission in it says what it gives.
noted() {
	python3 - "$1" <<'PYTHON'
import sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()


def note(n):
    """The comment above line n, counted from 0."""
    first = n
    while lines[first - 1].startswith("#"):
        first -= 1
    return "".join(lines[first:n])


# The status is a part of the object before it.
bare = [n + 1 for n, line in enumerate(lines)
        if line.startswith("- apiGroups:") and "SECURITY: " not in note(n)
        and "nodeprofilestatuses/status" not in lines[n + 1]]
sys.exit(f"no SECURITY note before the rules of lines {bare}" if bare else None)
PYTHON
}

# ---- plain manifests ----
plain=$repo/deploy/kubernetes
expect "the definitions are accepted" k apply -f "$repo/deploy/crds"
for name in node agent; do
	expect "kubernetes/$name.yaml is accepted" k apply -f "$plain/$name.yaml"
done
# Both have the namespace: whichever is applied last changes nothing of it.
k apply -f "$plain/node.yaml" >"$scratch/again" 2>&1
expect "node.yaml and agent.yaml agree on their namespace" grep -qx 'namespace/boltseal-node unchanged' "$scratch/again"
k create namespace boltseal >/dev/null 2>&1
expect "certificates are made for kubernetes/admit.yaml" "$boltseal" admit --make-certs "$scratch/certs" \
	--manifest "$plain/admit.yaml" --output="$scratch/admit.yaml"
# The API server of the tests is older than policy/v1.
sed 's,^apiVersion: policy/v1$,&beta1,' "$scratch/admit.yaml" >"$scratch/admit-old.yaml"
expect "kubernetes/admit.yaml is accepted" k apply --dry-run=server -f "$scratch/admit-old.yaml"
for manifest in "$plain"/*.yaml "$repo"/deploy/helm/boltseal/templates/*.yaml; do
	expect "every permission in ${manifest#"$repo/deploy/"} has a note" noted "$manifest"
done

# ---- the chart ----
chart=$repo/deploy/helm/boltseal
for crd in "$repo"/deploy/crds/*.yaml; do
	expect "the chart has ${crd##*/} as it is" cmp "$crd" "$chart/crds/${crd##*/}"
done
if python3 -c 'import jsonschema' 2>/dev/null; then
	expect "its values are what their schema allows" python3 -c 'import json, sys, jsonschema, yaml
jsonschema.validate(yaml.safe_load(open(sys.argv[1])), json.load(open(sys.argv[2])))' \
		"$chart/values.yaml" "$chart/values.schema.json"
else
	skip "its values are what their schema allows" "python3-jsonschema is not installed"
fi
render=$scratch/render
if ! command -v go >/dev/null || [ ! -d /usr/share/gocode/src/github.com/Masterminds/sprig ]; then
	skip "the chart is rendered" "Go or its sprig library is not installed"
	tap_end
	exit
fi
expect "the renderer is built" env GO111MODULE=off GOPATH=/usr/share/gocode \
	GOCACHE="$BOLTSEAL_CACHE/go" GOFLAGS= go build -o "$render" "$repo/tests/cluster/render.go"

cat >"$scratch/same.py" <<'PYTHON'
"""Objects of both files by kind and name, without the labels that Helm adds; YAML in ConfigMaps is read."""
import sys, yaml


def objects(path):
    out = {}
    for o in yaml.safe_load_all(open(path, encoding="utf-8")):
        if not o or o["kind"] == "Namespace":
            continue
        for key in ("app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "helm.sh/chart"):
            o["metadata"]["labels"].pop(key, None)
        if o["kind"] == "ConfigMap":
            o["data"] = {name: yaml.safe_load(text) for name, text in o["data"].items()}
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
# render_chart NAMESPACE KUBERNETES-VERSION < VALUES > OBJECTS
render_chart() {
	cat >"$scratch/values.yaml"
	"$render" "$chart" boltseal "$1" "$2" "$scratch/values.yaml"
}
# Before 1.30 AppArmor is an annotation, from 1.21 on there is policy/v1: as in the plain manifests.
ca=$(base64 -w0 "$scratch/certs/ca.crt")
render_chart boltseal-node v1.29.0 <<<"{}" >"$scratch/default.yaml" 2>"$scratch/log"
expect "with its own values the chart says what node.yaml says" \
	python3 "$scratch/same.py" "$plain/node.yaml" "$scratch/default.yaml"
render_chart boltseal-node v1.29.0 <<<'{node: {enabled: false}, agent: {enabled: true}}' \
	>"$scratch/default.yaml" 2>"$scratch/log"
expect "with only the watching agent it says what agent.yaml says" \
	python3 "$scratch/same.py" "$plain/agent.yaml" "$scratch/default.yaml"
render_chart boltseal v1.29.0 <<<"{node: {enabled: false}, admit: {enabled: true, caBundle: $ca}}" \
	>"$scratch/default.yaml" 2>"$scratch/log"
expect "with only the webhook it says what admit.yaml says, with the authority" \
	python3 "$scratch/same.py" "$scratch/admit.yaml" "$scratch/default.yaml"
python3 -c 'import sys, yaml
objects = [o for o in yaml.safe_load_all(open(sys.argv[1])) if o]
print([o for o in objects if o["kind"] == "ConfigMap"][0]["data"]["admit.yaml"])' \
	"$scratch/default.yaml" >"$scratch/config.yaml"
expect "the webhook takes its configuration" \
	"$boltseal" admit --config "$scratch/config.yaml" --policy-yaml validating
if render_chart boltseal v1.29.0 <<<'{admit: {enabled: true}}' >"$scratch/none.yaml" 2>"$scratch/log"; then
	not_ok "without an authority the webhook is not rendered" "$scratch/none.yaml"
elif grep -q 'admit.caBundle: ' "$scratch/log"; then
	ok "without an authority the webhook is not rendered"
else
	not_ok "without an authority the webhook is not rendered" "$scratch/log"
fi
render_chart boltseal v1.29.0 <<<'{node: {enabled: false}}' >"$scratch/none.yaml" 2>"$scratch/log"
if [ -s "$scratch/none.yaml" ] || [ -s "$scratch/log" ]; then
	not_ok "with all parts switched off there is nothing" "$scratch/none.yaml"
else
	ok "with all parts switched off there is nothing"
fi

cat >"$scratch/other-values.yaml" <<'YAML'
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
agent:
  enabled: true
  rules: {local.yaml: null, a.yaml: "- list: a\n  items: []", b.yaml: "# none\n"}
  metricsPort: 9001
  extraArgs: [--ring=16]
  extraCapabilities: [NET_ADMIN, SYS_ADMIN]
  priorityClassName: ""
  nodeSelector: null
  tolerations: []
  podAnnotations: {example.com/a: "yes"}
  podLabels: {example.com/b: "no"}
  maxUnavailable: 1
  resources: {}
admit:
  enabled: true
  webhookAnnotations: {example.com/inject: boltseal}
  tlsSecret: other
  config:
    kubernetesVersion: v1.20
    mutate: {models: {folder: /models}}
  modelsConfigMap: models
  failurePolicy: Ignore
  ignoredNamespaces: [infra]
  timeoutSeconds: 3
  listPods: false
  replicas: 1
  drainSeconds: 2
  extraArgs: [--log=x]
  priorityClassName: ""
  nodeSelector: {kubernetes.io/os: linux}
  tolerations: [{operator: Exists}]
  podAnnotations: {example.com/a: "yes"}
  podLabels: {example.com/b: "no"}
  resources: null
YAML
"$render" "$chart" other boltseal-node v1.20.2 "$scratch/other-values.yaml" >"$scratch/other.yaml" 2>"$scratch/log"
expect "with other values it is accepted" k apply --dry-run=server -f "$scratch/other.yaml"
cat >"$scratch/other.py" <<'PYTHON'
import sys, yaml
objects = [o for o in yaml.safe_load_all(open(sys.argv[1], encoding="utf-8")) if o]
of = {(o["kind"], o["metadata"]["name"]): o for o in objects}
pod = of["DaemonSet", "boltseal-node"]["spec"]["template"]
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

pod = of["DaemonSet", "boltseal-agent"]["spec"]["template"]
c = pod["spec"]["containers"][0]
assert c["image"] == "registry.example/boltseal:v9" and c["imagePullPolicy"] == "Always", c
assert c["args"] == ["watch", "--user=boltseal", "--format=json", "--add=/etc/boltseal/rules.d/a.yaml",
                     "--add=/etc/boltseal/rules.d/b.yaml", "--store=/var/lib/boltseal/agent/findings.db",
                     "--sink=metrics:0.0.0.0:9001", "--ring=16"], c["args"]
assert c["securityContext"]["capabilities"]["add"][-3:] == ["KILL", "NET_ADMIN", "SYS_ADMIN"], c
assert c["ports"] == [{"name": "metrics", "containerPort": 9001}], c
assert of["ConfigMap", "boltseal-rules"]["data"].keys() == {"a.yaml", "b.yaml"}, of
assert pod["metadata"]["labels"]["example.com/b"] == "no", pod
assert pod["metadata"]["annotations"] == {
    "example.com/a": "yes", "container.apparmor.security.beta.kubernetes.io/agent": "unconfined"}, pod
assert not {"tolerations", "nodeSelector", "priorityClassName"} & pod["spec"].keys(), pod

pod = of["Deployment", "boltseal-admit"]["spec"]["template"]
c = pod["spec"]["containers"][0]
assert of["Deployment", "boltseal-admit"]["spec"]["replicas"] == 1, of
assert c["args"] == ["admit", "--config", "/config/admit.yaml", "--log=x"], c
assert "priorityClassName" not in pod["spec"] and "resources" not in c, pod
assert pod["spec"]["terminationGracePeriodSeconds"] == 22 and pod["spec"]["imagePullSecrets"], pod
volumes = {v["name"]: v for v in pod["spec"]["volumes"]}
assert volumes["tls"]["secret"]["secretName"] == "other", volumes
assert volumes["models"]["configMap"] == {"name": "models"}, volumes
assert {"name": "models", "mountPath": "/models", "readOnly": True} in c["volumeMounts"], c
config = yaml.safe_load(of["ConfigMap", "boltseal-admit"]["data"]["admit.yaml"])
assert config["server"]["drainSeconds"] == 2 and config["kubernetesVersion"] == "v1.20", config
assert config["mutate"]["models"] == {"folder": "/models"}, config
assert config["mutate"]["seccomp"] == "runtime-default", config
assert not any(o["kind"] == "PodDisruptionBudget" for o in objects)
assert [r["resources"] for r in of["ClusterRole", "boltseal-admit"]["rules"]] == [
    ["namespaces"], ["sealprofiles"]], of
for kind in "Mutating", "Validating":
    o = of[kind + "WebhookConfiguration", "boltseal-admit"]
    assert o["metadata"]["annotations"] == {"example.com/inject": "boltseal"}, o
    for hook in o["webhooks"]:
        assert hook["failurePolicy"] == "Ignore" and hook["timeoutSeconds"] == 3, hook
        assert hook["clientConfig"]["service"]["namespace"] == "boltseal-node", hook
        assert "caBundle" not in hook["clientConfig"], hook
        assert hook["namespaceSelector"]["matchExpressions"][0]["values"] == [
            "kube-system", "kube-node-lease", "boltseal-node", "infra"], hook
PYTHON
expect "and says what they say" python3 "$scratch/other.py" "$scratch/other.yaml"
render_chart boltseal-node v1.31.0 <<<'{agent: {enabled: true}}' >"$scratch/new.yaml" 2>"$scratch/log"
if [ "$(grep -A1 'appArmorProfile:' "$scratch/new.yaml" | grep -c 'type: Unconfined')" = 2 ] &&
	! grep -q beta.kubernetes.io "$scratch/new.yaml"; then
	ok "from Kubernetes 1.30 on AppArmor is a field"
else
	not_ok "from Kubernetes 1.30 on AppArmor is a field" "$scratch/new.yaml"
fi
render_chart boltseal v1.20.2 <<<"{node: {enabled: false}, admit: {enabled: true, caBundle: $ca}}" \
	>"$scratch/old.yaml" 2>"$scratch/log"
expect "before Kubernetes 1.21 the budget is of policy/v1beta1" \
	k apply --dry-run=server -f "$scratch/old.yaml"
tap_end
