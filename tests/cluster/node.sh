#!/bin/bash
# boltseal node with a real API server and scheduler: pods go where their profile is. There is no
# kubelet: Nodes are objects that say they are ready.
# Time limit: 400 s
set -u
# shellcheck source=tests/cluster/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
cluster_begin
cluster_scheduler
scheduler_pid=${background[-1]}
shown=("$scratch/agent.log")

# soon NAME TEXT COMMAND...: within 30 s COMMAND prints TEXT.
soon() {
	local name=$1 want=$2
	shift 2
	if cluster_wait 30 "$want" "$@"; then
		ok "$name"
	else
		{
			echo "not '$want' but '$("$@" 2>&1)'"
			tail -n 8 "$scratch/agent.log"
		} >"$scratch/log"
		not_ok "$name" "$scratch/log"
	fi
}

# variant CALL: a good profile that allows this call, too.
variant() {
	python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))
p["syscalls"].append({"names": [sys.argv[2]], "action": "SCMP_ACT_ALLOW"})
print(json.dumps(p))' "$repo/tests/golden/web.seccomp.nnp.oci.json" "$1"
}
seal() {
	echo "{\"apiVersion\":\"boltseal.dev/v1alpha1\",\"kind\":\"SealProfile\",\"metadata\":{\"name\":\"$1\"},\"spec\":$2}"
}
label() {
	k get node "${2:-n1}" -o "jsonpath={.metadata.labels.boltseal\.dev/seccomp\.$1}"
}
# status PROFILE MEMBER: of n1
status() {
	k get nodeprofilestatus n1 -o "jsonpath={.status.profiles[?(@.name==\"$1\")].$2}"
}
# pod NAME PROFILE HASH: that needs this version of the profile.
pod() {
	k create -f - >/dev/null <<JSON
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$1"}, "spec": {
  "containers": [{"name": "c", "image": "i", "securityContext": {"seccompProfile":
    {"type": "Localhost", "localhostProfile": "boltseal/$2-$3.json"}}}],
  "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
    {"nodeSelectorTerms": [{"matchExpressions":
      [{"key": "boltseal.dev/seccomp.$2", "operator": "In", "values": ["$3"]}]}]}}}}}
JSON
}
pod_node() {
	k get pod "$1" -o 'jsonpath={.spec.nodeName}'
}
pod_why() {
	k get pod "$1" -o 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}'
}
seccomp=$scratch/kubelet/seccomp/boltseal
hash_of() {
	sha256sum "$1" | cut -c 1-12
}
agent_start() {
	"$boltseal" node --node n1 --service-account "$account" --kubelet-dir "$scratch/kubelet" \
		--state-dir "$scratch/state" --crds --configmaps boltseal.dev/profiles=true \
		--namespace boltseal-node --spo v1 --grace 2 --interval 5 \
		--metrics "metrics:$metrics_port" >>"$scratch/agent.log" 2>&1 &
	agent=$!
	background+=("$agent")
}
agent_stop() {
	kill "$1" "$agent"
	wait "$agent" 2>/dev/null
}
metrics_port=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
page() {
	python3 -c 'import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode(), end="")
except urllib.error.HTTPError as e:
    print(e.code, e.read().decode(), end="")' "http://127.0.0.1:$metrics_port$1"
}

# ---- what is shipped ----
expect "the definitions are accepted" k apply -f "$repo/deploy/crds"
for crd in sealprofiles nodeprofilestatuses; do
	expect "$crd is served" k wait --for condition=established --timeout 20s "crd/$crd.boltseal.dev"
	k get crd "$crd.boltseal.dev" \
		-o 'jsonpath={.status.conditions[?(@.type=="NonStructuralSchema")].message}' >"$scratch/log"
	[ -s "$scratch/log" ] && not_ok "the schema of $crd is structural" "$scratch/log" ||
		ok "the schema of $crd is structural"
done
expect "the operator's definitions are accepted" k apply -f "$repo/tests/live/spo-crds.yaml"
expect "the manifests are accepted" k apply -f "$repo/deploy/kubernetes/node.yaml"
# What --spo needs besides.
k create clusterrole spo --verb=list,watch \
	--resource=seccompprofiles.security-profiles-operator.x-k8s.io,apparmorprofiles.security-profiles-operator.x-k8s.io,rawselinuxprofiles.security-profiles-operator.x-k8s.io >/dev/null
