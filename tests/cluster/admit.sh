#!/bin/bash
# Time limit: 200 s
# boltseal admit as the webhook of a real API server, with the manifests and permissions of
# deploy/kubernetes/admit.yaml: what is refused, warned about and patched; a pod that waits for a node with
# its profile; the webhook killed and restarted under load.
set -u
# shellcheck source=tests/cluster/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
python3 -c 'import yaml' 2>/dev/null || skip_all "PyYAML is not installed"
cluster_begin
cluster_scheduler
here=$repo/tests/cluster
port_hook=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')

# ---- what deploy/kubernetes/admit.yaml says, with the webhook on this machine ----
certs=$scratch/certs
"$boltseal" admit --make-certs "$certs" --dns 127.0.0.1 --manifest "$repo/deploy/kubernetes/admit.yaml" \
	--output="$scratch/admit.yaml" 2>"$scratch/log" || not_ok "certificates are made" "$scratch/log"
python3 "$here/admit_manifest.py" "$scratch/admit.yaml" "$port_hook" "$scratch" ||
	skip_all "deploy/kubernetes/admit.yaml cannot be read"
k apply -f "$scratch/objects.yaml" >"$scratch/log" 2>&1 &&
	ok "the API server takes the manifests" || not_ok "the API server takes the manifests" "$scratch/log"
cluster_account boltseal boltseal-admit || skip_all "no token for the service account"
cluster_account_kubeconfig "$scratch/hook.kubeconfig"
cat >"$scratch/config.yaml" <<YAML
apiVersion: boltseal.dev/v1
kind: AdmitConfiguration
server:
  listen: "127.0.0.1:$port_hook"
  certificate: $certs/tls.crt
  key: $certs/tls.key
  drainSeconds: 0
kubernetesVersion: v1.20
podSecurity:
  exemptions: {namespaces: [exempt]}
checks:
- {id: R04, action: enforce, namespaces: [checked]}
- {id: R11, action: warn, namespaces: [checked]}
mutate:
  optOut: {namespaces: true}
  profiles:
  - image: shop/web
    seccomp: boltseal/web-0123456789ab.json
    seccompLabel: boltseal.dev/seccomp.web=0123456789ab
    apparmor: web
    capabilities: [NET_BIND_SERVICE]
YAML

hook_start() {
	local tries=0
	"$boltseal" admit --config "$scratch/config.yaml" --kubeconfig "$scratch/hook.kubeconfig" \
		>>"$scratch/hook.log" 2>&1 &
	hook=$!
	background+=("$hook")
	until [ "$(curl -s --cacert "$certs/ca.crt" "https://127.0.0.1:$port_hook/readyz")" = ok ]; do
		tries=$((tries + 1))
		if [ $tries -gt 100 ] || ! kill -0 "$hook" 2>/dev/null; then
			return 1
		fi
		sleep 0.1
	done
}
k apply -f "$repo/deploy/crds" >"$scratch/log" 2>&1 &&
	k wait --for condition=established --timeout 20s crd/sealprofiles.boltseal.dev >>"$scratch/log" 2>&1 ||
	not_ok "the definitions are accepted" "$scratch/log"
hook_start && ok "the webhook knows the namespaces with the permissions of deploy/" ||
	not_ok "the webhook knows the namespaces with the permissions of deploy/" "$scratch/hook.log"

# namespace NAME [LABEL=VALUE...]
namespace() {
	local name=$1
	shift
	k create namespace "$name" >/dev/null 2>&1
	[ $# = 0 ] || k label namespace "$name" "$@" >/dev/null 2>&1
}
P=pod-security.kubernetes.io
namespace baseline $P/enforce=baseline
namespace strict $P/enforce=restricted $P/enforce-version=v1.24
namespace warned $P/warn=baseline
namespace exempt $P/enforce=restricted
namespace plain
namespace checked
namespace out boltseal.dev/opt-out=all

pod() { # NAME IMAGE [SECURITY-CONTEXT [SPEC-MEMBERS]]
	cat <<JSON
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$1"}, "spec": {
 "containers": [{"name": "c", "image": "$2", "securityContext": ${3:-null}}]${4:-}}}
JSON
}
deployment() { # NAME SECURITY-CONTEXT
	cat <<JSON
{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "$1"}, "spec": {
 "selector": {"matchLabels": {"a": "$1"}}, "template": {"metadata": {"labels": {"a": "$1"}},
 "spec": {"containers": [{"name": "c", "image": "x", "securityContext": $2}]}}}}
