# shellcheck shell=bash
# shellcheck disable=SC2034 # variables for those who source this
# To be sourced by the cluster tests: a real control plane on loopback, without a kubelet. etcd,
# kube-apiserver, kube-scheduler and kubectl come from $KUBEBUILDER_ASSETS, else from the search path,
# else from ../shared/kubernetes. Everything that is started is stopped by its process id.
#
#	cluster_begin              programs, certificates, etcd, API server; skips all when not possible
#	cluster_scheduler          kube-scheduler
#	cluster_api_stop, cluster_api_start
#	cluster_node NAME          a Node that is ready and takes 100 pods
#	cluster_account NS NAME    a service account, with files as a pod has them in $account
#	cluster_account_kubeconfig FILE   for the last one
#	cluster_wait SECONDS TEXT COMMAND...   until COMMAND prints exactly TEXT
#	k ARGUMENT...              kubectl as an administrator; $kubeconfig is its file
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/../live/lib.sh"

shared=${BOLTSEAL_SHARED:-$repo/../shared}
cluster=$scratch/cluster

# cluster_program NAME: its path; those of the archive are unpacked once, beside other caches.
cluster_program() {
	local archive unpacked
	if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$1" ]; then
		echo "$KUBEBUILDER_ASSETS/$1"
		return
	fi
	if command -v "$1"; then
		return
	fi
	for archive in "$shared"/kubernetes/kube-*.tar.zst; do
		[ -f "$archive" ] || return 0
		unpacked=$BOLTSEAL_CACHE/$(basename "$archive" .tar.zst)
		if [ ! -d "$unpacked" ]; then
			mkdir -p "$unpacked.$$"
			tar --zstd -xf "$archive" -C "$unpacked.$$" &&
				mv -T "$unpacked.$$" "$unpacked" 2>/dev/null
			rm -rf "$unpacked.$$"
		fi
		[ ! -x "$unpacked/$1" ] || echo "$unpacked/$1"
	done
}

# cluster_cert NAME SUBJECT [SUBJECT-ALTERNATIVE-NAMES]: NAME.crt and NAME.key, signed by the CA.
cluster_cert() {
	{
		openssl ecparam -name prime256v1 -genkey -noout -out "$cluster/$1.key"
		openssl req -new -key "$cluster/$1.key" -subj "$2" -out "$cluster/$1.csr"
		echo "${3:+subjectAltName=$3}" >"$cluster/$1.ext"
		openssl x509 -req -in "$cluster/$1.csr" -CA "$cluster/ca.crt" -CAkey "$cluster/ca.key" \
			-CAcreateserial -days 2 -extfile "$cluster/$1.ext" -out "$cluster/$1.crt"
	} >>"$cluster/openssl.log" 2>&1
}

# cluster_kubeconfig FILE CERTIFICATE: with paths relative to its folder.
cluster_kubeconfig() {
	cat >"$1" <<YAML
apiVersion: v1
kind: Config
current-context: test
contexts:
- name: test
  context: {cluster: test, user: test}
clusters:
- name: test
  cluster:
    server: $cluster_url
    certificate-authority: ca.crt
users:
- name: test
  user:
    client-certificate: $2.crt
    client-key: $2.key
YAML
}

cluster_certs() {
	openssl ecparam -name prime256v1 -genkey -noout -out "$cluster/ca.key" 2>/dev/null
	openssl req -x509 -new -key "$cluster/ca.key" -subj /CN=test-ca -days 2 \
		-out "$cluster/ca.crt" 2>/dev/null
	openssl genrsa -out "$cluster/account.key" 2048 2>/dev/null
	cluster_cert server /CN=kube-apiserver 'DNS:kubernetes,DNS:localhost,IP:127.0.0.1'
	cluster_cert admin /O=system:masters/CN=admin
	cluster_cert scheduler /CN=system:kube-scheduler
}

k() {
	timeout 60 "$kubectl" --kubeconfig "$kubeconfig" "$@"
}

