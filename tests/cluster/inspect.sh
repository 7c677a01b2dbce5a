#!/bin/bash
# inspect --cluster against a real API server: what is found, what is somebody's template, rights,
# changes, and 5,000 pods.
set -u
# shellcheck source=tests/cluster/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
cluster_begin
export KUBECONFIG=$kubeconfig
k create namespace shop >/dev/null
k create -f - >/dev/null 2>"$err" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: true
      containers: [{name: nginx, image: "nginx:1.25"}]
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-1
  namespace: shop
  ownerReferences:
  - {apiVersion: apps/v1, kind: Deployment, name: web, uid: 00000000-0000-0000-0000-000000000001, controller: true}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostNetwork: true
      containers: [{name: nginx, image: "nginx:1.25"}]
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec:
  schedule: "0 0 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - {name: job, image: busybox, securityContext: {privileged: true}}
---
apiVersion: v1
kind: Pod
metadata: {name: alone, namespace: default}
spec:
  automountServiceAccountToken: false
  containers: [{name: a, image: busybox}]
YAML
inspects "a cluster is inspected" 2 --cluster
has "a Deployment" "Deployment shop/web"
has "a CronJob of an older version" "CronJob shop/nightly"
has "a Pod that nobody owns" "Pod default/alone"
has "a namespace" "Namespace shop"
has "the pointer of a finding" "cluster  /spec/template/spec/hostNetwork = true"
lacks "what a controller made is its template's" "ReplicaSet shop/web-1"
inspects "one namespace" 0 --cluster --namespace default
lacks "is all that is read" "shop"
inspects "the standard" 2 --cluster --level baseline
has "in its words" "Deployment shop/web: violates PodSecurity"
inspects "no such context" 1 --cluster --context nowhere

# ---- the report as objects of the API ----
# For all namespaces there is a second kind of the same shape.
sed 's/policyreport/clusterpolicyreport/g; s/PolicyReport/ClusterPolicyReport/g; s/Namespaced/Cluster/; s/polr/cpolr/' \
	"$repo/tests/cluster/policy-reports.yaml" >"$scratch/cluster-reports.yaml"
if k apply -f "$repo/tests/cluster/policy-reports.yaml" -f "$scratch/cluster-reports.yaml" >"$out" 2>&1 &&
	k wait --for condition=established --timeout 20s crd/policyreports.wgpolicyk8s.io \
		crd/clusterpolicyreports.wgpolicyk8s.io >>"$out" 2>&1; then
	ok "the kinds of reports are defined"
else
	not_ok "the kinds of reports are defined" "$out"
fi
inspects "a policy report" 2 --cluster -o policy-report
cp "$out" "$scratch/reports.json"
if k apply -f "$scratch/reports.json" >"$out" 2>&1; then
	ok "the API server takes it"
else
	not_ok "the API server takes it" "$out"
fi
# What the schema does not name would have been dropped.
k get policyreports,clusterpolicyreports -A -o json >"$scratch/stored.json"
if python3 -c 'import json, sys
def key(o):
    return o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]
sent, stored = ({key(o): o for o in json.load(open(f))["items"]} for f in sys.argv[1:])
assert sent and sent.keys() == stored.keys(), sent.keys() ^ stored.keys()
for k, o in sent.items():
    for part in "scope", "summary", "results":
        assert o[part] == stored[k][part], (k, part)
    n = {w: sum(r["result"] == w for r in o["results"]) for w in o["summary"]}
    assert n == o["summary"], (k, n, o["summary"])
assert {k[0] for k in sent} == {"PolicyReport", "ClusterPolicyReport"}
' "$scratch/reports.json" "$scratch/stored.json" >"$out" 2>&1; then
	ok "and has all of it: members, values, counts"
else
	not_ok "and has all of it: members, values, counts" "$out"
fi
sed 's/"result":"fail"/"result":"failed"/' "$scratch/reports.json" | k apply --dry-run=server -f - >"$out" 2>&1
has "it would refuse another word" 'Unsupported value: "failed"'
k delete policyreports,clusterpolicyreports -A --all >/dev/null

# ---- profiles of nodes ----
cluster_node n1
cluster_node n2
k label node n1 boltseal.dev/seccomp.web=0123456789ab disk=fast >/dev/null
k label node n2 boltseal.dev/seccomp.web=ba9876543210 >/dev/null
# pod NAME PROFILE SPEC
pod() {
	k create -f - >/dev/null 2>"$err" <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: default}
spec:
  $3
  securityContext: {seccompProfile: {type: Localhost, localhostProfile: $2}}
  containers: [{name: a, image: busybox}]
