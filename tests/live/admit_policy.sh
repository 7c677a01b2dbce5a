#!/bin/bash
# admit --policy-yaml: the expressions judge pods as the standard's own manifests want it, and as the
# webhook judges them. CEL is evaluated by @bufbuild/cel, which npm has, in $BOLTSEAL_NODE_MODULES:
# the API server that the cluster tests use is older than these policies.
set -u
# shellcheck source=tests/live/lib.sh
. "$(dirname -- "$0")/lib.sh"

here=$repo/tests/live
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
python3 -c 'import yaml' 2>/dev/null || skip_all "PyYAML is not installed"

cat >"$scratch/config.yaml" <<'YAML'
apiVersion: boltseal.dev/v1
kind: AdmitConfiguration
podSecurity:
  exemptions: {usernames: [root], namespaces: [kube-system], runtimeClasses: [kata]}
checks:
- {id: R04}
mutate:
  profiles:
  - {image: 'registry.example/a+b/web:1.*', seccomp: boltseal/web-1.json, seccompLabel: boltseal.dev/seccomp.web=1}
YAML
for kind in validating mutating; do
	"$boltseal" admit --config "$scratch/config.yaml" --policy-yaml $kind --version v1.29 \
		--output="$scratch/$kind.yaml" 2>"$scratch/log" &&
		ok "$kind is printed" || not_ok "$kind is printed" "$scratch/log"
done
"$boltseal" admit --policy-yaml validating --version v1.24 >/dev/null 2>"$scratch/log"
[ $? = 1 ] && grep -q 'v1.25 or later' "$scratch/log" && ok "an old version is refused" ||
	not_ok "an old version is refused" "$scratch/log"

python3 - "$scratch" <<'END' >"$scratch/log" 2>&1 && ok "objects and bindings fit together" || not_ok "objects and bindings fit together" "$scratch/log"
import re, sys, yaml
API = {"ValidatingAdmissionPolicy": "v1", "ValidatingAdmissionPolicyBinding": "v1",
       "MutatingAdmissionPolicy": "v1beta1", "MutatingAdmissionPolicyBinding": "v1beta1"}
for name in ("validating", "mutating"):
    objects = [o for o in yaml.safe_load_all(open(f"{sys.argv[1]}/{name}.yaml")) if o]
    policies = {o["metadata"]["name"] for o in objects if not o["kind"].endswith("Binding")}
    assert len({(o["kind"], o["metadata"]["name"]) for o in objects}) == len(objects)
    for o in objects:
        assert o["apiVersion"] == "admissionregistration.k8s.io/" + API[o["kind"]], o
        assert re.fullmatch("[a-z0-9][a-z0-9-]*", o["metadata"]["name"])
        if o["kind"].endswith("Binding"):
            assert o["spec"]["policyName"] in policies, o
            if name == "validating":
                assert set(o["spec"]["validationActions"]) <= {"Deny", "Warn", "Audit"}
        else:
            assert o["spec"]["matchConstraints"]["resourceRules"]
            assert len(o["spec"].get("matchConditions", [])) <= 64
            assert o["spec"].get("validations") or o["spec"].get("mutations")
END

export BOLTSEAL_NODE_MODULES=${BOLTSEAL_NODE_MODULES:-$repo/node_modules}
if ! command -v node >/dev/null || [ ! -d "$BOLTSEAL_NODE_MODULES/@bufbuild/cel" ]; then
	skip "expressions are evaluated" "no node with @bufbuild/cel (BOLTSEAL_NODE_MODULES)"
	tap_end
	exit
fi

# judged NAME LIST: by the expressions.
judged() {
	if node "$here/admit_policy.mjs" <"$2" >"$scratch/log" 2>&1 && grep -q ' 0 wrong$' "$scratch/log"; then
		ok "$1: $(tail -n 1 "$scratch/log")"
	else
		not_ok "$1" "$scratch/log"
	fi
}

shared=${BOLTSEAL_SHARED:-$repo/../shared}
if [ -d "$shared/testdata/pod-security" ]; then
	python3 - "$scratch" "$shared/testdata/pod-security" <<'END' >"$scratch/cases"
import glob, json, sys, yaml
specs = {o["metadata"]["name"]: o["spec"] for o in yaml.safe_load_all(open(f"{sys.argv[1]}/validating.yaml"))
         if o and o["kind"] == "ValidatingAdmissionPolicy"}
