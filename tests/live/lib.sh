# shellcheck shell=bash
# shellcheck disable=SC2034 # variables for those who source this
# To be sourced by the live tests: result lines (TAP), a scratch folder, containers of runc and crun.

repo=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
export BOLTSEAL_CACHE=${BOLTSEAL_CACHE:-$repo/.demo}
boltseal=${BOLTSEAL:-$repo/build/boltseal}
tap_n=0
tap_failed=0
scratch=$(mktemp -d)
out=$scratch/out
err=$scratch/err
shown=("$err") # what tells more when something is not as expected
containers=()  # "RUNTIME ID" of those that may exist
background=()  # processes to end

ok() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $*"
}

# not_ok DESCRIPTION [FILE]: with the end of FILE as diagnosis.
not_ok() {
	tap_n=$((tap_n + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $1"
	[ $# -lt 2 ] || [ ! -s "$2" ] || tail -n 12 "$2" | sed 's/^/#   /'
}

skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

tap_end() {
	echo "1..$tap_n"
	[ "$tap_failed" = 0 ]
}

# until_true COMMAND...: waits until it succeeds, for so many tries of 50 ms as $patience says, 20 s unless set.
until_true() {
	local tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt "${patience:-400}" ] || return 1
		sleep 0.05
	done
}

# expect DESCRIPTION COMMAND...: it succeeds; else the diagnosis is what it printed, and then the ends of the
# files in $shown that are there.
expect() {
	local name=$1
	shift
	if "$@" >"$scratch/expect.log" 2>&1; then
		ok "$name"
	else
		tail -q -n 8 -- "${shown[@]}" 2>/dev/null | cut -c1-300 >>"$scratch/expect.log" || true
		not_ok "$name" "$scratch/expect.log"
	fi
}

# run COMMAND...: its exit status in $code; what it printed in the files $out and $err, and in $said_out and $said_err.
run() {
	code=0
	"$@" >"$out" 2>"$err" || code=$?
	said_out=$(<"$out")
	said_err=$(<"$err")
}

# gave DESCRIPTION CODE [TEXT]: so the last run ended, and TEXT stands in what it printed.
gave() {
	if [ "$code" != "$2" ]; then
		cat "$err" >>"$out"
		not_ok "$1: exit code $code, expected $2" "$out"
	elif [[ $said_out$said_err != *"${3-}"* ]]; then
		cat "$err" >>"$out"
		not_ok "$1: no '$3'" "$out"
	else
		ok "$1"
	fi
}

# gives DESCRIPTION CODE TEXT COMMAND...: runs it, for a minute at the most.
gives() {
	run timeout -s KILL 60 "${@:4}" </dev/null
	gave "${@:1:3}"
}

# same DESCRIPTION EXPECTED GOT
same() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1: '$3' instead of '$2'"
	fi
}

# results: lines "ok NAME", "skip NAME: REASON" and, which is all else, "not ok NAME" on standard input.
results() {
	local line
	while IFS= read -r line; do
		case $line in
		"ok "*) ok "${line#ok }" ;;
		"skip "*)
			line=${line#skip }
			skip "${line%%: *}" "${line#*: }"
			;;
		*) not_ok "${line#not ok }" ;;
		esac
	done
}

# inspects DESCRIPTION CODE ARGUMENT...: boltseal inspect ends with CODE; what it prints is in $out and $err.
inspects() {
	run timeout 120 "$boltseal" inspect "${@:3}"
	gave "$1" "$2"
}

# has DESCRIPTION TEXT [FILE]: the file, $out unless given, has the text. lacks is the opposite.
has() {
	if grep -qF -- "$2" "${3:-$out}"; then
		ok "$1"
	else
		not_ok "$1: no '$2'" "${3:-$out}"
	fi
}

lacks() {
	if grep -qF -- "$2" "${3:-$out}"; then
		not_ok "$1: there is '$2'" "${3:-$out}"
	else
		ok "$1"
	fi
}

# watch_start OPTION...: boltseal watch in the background, until it watches; its process in $watcher, its
# output in $out and $err. Fails when it ends before that, or takes longer than until_true waits.
watch_start() {
	rm -f "$err"
	"$boltseal" watch "$@" >"$out" 2>"$err" &
	watcher=$!
	background+=("$watcher")
	watch_ready
}