YAML
}
pod exact boltseal/web-0123456789ab.json ''
pod chosen boltseal/web-0123456789ab.json 'nodeSelector: {disk: fast}'
pod bound boltseal/web-0123456789ab.json 'affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: boltseal.dev/seccomp.web, operator: In, values: [0123456789ab]}]}]}}}'
pod mixed boltseal/web.json ''
pod none boltseal/other.json ''
pod foreign profiles/other.json ''
inspects "profiles that nodes do not have" 2 --cluster --namespace default --check R25
has "a version that one node has not" "1 of the 2 nodes that it may run on do not have the seccomp profile boltseal/web-0123456789ab.json (n2)"
has "versions that differ" "the nodes that it may run on have different versions of the seccomp profile boltseal/web.json"
has "a profile that none has" "none of the 2 nodes that it may run on has the seccomp profile boltseal/other.json"
lacks "a pod that goes where its profile is" "Pod default/chosen"
lacks "also by affinity" "Pod default/bound"
lacks "a profile that boltseal does not manage" "profiles/other.json"
k delete pod exact chosen bound mixed none foreign --grace-period=0 --force >/dev/null 2>&1

# ---- rights ----
cluster_account default reader
k create clusterrole reader --verb=list --resource=pods,namespaces >/dev/null
k create clusterrolebinding reader --clusterrole=reader --serviceaccount=default:reader >/dev/null
cat >"$scratch/reader.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: r
contexts: [{name: r, context: {cluster: c, user: r}}]
clusters: [{name: c, cluster: {server: "$cluster_url", certificate-authority: "$cluster/ca.crt"}}]
users: [{name: r, user: {tokenFile: "$account/token"}}]
YAML
unset KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT
inspects "what may not be listed makes it incomplete" 3 --cluster --kubeconfig "$scratch/reader.kubeconfig"
has "and is named" 'cannot list resource "deployments"'
has "the rest is inspected" "Pod default/alone"

# ---- changes ----
"$boltseal" inspect --cluster --continuous --interval 1 >"$scratch/stream" 2>"$err" &
pid=$!
background+=("$pid")
for _ in $(seq 100); do
	grep -q 'subjects in' "$scratch/stream" && break
	sleep 0.1
done
k delete -n shop cronjob nightly >/dev/null
k run -n shop later --image=busybox --restart=Never >/dev/null
for _ in $(seq 100); do
	grep -q 'new .*Pod shop/later' "$scratch/stream" && break
	sleep 0.1
done
cp "$scratch/stream" "$out"
has "what is gone is resolved" "resolved  critical R01  CronJob shop/nightly"
has "what came is new" "Pod shop/later"
kill "$pid"
wait "$pid" 2>/dev/null

# ---- 5,000 pods ----
python3 -c 'import json
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"many-{i:04}", "namespace": "default"},
     "spec": {"containers": [{"name": c, "image": f"registry.example/{c}:1", "ports": [{"containerPort": 80}],
                              "env": [{"name": f"V{n}", "value": "x" * 40} for n in range(10)]}
                             for c in ("app", "proxy")]}} for i in range(5000)]}))' >"$scratch/many.json"
if command -v kubectl >/dev/null &&
	timeout 300 python3 - "$kubeconfig" "$scratch/many.json" "$cluster" "$cluster_url" >"$err" 2>&1 <<'PY'
# kubectl takes minutes for 5,000 objects: it waits for each answer. Eight at a time.
import concurrent.futures, http.client, json, ssl, sys, threading, urllib.parse
_, _, many, cluster, url = sys.argv
u = urllib.parse.urlsplit(url)
context = ssl.create_default_context(cafile=cluster + "/ca.crt")
context.load_cert_chain(cluster + "/admin.crt", cluster + "/admin.key")
local = threading.local()
def post(item):
	if not hasattr(local, "c"):
		local.c = http.client.HTTPSConnection(u.hostname, u.port, context=context, timeout=60)
	local.c.request("POST", "/api/v1/namespaces/default/pods", json.dumps(item),
			{"Content-Type": "application/json"})
	r = local.c.getresponse()
	r.read()
	assert r.status == 201, r.status
with concurrent.futures.ThreadPoolExecutor(8) as pool:
	list(pool.map(post, json.load(open(many))["items"]))
PY
then
	/usr/bin/time -f '%e %M' -o "$scratch/time" "$boltseal" inspect --cluster --fail-on none \
		-o json --output="$scratch/report.json" 2>"$err"
	read -r seconds kib <"$scratch/time"
	n=$(python3 -c 'import json, sys
print(len(json.load(open(sys.argv[1]))["subjects"]))' "$scratch/report.json" 2>>"$err")
	if [ "${n:-0}" -ge 5000 ] && [ "$kib" -lt 102400 ] && [ "${seconds%.*}" -lt 10 ]; then
		ok "5,000 pods within 10 s and 100 MB ($n subjects, $seconds s, $kib KiB)"
	else
		not_ok "5,000 pods within 10 s and 100 MB ($n subjects, $seconds s, $kib KiB)" "$err"
	fi
else
	not_ok "5,000 pods are made" "$err"
fi
tap_end
