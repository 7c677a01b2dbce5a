#!/bin/bash
# What `boltseal record` follows, and how it ends.   tests/live/record.sh
#
# Commands, processes, cgroups, and containers of runc, crun, Docker, Podman and containerd, waited for
# and running; interruptions in the middle; targets that do not exist.
# Time limit: 240 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
busybox=$(command -v busybox) || skip_all "busybox is not installed"
id=boltseal-record-$$
model=$scratch/model.json
log=$scratch/log
slow=${BOLTSEAL_PATIENCE:-1} # so many times as long as elsewhere a machine takes that is emulated

# query EXPRESSION: what it is for the model `m`, whose system calls of a phase are in `calls(phase)`.
query() {
	python3 - "$model" "$1" <<'PY'
import json, sys
m = json.load(open(sys.argv[1]))
def calls(phase):
    return {s["name"] for abi in m["syscalls"].values() for s in abi
            if "name" in s and phase in s["phases"]}
def files(word):
    return {f["path"] for f in m["files"] if word in f["access"]}
source = m["sources"][0]
result = eval(sys.argv[2])
print(result if result is not True else "yes")
PY
}

is_so() { # is_so EXPRESSION
	local got
	got=$(query "$1" 2>&1) || true
	echo "$1: $got"
	[ "$got" = yes ]
}
# has_model DESCRIPTION EXPRESSION: the model is such that EXPRESSION is true.
has_model() { expect "$1" is_so "$2"; }

# record EXIT_STATUS DESCRIPTION ARGUMENT...: runs it to its end.
record() {
	local want=$1 what=$2 got=0
	shift 2
	rm -f "$model"
	timeout 60 "$boltseal" record --output "$model" "$@" >"$log.out" 2>"$log" || got=$?
	if [ "$got" = "$want" ]; then
		ok "$what: exit status $want"
	else
		echo "exit status $got" >>"$log"
		not_ok "$what: exit status $want" "$log"
	fi
}

# record_begin ARGUMENT...: in the background, until the recorder is at work; its pid in $recorder.
record_begin() {
	rm -f "$model"
	timeout -s KILL 60 "$boltseal" record --output "$model" "$@" >"$log.out" 2>"$log" &
	recorder=$!
	background+=("$recorder")
	record_ready "$recorder" || return 1
	sleep 0.3
}

# record_end EXIT_STATUS DESCRIPTION
record_end() {
	local got=0
	wait "$recorder" || got=$?
	if [ "$got" = "$1" ]; then
		ok "$2: exit status $1"
	else
		echo "exit status $got" >>"$log"
		not_ok "$2: exit status $1" "$log"
	fi
}

says() {
	if grep -q -- "$2" "$log"; then
		ok "$1"
	else
		not_ok "$1" "$log"
	fi
}

no_model() {
	if [ -e "$model" ]; then
		not_ok "$1: no file is left"
	else
		ok "$1: no file is left"
	fi
}

# ---- commands ----

record 0 "a command" -- sh -c 'echo a >'"$scratch"'/new; chown 7:7 '"$scratch"'/new; cat /nowhere' || true
has_model "it saw the file that was made" "'$scratch/new' in files('create')"
has_model "and the one that is missing" "'/nowhere' in files('missing')"
has_model "and the capability with the call and the kernel's function" \
	"any(c['name'] == 'CAP_CHOWN' and c['result'] == 'granted' and u['syscall'].endswith('chown') or u['syscall'].endswith('chownat') for c in m['capabilities'] if c['name'] == 'CAP_CHOWN' for u in c['uses'])"
has_model "and who executes whom" \
	"any(p['path'].endswith('/cat') and any(q.endswith('sh') for q in p.get('parents', [])) for p in m['programs'])"
has_model "and it lost nothing" "source['complete'] and not source.get('lost')"

touch "$scratch/real"
ln -s real "$scratch/link"
record 0 "a file that is opened after a quiet time" -- sh -c "sleep 0.6; : >>$scratch/link"
if grep -qa bpf_task_work_schedule_resume_impl /sys/kernel/btf/vmlinux; then
	has_model "it is known by what was opened, not by its name" \
		"'$scratch/real' in files('append') and '$scratch/real' not in files('create')"
else
	skip "a single open is known by what was opened" "the kernel has no BPF task work (6.18)"
fi

mkdir -p "$scratch/scripts"
printf '#!/bin/sh\nexit 0\n' >"$scratch/scripts/entry"
chmod 755 "$scratch/scripts/entry"
ln -s scripts/entry "$scratch/entry"
printf '#!%s\n' "$scratch/entry" >"$scratch/scripts/outer"
printf '#!/nonexistent/interpreter\n' >"$scratch/scripts/broken"
chmod 755 "$scratch/scripts/outer" "$scratch/scripts/broken"
record 0 "a script whose interpreter is one" -- "$scratch/scripts/outer"
has_model "both are executed" "{'$scratch/scripts/outer', '$scratch/scripts/entry'} <= files('exec')"
record 0 "a script whose interpreter is not there" -- sh -c "$scratch/scripts/broken"
has_model "which is missing, and not executed" \
	"'/nonexistent/interpreter' in files('missing') - files('exec')"
