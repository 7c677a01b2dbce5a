# shellcheck shell=sh
# To be sourced: a Docker daemon for the demo and the live tests.
#
#   dockerd_up      uses the daemon that DOCKER_HOST or the default socket names when it answers,
#                   else starts one and exports DOCKER_HOST; calling it again changes nothing
#   dockerd_down    stops the daemon if dockerd_up started it, and nothing else
#
# An own daemon keeps its images in $BOLTSEAL_CACHE/docker and the rest in $BOLTSEAL_RUN (default
# /run/boltseal-demo; a short path, because socket names are limited to 107 bytes). It touches
# neither firewall nor bridges: containers use --network none and are reached with nsenter.

dockerd_pid=

dockerd_answers() {
	timeout 5 docker version --format "{{.Server.Version}}" >/dev/null 2>&1
}

dockerd_up() {
	dockerd_run=${BOLTSEAL_RUN:-/run/boltseal-demo}
	dockerd_log=$BOLTSEAL_CACHE/dockerd.log
	dockerd_answers && return 0
	if ! command -v dockerd >/dev/null; then
		echo "dockerd-up: no Docker daemon answers and none is installed (docker.io)" >&2
		return 1
	fi
	export DOCKER_HOST="unix://$dockerd_run/docker.sock"
	if [ -S "$dockerd_run/docker.sock" ] && dockerd_answers; then
		return 0
	fi
	mkdir -p "$dockerd_run" "$BOLTSEAL_CACHE/docker"
	rm -f "$dockerd_run/docker.pid"
	dockerd --data-root "$BOLTSEAL_CACHE/docker" --exec-root "$dockerd_run/exec" \
		--pidfile "$dockerd_run/docker.pid" --host "$DOCKER_HOST" \
		--containerd-namespace boltseal-demo --containerd-plugins-namespace boltseal-demo-p \
		--bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
		>"$dockerd_log" 2>&1 </dev/null &
	dockerd_pid=$!
	dockerd_tries=0
	until dockerd_answers; do
		dockerd_tries=$((dockerd_tries + 1))
		if [ $dockerd_tries -ge 150 ] || ! kill -0 "$dockerd_pid" 2>/dev/null; then
			echo "dockerd-up: dockerd does not start; the end of its log:" >&2
			tail -n 5 "$dockerd_log" >&2
			dockerd_down
			return 1
		fi
		sleep 0.2
	done
}

dockerd_down() {
	[ -n "$dockerd_pid" ] || return 0
	kill "$dockerd_pid" 2>/dev/null || true
	dockerd_tries=0
	while kill -0 "$dockerd_pid" 2>/dev/null && [ $dockerd_tries -lt 100 ]; do
		dockerd_tries=$((dockerd_tries + 1))
		sleep 0.1
	done
	kill -KILL "$dockerd_pid" 2>/dev/null || true
	wait "$dockerd_pid" 2>/dev/null || true
	dockerd_pid=
	rm -rf "${BOLTSEAL_RUN:-/run/boltseal-demo}"
	unset DOCKER_HOST
}

# dockerd_image NAME ROOTFS STAMP CHANGE...: imports a root file system unless it is there already;
# CHANGE are Dockerfile instructions. STAMP names the version of the contents.
dockerd_image() {
	dockerd_name=$1
	dockerd_root=$2
	dockerd_stamp=$(printf '%s' "$*" | sha256sum | cut -c1-16)
	shift 3
	dockerd_have=$(docker image inspect -f '{{index .Config.Labels "boltseal.stamp"}}' \
		"$dockerd_name" 2>/dev/null) || true
	[ "$dockerd_have" = "$dockerd_stamp" ] && return 0
	dockerd_changes="--change=LABEL boltseal.stamp=$dockerd_stamp"
	for dockerd_c in "$@"; do
		dockerd_changes="$dockerd_changes
--change=$dockerd_c"
	done
	# One option a line, so that options may contain blanks.
	(
		IFS='
'
		set -f
		# shellcheck disable=SC2086 # split at line ends
		tar -C "$dockerd_root" --numeric-owner -c . |
			docker import $dockerd_changes - "$dockerd_name" >/dev/null
	)
}
