#!/bin/bash
# src/kube against a real API server: calls, patches, lists in pages, watches that are interrupted,
# identities.
set -u
# shellcheck source=tests/cluster/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
cluster_begin
tool=${BOLTSEAL_BUILD:-$repo/build}/tests/kube_tool
[ -x "$tool" ] || skip_all "$tool is not built"
export KUBECONFIG=$kubeconfig
maps=/api/v1/namespaces/default/configmaps

# says NAME TEXT COMMAND...: it succeeds and prints the text.
says() {
	local name=$1 want=$2
	shift 2
	if timeout 60 "$@" >"$scratch/log" 2>&1 && [[ $(<"$scratch/log") == *"$want"* ]]; then
		ok "$name"
	else
		not_ok "$name" "$scratch/log"
	fi
}

# refuses NAME TEXT COMMAND...: it fails and says so.
refuses() {
	local name=$1 want=$2
	shift 2
	if ! timeout 60 "$@" >"$scratch/log" 2>&1 && grep -qF -- "$want" "$scratch/log"; then
		ok "$name"
	else
		not_ok "$name" "$scratch/log"
	fi
}

map() {
	echo "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"$1\"},\"data\":{\"value\":\"$2\"}}"
}

# ---- calls ----
says "an object is created" '"value": "1"' "$tool" create $maps < <(map a 1)
refuses "the same name again is refused in the server's words" \
	'configmaps "a" already exists' "$tool" create $maps < <(map a 1)
says "it is replaced" '"value": "2"' "$tool" replace $maps/a < <(map a 2)
says "a merge patch" '"other": "x"' "$tool" patch merge $maps/a <<<'{"data":{"other":"x"}}'
says "a JSON patch" '"value": "3"' "$tool" patch json $maps/a \
	<<<'[{"op":"replace","path":"/data/value","value":"3"}]'
says "a strategic merge patch" '"value": "4"' "$tool" patch strategic $maps/a \
	<<<'{"data":{"value":"4"}}'
says "server-side apply makes an object" '"value": "5"' "$tool" patch apply $maps/applied < <(map applied 5)
k get --raw $maps/applied >"$scratch/log" 2>&1
if grep -q '"manager":"boltseal"' "$scratch/log" && grep -q '"operation":"Apply"' "$scratch/log"; then
	ok "boltseal manages its fields"
else
	not_ok "boltseal manages its fields" "$scratch/log"
fi
refuses "a wrong patch is refused in the server's words" "the server rejected our request" \
	"$tool" patch json $maps/a <<<'[{"op":"replace","path":"/no/such","value":"3"}]'
cluster_node n1
says "the status of an object" '"phase": "Running"' "$tool" patch merge /api/v1/nodes/n1/status \
	<<<'{"status":{"phase":"Running"}}'
says "an object is deleted" "" "$tool" delete $maps/applied
says "and once more" "" "$tool" delete $maps/applied
refuses "what is gone cannot be read" 'configmaps "applied" not found' "$tool" get $maps/applied
"$tool" event Node n1 Tested "all is well" 2>"$scratch/log"
if cluster_wait 30 "Tested all is well" k get events \
	-o 'jsonpath={.items[0].reason} {.items[0].message}'; then
	ok "an event is posted"
else
	not_ok "an event is posted" "$scratch/log"
fi

# ---- lists ----
python3 -c 'import json
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"many-{i:04}"},
     "data": {"value": "x" * 20000}} for i in range(1201)]}))' >"$scratch/many.json"
k create -f "$scratch/many.json" >/dev/null 2>"$scratch/log"
"$tool" list $maps ConfigMap >"$scratch/list" 2>"$scratch/log"
n=$(grep -c '^{"apiVersion":"v1","kind":"ConfigMap","metadata"' "$scratch/list")
if [ "$n" = 1202 ] && grep -q '^version [1-9]' "$scratch/list"; then
	ok "1202 objects are listed in pages, each with its kind"
else
	not_ok "1202 objects are listed in pages ($n)" "$scratch/log"
fi
"$tool" peak $maps >"$scratch/log" 2>&1
read -r n kb <"$scratch/log"
# The objects are 24 MB.
if [ "$n" = 1202 ] && [ "$kb" -lt 20000 ]; then
	ok "no more than one of them is in memory ($kb kB in all)"
else
	not_ok "no more than one object is in memory ($n objects, $kb kB)" "$scratch/log"
fi

# ---- watches ----
"$tool" watch $maps 90 metadata.name=watched >"$scratch/watch" 2>&1 &
watcher=$!
background+=("$watcher")
seen() {
	cat "$scratch/watch"
}
cluster_wait 30 $'relist \nsynced ' seen
map watched 1 | k create -f - >/dev/null
map watched 2 | k replace -f - >/dev/null
if cluster_wait 30 $'relist \nsynced \nput watched1\nput watched2' seen; then
	ok "a watch sees what is made and changed"
