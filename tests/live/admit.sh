#!/bin/bash
# admit without a cluster: recorded requests, certificates, models and the nodes' labels, the server's
# answers to what is no review, configuration and certificates that change, its end.
set -u
# shellcheck source=tests/live/lib.sh
. "$(dirname -- "$0")/lib.sh"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
command -v curl >/dev/null || skip_all "curl is not installed"
command -v openssl >/dev/null || skip_all "openssl is not installed"

# ---- requests in files ----
cat >"$scratch/pod.json" <<'JSON'
{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": "1",
 "kind": {"group": "", "version": "v1", "kind": "Pod"}, "resource": {"group": "", "version": "v1", "resource": "pods"},
 "name": "a", "namespace": "n", "operation": "CREATE", "userInfo": {"username": "u"}, "object": {"metadata": {"name": "a"},
 "spec": {"containers": [{"name": "c", "image": "registry.example/web:9", "securityContext": {"privileged": false}}]}}}}
JSON
cat >"$scratch/namespaces.yaml" <<'YAML'
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: "n", labels: {pod-security.kubernetes.io/enforce: restricted}}}
YAML
"$boltseal" admit --review "$scratch/pod.json" >"$scratch/out" 2>&1
same "a pod without a policy is allowed" 0 $?
"$boltseal" admit --namespaces "$scratch/namespaces.yaml" --review "$scratch/pod.json" >"$scratch/out" 2>&1
same "and refused in a namespace that enforces" 2 $?
"$boltseal" admit --review "$scratch/namespaces.yaml" >"$scratch/out" 2>&1
same "what is no review is an error" 1 $?
mkdir "$scratch/models" "$scratch/profiles"
cp "$repo/tests/golden/web.workload.json" "$scratch/models/"
"$boltseal" generate seccomp --dialect kubernetes "$scratch/models/web.workload.json" \
	--output="$scratch/profiles/web.json" 2>/dev/null
hash=$(sha256sum "$scratch/profiles/web.json" | cut -c1-12)
"$boltseal" admit --models "$scratch/models" --hook mutate --review "$scratch/pod.json" >"$scratch/out" 2>"$scratch/err"
grep -qF "seccomp Localhost boltseal/web-$hash.json (workload model web.workload.json)" "$scratch/out" &&
	grep -qF "node affinity boltseal.dev/seccomp.web=$hash" "$scratch/out" &&
	ok "a model's profile has the file's name and label that nodes give it" ||
	not_ok "a model's profile has the file's name and label that nodes give it" "$scratch/out"

# ---- certificates ----
certs=$scratch/certs
"$boltseal" admit --make-certs "$certs" --dns 127.0.0.1 --dns hook.example >"$scratch/bundle"
same "the bundle is the authority" "caBundle: $(base64 -w0 "$certs/ca.crt")" "$(cat "$scratch/bundle")"
same "openssl finds the certificate good" "$certs/tls.crt: OK" \
	"$(openssl verify -CAfile "$certs/ca.crt" -verify_ip 127.0.0.1 -purpose sslserver "$certs/tls.crt" 2>&1)"
same "keys are for their owner" "600 600" "$(stat -c %a "$certs/ca.key" "$certs/tls.key" | xargs)"
authority=$(sha256sum "$certs/ca.crt")
"$boltseal" admit --make-certs "$certs" --dns 127.0.0.1 >/dev/null 2>&1
same "the authority that is there signs again" "$authority" "$(sha256sum "$certs/ca.crt")"

# ---- the server ----
cat >"$scratch/config.yaml" <<YAML
apiVersion: boltseal.dev/v1
kind: AdmitConfiguration
server: {listen: "127.0.0.1:0", metrics: "127.0.0.1:0", certificate: $certs/tls.crt, key: $certs/tls.key, drainSeconds: 1}
namespaces: {from: requests}
YAML
"$boltseal" admit --config "$scratch/config.yaml" 2>"$scratch/log" &
hook=$!
background+=("$hook")
tries=0
until grep -q 'metrics at port' "$scratch/log" || [ $tries -gt 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
port=$(sed -n 's/.*listening at port //p' "$scratch/log")
plain=$(sed -n 's/.*metrics at port //p' "$scratch/log")
# ask PATH CURL-OPTION...: the status; the answer is in $scratch/out.
ask() {
	local path=$1
	shift
	curl -s -m 20 --cacert "$certs/ca.crt" -o "$scratch/out" -w '%{http_code}' "$@" "https://127.0.0.1:$port$path"
}
json=(-H 'Content-Type: application/json')
same "a review is answered" 200 "$(ask /validate?timeout=5s "${json[@]}" --data-binary @"$scratch/pod.json")"
same "an empty body" 400 "$(ask /validate "${json[@]}" -X POST)"
same "no JSON" 400 "$(ask /validate "${json[@]}" -d 'x: y')"
same "another type" 400 "$(ask /mutate -H 'Content-Type: text/plain' --data-binary @"$scratch/pod.json")"
same "another method" 405 "$(ask /mutate)"
same "another path" 404 "$(ask /other "${json[@]}" -d '{}')"
head -c 3145728 /dev/zero | tr '\0' ' ' >"$scratch/large"
same "too much" 413 "$(ask /validate "${json[@]}" --data-binary @"$scratch/large")"
head -c 200000 /dev/urandom >"$scratch/random"
same "bytes that mean nothing" 400 "$(ask /mutate "${json[@]}" --data-binary @"$scratch/random")"
python3 - >"$scratch/deep" <<'END'
print('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":' + '{"a":' * 100000 + '1' + '}' * 100001)
END
same "a hundred thousand levels" 400 "$(ask /validate "${json[@]}" --data-binary @"$scratch/deep")"
same "and it lives" 200 "$(ask /readyz)"
curl -s "http://127.0.0.1:$plain/metrics" >"$scratch/metrics"
grep -q 'boltseal_admit_reviews_total{hook="validate",resource="pods",result="allowed"} 1' "$scratch/metrics" &&
	grep -q '^boltseal_admit_duration_seconds_count' "$scratch/metrics" &&
	ok "metrics count it" || not_ok "metrics count it" "$scratch/metrics"
same "reviews only over TLS" 404 "$(curl -s -o /dev/null -w '%{http_code}' -X POST "http://127.0.0.1:$plain/validate")"

# ---- what changes while it runs ----
echo 'podSecurity: {defaults: {enforce: restricted}}' >>"$scratch/config.yaml"
kill -HUP "$hook"
tries=0
until grep -q 'configuration was read again' "$scratch/log" || [ $tries -gt 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
ask /validate "${json[@]}" --data-binary @"$scratch/pod.json" >/dev/null
grep -q '"allowed":false' "$scratch/out" && ok "a new configuration counts" ||
	not_ok "a new configuration counts" "$scratch/out"
echo 'nonsense: 1' >>"$scratch/config.yaml"
kill -HUP "$hook"
tries=0
until grep -q 'nonsense' "$scratch/log" || [ $tries -gt 100 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
ask /validate "${json[@]}" --data-binary @"$scratch/pod.json" >/dev/null
grep -q '"allowed":false' "$scratch/out" && ok "a wrong one does not, and is named" ||
	not_ok "a wrong one does not, and is named" "$scratch/log"

# ---- its end ----
kill -TERM "$hook"
sleep 0.4
same "it says that it leaves" 503 "$(ask /readyz)"
same "and answers meanwhile" 200 "$(ask /validate "${json[@]}" --data-binary @"$scratch/pod.json")"
wait "$hook"
same "and ends with 0" 0 $?
tap_end
