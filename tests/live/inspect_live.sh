#!/bin/bash
# inspect where things run: the node, containers of Docker and Podman; the findings store; what
# changed while it goes on.
set -u
# shellcheck source=lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=../../tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

# ---- a node ----

node=$scratch/node
mkdir -p "$node/proc/sys/kernel" "$node/proc/sys/fs" "$node/proc/7" "$node/sys/kernel/security" \
	"$node/etc/docker" "$node/opt/kubelet" "$node/var/run"
echo worker-1 >"$node/proc/sys/kernel/hostname"
echo 0 >"$node/proc/sys/kernel/unprivileged_bpf_disabled"
echo '|/tmp/handler %p' >"$node/proc/sys/kernel/core_pattern"
echo 1 >"$node/proc/sys/fs/protected_symlinks"
echo 'capability,yama' >"$node/sys/kernel/security/lsm"
printf '/usr/bin/kubelet\0--config\0/opt/kubelet/c.yaml\0--seccomp-default\0' >"$node/proc/7/cmdline"
cat >"$node/opt/kubelet/c.yaml" <<'YAML'
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
readOnlyPort: 10255
YAML
chmod 666 "$node/opt/kubelet/c.yaml"
echo '{"icc": false, "hosts": ["tcp://0.0.0.0:2375"]}' >"$node/etc/docker/daemon.json"
inspects "a node with faults" 2 --node --node-root "$node"
has "its name" "Node worker-1"
has "no security module" "N13"
has "a kernel setting" "kernel.unprivileged_bpf_disabled = 0: every user may load eBPF programs"
if grep -q protected_symlinks "$out"; then
	not_ok "a setting that is right is no finding" "$out"
else
	ok "a setting that is right is no finding"
fi
has "a crash handler in reach of containers" "the kernel runs /tmp/handler %p"
has "the kubelet's file is that of its command line" "opt/kubelet/c.yaml:3:15"
has "and others may write it" "others than its owner may write /opt/kubelet/c.yaml (mode 0666)"
has "Docker's file" "whoever reaches tcp://0.0.0.0:2375 controls the host"
echo 'apparmor' >"$node/sys/kernel/security/lsm"
inspects "with AppArmor" 0 --node --node-root "$node" --check N13
inspects "this machine" 0 --node --fail-on none
inspects "a node that is not there" 1 --node --node-root "$scratch/nowhere"

# ---- the store ----

cat >"$scratch/web.yaml" <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: nginx
    image: nginx
    securityContext: {privileged: true}
YAML
store=$scratch/findings.db
inspects "findings go to the store" 2 --store "$store" "$scratch/web.yaml"
inspects "and again" 2 --store "$store" "$scratch/web.yaml"
"$boltseal" findings list --store "$store" -o json >"$out" 2>"$err"
if python3 - "$out" 2>>"$out" <<'PY'
import json, sys
rows = json.load(open(sys.argv[1]))
r = [x for x in rows if x["rule"] == "R01"]
assert len(r) == 1, len(r)
assert r[0]["count"] == 2 and r[0]["type"] == "Policy:Kubernetes/PrivilegedContainer", r[0]
assert "privileged" in r[0]["evidence"]["pointer"]
PY
then
	ok "the same fault is one finding, seen twice"
else
	not_ok "the same fault is one finding, seen twice" "$out"
fi

# ---- continuous ----

mkdir "$scratch/dir"
cp "$scratch/web.yaml" "$scratch/dir/"
"$boltseal" inspect --continuous "$scratch/dir" >"$scratch/stream" 2>"$err" &
pid=$!

# comes DESCRIPTION TEXT: within ten seconds.
comes() {
	for _ in $(seq 100); do
		if grep -qF -- "$2" "$scratch/stream"; then
			ok "$1"
			return
		fi
		sleep 0.1
	done
	not_ok "$1: no '$2'" "$scratch/stream"
}
comes "the first report is whole" "1 subject in 1 document"
sed -i 's/privileged: true/privileged: false/' "$scratch/dir/web.yaml"
comes "what was mended is resolved" "resolved  critical R01  Pod shop/web"
mkdir "$scratch/dir/new"
sed 's/name: web/name: api/; s/privileged: false/privileged: true/' "$scratch/dir/web.yaml" \
	>"$scratch/dir/new/api.yaml"
comes "what comes in a new folder is new" "new       critical R01  Pod shop/api"
echo 'a: [' >"$scratch/dir/new/broken.yaml"
for _ in $(seq 100); do
	grep -q 'broken.yaml:' "$err" && break
	sleep 0.1
done
has "what cannot be read is said" "broken.yaml:" "$err"
kill -TERM $pid
wait $pid
if [ $? = 0 ]; then
	ok "it ends with SIGTERM"
else
	not_ok "it ends with SIGTERM" "$err"
fi
inspects "--fix does not go with it" 1 --continuous --fix "$scratch/dir"

# ---- engines ----

if ! DOCKER_HOST=unix://$scratch/none.sock "$boltseal" inspect --docker >"$out" 2>"$err" &&
	grep -q 'no daemon answers' "$err"; then
	ok "no Docker is said"
else
	not_ok "no Docker is said" "$err"
fi
mkdir -p "$scratch/root/bin"
cp "$(command -v busybox)" "$scratch/root/bin/"
if dockerd_up 2>"$err"; then
	tar -C "$scratch/root" -c . | docker import - boltseal-inspect:1 >/dev/null
	docker run -d --rm --name boltseal-inspect --network none --pid host -v /etc:/x \
		boltseal-inspect:1 /bin/busybox sleep 60 >/dev/null
	inspects "containers of Docker" 2 --docker
	has "the one that runs" "Container boltseal-inspect"
	has "and what is wrong with it" "docker:boltseal-inspect  /HostConfig/PidMode = host"
	docker rm -f boltseal-inspect >/dev/null 2>&1
	docker image rm boltseal-inspect:1 >/dev/null 2>&1
	dockerd_down
else
	skip "containers of Docker" "dockerd does not start: $(tail -1 "$err")"
fi
if command -v podman >/dev/null; then
	# A store of its own, so that nothing of the host's is touched.
	mkdir "$scratch/bin"
	printf '#!/bin/sh\nexec %s --root %s --runroot %s --runtime "${POD_RUNTIME:-crun}" "$@"\n' \
		"$(command -v podman)" "$scratch/podman" "$scratch/podman-run" >"$scratch/bin/podman"
	chmod +x "$scratch/bin/podman"
	PATH=$scratch/bin:$PATH
	tar -C "$scratch/root" -c . | podman import -q - localhost/boltseal-inspect:1 >/dev/null 2>"$err"
	start() {
		timeout -s KILL 60 podman run -d --rm --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
			--name boltseal-inspect --network none --pid host \
			localhost/boltseal-inspect:1 /bin/busybox sleep 60 >/dev/null 2>"$err"
	}
	# crun refuses hosts with both cgroup hierarchies; runc does not.
	if start || { export POD_RUNTIME=runc && podman rm -f boltseal-inspect >/dev/null 2>&1; start; }; then
		inspects "containers of Podman" 2 --podman
		has "and what is wrong with them" "/HostConfig/PidMode = host"
		podman rm -f -t 0 boltseal-inspect >/dev/null 2>&1
	else
		skip "containers of Podman" "podman cannot run one: $(tail -1 "$err")"
	fi
else
	skip "containers of Podman" "podman is not installed"
fi
tap_end
