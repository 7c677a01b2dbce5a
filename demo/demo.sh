#!/bin/bash
# The whole idea in one run, as root on Debian 12:   make demo
#
# Builds boltseal, makes a container with nginx from Debian packages, records what it does under
# load, generates its profiles, starts the same container with them, shows that it serves exactly as
# before, and attacks it from inside. What it writes is in .demo/out; containers and daemons that it
# started are gone at the end.
#
# Environment: BOLTSEAL_CACHE (instead of .demo), BOLTSEAL (a binary to use instead of building one).
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
repo=${here%/*}
export BOLTSEAL_CACHE=${BOLTSEAL_CACHE:-$repo/.demo}
out=$BOLTSEAL_CACHE/out
log=$out/demo.log
rootfs=$BOLTSEAL_CACHE/rootfs/demo-nginx
image="boltseal-demo/nginx"
prefix=boltseal-demo-$$
profile_name="boltseal-demo"
boltseal=${BOLTSEAL:-}
recorder=
loaded_profile=
step_name=

if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
	bold='' green='' red='' plain=''
fi

# Milliseconds since the shell began.
now_ms() {
	local t=${EPOCHREALTIME/[.,]/}
	echo $((t / 1000))
}
began=$(now_ms)
steps_total=9
step_n=0

step() {
	step_n=$((step_n + 1))
	step_name=$1
	step_began=$(now_ms)
	echo "${bold}[$step_n/$steps_total] $1${plain}"
	echo "=== $1" >>"$log"
}

say() {
	echo "      $*"
}

seconds_since() {
	local ms=$(($(now_ms) - $1))
	printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

step_end() {
	say "${green}done${plain} in $(seconds_since "$step_began")"
}

# Runs a command with its output in the log.
quiet() {
	echo "+ $*" >>"$log"
	"$@" >>"$log" 2>&1
}

die() {
	echo "      ${red}$*${plain}" >&2
	exit 1
}

cleanup() {
	local status=$?
	trap - EXIT
	[ -z "$recorder" ] || kill "$recorder" 2>/dev/null || true
	docker ps -aq --filter "name=^$prefix-" 2>/dev/null | xargs -r docker rm -f >/dev/null 2>&1 || true
	[ -z "$loaded_profile" ] || apparmor_parser -R "$loaded_profile" >/dev/null 2>&1 || true
	# A daemon of someone else keeps nothing of the demo.
	[ -n "${dockerd_pid:-}" ] || docker image rm "$image" >/dev/null 2>&1 || true
	if declare -F dockerd_down >/dev/null; then
		dockerd_down
	fi
	if [ "$status" != 0 ]; then
		echo "${red}The demo failed in step $step_n ($step_name).${plain} The end of $log:" >&2
		tail -n 15 "$log" | sed 's/^/    /' >&2
	fi
	exit "$status"
}

install_packages() {
	local said
	said=$("$repo/tools/install-deps.sh" build demo 2>&1) || {
		echo "$said" >>"$log"
		die "the packages cannot be installed"
	}
	say "${said:-all there}"
}

# In the build folder that is there, else in one without tests, which need more packages.
build() {
	if [ -z "$boltseal" ]; then
		local folder=$repo/build
		if [ -f "$folder/build.ninja" ]; then
			quiet "$repo/tools/build.sh" "$folder"
		else
			folder=$BOLTSEAL_CACHE/build
			quiet "$repo/tools/build.sh" "$folder" -Dtests=disabled
		fi
		boltseal=$folder/boltseal
	fi
	mkdir -p "$BOLTSEAL_CACHE/bin"
	quiet gcc -std=gnu17 -D_GNU_SOURCE -O2 -static -o "$BOLTSEAL_CACHE/bin/attack" \
		"$here"/attack/*.c
	say "$("$boltseal" --version)"
}

make_image() {
	local web=$rootfs/var/www/html
	quiet "$repo/tools/make-rootfs.sh" demo-nginx "$rootfs" nginx-light
	install -d "$web" "$web/list" "$rootfs/var/log/nginx"
	install -d -m 700 "$web/private"
	install -m 644 "$here/nginx/index.html" "$web/index.html"
	install -m 600 "$here/nginx/index.html" "$web/secret.html"
	install -m 644 "$here/nginx/index.html" "$web/list/page.html"
	head -c 4000000 /dev/zero | tr '\0' '.' >"$web/large.bin"
	# The same time stamps each time: they are in the answers.
	find "$web" -exec touch -d @1700000000 {} +
	install -m 644 "$here/nginx/site.conf" "$rootfs/etc/nginx/sites-enabled/default"
	install -D -m 755 "$BOLTSEAL_CACHE/bin/attack" "$rootfs/usr/local/bin/attack"
	quiet dockerd_up
	quiet dockerd_image "$image" "$rootfs" \
		"$(cat "$rootfs.stamp" "$here"/nginx/* "$BOLTSEAL_CACHE/bin/attack" | sha256sum)" \
		'ENTRYPOINT ["/usr/sbin/nginx", "-g", "daemon off;"]' 'EXPOSE 80'
	say "$(chroot "$rootfs" /usr/sbin/nginx -v 2>&1 | sed 's/.*: //'), $(du -sh "$rootfs" |
		cut -f1) on disk"
}

# start NAME OPTION...: the container with a log directory of its own.
start() {
	local name=$1
	shift
	rm -rf "${out:?}/logs-$name"
	mkdir -p "$out/logs-$name"
	quiet docker run -d --name "$prefix-$name" --hostname boltseal-demo-victim --network none \
		--stop-signal SIGQUIT -v "$out/logs-$name:/var/log/nginx" "$@" "$image"
}

# stop NAME: as a host does it; anything but a clean end within 10 s is an error.
stop() {
	local code
	quiet docker stop -t 10 "$prefix-$1"
	code=$(docker inspect -f '{{.State.ExitCode}}' "$prefix-$1")
	[ "$code" = 0 ] || die "the container ended with status $code"
}

# client NAME ARGUMENT...: runs the client in the container's network.
client() {
	local pid
	pid=$(docker inspect -f '{{.State.Pid}}' "$prefix-$1")
	if [ "$pid" = 0 ]; then
		docker logs "$prefix-$1" >>"$log" 2>&1
		die "the $1 container does not run"
	fi
	shift
	quiet nsenter -t "$pid" -n python3 "$here/client.py" "$@"
}

record() {
	: >"$out/record.log"
	"$boltseal" record --container "$prefix-record" --runs 2 --output "$out/model.json" \
		>"$out/record.log" 2>&1 &
	recorder=$!
	local tries=0
	until grep -q -i waiting "$out/record.log"; do
		tries=$((tries + 1))
		if [ $tries -ge 100 ] || ! kill -0 "$recorder" 2>/dev/null; then
			cat "$out/record.log" >>"$log"
			die "the recorder does not start"
		fi
		sleep 0.1
	done
	start record
	quiet "$here/load.sh" "$prefix-record" "$out/logs-record"
	client record answers "$out/answers-before.json"
	# The second start meets what the first one left behind.
	quiet docker restart -t 10 "$prefix-record"
	client record wait
	client record load
	stop record
	wait "$recorder" || die "the recorder failed"
	recorder=
	cat "$out/record.log" >>"$log"
	say "$(awk '/^[0-9]+ requests in/ { n += $1 } END { print n }' "$log") requests, 3 reloads," \
		"2 log rotations, restart, stop"
	say "$(sed -n 's/.*: \([0-9]* system calls.*\) -> .*/seen: \1/p' "$out/record.log")"
}