# watch_ready [LOG]: waits until $watcher says there, in $err unless given, that it watches.
watch_ready() {
	until_true watch_said_or_ended "${1:-$err}"
	grep -qs 'watching with' "${1:-$err}"
}

watch_said_or_ended() {
	grep -qs 'watching with' "$1" || ! kill -0 "$watcher"
}

# watch_refused: after watch_start failed: whether this user or this kernel does not allow it.
watch_refused() {
	grep -q 'no right\|refuses\|no BTF' "$err"
}

# watch_stop: SIGTERM to it, after a moment for what was done last; its exit status. Killed when it does not end.
watch_stop() {
	sleep 0.3
	kill -TERM "$watcher" 2>/dev/null
	until_true ended "$watcher" || kill -KILL "$watcher"
	wait "$watcher"
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

# links_of PID: how many BPF programs it, or a child of it, has attached.
links_of() {
	local p
	for p in "$1" $(pgrep -P "$1"); do
		find "/proc/$p/fd" -lname 'anon_inode:bpf*link' 2>/dev/null
	done | wc -l
}

# record_ready PID: waits until this boltseal record is at work: its programs are attached, and no more come.
record_ready() {
	local n last=0 _
	for _ in $(seq 200); do
		n=$(links_of "$1")
		[ "$n" = 0 ] || [ "$n" != "$last" ] || return 0
		kill -0 "$1" 2>/dev/null || return 1
		last=$n
		sleep 0.1
	done
	return 1
}

# lines_are N PATTERN FILE: so many lines of it match.
lines_are() {
	[ "$(grep -c -- "$2" "$3")" = "$1" ]
}

# runtime RUNC_OR_CRUN ARGUMENT...
# crun 1.8 refuses the hybrid layout of cgroups; it needs neither them nor that mount here.
runtime() {
	local name=$1
	shift
	if [ "$name" != crun ] || [ ! -d /sys/fs/cgroup/unified ]; then
		"$name" "$@"
		return
	fi
	unshare -m sh -c 'umount /sys/fs/cgroup/unified && exec crun --cgroup-manager=disabled "$@"' \
		crun "$@"
}

# container_start RUNTIME ID BUNDLE LOG: in the background; its process id in $container_pid, the
# runtime's in $container_job.
container_start() {
	local tries=0
	containers+=("$1 $2")
	rm -f "$scratch/$2.pid"
	: >"$4"
	runtime "$1" run --pid-file "$scratch/$2.pid" -b "$3" "$2" </dev/null >>"$4" 2>&1 &
	container_job=$!
	while [ ! -s "$scratch/$2.pid" ]; do
		tries=$((tries + 1))
		if [ $tries -ge 2000 ] || ! kill -0 "$container_job" 2>/dev/null; then
			echo "the container does not start" >>"$4"
			return 1
		fi
		sleep 0.02
	done
	container_pid=$(cat "$scratch/$2.pid")
}

# container_stop RUNTIME ID: SIGTERM, then the exit status of the container; killed after 40 s.
container_stop() {
	local tries=0
	runtime "$1" kill "$2" TERM 2>/dev/null || true
	while kill -0 "$container_job" 2>/dev/null && [ $tries -lt 2000 ]; do
		tries=$((tries + 1))
		sleep 0.02
	done
	[ $tries -lt 2000 ] || runtime "$1" kill "$2" KILL || true
	wait "$container_job"
}

container_delete() {
	runtime "$1" delete -f "$2" >/dev/null 2>&1 || true
}

# background_end: SIGTERM to all that run; those that still do after 5 s are killed.
background_end() {
	local p tries=0 left=()
	for p in ${background[@]+"${background[@]}"}; do
		! kill "$p" 2>/dev/null || left+=("$p")
	done
	background=()
	# kill succeeds when one of them is there.
	while [ ${#left[@]} -gt 0 ] && kill -0 "${left[@]}" 2>/dev/null; do
		if [ $tries -ge 100 ]; then
			kill -KILL "${left[@]}" 2>/dev/null || true
			wait "${left[@]}" 2>/dev/null || true
			break
		fi
		tries=$((tries + 1))
		sleep 0.05
	done
}

live_cleanup() {
	local p
	background_end
	for p in ${containers[@]+"${containers[@]}"}; do
		# shellcheck disable=SC2086 # two words
		container_delete $p
	done
	rm -rf "$scratch"
}
trap live_cleanup EXIT
trap 'exit 130' INT TERM
