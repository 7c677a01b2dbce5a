#!/bin/bash
# generate kubernetes, networkpolicy, spo: a real API server takes the objects and gives them back.
# The server: etcd, kube-apiserver and kubectl in $KUBEBUILDER_ASSETS, else those of Debian and of
# ../shared/kubernetes.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
shared=${BOLTSEAL_SHARED:-$repo/../shared}
assets=${KUBEBUILDER_ASSETS:-}
# program NAME: its path, from the assets, the search path or the archive.
program() {
	if [ -n "$assets" ] && [ -x "$assets/$1" ]; then
		echo "$assets/$1"
	elif command -v "$1"; then
		:
	elif [ "$1" = kube-apiserver ]; then
		tar --zstd -xf "$shared"/kubernetes/kube-*.tar.zst -C "$scratch" 2>/dev/null
		find "$scratch" -name kube-apiserver -type f | head -n 1
	fi
}
etcd=$(program etcd)
kubectl=$(program kubectl)
apiserver=$(program kube-apiserver)
[ -n "$etcd" ] || skip_all "etcd is not installed"
[ -n "$kubectl" ] || skip_all "kubectl is not installed"
[ -n "$apiserver" ] || skip_all "no kube-apiserver (KUBEBUILDER_ASSETS, ../shared/kubernetes)"
command -v openssl >/dev/null || skip_all "openssl is not installed"

ports=$(python3 -c 'import socket
s = [socket.socket() for _ in range(3)]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])')
read -r port_etcd port_peer port_api <<<"$ports"
openssl genrsa -out "$scratch/sa.key" 2048 2>/dev/null
echo "secret-of-the-test,admin,admin,system:masters" >"$scratch/tokens"
"$etcd" --data-dir "$scratch/etcd" --unsafe-no-fsync \
	--listen-client-urls "http://127.0.0.1:$port_etcd" \
	--advertise-client-urls "http://127.0.0.1:$port_etcd" \
	--listen-peer-urls "http://127.0.0.1:$port_peer" >"$scratch/etcd.log" 2>&1 &
background+=("$!")
"$apiserver" --etcd-servers="http://127.0.0.1:$port_etcd" --secure-port="$port_api" \
	--bind-address=127.0.0.1 --cert-dir="$scratch/certs" --allow-privileged=true \
	--disable-admission-plugins=ServiceAccount --token-auth-file="$scratch/tokens" \
	--service-account-key-file="$scratch/sa.key" --service-account-issuer=https://test \
	--service-account-signing-key-file="$scratch/sa.key" >"$scratch/api.log" 2>&1 &
api=$!
background+=("$api")
export HOME=$scratch
k() {
	timeout 30 "$kubectl" --server "https://127.0.0.1:$port_api" --insecure-skip-tls-verify \
		--token secret-of-the-test "$@"
}
tries=0
until k get namespace default >/dev/null 2>&1; do
	tries=$((tries + 1))
	kill -0 "$api" 2>/dev/null || skip_all "the API server ended: $(tail -n 1 "$scratch/api.log")"
	[ $tries -lt 200 ] || skip_all "the API server is not ready after 60 s"
	sleep 0.3
done

model=$repo/tests/golden/api.workload.json
web=$repo/tests/golden/web.workload.json
generate() {
	"$boltseal" generate "$@" 2>"$scratch/notes"
}

# holds NAME SENT GOT: everything of the JSON file SENT is in GOT, lists item by item.
cat >"$scratch/holds.py" <<'PYTHON'
import json, sys


def lacks(want, got, at):
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return at
        for key, value in want.items():
            if key not in got:
                return at + "/" + key
            missing = lacks(value, got[key], at + "/" + key)
            if missing:
                return missing
    elif isinstance(want, list):
        if not isinstance(got, list) or len(got) < len(want):
            return at
        for i, value in enumerate(want):
            missing = lacks(value, got[i], f"{at}/{i}")
            if missing:
                return missing
    elif want != got:
        return f"{at}: {got!r} instead of {want!r}"
    return None


sent, got = (json.load(open(name)) for name in sys.argv[1:3])
sys.exit(lacks(sent, got, ""))
PYTHON
holds() {
	expect "$1" python3 "$scratch/holds.py" "$2" "$3"
}

# ---- NetworkPolicy ----
for egress in addresses ports; do
	generate networkpolicy --egress $egress --name "np-$egress" "$model" >"$scratch/np.yaml"
	generate networkpolicy --egress $egress --name "np-$egress" -o json "$model" >"$scratch/np.json"
	expect "a NetworkPolicy ($egress) is accepted" k create -f "$scratch/np.yaml"
	k get networkpolicy "np-$egress" -o json >"$scratch/got" 2>&1
	holds "a NetworkPolicy ($egress) comes back whole" "$scratch/np.json" "$scratch/got"
done

# ---- patches ----
pod='{"containers": [{"name": "sidecar", "image": "side"}, {"name": "api", "image": "api"}]'
pod+=', "restartPolicy": "Always"}'
template="{\"metadata\": {\"labels\": {\"app\": \"api\"}}, \"spec\": $pod}"
{
	echo "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"fixed\"}, \"spec\": $pod}"
} >"$scratch/pod.json"
for kind in Deployment StatefulSet DaemonSet ReplicaSet; do
	extra=''
	[ $kind != StatefulSet ] || extra=', "serviceName": "api"'
	cat >"$scratch/$kind.json" <<JSON
{"apiVersion": "apps/v1", "kind": "$kind", "metadata": {"name": "api"},
 "spec": {"selector": {"matchLabels": {"app": "api"}}, "template": $template$extra}}
