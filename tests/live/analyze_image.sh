#!/bin/bash
# boltseal analyze --image: images that Docker and Podman saved say the same as the file system that
# they exported.
# Time limit: 240 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"
# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
busybox=$(command -v busybox) || skip_all "busybox is not installed"
export BOLTSEAL_RUN=/run/boltseal-image-$$
dockerd_up || skip_all "no Docker daemon"
image=boltseal-test/image-$$

cleanup() {
	docker ps -aq --filter "name=^boltseal-image-$$" | xargs -r docker rm -f >/dev/null 2>&1 || true
	docker image rm -f "$image:1" "$image:2" >/dev/null 2>&1 || true
	dockerd_down
	live_cleanup
}
trap cleanup EXIT

# The calls of a model, one a line.
calls() {
	python3 -c 'import json, sys
m = json.load(open(sys.argv[1]))
print("\n".join(sorted(c["name"] for a in m["syscalls"].values() for c in a)))' "$1"
}

analyze() {
	local status=0
	timeout 60 "$boltseal" analyze --no-cache "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
	[ $status = 0 ] || [ $status = 3 ]
}

# Two layers: the second replaces a file and removes one.
make_image() {
	local root=$scratch/root container=boltseal-image-$$
	mkdir -p "$root/bin" "$root/usr/bin" "$root/etc"
	cp "$busybox" "$root/bin/busybox"
	cp /usr/bin/true "$root/usr/bin/service"
	cp --parents -L /lib64/ld-linux-x86-64.so.2 /lib/x86_64-linux-gnu/libc.so.6 "$root"
	ln -s busybox "$root/bin/sh"
	echo old >"$root/etc/gone"
	printf '#!/bin/sh\nset -e\n[ -d /data ] || busybox mkdir /data\nexec "$@"\n' >"$root/entry.sh"
	chmod 755 "$root/entry.sh"
	tar -C "$root" -c . | docker import --change 'ENTRYPOINT ["/entry.sh"]' \
		--change 'CMD ["service"]' --change 'ENV PATH=/usr/bin:/bin' - "$image:1" >/dev/null
	docker run --name "$container" --network none --entrypoint /bin/busybox "$image:1" \
		sh -c 'busybox rm /etc/gone; busybox mkdir /data; echo new >/etc/new'
	docker commit --change 'ENTRYPOINT ["/entry.sh"]' --change 'CMD ["service"]' \
		"$container" "$image:2" >/dev/null
	mkdir "$scratch/flat"
	docker export "$container" | tar -C "$scratch/flat" -x
}

same_as_export() {
	local what=$1 archive=$2
	if ! analyze --image "$archive" --output "$scratch/image.json" service; then
		not_ok "$what: analysed" "$scratch/err"
		return
	fi
	calls "$scratch/image.json" >"$scratch/image.calls"
	if [ -s "$scratch/image.calls" ] && cmp -s "$scratch/flat.calls" "$scratch/image.calls"; then
		ok "$what: the calls of a program are those in the exported file system"
	else
		diff "$scratch/flat.calls" "$scratch/image.calls" >"$scratch/diff" || true
		not_ok "$what: the calls of a program are those in the exported file system" "$scratch/diff"
	fi
}

if ! make_image >"$scratch/make" 2>&1; then
	not_ok "an image is made" "$scratch/make"
	tap_end
	exit
fi
analyze --rootfs "$scratch/flat" --output "$scratch/flat.json" /usr/bin/service || true
calls "$scratch/flat.json" >"$scratch/flat.calls"
docker save -o "$scratch/docker.tar" "$image:2"
gzip -k "$scratch/docker.tar"
same_as_export "docker save" "$scratch/docker.tar"
same_as_export "docker save, compressed" "$scratch/docker.tar.gz"

if analyze --image "$scratch/docker.tar"; then
	missing=
	for want in "main        /entry.sh, a script" "interpreter /bin/busybox" \
		"exec        /usr/bin/service" "$image:2"; do
		grep -q -F -e "$want" "$scratch/out" || missing="$missing '$want'"
	done
	if [ -z "$missing" ]; then
		ok "entry point, its shell and what it executes are found"
	else
		not_ok "entry point, its shell and what it executes are found:$missing" "$scratch/out"
	fi
else
	not_ok "an image is analysed from its entry point" "$scratch/err"
fi

docker save -o "$scratch/two.tar" "$image:1" "$image:2"
if ! analyze --image "$scratch/two.tar" service && grep -q "several images" "$scratch/err" &&
	analyze --image "$scratch/two.tar" --image-name "$image:1" service; then
	ok "one of several images is chosen by name"
else
	not_ok "one of several images is chosen by name" "$scratch/err"
fi

if command -v podman >/dev/null; then
	podman() {
		command podman --root "$scratch/podman" --runroot "$scratch/podman-run" \
			--storage-driver vfs "$@"
	}
	if podman load -q -i "$scratch/docker.tar" >"$scratch/podman.log" 2>&1; then
		for form in oci-archive oci-dir docker-archive; do
			podman save -q --format $form -o "$scratch/$form" "$(podman images -q)" \
				>"$scratch/podman.log" 2>&1 || cat "$scratch/podman.log"
			same_as_export "podman save --format $form" "$scratch/$form"
		done
	else
		skip "podman save" "podman cannot load the image: $(tail -n 1 "$scratch/podman.log")"
	fi
else
	skip "podman save" "podman is not installed"
fi
tap_end