JSON
}
privileged='{"privileged": true}'
hard='{"allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]}}'

# refused NAME TEXT NAMESPACE: what is read is refused with this text.
refused() {
	if k create -n "$3" -f - >"$scratch/log" 2>&1; then
		not_ok "$1: it was made" "$scratch/log"
	elif grep -qF -- "$2" "$scratch/log"; then
		ok "$1"
	else
		not_ok "$1" "$scratch/log"
	fi
}
# made NAME NAMESPACE [WARNING]: it is made, with this warning or none.
made() {
	if ! k create -n "$2" -f - >"$scratch/log" 2>&1; then
		not_ok "$1: refused" "$scratch/log"
	elif [ $# -gt 2 ] && ! grep -qF -- "Warning: $3" "$scratch/log"; then
		not_ok "$1: no warning" "$scratch/log"
	elif [ $# = 2 ] && grep -q ^Warning "$scratch/log"; then
		not_ok "$1: a warning" "$scratch/log"
	else
		ok "$1"
	fi
}
# pod_has NAME TEXT NAMESPACE POD JSONPATH
pod_has() {
	k get pod -n "$3" "$4" -o jsonpath="$5" >"$scratch/log" 2>&1
	if [ "$(cat "$scratch/log")" = "$2" ]; then
		ok "$1"
	else
		not_ok "$1" "$scratch/log"
	fi
}

# ---- refused, warned ----
refused "kubectl shows why a pod is refused" \
	'admission webhook "enforce.admit.boltseal.dev" denied the request: pods "a" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)' \
	baseline < <(pod a x "$privileged")
refused "in the version of the namespace" 'violates PodSecurity "restricted:v1.24": allowPrivilegeEscalation != false' \
	strict < <(pod a x)
made "what conforms gets in" strict < <(pod a x "$hard")
made "kubectl shows the warning" warned \
	'would violate PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)' \
	< <(pod a x "$privileged")
made "a Deployment in an enforcing namespace is warned about" baseline \
	'would violate PodSecurity "baseline:latest": privileged' < <(deployment d "$privileged")
made "an exempt namespace" exempt < <(pod a x "$privileged")
k create namespace fresh --dry-run=client -o json |
	python3 -c 'import json, sys; o = json.load(sys.stdin)
o["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "baseline"}
print(json.dumps(o))' | k create -f - >/dev/null 2>&1
refused "a namespace counts from its first moment on" 'violates PodSecurity "baseline:latest"' \
	fresh < <(pod a x "$privileged")
refused "a check of inspect refuses" 'violates R04 (' checked < <(pod a x null \
	', "volumes": [{"name": "v", "hostPath": {"path": "/var/run/docker.sock"}}]')
made "a check of inspect warns" checked 'violates R11 (' < <(pod b x)
k apply -n baseline --dry-run=server -f - >"$scratch/log" 2>&1 < <(pod dry x "$privileged") &&
	not_ok "a dry run is refused too" "$scratch/log" || ok "a dry run is refused too"

# ---- namespaces ----
if k label namespace plain $P/enforce=strict >"$scratch/log" 2>&1; then
	not_ok "a wrong label is refused" "$scratch/log"
elif grep -q 'must be one of privileged, baseline, restricted' "$scratch/log"; then
	ok "a wrong label is refused"
else
	not_ok "a wrong label is refused" "$scratch/log"
fi
k label --overwrite namespace warned $P/enforce=baseline >"$scratch/log" 2>&1
if grep -qF 'Warning: existing pods in namespace "warned" violate the new PodSecurity enforce level "baseline:latest"' \
	"$scratch/log" && grep -qF 'Warning: a: privileged' "$scratch/log"; then
	ok "a stricter level warns about pods that are there"
else
	not_ok "a stricter level warns about pods that are there" "$scratch/log"
fi
gets_in() {
	pod probe x "$privileged" | k create -n baseline --dry-run=server -f -
}
stays_out() {
	! gets_in
}
k label --overwrite namespace baseline $P/enforce=privileged >/dev/null 2>&1
until_true gets_in
made "a milder level counts soon" baseline < <(pod b x "$privileged")

# ---- patched ----
made "a pod without a profile" plain < <(pod a x)
pod_has "gets RuntimeDefault" RuntimeDefault plain a '{.spec.securityContext.seccompProfile.type}'
pod_has "and an explanation" "pod: seccomp RuntimeDefault" plain a '{.metadata.annotations.boltseal\.dev/admit}'
made "one that opted out" out < <(pod a x)
pod_has "gets nothing" "" out a '{.spec.securityContext.seccompProfile.type}'
made "a pod of an image with profiles" plain < <(pod web docker.io/shop/web:1.2)
pod_has "gets its Localhost profile" boltseal/web-0123456789ab.json plain web \
	'{.spec.containers[0].securityContext.seccompProfile.localhostProfile}'
pod_has "its capabilities" '["ALL"] ["NET_BIND_SERVICE"]' plain web \
	'{.spec.containers[0].securityContext.capabilities.drop} {.spec.containers[0].securityContext.capabilities.add}'
pod_has "AppArmor as an annotation, before 1.30" localhost/web plain web \
	'{.metadata.annotations.container\.apparmor\.security\.beta\.kubernetes\.io/c}'
pod_has "and an affinity" "boltseal.dev/seccomp.web" plain web \
	'{.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key}'

# ---- scheduled only where the profile is ----
cluster_node one
cluster_wait 30 one k get pod -n plain a -o 'jsonpath={.spec.nodeName}' &&
	ok "a pod without a profile of its own is bound" || not_ok "a pod without a profile of its own is bound"
pod_has "one with waits for its profile" "" plain web '{.spec.nodeName}'
k label node one boltseal.dev/seccomp.web=0123456789ab >/dev/null
cluster_wait 30 one k get pod -n plain web -o 'jsonpath={.spec.nodeName}' &&
	ok "and is bound when the node has it" || not_ok "and is bound when the node has it"

# ---- profiles of SealProfile objects: from the model to a pod that is bound ----
"$boltseal" generate seal --output="$scratch/seal.yaml" "$repo/tests/golden/web.workload.json" 2>"$scratch/log"
k apply --server-side -f "$scratch/seal.yaml" >>"$scratch/log" 2>&1 &&
	ok "the API server takes the seal of a model" || not_ok "the API server takes the seal of a model" "$scratch/log"
# localhost POD: the profile of its container.
localhost() {
	k get pod -n plain "$1" -o 'jsonpath={.spec.containers[0].securityContext.seccompProfile.localhostProfile}'
}
# sealed NAME PATTERN IMAGE: pods are made until one has a profile like this; within 30 s.
sealed() {
	local end=$((SECONDS + 30))
	while true; do
		pod "$1" "$3" | k create -n plain -f - >"$scratch/log" 2>&1 || return 1
		# shellcheck disable=SC2053 # a pattern
		[[ $(localhost "$1") != $2 ]] || return 0
		[ $SECONDS -lt $end ] || return 1
		k delete pod -n plain "$1" --grace-period=0 --force >/dev/null 2>&1
		sleep 0.2
	done
}
is_sealed() {
	if sealed "${@:2}"; then
		ok "$1"
	else
		{
			echo "it has '$(localhost "$2")'"
			tail -n 5 "$scratch/hook.log"
		} >"$scratch/log"
		not_ok "$1" "$scratch/log"
	fi
}
is_sealed "a pod of the image gets this version" s1 'boltseal/web-????????????.json' registry.example/web:2
first=$(localhost s1)
pod_has "and the capabilities that the model needs" '["ALL"] ["SETUID","NET_BIND_SERVICE"]' plain s1 \
	'{.spec.containers[0].securityContext.capabilities.drop} {.spec.containers[0].securityContext.capabilities.add}'
sleep 1
pod_has "it waits: no node has the profile" "" plain s1 '{.spec.nodeName}'
KUBECONFIG=$kubeconfig timeout 60 "$boltseal" node --once --crds --node one --kubelet-dir "$scratch/kubelet" \
	--state-dir "$scratch/state" >"$scratch/log" 2>&1 ||
	not_ok "boltseal node installs the seal" "$scratch/log"
cluster_wait 30 one k get pod -n plain s1 -o 'jsonpath={.spec.nodeName}' &&
	ok "boltseal node installs what the pod names, and it is bound" ||
	not_ok "boltseal node installs what the pod names, and it is bound" "$scratch/log"
[ -f "$scratch/kubelet/seccomp/$first" ] && ok "under that name" || not_ok "under that name: no $first"
# What nodes would refuse is not waited for.
k patch sealprofile web --type merge -p '{"spec":{"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]}}}' \
	>/dev/null 2>&1
is_sealed "of a version that nodes refuse pods get the one that nodes have" s2 boltseal/web.json registry.example/web
cluster_wait 30 one k get pod -n plain s2 -o 'jsonpath={.spec.nodeName}' &&
	ok "and start" || not_ok "and start"
k apply --server-side --force-conflicts -f "$scratch/seal.yaml" >/dev/null 2>&1
is_sealed "the good version is back" s3 "$first" registry.example/web
# A pod that names the profile itself gets its nodes.
made "a pod that names the profile" plain < <(pod s4 other \
	'{"seccompProfile": {"type": "Localhost", "localhostProfile": "boltseal/web.json"}}')
pod_has "goes where it is" "boltseal.dev/seccomp.web Exists" plain s4 \
	'{.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key} {.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator}'
k delete sealprofile web >/dev/null
is_sealed "without the seal the image has no profile of its own" s5 '' registry.example/web
pod_has "but RuntimeDefault" RuntimeDefault plain s5 '{.spec.securityContext.seccompProfile.type}'

# ---- killed and restarted under load ----
k label --overwrite namespace baseline $P/enforce=baseline >/dev/null 2>&1
until_true stays_out
pod load x "$privileged" >"$scratch/bad.json"
pod load x >"$scratch/good.json"
timeout 100 python3 "$here/admit_load.py" "$cluster" "$port_api" "$scratch" >"$scratch/load" 2>&1 &
load=$!
background+=("$load")
sleep 2
kill -TERM "$hook"
wait "$hook"
code=$?
hook_start
sleep 2
kill -KILL "$hook"
wait "$hook" 2>/dev/null
sleep 1
hook_start
sleep 2
touch "$scratch/enough"
wait "$load"
# "good made, good failed, bad made, bad refused, bad failed, good at the end, refused at the end"
read -r good_made good_failed bad_made bad_refused bad_failed last_good last_bad <"$scratch/load"
echo "# good: $good_made made, $good_failed failed; bad: $bad_made made, $bad_refused refused, $bad_failed failed"
[ "$code" = 0 ] && ok "it ends with 0 when it is told to" ||
	not_ok "it ends with $code when it is told to" "$scratch/hook.log"
[ "${bad_made:-1}" = 0 ] && ok "nothing gets in unjudged while it is away" ||
	not_ok "nothing gets in unjudged while it is away" "$scratch/load"
[ "${good_made:-0}" -gt 50 ] && [ "${bad_refused:-0}" -gt 50 ] && ok "there was load" ||
	not_ok "there was load" "$scratch/load"
[ "${last_good:-0}" = 1 ] && [ "${last_bad:-0}" = 1 ] && ok "it answers as before when it is back" ||
	not_ok "it answers as before when it is back" "$scratch/load"
tap_end