JSON
	generate kubernetes --kind $kind --kubernetes-version 1.20 --user 10001:10002 --container api \
		"$model" >"$scratch/patch.yaml"
	generate kubernetes --kind $kind --kubernetes-version 1.20 --user 10001:10002 --container api \
		-o json "$model" >"$scratch/patch.json"
	k create -f "$scratch/$kind.json" >"$scratch/log" 2>&1
	expect "a patch of a $kind is accepted" k patch "$kind" api --patch "$(cat "$scratch/patch.yaml")"
	# The container that the patch does not name moves behind it or stays in front.
	k get "$kind" api -o json | python3 -c 'import json, sys
o = json.load(sys.stdin)
c = o["spec"]["template"]["spec"]["containers"]
c.sort(key=lambda x: x["name"])
assert "securityContext" not in c[1], c
print(json.dumps(o))' >"$scratch/got" 2>"$scratch/log"
	holds "it is all in the $kind, and in no other container" "$scratch/patch.json" "$scratch/got"
done

# Pods and jobs cannot be changed: the patch is applied by the client, then the object made.
for case in Pod:pods Job:jobs; do
	kind=${case%:*}
	if [ $kind = Pod ]; then
		cp "$scratch/pod.json" "$scratch/object.json"
	else
		cat >"$scratch/object.json" <<JSON
{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "fixed"},
 "spec": {"template": ${template/Always/Never}}}
JSON
	fi
	generate kubernetes --kind $kind --kubernetes-version 1.20 --container api "$web" \
		--volume /var/lib/web --volume /var/log >"$scratch/patch.yaml"
	if "$kubectl" patch --local -f "$scratch/object.json" --patch "$(cat "$scratch/patch.yaml")" \
		-o json >"$scratch/patched.json" 2>"$scratch/log"; then
		expect "a patched $kind is accepted" k create -f "$scratch/patched.json"
	else
		not_ok "a $kind is patched" "$scratch/log"
	fi
done
k get pod fixed -o jsonpath='{.spec.containers[?(@.name=="api")].securityContext.capabilities}' >"$scratch/log"
if [ "$(cat "$scratch/log")" = '{"add":["SETUID","NET_BIND_SERVICE"],"drop":["ALL"]}' ]; then
	ok "the pod has the capabilities"
else
	not_ok "the pod has the capabilities" "$scratch/log"
fi

generate kubernetes --kind Deployment --patch json6902 --container 1 --apparmor none \
	--kubernetes-version 1.20 -o json "$model" >"$scratch/patch.json"
expect "a JSON patch is accepted" k patch deployment api --type json \
	--patch "$(cat "$scratch/patch.json")"
k get deployment api -o json >"$scratch/got"
python3 -c 'import json, sys
p = json.load(open(sys.argv[1]))[0]
print(json.dumps({"spec": {"template": {"spec": {"containers": [{}, {"securityContext": p["value"]}]}}}}))' \
	"$scratch/patch.json" >"$scratch/want"
holds "it replaced the security context" "$scratch/want" "$scratch/got"

# Fields that this server does not know: the client's own types, when it is new enough.
generate kubernetes --container api "$model" >"$scratch/patch.yaml"
if "$kubectl" patch --local -f "$scratch/pod.json" --patch "$(cat "$scratch/patch.yaml")" \
	-o json >"$scratch/got" 2>"$scratch/log" &&
	python3 -c 'import json, sys
c = [c for c in json.load(open(sys.argv[1]))["spec"]["containers"] if c["name"] == "api"][0]
c = c["securityContext"]
sys.exit(c.get("appArmorProfile") != {"type": "Localhost", "localhostProfile": "api"})' "$scratch/got"; then
	ok "a client of Kubernetes 1.30 or newer knows appArmorProfile"
else
	skip "appArmorProfile" "this kubectl is older than Kubernetes 1.30"
fi

# ---- Security Profiles Operator ----
if k create -f "$repo/tests/live/spo-crds.yaml" >"$scratch/log" 2>&1; then
	for plural in seccompprofiles apparmorprofiles selinuxprofiles rawselinuxprofiles; do
		k wait --for condition=established --timeout 20s \
			"crd/$plural.security-profiles-operator.x-k8s.io" >/dev/null 2>&1
	done
	for kind in SeccompProfile AppArmorProfile SelinuxProfile RawSelinuxProfile; do
		generate spo --kind $kind "$web" >"$scratch/spo.yaml"
		generate spo --kind $kind -o json "$web" >"$scratch/spo.json"
		expect "a $kind is accepted" k create -f "$scratch/spo.yaml"
		k get "$kind" web -o json >"$scratch/got" 2>&1
		holds "a $kind comes back whole" "$scratch/spo.json" "$scratch/got"
	done
else
	not_ok "the operator's definitions are accepted" "$scratch/log"
fi
tap_end