cases = []
for level in ("baseline", "restricted"):
    for path in sorted(glob.glob(f"{sys.argv[2]}/{level}/v1.29/*/*.yaml")):
        pod = yaml.safe_load(open(path))
        for v in pod["spec"].get("volumes", []):
            if len(v) == 1:
                v["emptyDir"] = {}  # what the API server fills in
        allowed = "/pass/" in path
        template = {"metadata": pod["metadata"], "spec": pod["spec"]}
        for shape, o in (("pods", pod), ("templates", {"spec": {"template": template}}),
                         ("cronjobs", {"spec": {"jobTemplate": {"spec": {"template": template}}}})):
            cases.append({"name": f"{shape} {path}", "policy": specs[f"boltseal-{level}-{shape}"],
                          "object": o, "allowed": allowed})
print(json.dumps(cases))
END
	judged "the standard's own manifests, in three kinds of objects" "$scratch/cases"
else
	skip "the standard's own manifests" "no ../shared/testdata/pod-security"
fi

# Newer revisions, judged by inspect and by the expressions alike.
python3 - "$scratch" "$boltseal" <<'END' >"$scratch/cases"
import json, subprocess, sys, yaml
scratch, boltseal = sys.argv[1:]
hard = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"}}
def pod(container={}, context=hard, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {
        "containers": [{"name": "a", "image": "i", "securityContext": context, **container}], **spec}}
pods = [pod(), pod(hostUsers=False, context={**hard, "runAsNonRoot": False, "runAsUser": 0}),
        pod(hostUsers=True, context={**hard, "runAsUser": 0}), pod(context={**hard, "procMount": "Unmasked"}),
        pod(hostUsers=False, context={**hard, "procMount": "Unmasked"}),
        pod({"livenessProbe": {"httpGet": {"host": "h", "port": 1}}}),
        pod({"livenessProbe": {"httpGet": {"host": "", "port": 1}}}),
        pod({"lifecycle": {"preStop": {"tcpSocket": {"host": "h", "port": 1}}}}),
        pod({"lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}),
        pod(context={**hard, "seLinuxOptions": {"type": "container_engine_t"}}),
        pod(context={**hard, "appArmorProfile": {"type": "Unconfined"}}),
        pod(context={}, os={"name": "windows"}, securityContext={"runAsNonRoot": True}),
        pod(context={}, os={"name": "linux"}, securityContext={"runAsNonRoot": True}),
        pod(securityContext={"windowsOptions": {"hostProcess": True}}),
        pod(volumes=[{"name": "v", "image": {"reference": "r"}}]), pod(volumes=[{"name": "v", "nfs": {}}])]
pods += [pod(securityContext={"sysctls": [{"name": n, "value": "1"}]}) for n in (
    "net.ipv4.tcp_rmem", "net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_keepalive_time", "kernel.msgmax",
    "net.ipv4.ip_local_reserved_ports")]
cases = []
for version in ("v1.25", "v1.27", "v1.31", "v1.32", "v1.34", "v1.35", "v1.37", "latest"):
    text = subprocess.check_output([boltseal, "admit", "--policy-yaml", "validating", "--version", version])
    specs = {o["metadata"]["name"]: o["spec"] for o in yaml.safe_load_all(text)
             if o and o["kind"] == "ValidatingAdmissionPolicy"}
    for level in ("baseline", "restricted"):
        for i, p in enumerate(pods):
            open(f"{scratch}/pod.json", "w").write(json.dumps(p))
            code = subprocess.call([boltseal, "inspect", "--level", level, "--version", version,
                                    f"{scratch}/pod.json"], stdout=subprocess.DEVNULL)
            assert code in (0, 2), code
            cases.append({"name": f"{level} {version} pod {i}", "policy": specs[f"boltseal-{level}-pods"],
                          "object": p, "allowed": code == 0})
print(json.dumps(cases))
END
judged "as inspect judges" "$scratch/cases"
python3 - "$scratch" <<'END' >"$scratch/cases"
import json, sys, yaml
found = []
def walk(o):
    if isinstance(o, dict):
        found.extend([o["expression"]] if "expression" in o else [])
        [walk(v) for v in o.values()]
    elif isinstance(o, list):
        [walk(v) for v in o]
for o in yaml.safe_load_all(open(f"{sys.argv[1]}/mutating.yaml")):
    walk(o)
print(json.dumps([{"name": x, "parse": [x]} for x in found]))
END
judged "expressions of the mutating policies parse" "$scratch/cases"
tap_end
