#!/bin/bash
# Every field and event type that the published rule files use has its value in `boltseal watch`: the one that
# /proc, the program that made the call, or `docker inspect` says.
# Time limit: 120 s
set -euo pipefail

# A mount namespace of its own, for folders that containers mount and this machine need not have.
if [ "$(id -u)" = 0 ] && [ -z "${FIELDS_MOUNTS-}" ]; then
	FIELDS_MOUNTS=1 exec unshare -m --propagation private "$0" "$@"
fi
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"
# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

tsv=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/falco/fields.tsv
[ "$(id -u)" = 0 ] || skip_all "needs root"
[ "$(uname -m)" = x86_64 ] || skip_all "no numbers of calls for $(uname -m)"
[ -f "$tsv" ] || skip_all "$tsv is not there"
[ -f /usr/include/linux/capability.h ] || skip_all "no linux/capability.h"
fields=$here/watch_fields.py
found=$scratch/found.json
"$fields" rules "$tsv" fields >"$scratch/rules.yaml"
if "$boltseal" rules check --strict "$scratch/rules.yaml" >"$scratch/checked" 2>&1; then
	ok "rules with every field, event type and operator load without a warning"
else
	not_ok "rules with every field, event type and operator load without a warning" "$scratch/checked"
fi

# What containers mount: folders of a node, sockets as files.
mkdir "$scratch/over"
mount -t tmpfs none "$scratch/over"
prepare() {
	local folder
	for folder in /etc /home /var/lib; do
		mkdir -p "$scratch/over$folder"/{upper,work}
		mount -t overlay overlay -o "lowerdir=$folder,upperdir=$scratch/over$folder/upper,workdir=$scratch/over$folder/work" "$folder"
	done
	mkdir -p /etc/kubernetes/manifests /home/admin /var/lib/kubelet/pki
	mount -t tmpfs none /run
	mkdir -p /run/crio /run/containerd
	touch /run/docker.sock /run/crio/crio.sock
}
have_docker=
if command -v busybox >/dev/null && ! dockerd_answers && prepare && mkdir "$scratch/bin" &&
	ln -s "$here/runc-bounded" "$scratch/bin/runc" && PATH=$scratch/bin:$PATH dockerd_up 2>"$scratch/docker"; then
	have_docker=1
	touch /run/containerd/containerd.sock # not before: dockerd would try it
	install -D "$(command -v busybox)" "$scratch/root/fields/busybox"
	tar -C "$scratch/root" -c . | docker import - registry.example/fields:1 >/dev/null
elif [ -s "$scratch/docker" ]; then
	sed 's/^/# /' "$scratch/docker"
fi

if ! watch_start --rules "$scratch/rules.yaml" --all -o json --output "$found"; then
	watch_refused && skip_all "$(cat "$err")"
	not_ok "it watches" "$err"
	tap_end
	exit
fi
sleep 0.5 # names are looked up
mkdir "$scratch/act"
expected=$scratch/expected.json
# shellcheck disable=SC2016 # for the inner shell
unshare -n sh -c 'ip link set lo up; exec "$0" act "$1" "$2"' "$fields" "$scratch/act" "$expected" >"$scratch/acted" 2>&1 ||
	not_ok "the calls are made" "$scratch/acted"

# contain NAME PATH LAYER DOCKER-OPTION... -- COMMAND...: a container, and what its first process has to look like.
contain() {
	local name=boltseal-fields-$1 path=$2 layer=$3 options=()
	shift 3
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	if timeout 60 docker run -d --name "$name" --network none --label io.kubernetes.pod.name="$name" \
		--label io.kubernetes.pod.namespace=shop "${options[@]}" registry.example/fields:1 "$@" >"$scratch/$name" 2>&1; then
		docker inspect "$name" >"$scratch/inspect"
		"$fields" contained "$scratch/inspect" "$path" "$layer" "$expected"
	else
		not_ok "the container starts" "$scratch/$name"
	fi
	sleep 0.5
	docker rm -f "$name" >/dev/null 2>&1 || true
}
if [ -n "$have_docker" ]; then
	mounts=(-v /:/m/root:ro -v /proc:/m/proc:ro -v /root:/m/home:ro)
	for source in /etc /etc/kubernetes /etc/kubernetes/manifests /home/admin /var/lib/kubelet /var/lib/kubelet/pki \
		/run/containerd/containerd.sock /var/run/crio/crio.sock /var/run/docker.sock; do
		mounts+=(-v "$source:/m/${source//\//_}")
	done
	lower=lower upper=upper
	[ "$(docker info -f '{{.Driver}}')" = overlay2 ] || lower=- upper=-
	contain mounts /fields/busybox "$lower" "${mounts[@]}" -- /fields/busybox sleep 60
	contain privileged /fields/new/busybox "$upper" --privileged -- \
		/fields/busybox sh -c "b=/fields/busybox; \$b mkdir /fields/new; \$b cp \$b /fields/new; exec /fields/new/busybox sleep 60"
fi
watch_stop || not_ok "nothing is lost" "$err"
results < <("$fields" check "$tsv" "$found" "$expected")
[ -z "$have_docker" ] || docker image rm registry.example/fields:1 >/dev/null 2>&1 || true
dockerd_down
cd /
umount -l "$scratch/over" # the folders above it too go with the namespace
tap_end
