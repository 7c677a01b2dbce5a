# shellcheck shell=bash
# shellcheck disable=SC2034 # variables for those who source this
# To be sourced by the live tests of responses, behind lib.sh: a daemon, an image, containers, and what findings
# and containers say.

# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
command -v busybox >/dev/null || skip_all "busybox is not installed"
log=$scratch/log
found=$scratch/found.json
state=$scratch/state
image="boltseal-respond:$$"
started=()

dockerd_up 2>"$log" || skip_all "no Docker daemon: $(tail -n 1 "$log")"
respond_cleanup() {
	local c
	for c in ${started[@]+"${started[@]}"}; do
		docker rm -f "$c" >/dev/null 2>&1 || true
	done
	docker image rm "$image" >/dev/null 2>&1 || true
	dockerd_down
	live_cleanup
}
trap respond_cleanup EXIT

mkdir -p "$scratch/root"/{bin,etc,tmp}
cp "$(command -v busybox)" "$scratch/root/bin/busybox"
for applet in sh sleep cat wget httpd cp true; do
	ln -s busybox "$scratch/root/bin/$applet"
done
for file in freeze kill slow cut keep end plain ban known; do
	echo "$file" >"$scratch/root/etc/boltseal-$file"
done
tar -C "$scratch/root" -c . | docker import - "$image" >/dev/null

rule() { # rule NAME ACTION FILE
	cat <<END
- rule: $1
  desc: A file that only the test has.
  condition: evt.type in (open, openat, openat2) and container.id != host and fd.name = /etc/boltseal-$3
  output: $1 (file=%fd.name)
  priority: WARNING
  respond: [$2]
END
}
# box NAME: a container with a web server of its own and a counter that shows whether it runs.
box() {
	started+=("boltseal-r-$1")
	docker rm -f "boltseal-r-$1" >/dev/null 2>&1 || true
	docker run -d --name "boltseal-r-$1" --network none "$image" /bin/sh -c \
		'httpd -p 127.0.0.1:80 -h /etc; n=0; while :; do n=$((n + 1)); echo $n >/tmp/n; sleep 0.05; done' \
		>/dev/null
}
id_of() { docker inspect -f '{{.Id}}' "boltseal-r-$1"; }
pid_of() { docker inspect -f '{{.State.Pid}}' "boltseal-r-$1"; }
in_box() { # in_box NAME COMMAND...
	local name=$1
	shift
	timeout 10 docker exec "boltseal-r-$name" "$@" 2>/dev/null
}
count_in() { cat "/proc/$1/root/tmp/n" 2>/dev/null || echo gone; }

# watch_begin ARGUMENT...: in the background, until it watches.
watch_begin() {
	: >"$log"
	: >"$found"
	timeout -s KILL 200 "$boltseal" watch -o json --output "$found" --rules "$rules" \
		--respond-state "$state" "$@" 2>"$log" &
	watcher=$!
	background+=("$watcher")
	watch_ready "$log" || return 1
	agent=$(pgrep -P "$watcher" -x boltseal)
}
watch_end() {
	sleep 0.2
	kill -TERM "$agent" 2>/dev/null || true
	wait "$watcher" || true
}

# told ACTION OUTCOME [TEXT]: a finding says so, soon.
told() { until_true is_told "$@"; }
is_told() {
	python3 - "$found" "$@" <<'PY'
import json, sys
for line in open(sys.argv[1]):
    f = json.loads(line)["output_fields"]
    if f.get("response.action") == sys.argv[2] and f["response.outcome"] == sys.argv[3] and \
            (len(sys.argv) < 5 or sys.argv[4] in f["response.text"]):
        sys.exit(0)
sys.exit(1)
PY
}
# fails ACTION [TEXT]: what is told of it first is that it failed.
fails() {
	until_true grep -q -F "\"response.action\":\"$1\"" "$found" || true
	is_told "$1" failed "${@:2}"
}
check() { # check DESCRIPTION COMMAND...
	local what=$1
	shift
	if "$@"; then ok "$what"; else not_ok "$what" "$found"; fi
}
# Whether the counter of this process's container goes on, or stands still.
runs() { until_true is_past "$1" "$(count_in "$1")"; }
is_past() { [ "$(count_in "$1")" != "$2" ]; }
stands() {
	local a
	a=$(count_in "$1")
	sleep 0.4
	! is_past "$1" "$a"
}
serves() { in_box "$1" wget -q -O - http://127.0.0.1/boltseal-plain | grep -q plain; }
no_service() { ! timeout 6 docker exec "boltseal-r-$1" wget -q -T 2 -O - http://127.0.0.1/boltseal-plain >/dev/null 2>&1; }
is_up() { [ "$(docker inspect -f '{{.State.Running}}' "boltseal-r-$1")" = true ]; }
is_down() { ! is_up "$1"; }
lists() { "$boltseal" respond list --state "$state" | grep -q "$1"; }
lists_nothing() { [ "$("$boltseal" respond list --state "$state")" = "nothing is switched on" ]; }

# known NAME: waits until the agent knows the container: it judged something that came behind a program's start. Needs
# the rule Known.
known() {
	local before
	seen_known() { grep -c "Known (file=.*container_name=boltseal-r-$1 " "$found" || true; }
	before=$(seen_known "$1")
	in_box "$1" cat /etc/boltseal-known >/dev/null
	seen_again() { [ "$(seen_known "$1")" -gt "$before" ]; }
	until_true seen_again "$1" || true
}

# told_of RULE TEXT: a finding about an action because of the rule has the text.
told_of() { until_true is_told_of "$@"; }
is_told_of() { grep -F "\"response.rule\":\"$1\"" "$found" | grep -q -F "$2"; }

# left_behind WHO NAME: after WHO was killed. The frozen container of $pid goes on, as freeze: lift says; the network
# of NAME, for which block-network: keep holds, stays blocked until that is undone.
left_behind() {
	check "$1 killed: what is to be lifted is lifted" runs "$pid"
	if told block-network "done"; then
		check "$1 killed: what is to be kept stays" no_service "$2"
		check "$1 killed: it is listed" lists block-network
		"$boltseal" respond undo "$(id_of "$2")" --state "$state" >"$scratch/undo" 2>&1 || true
		check "$1 killed: undo: the network is back" serves "$2"
	else
		skip "$1 killed: what is to be kept stays" "no control group of version 2"
	fi
	check "$1 killed: nothing is listed any more" lists_nothing
}