apparmor_works() {
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ]
}

generate() {
	local target=$1 file=$2
	shift 2
	quiet "$boltseal" generate "$target" "$out/model.json" --output "$out/$file" "$@"
}

generate_all() {
	generate seccomp seccomp.json
	generate apparmor apparmor.profile --name "$profile_name"
	generate capabilities capabilities.txt
	local apparmor=none
	! apparmor_works || apparmor=$profile_name
	generate docker docker.json -o json --seccomp "$out/seccomp.json" --apparmor "$apparmor"
	say "seccomp.json, apparmor.profile, capabilities.txt, docker.json"
	quiet apparmor_parser --skip-kernel-load --skip-cache "$out/apparmor.profile"
	say "apparmor_parser accepts the AppArmor profile"
}

# Reads what `generate docker` says into the array sealed_options.
read_docker_options() {
	python3 "$here/report.py" options "$out/docker.json" >"$out/docker.options"
	mapfile -t sealed_options <"$out/docker.options"
	[ ${#sealed_options[@]} -gt 0 ] || die "generate docker gave no options"
}

start_sealed() {
	if apparmor_works; then
		quiet apparmor_parser --replace "$out/apparmor.profile"
		loaded_profile=$out/apparmor.profile
	fi
	read_docker_options
	say "docker run ${sealed_options[*]//$out\//}"
	start sealed "${sealed_options[@]}"
	client sealed wait
}

compare() {
	client sealed answers "$out/answers-sealed.json"
	say "$("$here/report.py" compare "$out/answers-before.json" "$out/answers-sealed.json")" || {
		"$here/report.py" compare "$out/answers-before.json" "$out/answers-sealed.json" >>"$log" || true
		die "the sealed container answers differently"
	}
	quiet "$here/load.sh" "$prefix-sealed" "$out/logs-sealed"
	quiet docker restart -t 10 "$prefix-sealed"
	client sealed wait
	if grep -h -E '\[(alert|crit|emerg)\]' "$out"/logs-sealed/error.log* >>"$log"; then
		die "nginx complains in its error log"
	fi
	say "load, 3 reloads, 2 log rotations, restart: as before, no complaint in nginx's error log"
}

# attack NAME USER FILE: the attacker's program in the running container.
attack() {
	echo "+ attack $1 as $2" >>"$log"
	docker exec -u "$2" "$prefix-$1" /usr/local/bin/attack >"$out/attack-$3.json" 2>>"$log" ||
		die "the attack program does not run in the $1 container"
}

attack_all() {
	start bare --security-opt seccomp=unconfined --security-opt apparmor=unconfined
	start docker
	# First as the worker's user: root changes what that user may do.
	attack sealed www-data sealed-worker
	attack bare root bare
	attack docker root docker
	attack sealed root sealed
	client sealed answers "$out/answers-attacked.json"
	facts
	"$here/report.py" attacks "$out"
}

# What the summary needs, taken from the running container where the kernel says it.
facts() {
	local pid
	pid=$(docker inspect -f '{{.State.Pid}}' "$prefix-sealed")
	"$here/report.py" facts "$out" "$repo/src/model/syscalls.tsv" "/proc/$pid/status" \
		"$loaded_profile"
}

summary() {
	stop sealed
	"$here/report.py" summary "$out"
	say "total time    $(seconds_since "$began")"
	say "left in ${out#"$PWD"/}: model.json, seccomp.json, apparmor.profile, capabilities.txt," \
		"docker.json, attack-*.json, demo.log"
}

trap cleanup EXIT
trap 'exit 130' INT TERM
[ "$(id -u)" = 0 ] || {
	trap - EXIT
	echo "demo: must run as root: it installs packages and starts containers" >&2
	exit 1
}
rm -rf "$out"
mkdir -p "$out"
: >"$log"
# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

run_step() {
	step "$1"
	"$2"
	step_end
}

run_step "Packages" install_packages
run_step "Build" build
run_step "An nginx container from Debian packages" make_image
run_step "Record it: start, requests, reload, log rotation, restart, stop" record
run_step "Generate its profiles from the recording" generate_all
run_step "Start the same container sealed" start_sealed
run_step "Does it still do everything?" compare
run_step "Attack it from inside" attack_all
run_step "Summary" summary