k create clusterrolebinding spo --clusterrole=spo --serviceaccount=boltseal-node:boltseal-node >/dev/null
cluster_account boltseal-node boltseal-node

refused() {
	! "$@"
}
seal bad '{"seccomp": {"defaultAction": "ALLOW"}}' >"$scratch/bad.json"
expect "a seal with an unknown action is refused by the schema" refused k create -f "$scratch/bad.json"
seal bad '{}' >"$scratch/bad.json"
expect "a seal without a profile is refused by the schema" refused k create -f "$scratch/bad.json"

# ---- a new node ----
cluster_node n1 boltseal.dev/profiles-not-ready
cluster_node n2
seal web "{\"seccomp\": $(variant sysinfo)}" | k create -f - >/dev/null
cp "$repo/tests/golden/web.seccomp.nnp.oci.json" "$scratch/golden.json"
k create configmap -n boltseal-node profiles --from-file=golden.json="$scratch/golden.json" \
	--from-literal=broken.json='{"defaultAction": "SCMP_ACT_NONE"}' --from-literal=notes.txt=x >/dev/null
k label configmap -n boltseal-node profiles boltseal.dev/profiles=true >/dev/null
k create configmap -n boltseal-node other --from-literal=other.json="$(variant sysinfo)" >/dev/null
k create -f - >/dev/null <<JSON
{"apiVersion": "security-profiles-operator.x-k8s.io/v1", "kind": "SeccompProfile",
 "metadata": {"name": "theirs"}, "spec": $(variant getrusage | sed 's/"defaultErrnoRet": [0-9]*, //')}
JSON
k create -f - >/dev/null <<JSON
{"apiVersion": "boltseal.dev/v1alpha1", "kind": "SealProfile", "metadata": {"name": "confined"},
 "spec": {"apparmor": "profile confined {\n  /x r,\n}\n"}}
JSON
golden=$(hash_of "$scratch/golden.json")
pod needs-golden golden "$golden"
waits() {
	[[ $(pod_why "$1") == "0/2 nodes are available: "*"didn't match Pod's node affinity"* ]] &&
		echo "waits on '$(pod_node "$1")'"
}
soon "a pod waits while no node has its profile" "waits on ''" waits needs-golden
agent_start
soon "the pod is bound to the node once the profile is there" n1 pod_node needs-golden
soon "the node's label is the hash of the profile" "$golden" label golden
expect "the profile is in the kubelet's folder, byte by byte" \
	cmp "$scratch/golden.json" "$seccomp/golden-$golden.json"
expect "under its own name, too" cmp "$scratch/golden.json" "$seccomp/golden.json"
soon "the taint of new nodes is gone" "" k get node n1 -o 'jsonpath={.spec.taints}'
soon "the status says Installed" Installed status golden state
soon "with the path for pods" "boltseal/golden-$golden.json" status golden localhostProfile
soon "a seal is installed" Installed status web state
soon "a profile of the operator is installed" Installed status theirs state
soon "a wrong profile is refused" Refused status broken state
case $(status broken message) in
*'/defaultAction: unknown action "SCMP_ACT_NONE"'*) ok "with the place and the reason" ;;
*) not_ok "with the place and the reason" "$scratch/agent.log" ;;
esac
soon "it has no label" "" label broken
expect "a ConfigMap without the label is not read" refused test -e "$seccomp/other.json"
if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]; then
	skip "AppArmor that is not there" "this kernel has AppArmor"
else
	soon "a node without AppArmor says so" "Unavailable this kernel has no AppArmor" \
		k get nodeprofilestatus n1 -o \
		'jsonpath={.status.profiles[?(@.name=="confined")].state} {.status.profiles[?(@.name=="confined")].message}'
fi
soon "events tell" $'ProfileRefused\nProfilesInstalled' sh -c \
	"timeout 20 $kubectl --kubeconfig $kubeconfig get events -o 'jsonpath={range .items[?(@.involvedObject.name==\"n1\")]}{.reason}{\"\\n\"}{end}' | sort -u | grep -v Repaired"
