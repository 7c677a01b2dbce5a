#!/bin/bash
# The image of boltseal, built and run in Docker with the rights, mounts and limits of the DaemonSet in
# deploy/kubernetes/agent.yaml and nothing more: it sees an attack in another container.
# Time limit: 300 s
set -u
if [ "$(id -u)" = 0 ] && [ -z "${IMAGE_MOUNTS-}" ]; then
	IMAGE_MOUNTS=1 exec unshare -m --propagation private "$0" "$@"
fi
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "needs root"
for program in debootstrap busybox curl dockerd; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
python3 -c 'import yaml' 2>/dev/null || skip_all "python3-yaml is not installed"
! dockerd_answers || skip_all "another Docker daemon runs: its folder is not this test's"

# A daemon whose folder is where the manifest looks for it.
mkdir -p "$BOLTSEAL_CACHE/docker" /var/lib/docker
mount --bind "$BOLTSEAL_CACHE/docker" /var/lib/docker
cache=$BOLTSEAL_CACHE
BOLTSEAL_CACHE=/var/lib
dockerd_log=$scratch/dockerd.log
mkdir "$scratch/bin"
ln -s "$repo/tests/live/runc-bounded" "$scratch/bin/runc"
if ! PATH=$scratch/bin:$PATH dockerd_up 2>"$scratch/log"; then
	skip_all "$(tail -n 1 "$scratch/log")"