for method in ebpf ptrace; do
	record 0 "a command that is a script, by $method" --method $method -- "$scratch/entry"
	has_model "the script is executed and read" \
		"'$scratch/scripts/entry' in files('exec') & files('read')"
done

record 1 "a program that is not there" -- /nonexistent/program
says "the message names it" 'cannot execute /nonexistent/program: No such file'
no_model "a program that is not there"
record 1 "a file that is no program" -- /etc/passwd
says "the message says why" 'cannot execute /etc/passwd: Permission denied'

beats() { [ "$(wc -c <"$scratch/beat")" -gt "$1" ]; }
for signal in INT TERM; do
	for method in ebpf ptrace; do
		rm -f "$model" "$scratch/beat"
		timeout -s KILL 60 "$boltseal" record --method $method --output "$model" -- \
			sh -c 'while :; do echo x >>"$0"; sleep 0.1; done' "$scratch/beat" 2>"$log" &
		recorder=$!
		until_true test -s "$scratch/beat" || true
		sleep 0.3
		target=$(pgrep -f "^sh -c while :; do echo x.* $scratch/beat" | head -n 1) || true
		# The recorder alone: its child is in a process group of its own.
		pkill -$signal -P "$recorder" -x boltseal 2>/dev/null || true
		record_end 3 "$method: SIG$signal in the middle"
		has_model "$method: the model is there and says so" \
			"not source['complete'] and 'SIG$signal' in source['incomplete_reason'] and 'clone' in calls('start') | {'clone'}"
		before=$(wc -c <"$scratch/beat")
		if [ -n "$target" ] && kill -0 "$target" 2>/dev/null && until_true beats "$before"; then
			ok "$method: the command goes on after SIG$signal"
		else
			not_ok "$method: the command goes on after SIG$signal" "$log"
		fi
		[ -z "$target" ] || kill "$target" 2>/dev/null || true
	done
done

# ---- running processes and cgroups ----

sh -c 'while :; do cat /etc/hostname >/dev/null; sleep 0.1; done' &
busy=$!
background+=("$busy")
record 3 "a running process" --pid $busy --for "$slow"
has_model "it saw what the process starts" "'/etc/hostname' in files('read')"
has_model "and says that the start is missing" "'start' in source['incomplete_reason']"
kill $busy
record 1 "a process that is not there" --pid 4194303
no_model "a process that is not there"

group=$(awk '$3 == "cgroup2" || $4 ~ /freezer/ { print $2; exit }' /proc/mounts)/boltseal-$$
if mkdir "$group" 2>/dev/null; then
	record_begin --cgroup "$group" --for $((3 * slow))
	sh -c 'echo $$ >'"$group"'/cgroup.procs; exec cat /etc/hostname' >/dev/null
	record_end 0 "a cgroup"
	has_model "it saw the process that entered" "'/etc/hostname' in files('read')"
	rmdir "$group"
else
	skip "a cgroup" "no cgroup can be made here"
fi

# ---- containers of the OCI runtimes ----

rootfs=$scratch/rootfs
install -d "$rootfs"/{bin,proc,dev,sys,etc}
cp "$busybox" "$rootfs/bin/busybox"
ln -s busybox "$rootfs/bin/sh"
echo 'root:x:0:0::/:/bin/sh' >"$rootfs/etc/passwd"
printf '#!/bin/sh\ncat /etc/passwd >/dev/null\nsleep 0.2\n' >"$rootfs/bin/entry"
chmod 755 "$rootfs/bin/entry"
script='echo started >/dev/null; cat /etc/passwd >/dev/null; (sleep 0.2) | cat'

bundle() {
	mkdir -p "$scratch/$1"
	"$repo/tools/oci-config.py" --rootfs "$rootfs" --output "$scratch/$1/config.json" -- \
		/bin/sh -c "$2"
}

for name in runc crun; do
	command -v $name >/dev/null || {
		skip "a container of $name" "$name is not installed"
		continue
	}
	bundle "$id-$name" "$script"
	record_begin --container "$id-$name"
	container_start $name "$id-$name" "$scratch/$id-$name" "$scratch/run.log" || true
	wait "$container_job" || not_ok "$name runs the container" "$scratch/run.log"
	record_end 0 "a container of $name that was waited for"
	has_model "$name: its entry point is executed" "files('exec') == {'/bin/busybox'}"
	has_model "$name: it saw the first program" "'execve' in calls('runtime_sealed') | calls('runtime')"
	has_model "$name: and its files, without those of the runtime" \
		"files('read') <= {'/bin/busybox', '/etc/passwd', '/'} and '/etc/passwd' in files('read')"
	has_model "$name: and knows the runtime" "m['identity']['runtime'] == '$name'"
	container_delete $name "$id-$name"

	"$repo/tools/oci-config.py" --rootfs "$rootfs" --output "$scratch/$id-$name/config.json" -- /bin/entry
	record_begin --container "$id-$name"
	container_start $name "$id-$name" "$scratch/$id-$name" "$scratch/run.log" || true
	wait "$container_job" || not_ok "$name runs the script" "$scratch/run.log"
	record_end 0 "a container of $name that begins with a script"
	has_model "$name: the script is executed, and so is its interpreter" \
		"files('exec') == {'/bin/busybox', '/bin/entry'} and '/bin/entry' in files('read')"
	container_delete $name "$id-$name"