page /healthz >"$scratch/log"
page /readyz >>"$scratch/log"
page /metrics >>"$scratch/log"
if [ "$(head -n 2 "$scratch/log")" = $'ok\nok' ] &&
	grep -q '^boltseal_node_profiles{kind="seccomp",state="Installed"} 3' "$scratch/log"; then
	ok "health and metrics"
else
	not_ok "health and metrics" "$scratch/log"
fi

# ---- behind its back ----
rm "$seccomp/golden-$golden.json"
soon "a file that was deleted is back" "$golden" hash_of "$seccomp/golden-$golden.json"
echo '{"defaultAction":"SCMP_ACT_ALLOW"}' >"$seccomp/golden.json"
soon "a file that was changed is back" "$golden" hash_of "$seccomp/golden.json"
mv "$scratch/kubelet/seccomp" "$scratch/moved-away"
soon "and the whole folder" "$golden" hash_of "$seccomp/golden.json"
k label node n1 boltseal.dev/seccomp.golden- boltseal.dev/seccomp.fake=000000000000 >/dev/null
soon "a label that was taken away is back" "$golden" label golden
soon "a label that is not true is gone" "" label fake
soon "an event tells of repairs" yes sh -c \
	"timeout 20 $kubectl --kubeconfig $kubeconfig get events -o 'jsonpath={.items[*].reason}' | grep -q ProfileRepaired && echo yes"

kb=$(awk '/^VmHWM/ { print $2 }' "/proc/$agent/status")
if [ "${kb:-0}" -gt 0 ] && [ "$kb" -lt 65536 ]; then
	ok "the agent's memory is small ($kb kB at most)"
else
	not_ok "the agent's memory is small (${kb:-unknown} kB)"
fi

# ---- restart ----
agent_stop -KILL
labels=$(k get node n1 -o 'jsonpath={.metadata.labels}')
agent_start
soon "after a restart the agent is in sync" ok page /readyz
sleep 1
if [ "$(k get node n1 -o 'jsonpath={.metadata.labels}')" = "$labels" ]; then
	ok "the labels are what they were"
else
	not_ok "the labels are what they were" "$scratch/agent.log"
fi
soon "so is the status" Installed status golden state

# ---- a new version ----
variant getcpu >"$scratch/golden2.json"
golden2=$(hash_of "$scratch/golden2.json")
k create configmap -n boltseal-node profiles --from-file=golden.json="$scratch/golden2.json" \
	--dry-run=client -o json | k label --local -f - boltseal.dev/profiles=true -o json |
	k replace -f - >/dev/null 2>&1
soon "a new version has the label" "$golden2" label golden
expect "the plain name is the new version" cmp "$scratch/golden2.json" "$seccomp/golden.json"
soon "the status has the new hash" "$golden2" status golden hash
pod needs-new golden "$golden2"
soon "a pod for the new version is bound" n1 pod_node needs-new
sleep 4
expect "the old version stays while a pod uses it" test -e "$seccomp/golden-$golden.json"
k delete pod needs-golden --grace-period=0 --force >/dev/null 2>&1
gone() {
	[ -e "$1" ] && echo there || echo gone
}
soon "and goes when none does" gone gone "$seccomp/golden-$golden.json"
# A wrong new version: the one before keeps serving.
k create configmap -n boltseal-node profiles --from-literal=golden.json='{"defaultAction": 1}' \
	--dry-run=client -o json | k label --local -f - boltseal.dev/profiles=true -o json |
	k replace -f - >/dev/null 2>&1
soon "a new version that is wrong is refused" Refused status golden state
expect "the version before it stays" cmp "$scratch/golden2.json" "$seccomp/golden-$golden2.json"
soon "with its label" "$golden2" label golden
k create configmap -n boltseal-node profiles --from-file=golden.json="$scratch/golden2.json" \
	--dry-run=client -o json | k label --local -f - boltseal.dev/profiles=true -o json |
	k replace -f - >/dev/null 2>&1
soon "and is installed again" Installed status golden state