fi
name=boltseal:test-$$
if IMAGE_BASE=$cache/agent-base.tar BUILD=${boltseal%/*} "$repo/deploy/container/build-image.sh" "$name" >"$scratch/log" 2>&1; then
	ok "the image is built"
else
	not_ok "the image is built" "$scratch/log"
	tap_end
	exit
fi
install -D "$(command -v busybox)" "$scratch/root/bin/busybox"
tar -C "$scratch/root" -c . | docker import - boltseal-victim:1 >/dev/null

# What the manifest gives, as options of docker run; folders of this test for the state and the rules.
mkdir -p "$scratch"/{state,rules} /run/containerd/io.containerd.runtime.v2.task /var/lib/containers/storage
python3 - "$repo/deploy/kubernetes/agent.yaml" "$scratch" >"$scratch/options" 2>"$scratch/log" <<'PY'
import sys, yaml
docs = [d for d in yaml.safe_load_all(open(sys.argv[1])) if d]
pod = next(d for d in docs if d["kind"] == "DaemonSet")["spec"]["template"]["spec"]
rules = next(d for d in docs if d["kind"] == "ConfigMap")["data"]
for file, text in rules.items():
    open(f"{sys.argv[2]}/rules/{file}", "w").write(text)
c, = pod["containers"]
s = c["securityContext"]
known = {"runAsUser", "runAsGroup", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities", "seccompProfile"}
assert set(s) == known and s["capabilities"]["drop"] == ["ALL"] and s["seccompProfile"] == {"type": "RuntimeDefault"}, s
assert not pod.get("hostNetwork") and not pod.get("hostIPC") and not c.get("env"), pod
add = s["capabilities"]["add"]
new = {"BPF", "PERFMON"}  # by tests/live/runc-bounded
out = ["--cap-drop=ALL", *(f"--cap-add={x}" for x in add if x not in new), f"--user={s['runAsUser']}:{s['runAsGroup']}",
       "--env=BOLTSEAL_CAPABILITIES=" + " ".join("CAP_" + x for x in add if x in new)]
out += ["--security-opt=no-new-privileges"] * (not s["allowPrivilegeEscalation"]) + ["--read-only"] * s["readOnlyRootFilesystem"]
out += ["--pid=host"] * pod["hostPID"] + [f"--memory={c['resources']['limits']['memory'].replace('Mi', 'm')}"]
volumes = {v["name"]: v for v in pod["volumes"]}
for m in c["volumeMounts"]:
    v = volumes[m["name"]]
    source = {"rules": f"{sys.argv[2]}/rules", "state": f"{sys.argv[2]}/state"}.get(m["name"]) or v["hostPath"]["path"]
    out.append(f"--volume={source}:{m['mountPath']}" + (":ro" if m.get("readOnly") else ""))
print("\n".join(out))
print("\n".join(c["args"]), file=open(f"{sys.argv[2]}/args", "w"))
PY
[ -s "$scratch/options" ] || not_ok "the manifest is as this test knows it" "$scratch/log"
mapfile -t options <"$scratch/options"
mapfile -t arguments <"$scratch/args"
agent=boltseal-agent-$$ victim=boltseal-victim-$$
if ! docker run -d --name "$agent" --network none "${options[@]}" "$name" "${arguments[@]}" >"$scratch/log" 2>&1; then
	not_ok "the agent's container starts" "$scratch/log"
	docker image rm "$name" boltseal-victim:1 >/dev/null 2>&1
	dockerd_down
	tap_end
	exit
fi
pid=$(docker inspect -f '{{.State.Pid}}' "$agent")

until_true() {
	local tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		sleep 0.1
	done
}
# get PATH: of the agent's metrics, as the kubelet's probes ask.
get() { nsenter -t "$pid" -n curl -sf --max-time 5 "http://127.0.0.1:9465$1"; }
if until_true get /readyz && until_true get /healthz; then
	ok "both probes are answered"
else
	docker logs "$agent" >"$scratch/log" 2>&1
	not_ok "both probes are answered" "$scratch/log"
fi
docker run -d --name "$victim" --network none --label io.kubernetes.pod.name=shop-0 \
	--label io.kubernetes.pod.namespace=shop boltseal-victim:1 /bin/busybox sh -c \
	'/bin/busybox mkdir /tmp; /bin/busybox sleep 1; echo /cmd >/tmp/release_agent; /bin/busybox sleep 60' >/dev/null
saw() { docker logs "$agent" 2>/dev/null | grep -q '"rule":"Release agent of a control group written"'; }
if until_true saw; then
	ok "it sees the attack in another container"
else
	docker logs "$agent" >"$scratch/log" 2>&1
	not_ok "it sees the attack in another container" "$scratch/log"
fi
docker logs "$agent" 2>/dev/null >"$scratch/findings"
if python3 - "$scratch/findings" "$victim" "$(docker inspect -f '{{.Id}}' "$victim")" >"$scratch/log" 2>&1 <<'PY'; then
import json, sys
found = [json.loads(x) for x in open(sys.argv[1])]
f = next(x for x in found if x["rule"].startswith("Release agent"))["output_fields"]
want = {"container.id": sys.argv[3][:12], "container.name": sys.argv[2], "container.image.repository": "boltseal-victim",
        "k8s.pod.name": "shop-0", "k8s.ns.name": "shop"}
bad = {k: f.get(k) for k, v in want.items() if f.get(k) != v}
sys.exit(f"{bad}" if bad else 0)
PY
	ok "and knows which container, image and pod it is"
else
	not_ok "and knows which container, image and pod it is" "$scratch/log"
fi
if get /metrics | grep -q '^boltseal_'; then
	ok "it has metrics"
else
	not_ok "it has metrics"
fi
bytes=$(cat "/sys/fs/cgroup/memory/docker/$(docker inspect -f '{{.Id}}' "$agent")/memory.max_usage_in_bytes" 2>/dev/null || echo)
echo "# memory of the container at most: ${bytes:-not known} bytes"
docker kill --signal HUP "$agent" >/dev/null
again() { docker logs "$agent" 2>&1 | grep -q 'loaded again'; }
if until_true again; then
	ok "SIGHUP loads its rules again"
else
	docker logs "$agent" >"$scratch/log" 2>&1
	not_ok "SIGHUP loads its rules again" "$scratch/log"
fi
docker stop -t 20 "$agent" >/dev/null
if [ "$(docker inspect -f '{{.State.ExitCode}}' "$agent")" = 0 ] &&
	"$boltseal" findings list --store "$scratch/state/agent/findings.db" 2>"$scratch/log" | grep -q 'Release agent'; then
	ok "it ends cleanly, and the finding is on the node"
else
	docker logs "$agent" >>"$scratch/log" 2>&1
	not_ok "it ends cleanly, and the finding is on the node" "$scratch/log"
fi
docker rm -f "$agent" "$victim" >/dev/null 2>&1
docker image rm "$name" boltseal-victim:1 >/dev/null 2>&1
dockerd_down
umount -l /var/lib/docker
tap_end
