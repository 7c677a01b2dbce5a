#!/bin/bash
# What programs do through io_uring is seen as the system calls that it stands for.
# Time limit: 120 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
command -v gcc >/dev/null || skip_all "gcc is not installed"
gcc -std=gnu17 -D_GNU_SOURCE -Wall -O2 -static -o "$scratch/uring" "$here/uring.c"
ln -s /etc/shadow "$scratch/link"
(cd "$scratch" && ./uring open link) >"$out" 2>&1 || skip_all "no io_uring here: $(cat "$out")"
BPFTOOL=$(command -v bpftool || echo /usr/sbin/bpftool)

# watch_begin NAME [OPTION]...: findings go to $scratch/NAME.
watch_begin() {
	local name=$1
	shift
	rm -f "$scratch/log"
	timeout -s KILL 100 "$boltseal" watch --all --output "$scratch/$name" "$@" 2>"$scratch/log" &
	watcher=$!
	background+=("$watcher")
	for _ in $(seq 200); do
		grep -q 'watching with' "$scratch/log" && return
		kill -0 "$watcher" 2>/dev/null || break
		sleep 0.05
	done
	grep -q 'no right\|refuses\|no BTF' "$scratch/log" && skip_all "$(cat "$scratch/log")"
	not_ok "it watches $*" "$scratch/log"
	tap_end
	exit 1
}

# watch_end DESCRIPTION
watch_end() {
	sleep 0.3
	pkill -TERM -P "$watcher" -x boltseal || true
	if wait "$watcher"; then ok "$1"; else not_ok "$1" "$scratch/log"; fi
}

# words NAME: the findings without what differs from run to run.
words() {
	sed -e '/were not seen/d' -e 's/^[^ ]* //' -e 's/ container_id=.*//' -e "s,$scratch,,g" "$scratch/$1"
}

# finds DESCRIPTION FILE NAME: what it found is what stands in the file.
finds() {
	words "$3" >"$scratch/words"
	expect "$1" diff "$2" "$scratch/words"
}

act() { (cd "$scratch" && timeout 60 ./uring "$@") >>"$scratch/acted" 2>&1; }

# ---- one thing after the other, and the same offline

watch_begin one --rules "$here/uring.yaml" --capture "$scratch/capture.gz"
act open link
act async open link
act sqpoll open link
act linked link link
act direct open link
act closed link
act openat2 made
act open /etc/missing
act open "/etc/$(printf './%.0s' $(seq 300))missing"
act names dir
act connect 9
act send 7
act accept 7777
act accept 7778 more
listens=0
act listen 7779 || listens=$?
act untold open /etc/shadow
watch_end "what is done through io_uring is watched, and nothing is lost"
{
	for _ in 1 2 3 4 5; do
		echo "Notice openat SUCCESS fd=/etc/shadow direct=false"
	done
	cat <<-END
		Notice openat SUCCESS fd=/etc/shadow direct=true
		Notice openat SUCCESS fd=/etc/shadow direct=false
		Notice openat2 SUCCESS fd=/made direct=false
		Notice openat ENOENT fd=/etc/missing direct=false
		Notice openat ENOENT fd=/etc/missing direct=false
		Notice mkdirat SUCCESS path=/dir
		Notice symlinkat SUCCESS path=/symlink
		Notice linkat SUCCESS from=/old to=/linked
		Notice renameat2 SUCCESS from=/old to=/new
		Notice unlinkat SUCCESS path=/new
		Notice unlinkat SUCCESS path=/dir
		Notice connect ECONNREFUSED to=127.0.0.1:9
		Notice sendmsg SUCCESS to=127.0.0.1:7
		Notice accept4 SUCCESS at=127.0.0.1:7777
		Notice accept4 SUCCESS at=127.0.0.1:7778
		Notice accept4 SUCCESS at=127.0.0.1:7778
	END
	[ $listens = 4 ] || printf 'Notice %s SUCCESS at=127.0.0.1:7779\n' bind listen
	echo "Notice openat SUCCESS fd=/etc/shadow direct=false"
} >"$scratch/expected"
finds "each is told once, with names as given and files as opened" "$scratch/expected" one
timeout 60 "$boltseal" watch --all --rules "$here/uring.yaml" --replay "$scratch/capture.gz" \
	--output "$scratch/again" 2>"$scratch/log" || not_ok "the capture is replayed" "$scratch/log"
finds "a replay of its capture finds the same" "$scratch/expected" again

# ---- people's own rules

