#!/bin/sh
# The real life of a web server, for recording:   demo/load.sh CONTAINER LOG_DIR
#
# Waits until the server in the (running) container answers, sends requests, reloads its
# configuration in both usual ways, rotates its logs (LOG_DIR is the host's side of its log
# directory), reloads it with those, and sends requests again. Restarting and stopping it is left to
# the caller.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
container=$1
logs=$2
pid=$(docker inspect -f '{{.State.Pid}}' "$container")

client() {
	nsenter -t "$pid" -n python3 "$here/client.py" "$@"
}

# New workers or log files appear a moment after the signal.
wait_for() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ $tries -ge 100 ]; then
			echo "load: waited 10 s in vain for: $*" >&2
			return 1
		fi
		sleep 0.1
	done
}

workers() {
	# The kernel's list of children needs CONFIG_PROC_CHILDREN; Debian has it.
	cat "/proc/$pid/task/$pid/children"
}

workers_changed() {
	now=$(workers)
	[ -n "$now" ] || return 1
	for w in $1; do
		case " $now " in *" $w "*) return 1 ;; esac
	done
}

reload() {
	old=$(workers)
	"$@" >/dev/null
	wait_for workers_changed "$old"
}

rotate() {
	for log in access error; do
		mv "$logs/$log.log" "$logs/$log.log.1"
	done
	"$@" >/dev/null
	wait_for test -e "$logs/access.log" -a -e "$logs/error.log"
}

client wait
client load
echo "reload: nginx -s reload"
reload docker exec "$container" /usr/sbin/nginx -s reload
client load
echo "reload: SIGHUP"
reload docker kill --signal HUP "$container"
echo "log rotation: nginx -s reopen"
rotate docker exec "$container" /usr/sbin/nginx -s reopen
echo "log rotation: SIGUSR1"
rotate docker kill --signal USR1 "$container"
# Now the log files belong to the workers' user, and the main process opens them again.
echo "reload after log rotation"
reload docker exec "$container" /usr/sbin/nginx -s reload
client wait
client load
