#!/bin/bash
# services.sh SERVICE LOAD [PROFILE enforce|complain]: one service of the profile benchmark, in the box.
#
# LOAD is start (start, one request, stop), train (start, train load, stop), full (train and test load), or
# attach: as full, but between the first request and the train load it says so by the file
# /bench/out/ready and waits for /bench/out/go.
# With a PROFILE the service's processes, and no clients, run under it; reports of `boltseal run` are left
# in /bench/out. Exit status 0: the service did all of it and ended.
# shellcheck disable=SC2034 # the variables SERVICE_name are read by name
set -eu

service=$1
load=$2
profile=${3:-}
mode=${4:-}
src=/bench/src
out=/bench/out
d=/srv/bench # the scratch directory
reports=0
run_as= # the user of a service that does not change it itself
under_pids=()
mkdir -p "$d" /run/lock
chmod 1777 "$d"

fail() {
	echo "$service: $*" >&2
	tail -n 5 "$d"/*.log >&2 2>/dev/null || true
	exit 1
}

# Runs a program of the service.
under() {
	if [ -z "$profile" ]; then
		"$@"
		return
	fi
	# boltseal and its libraries come from the host.
	/bench/bin/ld.so --library-path /bench/bin /bench/bin/boltseal run --profile "$profile" \
		--mode "$mode" --report "$out/report.$BASHPID.$reports.json" -o json \
		${run_as:+--user "$run_as"} -- "$@"
}

# In the background: in complain mode `boltseal run` stays until the last process under the profile ends.
start() {
	reports=$((reports + 1))
	under "$@" </dev/null >>"$d/start.log" 2>&1 &
	under_pids+=($!)
}

# As start, and waits for the end of the command.
control() {
	reports=$((reports + 1))
	under "$@" </dev/null >>"$d/control.log" 2>&1 || fail "'$*' ended with status $?"
}

# wait_for WHAT COMMAND...: until COMMAND succeeds, at most 30 s.
wait_for() {
	local what=$1 i
	shift
	for ((i = 0; i < 300; i++)); do
		if "$@" >/dev/null 2>&1; then
			return 0
		fi
		sleep 0.1
	done
	fail "timed out: $what"
}

none_left() {
	! pgrep -x "$1" >/dev/null
}

# gone NAME: all processes of that name have ended, and what watched them.
gone() {
	local p
	wait_for "the end of $1" none_left "$1"
	for p in "${under_pids[@]}"; do
		wait_for "the end of process $p" ended "$p"
	done
}

ended() {
	! kill -0 "$1"
}

get() {
	curl -sS --max-time 10 "$@" >/dev/null
}

bench() {
	ab -q "$@" >"$d/ab.out" 2>&1 || fail "ab $*: $(tail -n 1 "$d/ab.out")"
	grep -q '^Failed requests: *0$' "$d/ab.out" || fail "ab $*: failed requests"
}

url=http://127.0.0.1

nginx_start() { start nginx; }
nginx_up() { get $url/; }
nginx_train() {
	get $url/ $url/ $url/
	bench -n 3000 -c 20 $url/
}
nginx_test() {
	control nginx -s reload
	sleep 0.5
	get $url/missing
	control nginx -s reopen
	sleep 0.5
	get $url/
}
nginx_stop() { control nginx -s quit; }
nginx_name=nginx

redis() { redis-cli "$@" >>"$d/client.out"; }
redis_idle() {
	redis-cli info persistence | tr -d '\r' >"$d/info"
	grep -q '^rdb_bgsave_in_progress:0' "$d/info" &&
		grep -q '^aof_rewrite_in_progress:0' "$d/info" &&
		grep -q '^aof_rewrite_scheduled:0' "$d/info"
}
redis_start() { start redis-server --daemonize yes --appendonly yes --dir "$d"; }
redis_up() { [ "$(redis-cli ping)" = PONG ]; }
redis_train() { redis-benchmark -q -n 2000 >"$d/benchmark.out"; }
redis_test() {
	redis bgsave
	wait_for bgsave redis_idle
	redis bgrewriteaof
	wait_for bgrewriteaof redis_idle
	redis config set maxmemory 10mb
}
redis_stop() { redis shutdown; }
redis_name=redis-server

as_postgres() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
sql() { as_postgres psql -q -X "$@" >>"$d/client.out"; }
postgres_start() {
	install -d -o postgres -g postgres /run/postgresql
	if [ -z "$profile" ]; then
		pg_ctlcluster 15 main start
		return
	fi
	# What pg_ctlcluster starts.
	run_as=postgres
	start /usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main \
		-c config_file=/etc/postgresql/15/main/postgresql.conf
}
postgres_up() { as_postgres psql -X -c 'select 1'; }
postgres_train() {
	sql -c 'create database bench'
	as_postgres pgbench -q -i bench >"$d/pgbench.out" 2>&1
	as_postgres pgbench -c 4 -T 4 bench >>"$d/pgbench.out" 2>&1
}
postgres_test() { sql -d bench -c 'vacuum full analyze'; }
postgres_stop() {
	if [ -z "$profile" ]; then
		pg_ctlcluster 15 main stop -m fast
	else
		kill -INT "$(head -n 1 /var/lib/postgresql/15/main/postmaster.pid)"
	fi
}
postgres_name=postgres

memcached_start() { start memcached -u nobody -d -P "$d/m.pid"; }
memcached_up() { python3 $src/clients.py memcached 1 1; }
memcached_train() { python3 $src/clients.py memcached 20 50; }
memcached_test() { python3 $src/clients.py memcached 20 0 stats; }
memcached_stop() { kill -TERM "$(cat "$d/m.pid")"; }
memcached_name=memcached

# apache2ctl is a shell script that sets the environment and executes apache2.
apache_environment() {
	set +u
	# shellcheck source=/dev/null
	. /etc/apache2/envvars
	set -u
}
httpd_control() {
	if [ -z "$profile" ]; then
		apache2ctl "$@" >>"$d/control.log" 2>&1
	else
		(apache_environment && control apache2 -k "$@")
	fi
}
httpd_start() {
	mkdir -p /run/apache2
	if [ -z "$profile" ]; then
		httpd_control start
	else
		apache_environment
		start apache2 -k start
	fi
}
httpd_up() { get $url/; }
httpd_train() {
	bench -n 2000 -c 20 $url/
	get $url/
}
httpd_test() {
	get $url/missing
	httpd_control graceful
	sleep 1
	get $url/
}
httpd_stop() { httpd_control stop; }
httpd_name=apache2

mariadb_start() {
	install -d -o mysql -g mysql /run/mysqld
	start mariadbd --user=mysql
}
mariadb_up() { mariadb-admin ping; }
mariadb_train() {
	mariadb -e 'create database bench; use bench; create table t (a int primary key, b text);
		insert into t values (1, "one"), (2, "two"), (3, "three"); select * from t' >"$d/client.out"
}
mariadb_test() { mariadb bench -e 'optimize table t; flush logs' >>"$d/client.out"; }
mariadb_stop() { mariadb-admin shutdown; }
mariadb_name=mariadbd

requests() { # COUNT URL
	local i
	for ((i = 0; i < $1; i += 50)); do
		get --fail "$2/[1-50]"
	done
}

node_start() { start node $src/server.js; }
node_up() { get --fail $url:8080/1; }
node_train() { requests 200 $url:8080; }
node_test() { get --fail $url:8080/test; }
node_stop() { get $url:8080/quit; }
node_name=node

python_start() { start python3 $src/server.py "$d"; }
python_up() { get --fail $url:8080/1; }
python_train() { requests 50 $url:8080; }
python_test() { get --fail $url:8080/test; }
python_stop() { get $url:8080/quit; }
python_name=python3

haproxy_start() {
	# The server behind it is not what is measured.
	nginx
	wait_for nginx get $url/
	start haproxy -f $src/haproxy.cfg
}
haproxy_up() { get --fail $url:8080/; }
haproxy_train() { bench -n 1000 -c 10 $url:8080/; }
haproxy_test() {
	local old
	old=$(cat "$d/haproxy.pid")
	start haproxy -f $src/haproxy.cfg -sf "$old"
	wait_for "the old haproxy's end" ended "$old"
	get --fail $url:8080/
}
haproxy_stop() { kill -TERM "$(cat "$d/haproxy.pid")"; }
haproxy_name=haproxy

lighttpd_start() {
	install -d -o www-data -g www-data /run/lighttpd
	start lighttpd -f /etc/lighttpd/lighttpd.conf
}
lighttpd_up() { get $url/; }
lighttpd_train() { bench -n 1000 -c 10 $url/; }
lighttpd_test() { get $url/missing; }
lighttpd_stop() { kill -TERM "$(cat /run/lighttpd.pid)"; }
lighttpd_name=lighttpd

bind_start() {
	install -d -o bind -g bind /run/named
	start named -u bind
}
bind_up() { python3 $src/clients.py dns 1; }
bind_train() { python3 $src/clients.py dns 50; }
bind_test() {
	rndc reload >"$d/rndc.out"
	sleep 0.5
	python3 $src/clients.py dns 1
}
bind_stop() { kill -TERM "$(cat /run/named/named.pid)"; }
bind_name=named

sqlite3_start() {
	control sqlite3 "$d/bench.db" 'create table t (a int, b text)' \
		"insert into t values (1, 'one'), (2, 'two')" 'select * from t'
}
sqlite3_up() { [ -s "$d/bench.db" ]; }
sqlite3_train() { control sqlite3 "$d/bench.db" vacuum; }
sqlite3_test() {
	printf '3,three\n4,four\n' >"$d/rows.csv"
	control sqlite3 "$d/bench.db" 'pragma journal_mode=wal' "insert into t values (5, 'five')" \
		".backup $d/copy.db" '.mode csv' ".import $d/rows.csv t"
	[ -s "$d/copy.db" ] || fail "no backup was made"
}
sqlite3_stop() { :; }
sqlite3_name=sqlite3

name=${service}_name
"${service}_start"
wait_for "an answer" "${service}_up"
case $load in
start) ;;
train) "${service}_train" ;;
full)
	"${service}_train"
	"${service}_test"
	;;
attach)
	: >"$out/ready"
	wait_for "/bench/out/go" [ -e "$out/go" ]
	"${service}_train"
	"${service}_test"
	;;
*) fail "unknown load '$load'" ;;
esac
"${service}_stop"
gone "${!name}"