else
	not_ok "a watch sees what is made and changed" "$scratch/watch"
fi
cluster_api_stop
until_true grep -q '^lost GET' "$scratch/watch"
cluster_api_start
map watched 3 | k replace -f - >/dev/null
k delete configmap watched >/dev/null
patience=900 until_true grep -q '^gone watched3' "$scratch/watch"
if grep -q '^lost GET .*: .*' "$scratch/watch" && grep -q '^back' "$scratch/watch" &&
	grep -q '^put watched3' "$scratch/watch" && grep -q '^gone watched3' "$scratch/watch"; then
	ok "it goes on after the API server was down, and misses nothing"
else
	not_ok "it goes on after the API server was down" "$scratch/watch"
fi
if [ "$(grep -c ^relist "$scratch/watch")" = 1 ]; then
	ok "without listing everything again"
else
	not_ok "without listing everything again" "$scratch/watch"
fi
kill "$watcher" 2>/dev/null

# ---- identities ----
cluster_account default viewer
export KUBE_ACCOUNT=$account
refuses "a service account has no permission by itself" \
	'"system:serviceaccount:default:viewer" cannot list resource "configmaps"' "$tool" list $maps
unset KUBE_ACCOUNT
k create role viewer --verb=get,list --resource=configmaps >/dev/null
k create rolebinding viewer --role=viewer --serviceaccount=default:viewer >/dev/null
KUBE_ACCOUNT=$account says "it has what is given to it" "version " "$tool" list $maps
echo nonsense >"$account/token.new"
cp "$account/token" "$account/token.good"
mv "$account/token.new" "$account/token"
KUBE_ACCOUNT=$account refuses "a bad token is refused" Unauthorized "$tool" get $maps
mv "$account/token.good" "$account/token"
KUBE_ACCOUNT=$account says "a token that was rotated is taken" '"a"' "$tool" get $maps/a

cat >"$cluster/plugin" <<SH
#!/bin/sh
echo "\$KUBERNETES_EXEC_INFO \$WHO \$1" >"$scratch/plugin.log"
cat <<JSON
{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
 "status": {"token": "\$(cat "$account/token")", "expirationTimestamp": "2099-01-01T00:00:00Z"}}
JSON
SH
chmod +x "$cluster/plugin"
cat >"$cluster/plugin.kubeconfig" <<YAML
contexts:
- {name: plugged, context: {cluster: named, user: plugged, namespace: default}}
clusters:
- name: named
  cluster:
    server: https://localhost:$port_api
    tls-server-name: kubernetes
    certificate-authority-data: $(base64 -w 40 "$cluster/ca.crt" | sed '1!s/^/      /')
users:
- name: plugged
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./plugin
      args: [one]
      env: [{name: WHO, value: me}]
      interactiveMode: Never
      provideClusterInfo: true
YAML
KUBECONFIG=$kubeconfig:$scratch/none:$cluster/plugin.kubeconfig KUBE_CONTEXT=plugged \
	says "a credential plugin, a certificate within the file, tls-server-name, two files" '"a"' \
	"$tool" get $maps/a
if grep -q '"kind":"ExecCredential".*"server":"https://localhost.* me one$' "$scratch/plugin.log"; then
	ok "the plugin is told what it may want to know"
else
	not_ok "the plugin is told what it may want to know" "$scratch/plugin.log"
fi
sed "s/tls-server-name: kubernetes/tls-server-name: somebody.else/" "$cluster/plugin.kubeconfig" \
	>"$cluster/wrong.kubeconfig"
KUBECONFIG=$cluster/wrong.kubeconfig KUBE_CONTEXT=plugged \
	refuses "a certificate for another name is refused" "somebody.else" "$tool" get $maps/a
sed '/certificate-authority:/d' "$kubeconfig" >"$cluster/unknown.kubeconfig"
KUBECONFIG=$cluster/unknown.kubeconfig refuses "an unknown authority is refused" "certificate" \
	"$tool" get $maps/a
sed '/server:/a\    insecure-skip-tls-verify: true' "$cluster/unknown.kubeconfig" >"$cluster/insecure.kubeconfig"
KUBECONFIG=$cluster/insecure.kubeconfig says "unless nobody wants to know" '"a"' "$tool" get $maps/a
sed '/^  user:/a\    as: system:serviceaccount:default:nobody' "$kubeconfig" >"$cluster/as.kubeconfig"
KUBECONFIG=$cluster/as.kubeconfig refuses "somebody else is impersonated" \
	'"system:serviceaccount:default:nobody" cannot get' "$tool" get $maps/a
sed '/client-/d' "$kubeconfig" >"$cluster/file.kubeconfig"
echo "    tokenFile: $(basename "$account")/token" >>"$cluster/file.kubeconfig"
KUBECONFIG=$cluster/file.kubeconfig says "a token file, relative to the kubeconfig" '"a"' "$tool" get $maps/a
tap_end