done

if command -v runc >/dev/null; then
	bundle "$id-on" 'while :; do sleep 0.1; done'
	container_start runc "$id-on" "$scratch/$id-on" "$scratch/run.log" || true
	record_begin --container "$id-on" --for 4
	runc exec "$id-on" /bin/sh -c 'cat /etc/passwd' >/dev/null 2>"$scratch/exec.log" ||
		not_ok "runc exec" "$scratch/exec.log"
	record_end 3 "a running container"
	has_model "it saw what is executed in it" "'/etc/passwd' in files('read')"
	container_delete runc "$id-on"
fi
record 1 "a container that is not there" --container no-such-container --no-wait
says "the message names it" 'no container "no-such-container"'
no_model "a container that is not there"

# ---- engines ----

# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"
trap 'dockerd_down; live_cleanup' EXIT
if dockerd_up 2>"$log.docker"; then
	image=boltseal-record-$$
	tar -C "$rootfs" -c . | docker import - $image:latest >/dev/null
	for wanted in $id-docker $image; do
		[ "$wanted" = "$image" ] && by=image || by=name
		record_begin --container "$wanted"
		docker run --rm --network none --name $id-docker $image /bin/sh -c "$script"
		record_end 0 "a container of Docker, by $by"
		has_model "it has image, digest and entry point" \
			"m['identity']['image'] == '$image' and m['identity']['digest'].startswith('sha256:') and m['identity']['entrypoint'][0] == '/bin/sh' and m['identity']['name'] == '$id-docker'"
		has_model "and what the container read" "'/etc/passwd' in files('read')"
		has_model "and what runc called under Docker's filter" \
			"{'execve', 'close', 'write'} <= calls('runtime_sealed')"
	done
	docker create --network none --name $id-docker $image /bin/sh -c 'sleep 1' >/dev/null
	record_begin --container "$(docker inspect -f '{{.Id}}' $id-docker | cut -c1-12)"
	docker run --rm --network none $image /bin/sh -c 'cat /bin/busybox >/dev/null; cat /etc/passwd' >/dev/null
	docker start $id-docker >/dev/null
	record_end 0 "a container of Docker, by a short id, while another starts"
	has_model "it has nothing of the other one" "'/etc/passwd' not in files('read')"
	docker rm -f $id-docker >/dev/null
	socket=$(find "${BOLTSEAL_RUN:-/run}" -maxdepth 5 -name containerd.sock 2>/dev/null | head -n 1)
	if command -v ctr >/dev/null && [ -n "$socket" ]; then
		record_begin --container $id-ctr
		ctr -a "$socket" -n boltseal run --rm --rootfs "$rootfs" $id-ctr \
			/bin/sh -c "$script" >"$scratch/ctr.log" 2>&1 || true
		record_end 0 "a container of containerd"
		has_model "containerd: it saw what it read" "'/etc/passwd' in files('read')"
	else
		skip "a container of containerd" "ctr is not installed"
	fi
	docker rmi -f $image >/dev/null
	dockerd_down
else
	skip "containers of Docker" "$(head -n 1 "$log.docker")"
fi

if command -v podman >/dev/null && tar -C "$rootfs" -c . | podman import -q - boltseal-$$ >/dev/null 2>&1; then
	# crun refuses hosts with both cgroup hierarchies; runc does not.
	podman_run() {
		podman --runtime $pod_runtime run --rm --network none --ulimit nofile=1024:1024 \
			--ulimit nproc=1024:1024 "$@"
	}
	pod_runtime=crun
	podman_run boltseal-$$ /bin/sh -c true >"$log.podman" 2>&1 || pod_runtime=runc
	if podman_run boltseal-$$ /bin/sh -c true >"$log.podman" 2>&1; then
		record_begin --container $id-podman
		podman_run --name $id-podman boltseal-$$ /bin/sh -c "$script" >/dev/null 2>&1
		record_end 0 "a container of Podman"
		has_model "Podman: it has name and image" \
			"m['identity']['name'] == '$id-podman' and 'boltseal-$$' in m['identity']['image']"
		has_model "Podman: it saw what it read" "'/etc/passwd' in files('read')"
	else
		skip "a container of Podman" "$(tail -n 1 "$log.podman")"
	fi
	podman rmi -f boltseal-$$ >/dev/null 2>&1 || true
else
	skip "a container of Podman" "podman is not installed"
fi

tap_end
