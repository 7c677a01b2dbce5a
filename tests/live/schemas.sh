#!/bin/bash
# Reports and task definitions judged by those who read them: SARIF by its own validator (from npm),
# findings and task definitions of AWS by the models of its client library.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
mkdir -p "$scratch/dir with space"
cat >"$scratch/dir with space/web.yaml" <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    boltseal.dev/waive-R10: "owner=team; expires=2999-01-01; reason=not yet"
spec:
  template:
    spec:
      hostNetwork: true
      containers:
      - {name: nginx, image: nginx, securityContext: {privileged: true, capabilities: {add: [SYS_ADMIN]}}}
---
kind: Pod
apiVersion: v1
metadata: {name: p, namespace: shop}
spec: {volumes: [{name: h, hostPath: {path: /etc}}], containers: [{name: a, image: b}]}
YAML
printf 'a: [\n' >"$scratch/broken.yaml"

# ---- SARIF ----

multitool=${BOLTSEAL_CACHE:-/var/cache/boltseal}/sarif-multitool
program=$multitool/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
if [ ! -e "$program" ] && command -v npm >/dev/null; then
	mkdir -p "$multitool"
	timeout 180 npm install --silent --no-audit --no-fund --prefix "$multitool" \
		@microsoft/sarif-multitool-linux@5.7.0 >"$scratch/npm.log" 2>&1 || true
fi
[ ! -e "$program" ] || chmod +x "$program"

# valid DESCRIPTION PATH...: what inspect says of them, from the folder $scratch.
valid() {
	local what=$1
	shift
	(cd "$scratch" && "$boltseal" inspect --fail-on none -o sarif --output=r.sarif "$@" 2>"$scratch/log")
	timeout 120 "$program" validate "$scratch/r.sarif" --rule-kind 'Sarif;Ghas' >"$scratch/log" 2>&1
	if grep -q '^Analysis completed successfully' "$scratch/log" &&
		! grep -qE ': (error|fail|warning SARIF1)' "$scratch/log"; then
		ok "SARIF: $what"
	else
		not_ok "SARIF: $what" "$scratch/log"
	fi
}

if [ "$(uname -m)" != x86_64 ] || ! timeout 60 "$program" --version >/dev/null 2>&1; then
	skip "SARIF" "its validator is not at hand (npm: @microsoft/sarif-multitool-linux)"
else
	valid "relative paths" "dir with space" broken.yaml
	valid "absolute paths" "$scratch/dir with space/web.yaml"
	valid "the node" --node
	valid "the standard alone" --level restricted "dir with space/web.yaml"
	# The validator does find something.
	sed -i 's/"ruleIndex":/"ruleIndx":/' "$scratch/r.sarif"
	if timeout 120 "$program" validate "$scratch/r.sarif" 2>&1 | grep -q ': error'; then
		ok "SARIF: a wrong member is noticed"
	else
		not_ok "SARIF: a wrong member is noticed"
	fi
fi

# ---- AWS ----

python=
for p in python3 /usr/bin/python3; do
	"$p" -c 'import botocore' 2>/dev/null && python=$p && break
done

# aws SERVICE OPERATION FILE: each line is a call that the service's model accepts.
aws() {
	"$python" - "$@" <<'PY'
import json, sys
import botocore.session, botocore.validate
service, operation, name = sys.argv[1:]
shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
calls = [json.loads(line) for line in open(name)] if name.endswith("l") else [json.load(open(name))]
assert calls
for call in calls:
	report = botocore.validate.ParamValidator().validate(call, shape)
	if report.has_errors():
		sys.exit(report.generate_report())
PY
}

if [ -z "$python" ]; then
	skip "AWS" "python3-botocore is not installed"
	tap_end
	exit 0
fi
"$boltseal" inspect --fail-on none -o asff --aws-account 123456789012 --aws-region eu-west-1 \
	--output="$scratch/asff.jsonl" "$scratch/dir with space" 2>"$scratch/log"
if aws securityhub BatchImportFindings "$scratch/asff.jsonl" >"$scratch/log" 2>&1; then
	ok "ASFF is what BatchImportFindings takes"
else
	not_ok "ASFF is what BatchImportFindings takes" "$scratch/log"
fi
sed -i 's/"Title"/"Titel"/' "$scratch/asff.jsonl"
if aws securityhub BatchImportFindings "$scratch/asff.jsonl" >"$scratch/log" 2>&1; then
	not_ok "a wrong member is noticed" "$scratch/log"
else
	ok "a wrong member is noticed"
fi
if "$boltseal" generate ecs --output="$scratch/task.json" "$repo/tests/golden/web.workload.json" \
	2>"$scratch/log" &&
	"$python" -c '
import json, sys
part = json.load(open(sys.argv[1]))
for c in part["containerDefinitions"]:
	c.setdefault("name", "web"); c.setdefault("image", "web")
json.dump({"family": "web", **part}, open(sys.argv[1], "w"))' "$scratch/task.json" &&
	aws ecs RegisterTaskDefinition "$scratch/task.json" >"$scratch/log" 2>&1; then
	ok "generate ecs is what RegisterTaskDefinition takes"
else
	not_ok "generate ecs is what RegisterTaskDefinition takes" "$scratch/log"
fi
tap_end