stable=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/falco/falco_rules.yaml
if [ -r "$stable" ]; then
	id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	group=/sys/fs/cgroup/unified
	[ -d $group ] || group=/sys/fs/cgroup/memory
	[ -d $group ] || group=/sys/fs/cgroup
	watch_begin stable --rules "$stable" -o json
	act open /etc/shadow
	if mkdir -p "$group/docker/$id" 2>"$out"; then
		# shellcheck disable=SC2016 # for the inner shell
		sh -c 'echo $$ >"$0/cgroup.procs" && exec "$1" open /etc/shadow' "$group/docker/$id" \
			"$scratch/uring" >>"$scratch/acted"
	fi
	watch_end "Falco's stable rules are watched"
	expect "they find a sensitive file read on the host" grep -q \
		'command=uring open /etc/shadow .*"container.id":"host".*"Read sensitive file untrusted"' "$scratch/stable"
	if [ -d "$group/docker/$id" ]; then
		expect "and in a container" grep -q \
			'command=uring open /etc/shadow .*"container.id":"0123456789ab".*"Read sensitive file untrusted"' "$scratch/stable"
		rmdir "$group/docker/$id" "$group/docker" 2>/dev/null || true
	else
		skip "and in a container" "no control group can be made: $(cat "$out")"
	fi
else
	skip "Falco's stable rules" "$stable is not there"
fi

# ---- two processes: one loads the programs by a plan

touch "$scratch/plan"
chmod 666 "$scratch/plan"
chmod 755 "$scratch"
watch_begin plan --rules "$here/uring.yaml" --user nobody
act async open link
act direct open link
watch_end "with --user the other process loads the programs"
printf 'Notice openat SUCCESS fd=/etc/shadow direct=%s\n' false true >"$scratch/expected"
finds "and the same is seen" "$scratch/expected" plan

# ---- the kernel kills

cat >"$scratch/kill.yaml" <<'END'
- rule: Kill
  desc: A sensitive file that is opened in a container.
  condition: evt.type in (open, openat, openat2) and container.id != host and fd.name = /etc/shadow and fd.num >= 0 and proc.name = uring
  output: "opened uring=%evt.io_uring"
  priority: CRITICAL
  respond: [kill]
END
id=$(printf '%064x' $$)
group=/sys/fs/cgroup/unified
[ -d $group ] || group=/sys/fs/cgroup/memory
[ -d $group ] || group=/sys/fs/cgroup
group=$group/docker/$id
if mkdir -p "$group" 2>"$out"; then
	watch_begin kills --rules "$scratch/kill.yaml" --respond=enforce
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m bash -c 'echo $$ >"$0/cgroup.procs"
		sleep 1
		for how in "open" "async open" "sqpoll open"; do
			"$1" $how /etc/shadow
		done
		true' "$group" "$scratch/uring" >"$scratch/killed" 2>&1 || true
	watch_end "responses are carried out"
	if [ "$(grep -c 'by the kernel, in the event itself' "$scratch/kills")" = 3 ]; then
		ok "the kernel kills who opens by a ring, by its workers and by its own thread"
	else
		not_ok "the kernel kills who opens by a ring, by its workers and by its own thread" "$scratch/kills"
	fi
	rmdir "$group" "${group%/*}" 2>/dev/null || true
else
	skip "the kernel kills who opens by a ring" "no control group can be made: $(cat "$out")"
fi

# ---- many

cat >"$scratch/many.yaml" <<'END'
- rule: Many
  desc: A file that is opened.
  condition: evt.type = openat and proc.name = uring and fd.name = /etc/hostname
  output: "opened uring=%evt.io_uring"
  priority: INFO
END
watch_begin many --rules "$scratch/many.yaml" --ring 64
act flood 100000 /etc/hostname
# Of a watch before this one, too, until the kernel has freed its map.
nothing_kept() {
	"$BPFTOOL" map dump name uring_kept >"$scratch/kept" 2>&1 || true
	grep -q 'Found 0 elements\|^\[\]' "$scratch/kept" && ! grep -q 'Found [1-9]' "$scratch/kept"
}
patience=100 until_true nothing_kept || true
pkill -TERM -P "$watcher" -x boltseal || true
wait "$watcher" || true # 3: a machine that is busy loses some
found=$(grep -c 'uring=true' "$scratch/many" || true)
lost=$(sed -n 's/.*found no room.*openat \([0-9]*\).*/\1/p' "$scratch/log")
if [ $((found + ${lost:-0})) = 100000 ]; then
	ok "each of 100,000 is told of or counted as lost (${lost:-0})"
else
	not_ok "each of 100,000 is told of or counted as lost: $found and ${lost:-0}" "$scratch/log"
fi
expect "and nothing is kept of them" grep -q 'Found 0 elements\|^\[\]' "$scratch/kept"

# ---- nobody asks

# The kernel frees the programs of the watch before this one some time after it has ended.
programs() { "$BPFTOOL" prog show | grep -c 'name on_uring_' || true; }
for _ in $(seq 100); do
	before=$(programs)
	[ "$before" != 0 ] || break
	sleep 0.1
done
cat >"$scratch/none.yaml" <<'END'
- rule: None
  desc: A call that io_uring has no operation for.
  condition: evt.type = ptrace
  output: "traced"
  priority: INFO
END
watch_begin none --rules "$scratch/none.yaml"
during=$(programs)
watch_end "rules that want nothing of io_uring are watched"
if [ "$during" -le "$before" ]; then
	ok "then nothing looks at io_uring"
else
	not_ok "then nothing looks at io_uring: $before programs before, $during while it watched"
fi
tap_end
