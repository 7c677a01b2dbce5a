#!/bin/bash
# What is known of containers of engines that really run: Docker (renamed while it runs, an image by its id,
# docker exec, one that ran before), Podman, and pods of containerd by the Kubernetes CRI.
#
# Mounts of its own: the engines' usual places are this test's.
# Time limit: 150 s
set -u
if [ "$(id -u)" = 0 ] && [ -z "${CONTAINERS_MOUNTS-}" ]; then
	CONTAINERS_MOUNTS=1 exec unshare -m --propagation private "$0" "$@"
fi
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
busybox=$(command -v busybox) || skip_all "busybox is not installed"
ldd "$busybox" >/dev/null 2>&1 && skip_all "busybox is not linked statically"
chmod 755 "$scratch"
mkdir -p "$scratch/root/bin" "$scratch/root/etc" "$scratch/root/tmp" /run/containerd /var/lib/containers /run/containers
cp "$busybox" "$scratch/root/bin/busybox"
ln "$scratch/root/bin/busybox" "$scratch/root/bin/true"
ln "$scratch/root/bin/busybox" "$scratch/root/bin/sleep"
echo 'web:x:33:33::/:/bin/sh' >"$scratch/root/etc/passwd"
for folder in /run/containerd /var/lib/containers /run/containers; do
	mount -t tmpfs none $folder
done
cat >"$scratch/rules.yaml" <<-'END'
	- rule: Precious
	  desc: d
	  condition: evt.type = execve and proc.exepath in (/bin/true, /bin/sleep) and container.id != host
	  output: 'run | %proc.args type=%container.type name=%container.name image=%container.image.repository:%container.image.tag digest=%container.image.digest privileged=%container.privileged mount=%container.mount.source[/srv] label=%container.label[team] pod=%k8s.pod.name/%k8s.ns.name user=%user.name'
	  priority: WARNING
END

shown=("$scratch/err" "$scratch/out")

# known DESCRIPTION ARGUMENT PATTERN
known() {
	expect "$1" until_true grep -q -- "run | $2 $3" "$scratch/out"
}

cleanup() {
	[ -z "${sandbox-}" ] || "$repo/tests/live/cri.py" /run/containerd/c.sock stop "$sandbox" >/dev/null 2>&1
	[ "$docker" = no ] || {
		docker rm -f "${box[@]}" >/dev/null 2>&1
		docker image rm "$image" pause.local/pause:1 >/dev/null 2>&1
		dockerd_down
	}
	live_cleanup
}

image=boltseal-c$$:1
box=("boltseal-c$$-a" "boltseal-c$$-b")
new=boltseal-c$$-new
docker=no
if dockerd_up 2>"$scratch/docker.log"; then
	docker=yes
	trap cleanup EXIT
	tar -C "$scratch/root" -c . | docker import --change 'CMD ["/bin/busybox","sleep","3600"]' - "$image" >/dev/null
	id=$(docker image inspect -f '{{.Id}}' "$image")
	docker run -d --name "${box[0]}" --network none --label team=red -v "$scratch/root:/srv:ro" "$image" >/dev/null
fi
"$boltseal" watch -r "$scratch/rules.yaml" --user nobody >"$scratch/out" 2>"$scratch/err" &
watcher=$!
background+=("$watcher")
until_true grep -q 'watching with' "$scratch/err" || skip_all "watching does not work here: $(tail -n 1 "$scratch/err")"

if [ $docker = yes ]; then
	docker exec "${box[0]}" /bin/true before
	known "Docker: a container that ran before, docker exec" "before" \
		"type=docker name=${box[0]} image=boltseal-c$$:1 digest=<NA> privileged=false mount=$scratch/root label=red pod=<NA>/<NA> user=root"
	docker run -d --name "${box[1]}" --network none --user 33 "$id" >/dev/null
	docker exec "${box[1]}" /bin/true byid
	known "Docker: an image by its id, a user of its own passwd" "byid" "type=docker name=${box[1]} image=boltseal-c$$:1 .*user=web"
	docker rename "${box[0]}" "$new"
	sleep 2.5
	docker exec "$new" /bin/true renamed
	known "Docker: it was renamed" "renamed" "type=docker name=$new "
	box+=("$new")
else
	skip "Docker" "$(tail -n 1 "$scratch/docker.log")"
fi

# ---- Podman
pod() {
	timeout -s KILL 60 podman --runtime runc --cgroup-manager cgroupfs --storage-driver vfs "$@"
}
if command -v podman >/dev/null && tar -C "$scratch/root" -c . | pod import -q - localhost/team/app:2 >"$scratch/log" 2>&1 &&
	pod run --rm --name "podman-c$$" --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
		-v "$scratch/root:/srv" localhost/team/app:2 /bin/true podman >"$scratch/log" 2>&1; then
	digest=$(pod image inspect -f '{{.Digest}}' localhost/team/app:2)
	known "Podman, with another storage driver: name, image, digest, mount" "podman" \
		"type=podman name=podman-c$$ image=localhost/team/app:2 digest=$digest privileged=false mount=$scratch/root "
else
	skip "Podman" "it does not run here: $(tail -n 1 "$scratch/log" 2>/dev/null)"
fi

# ---- containerd, as a kubelet uses it
cat >"$scratch/containerd.toml" <<-END
	version = 2
	root = "$scratch/containerd"
	state = "/run/containerd"
	[grpc]
	  address = "/run/containerd/c.sock"
	[plugins."io.containerd.grpc.v1.cri"]
	  sandbox_image = "pause.local/pause:1"
	  disable_apparmor = true
	  restrict_oom_score_adj = true
	  [plugins."io.containerd.grpc.v1.cri".containerd]
	    snapshotter = "native"
END
if [ $docker = yes ] && command -v containerd >/dev/null && /usr/bin/python3 -c 'import grpc' 2>/dev/null; then
	docker tag "$image" pause.local/pause:1
	docker save -o "$scratch/image.tar" pause.local/pause:1
	containerd -c "$scratch/containerd.toml" >"$scratch/containerd.log" 2>&1 &
	background+=("$!")
	until_true ctr -a /run/containerd/c.sock version
	ctr -a /run/containerd/c.sock -n k8s.io images import "$scratch/image.tar" >"$scratch/log" 2>&1
	if "$repo/tests/live/cri.py" /run/containerd/c.sock run pause.local/pause:1 shop-0 shop web /bin/sleep 300 \
		>"$scratch/ids" 2>"$scratch/log"; then
		read -r sandbox _ <"$scratch/ids"
		known "containerd (CRI): name, image, pod and namespace" "300" \
			"type=containerd name=web image=pause.local/pause:1 digest=<NA> privileged=false .*pod=shop-0/shop user=root"
	else
		skip "containerd (CRI)" "no pod can be made: $(tail -n 3 "$scratch/log" | head -n 1)"
	fi
else
	skip "containerd (CRI)" "containerd, python3-grpcio or Docker is missing"
fi
kill -TERM "$watcher"
wait "$watcher"
expect "exit status 0" test $? = 0
tap_end