# cluster_wait SECONDS TEXT COMMAND...
cluster_wait() {
	local end=$((SECONDS + $1)) want=$2
	shift 2
	until [ "$("$@" 2>/dev/null)" = "$want" ]; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

cluster_api_start() {
	local tries=0
	"$apiserver" --etcd-servers="http://127.0.0.1:$port_etcd" --secure-port="$port_api" \
		--bind-address=127.0.0.1 --allow-privileged=true --authorization-mode=RBAC \
		--client-ca-file="$cluster/ca.crt" \
		--tls-cert-file="$cluster/server.crt" --tls-private-key-file="$cluster/server.key" \
		--disable-admission-plugins=ServiceAccount \
		--feature-gates=ProcMountType=true,EphemeralContainers=true \
		--service-account-issuer=https://test --service-account-key-file="$cluster/account.key" \
		--service-account-signing-key-file="$cluster/account.key" \
		--shutdown-delay-duration=0s >>"$cluster/api.log" 2>&1 &
	cluster_api=$!
	background+=("$cluster_api")
	# The namespace comes a moment later than the first answers.
	until [ "$(k get --raw /readyz 2>/dev/null)" = ok ] &&
		k get namespace default >/dev/null 2>&1; do
		tries=$((tries + 1))
		kill -0 "$cluster_api" 2>/dev/null ||
			skip_all "the API server ended: $(tail -n 1 "$cluster/api.log")"
		[ $tries -lt 300 ] || skip_all "the API server is not ready after 60 s"
		sleep 0.2
	done
}

cluster_api_stop() {
	kill -KILL "$cluster_api"
	wait "$cluster_api" 2>/dev/null
}

cluster_begin() {
	local ports name
	[ -x "$boltseal" ] || skip_all "$boltseal is not built"
	etcd=$(cluster_program etcd)
	kubectl=$(cluster_program kubectl)
	apiserver=$(cluster_program kube-apiserver)
	scheduler=$(cluster_program kube-scheduler)
	[ -n "$etcd" ] || skip_all "etcd is not installed"
	[ -n "$kubectl" ] || skip_all "kubectl is not installed"
	for name in apiserver scheduler; do
		[ -n "${!name}" ] ||
			skip_all "no kube-$name (KUBEBUILDER_ASSETS, ../shared/kubernetes)"
	done
	command -v openssl >/dev/null || skip_all "openssl is not installed"
	ports=$(python3 -c 'import socket
s = [socket.socket() for _ in range(4)]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*[x.getsockname()[1] for x in s])')
	read -r port_etcd port_peer port_api port_scheduler <<<"$ports"
	cluster_url=https://127.0.0.1:$port_api
	kubeconfig=$cluster/admin.kubeconfig
	mkdir -p "$cluster"
	export HOME=$scratch # kubectl's caches
	cluster_certs
	cluster_kubeconfig "$kubeconfig" admin
	"$etcd" --data-dir "$cluster/etcd" --unsafe-no-fsync \
		--listen-client-urls "http://127.0.0.1:$port_etcd" \
		--advertise-client-urls "http://127.0.0.1:$port_etcd" \
		--listen-peer-urls "http://127.0.0.1:$port_peer" >"$cluster/etcd.log" 2>&1 &
	background+=("$!")
	cluster_api_start
}

cluster_scheduler() {
	cluster_kubeconfig "$cluster/scheduler.kubeconfig" scheduler
	"$scheduler" --kubeconfig="$cluster/scheduler.kubeconfig" --leader-elect=false --port=0 \
		--bind-address=127.0.0.1 --secure-port="$port_scheduler" \
		--authentication-kubeconfig="$cluster/scheduler.kubeconfig" \
		--authorization-kubeconfig="$cluster/scheduler.kubeconfig" \
		>"$cluster/scheduler.log" 2>&1 &
	background+=("$!")
}

# cluster_node NAME [TAINT-KEY]: admission taints new nodes, which the node controller would undo.
cluster_node() {
	local taints='[]' now
	now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	[ $# -lt 2 ] || taints="[{\"key\":\"$2\",\"effect\":\"NoSchedule\"}]"
	k create -f - >/dev/null <<JSON || return 1
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "$1"}}
JSON
	k patch node "$1" --type merge -p "{\"spec\": {\"taints\": $taints}}" >/dev/null || return 1
	k get --raw "/api/v1/nodes/$1" | python3 -c 'import json, sys
o = json.load(sys.stdin)
o["status"]["capacity"] = o["status"]["allocatable"] = {"cpu": "8", "memory": "8Gi", "pods": "100"}
o["status"]["conditions"] = [{"type": "Ready", "status": "True", "reason": "Test", "message": "",
                              "lastHeartbeatTime": sys.argv[1], "lastTransitionTime": sys.argv[1]}]
print(json.dumps(o))' "$now" >"$cluster/node.json"
	k replace --raw "/api/v1/nodes/$1/status" -f "$cluster/node.json" >/dev/null
}

# cluster_account NAMESPACE NAME: $account is a folder as it is mounted in pods.
cluster_account() {
	account=$cluster/account-$1-$2
	mkdir -p "$account"
	k get serviceaccount -n "$1" "$2" >/dev/null 2>&1 ||
		k create serviceaccount -n "$1" "$2" >/dev/null || return 1
	echo '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}' |
		k create --raw "/api/v1/namespaces/$1/serviceaccounts/$2/token" -f - |
		python3 -c 'import json, sys
print(json.load(sys.stdin)["status"]["token"], end="")' >"$account/token"
	cp "$cluster/ca.crt" "$account/ca.crt"
	printf %s "$1" >"$account/namespace"
	export KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=$port_api
	[ -s "$account/token" ]
}

cluster_account_kubeconfig() {
	cat >"$1" <<YAML
apiVersion: v1
kind: Config
current-context: account
contexts:
- {name: account, context: {cluster: account, user: account}}
clusters:
- {name: account, cluster: {server: "$cluster_url", certificate-authority: $cluster/ca.crt}}
users:
- {name: account, user: {tokenFile: $account/token}}
YAML
}