# ---- the API server is down for a minute ----
# Somebody listens at its port meanwhile, takes every connection away and notes when it came.
# The scheduler, which tries again every second, holds still.
kill -STOP "$scheduler_pid"
cluster_api_stop
down=$SECONDS
python3 - "$port_api" >"$scratch/attempts" <<'PY' &
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(64)
start = time.monotonic()
while time.monotonic() - start < 60:
    s.settimeout(max(0.01, 60 - (time.monotonic() - start)))
    try:
        s.accept()[0].close()
        print(f"{time.monotonic() - start:.3f}", flush=True)
    except TimeoutError:
        pass
PY
deaf=$!
background+=("$deaf")
rm "$seccomp/golden.json"
if cluster_wait 10 "$golden2" hash_of "$seccomp/golden.json"; then
	ok "repairs go on while the API server is down"
else
	not_ok "repairs go on while the API server is down" "$scratch/agent.log"
fi
wait "$deaf"
expect "nothing is taken away in that minute" test -e "$seccomp/golden-$golden2.json"
# Eight watches, and what they have to tell; pauses grow from a quarter of a second to 30 s.
if python3 -c 'import sys
at = [float(x) for x in open(sys.argv[1])]
first, last = (sum(a <= t < a + 10 for t in at) for a in (0, 50))
print(f"# {len(at)} attempts in a minute, {first} in the first ten seconds, {last} in the last")
assert 8 <= len(at) <= 160 and last < first and at[-1] > 25, at[-8:]' "$scratch/attempts" >"$scratch/log" 2>&1; then
	cat "$scratch/log"
	ok "it tried again with growing pauses"
else
	not_ok "it tried again with growing pauses" "$scratch/log"
fi
cluster_api_start
kill -CONT "$scheduler_pid"
echo "# the server was away for $((SECONDS - down)) s"
k delete sealprofile web >/dev/null
back=$SECONDS
if cluster_wait 45 "" label web; then
	echo "# $((SECONDS - back)) s later"
	ok "when it is back, changes arrive: the label of a removed profile goes"
else
	not_ok "when it is back, changes arrive: the label of a removed profile goes" "$scratch/agent.log"
fi
soon "then its file" gone gone "$seccomp/web.json"
soon "its status, too" "" status web state
soon "the rest is as it was" "$golden2" label golden
agent_stop -TERM

# ---- the status or the node goes ----
agent_start
soon "the agent is in sync again" ok page /readyz
k delete nodeprofilestatus n1 >/dev/null
soon "a status that was deleted is written again" Installed status golden state
k delete node n1 >/dev/null 2>&1
cluster_node n1 boltseal.dev/profiles-not-ready
soon "a node that was made anew has its labels" "$golden2" label golden
soon "and loses the taint" "" k get node n1 -o 'jsonpath={.spec.taints}'
soon "the status is that of the new one" "$(k get node n1 -o 'jsonpath={.metadata.uid}')" \
	k get nodeprofilestatus n1 -o 'jsonpath={.metadata.ownerReferences[0].uid}'
agent_stop -TERM

# ---- once ----
KUBECONFIG=$kubeconfig "$boltseal" node --once --node n2 --crds --state-dir "$scratch/state2" \
	--kubelet-dir "$scratch/kubelet2" >"$scratch/log" 2>&1
[ $? = 3 ] && grep -q 'Unavailable apparmor' "$scratch/log" && ok "--once ends and says what is missing" ||
	not_ok "--once ends and says what is missing" "$scratch/log"
cp "$scratch/golden2.json" "$scratch/local.json"
mkdir "$scratch/profiles"
mv "$scratch/local.json" "$scratch/profiles/"
expect "--cluster labels the node for a folder" env KUBECONFIG="$kubeconfig" "$boltseal" node --once \
	--cluster --node n2 --folder "$scratch/profiles" --kubelet-dir "$scratch/kubelet2"
soon "with the hash" "$golden2" label local n2

# ---- permissions ----
can() {
	k auth can-i "$@" --as system:serviceaccount:boltseal-node:boltseal-node
}
soon "the agent cannot read secrets" no can list secrets -A
soon "nor make pods" no can create pods -A
soon "nor change profiles" no can update sealprofiles.boltseal.dev
soon "nor read ConfigMaps elsewhere" no can list configmaps -n default
tap_end
