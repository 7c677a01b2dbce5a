#!/bin/bash
# boltseal watch while the container engine is stopped, killed and started again: containers that run keep
# their names, new ones are recognised, nothing is lost.   tests/live/engine_restart.sh
#
# The Docker daemon is one of its own (live-restore, so containers outlive it), with its containerd.
# Time limit: 150 s
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
command -v dockerd >/dev/null || skip_all "dockerd is not installed"
busybox=$(command -v busybox) || skip_all "busybox is not installed"
ldd "$busybox" >/dev/null 2>&1 && skip_all "busybox is not linked statically"
run=/run/boltseal-er-$$
export DOCKER_HOST=unix://$run/docker.sock
image=boltseal-restart:1
daemon=
shown=("$err" "$out")

answers() {
	timeout 5 docker version --format '{{.Server.Version}}'
}

# A daemon that was killed leaves things behind on which the next one may give up: it is started again then.
engine_start() {
	local try
	for try in 1 2 3; do
		engine_start_once && return 0
		echo "# the daemon did not start ($try): $(tail -n 1 "$scratch/dockerd.log" | cut -c1-200)"
		kill -9 "$daemon" 2>/dev/null
		wait "$daemon" 2>/dev/null
	done
	return 1
}

engine_start_once() {
	mkdir -p "$run"
	rm -f "$run/docker.pid"
	dockerd --data-root "$scratch/docker" --exec-root "$run/exec" --pidfile "$run/docker.pid" \
		--host "$DOCKER_HOST" --live-restore --storage-driver vfs \
		--containerd-namespace "er-$$" --containerd-plugins-namespace "er-$$-p" \
		--bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
		>>"$scratch/dockerd.log" 2>&1 </dev/null &
	daemon=$!
	background+=("$daemon")
	until_true answers_or_ended
	answers >/dev/null 2>&1
}

answers_or_ended() {
	! kill -0 "$daemon" || answers
}

# The containerd that the daemon started.
engine_containerd() {
	cat "$run/exec/containerd/containerd.pid" 2>/dev/null || cat "$run/containerd/containerd.pid"
}

engine_cleanup() {
	local pid
	answers >/dev/null 2>&1 || engine_start
	# shellcheck disable=SC2046 # a list
	timeout 30 docker rm -f $(docker ps -aq) >/dev/null 2>&1
	pid=$(engine_containerd 2>/dev/null)
	kill "$daemon" 2>/dev/null
	wait "$daemon" 2>/dev/null
	# With live-restore the daemon leaves its containerd running.
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	sleep 0.5
	grep -o "$scratch/docker[^ ]*" /proc/mounts | sort -ru | xargs -r -n 1 umount -l
	live_cleanup
	rm -rf "$run"
}

mkdir -p "$scratch/root/bin" "$scratch/root/tmp"
cp "$busybox" "$scratch/root/bin/busybox"
ln -s busybox "$scratch/root/bin/sh"
engine_start || skip_all "no Docker daemon: $(tail -n 1 "$scratch/dockerd.log")"
trap engine_cleanup EXIT
tar -C "$scratch/root" -c . | docker import - "$image" >/dev/null || skip_all "no image"

# box NAME: opens /tmp/go-N once that is there.
box() {
	docker run -d --name "$1" --network none "$image" /bin/sh -c \
		'i=1; while :; do until [ -e /tmp/go-$i ]; do busybox sleep 0.05; done; read x </tmp/go-$i; i=$((i + 1)); done' \
		>/dev/null
	docker inspect -f '{{.State.Pid}}' "$1" >"$scratch/$1.pid"
}
# go NAME N: it opens its file.
go() {
	echo x >"/proc/$(cat "$scratch/$1.pid")/root/tmp/go-$2.new"
	mv "/proc/$(cat "$scratch/$1.pid")/root/tmp/go-$2.new" "/proc/$(cat "$scratch/$1.pid")/root/tmp/go-$2"
}
# seen NAME N: as a finding with the container's name and image.
seen() {
	until_true grep -q "go | /tmp/go-$2 name=$1 image=boltseal-restart " "$scratch/out"
}

cat >"$scratch/rules.yaml" <<-'END'
	- rule: Go
	  desc: d
	  condition: evt.type in (open, openat) and fd.name startswith /tmp/go- and proc.name in (sh, busybox)
	  output: go | %fd.name name=%container.name image=%container.image.repository
	  priority: WARNING
END
start() { watch_start --user nobody -r "$scratch/rules.yaml"; }
chmod 755 "$scratch"

box first
if ! start; then
	skip_all "watching does not work here: $(tail -n 1 "$scratch/err")"
fi
go first 1
expect "a container of the engine" seen first 1

# ---- stopped: its socket is gone
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
expect "the daemon is stopped, its socket is gone" test ! -S "$run/docker.sock"
go first 2
expect "stopped: the container keeps its name" seen first 2
engine_start
go first 3
expect "started again: the container keeps its name" seen first 3
box second
go second 1
expect "started again: a new container is recognised" seen second 1

# ---- daemon and containerd killed at once
kill -9 "$daemon" "$(engine_containerd)"
wait "$daemon" 2>/dev/null
go first 4
go second 2
expect "both killed with -9: containers keep their names" eval 'seen first 4 && seen second 2'
engine_start
go first 5
expect "both started again: they do" seen first 5
box third
go third 1
expect "both started again: a new container is recognised" seen third 1
watch_stop
code=$?
expect "nothing was lost: exit status 0" test $code = 0
expect "and none without a name" test "$(grep -c 'go | ' "$scratch/out")" = 8

# ---- watching begins while the engine is down, in a place that only its command line tells
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
start
go first 6
expect "the engine is down when watching begins: the container's id is known" \
	until_true grep -q 'go | /tmp/go-6 name=' "$scratch/out"
engine_start
go first 7
expect "and its name, once the engine is there" seen first 7
watch_stop
tap_end
