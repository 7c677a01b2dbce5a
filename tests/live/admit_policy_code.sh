#!/bin/bash
# admit --policy-yaml, given to the code of the API server itself: its types take the objects without an
# unknown member, its compiler the expressions; it judges the standard's own manifests, and changes pods.
# Time limit: 900 s
#
# It needs a GOPATH that has k8s.io/apiserver 0.36 or later with what that imports, in $BOLTSEAL_GOPATH
# (Debian's golang-k8s-apiserver-dev of a suite with Kubernetes 1.36, and its dependencies, unpacked), and a
# Go that compiles it, in $BOLTSEAL_GO. Building takes some minutes. Runs when both are there.
set -u
# shellcheck source=tests/live/lib.sh
. "$(dirname -- "$0")/lib.sh"

here=$repo/tests/live
go=${BOLTSEAL_GO:-go}
plugins=${BOLTSEAL_GOPATH:-}/src/k8s.io/apiserver/pkg/admission/plugin/policy
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ -f "$plugins/mutating/compilation.go" ] ||
	skip_all "no sources of Kubernetes 1.36 or later (BOLTSEAL_GOPATH, BOLTSEAL_GO)"
command -v "$go" >/dev/null || skip_all "no Go (BOLTSEAL_GO)"

cat >"$scratch/config.yaml" <<'YAML'
apiVersion: boltseal.dev/v1
kind: AdmitConfiguration
kubernetesVersion: v1.36
podSecurity:
  exemptions: {usernames: [root], namespaces: [kube-system], runtimeClasses: [kata]}
mutate:
  profiles:
  - {image: 'registry.example/a+b/web:1.*', seccomp: boltseal/web-1.json, seccompLabel: boltseal.dev/seccomp.web=1}
YAML
for kind in validating mutating; do
	"$boltseal" admit --config "$scratch/config.yaml" --policy-yaml $kind --version v1.29 \
		--output="$scratch/$kind.yaml" 2>"$err" || not_ok "$kind is printed" "$err"
	# The file becomes a test of the package, whose compiler is its own.
	printf '{"Replace": {"%s/%s/boltseal_test.go": "%s/admit_policy_%s.go"}}\n' \
		"$plugins" $kind "$here" $kind >"$scratch/overlay.json"
	if (cd "$plugins" && GO111MODULE=off GOFLAGS='' GOTOOLCHAIN=local GOPATH=$BOLTSEAL_GOPATH \
		BOLTSEAL_POLICIES=$scratch/$kind.yaml BOLTSEAL_PODS=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/pod-security \
		timeout 880 "$go" test -overlay "$scratch/overlay.json" -vet=off -run '^TestBoltseal$' -v "./$kind") \
		>"$out" 2>&1 && grep -q '^--- PASS: TestBoltseal' "$out"; then
		grep -o 'policies.*judged\|changed.*' "$out" | sed 's/^/# /'
		ok "the API server's code takes and applies the $kind policies"
	else
		not_ok "the API server's code takes and applies the $kind policies" "$out"
	fi
done
tap_end
