#!/bin/bash
# Do sealed containers start every time?   tests/live/start_sealed.sh [N]
#
# Records nginx, redis and a threaded Python program in a container, generates seccomp profile and
# capabilities from that, and starts each N times sealed (10; 100 with BENCH=1) under runc and crun,
# with no_new_privs on and off. Two starts are recorded, without and with the data of a former start. Each time the same small workload must pass and the service must end
# properly. Profiles that are too tight fail rarely: runtimes make calls that depend on timing.
# Time limit: 1200 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"
starts=${1:-$([ "${BENCH:-0}" = 1 ] && echo 100 || echo 10)}
id=boltseal-live-$$

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
command -v runc >/dev/null || skip_all "runc is not installed"

# 3 when the packages cannot be fetched.
service_rootfs() {
	local rootfs=$BOLTSEAL_CACHE/rootfs/live-$1 packages
	case $1 in
	nginx) packages=nginx-light ;;
	redis) packages=redis-server ;;
	python) packages=python3 ;;
	esac
	"$repo/tools/make-rootfs.sh" "live-$1" "$rootfs" "$packages" || return
	case $1 in
	nginx)
		install -d "$rootfs/var/www/html"
		install -m 644 "$repo/demo/nginx/index.html" "$rootfs/var/www/html/"
		head -c 1000000 /dev/zero >"$rootfs/var/www/html/large.bin"
		install -m 644 "$repo/demo/nginx/site.conf" "$rootfs/etc/nginx/sites-enabled/default"
		;;
	redis)
		install -d "$rootfs/var/lib/redis"
		;;
	python)
		install -D -m 755 "$here/threads.py" "$rootfs/usr/local/bin/threads.py"
		;;
	esac
}

service_command() {
	case $1 in
	nginx) command=(/usr/sbin/nginx -g 'daemon off;') ;;
	redis) command=(/usr/bin/redis-server --dir /var/lib/redis --appendonly yes) ;;
	python) command=(/usr/bin/python3 /usr/local/bin/threads.py) ;;
	esac
}

# bundle SERVICE NAME OPTION...: OPTIONs of tools/oci-config.py
bundle() {
	local service=$1 name=$2
	shift 2
	mkdir -p "$scratch/$name"
	service_command "$service"
	"$repo/tools/oci-config.py" --rootfs "$BOLTSEAL_CACHE/rootfs/live-$service" \
		--output "$scratch/$name/config.json" "$@" -- "${command[@]}"
}

use() {
	nsenter -t "$container_pid" -n timeout 90 python3 "$here/workload.py" "$1"
}

# start_use_stop RUNTIME ID BUNDLE SERVICE LOG: 0 when all of it worked.
start_use_stop() {
	local status=0
	container_start "$1" "$2" "$3" "$5" || status=1
	[ $status = 1 ] || use "$4" >>"$5" 2>&1 || status=1
	container_stop "$1" "$2" || {
		echo "the container ended with status $?" >>"$5"
		status=1
	}
	container_delete "$1" "$2"
	return $status
}

# What former starts left behind.
forget_data() {
	local rootfs=$BOLTSEAL_CACHE/rootfs/live-$1
	rm -rf "${rootfs:?}"/var/lib/nginx/* "${rootfs:?}"/var/log/nginx/* "${rootfs:?}"/var/lib/redis/*
}

record() {
	local service=$1 log=$scratch/$1.record recorder tries=0
	bundle "$service" "$service-record"
	forget_data "$service"
	: >"$log"
	"$boltseal" record --container "$id-$service" --runs 2 --output "$scratch/$service.json" \
		>"$log" 2>&1 &
	recorder=$!
	background+=("$recorder")
	until grep -q -i waiting "$log"; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] && kill -0 "$recorder" 2>/dev/null || return 1
		sleep 0.1
	done
	for _ in 1 2; do
		start_use_stop runc "$id-$service" "$scratch/$service-record" "$service" \
			"$log.run" || {
			cat "$log.run" >>"$log"
			return 1
		}
	done
	timeout 90 tail --pid="$recorder" -f /dev/null
	wait "$recorder"
}

# seal SERVICE RUNTIME NNP: a bundle with the profile for it.
seal() {
	local name=$1-$2-$3 options=() privs=()
	[ "$3" = off ] || { options+=(--no-new-privs) privs+=(--no-new-privileges on); }
	"$boltseal" generate seccomp "$scratch/$1.json" --dialect oci --runtime "$2" \
		${privs[@]+"${privs[@]}"} --output "$scratch/$name.seccomp" || return
	caps=$("$boltseal" generate capabilities "$scratch/$1.json" -o json | python3 -c \
		'import json, sys; print(" ".join(c["name"] for c in json.load(sys.stdin)["needed"]))') ||
		return
	bundle "$1" "$name" --seccomp "$scratch/$name.seccomp" --caps "$caps" \
		${options[@]+"${options[@]}"}
}

many_starts() {
	local service=$1 runtime=$2 nnp=$3 n=$4 i failures=0 name=$1-$2-$3 caps='' begin=$SECONDS
	local what="$service under $runtime, no_new_privs $nnp"
	if ! seal "$service" "$runtime" "$nnp" >"$scratch/$name.generate" 2>&1; then
		not_ok "$what: profiles are generated" "$scratch/$name.generate"
		return
	fi
	for ((i = 1; i <= n; i++)); do
		start_use_stop "$runtime" "$id-$name-$i" "$scratch/$name" "$service" \
			"$scratch/$name.log" || {
			failures=$((failures + 1))
			cp "$scratch/$name.log" "$scratch/$name.failed"
		}
	done
	if [ $failures = 0 ]; then
		ok "$what: $n of $n starts ($((SECONDS - begin)) s; capabilities: ${caps:-none})"
	else
		not_ok "$what: $failures of $n starts failed" "$scratch/$name.failed"
	fi
}

for service in nginx redis python; do
	code=0
	service_rootfs "$service" >"$scratch/$service.rootfs" 2>&1 || code=$?
	if [ $code = 3 ]; then
		skip "$service" "its packages cannot be fetched"
		continue
	elif [ $code != 0 ]; then
		not_ok "$service: root file system" "$scratch/$service.rootfs"
		continue
	fi
	if ! record "$service"; then
		not_ok "$service: recorded under runc" "$scratch/$service.record"
		continue
	fi
	ok "$service: recorded under runc"
	for runtime in runc crun; do
		if ! command -v $runtime >/dev/null; then
			skip "$service under $runtime" "$runtime is not installed"
			continue
		fi
		many_starts "$service" $runtime off "$starts"
		many_starts "$service" $runtime on $(((starts + 2) / 3))
	done
done
tap_end
