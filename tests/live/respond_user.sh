#!/bin/bash
# Responses with `boltseal watch --user`: decided by a process without rights, done by one that is root.
# Everything that the single process does, and the end of either.   tests/live/respond_user.sh
# Time limit: 200 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/live/lib_respond.sh
. "$here/lib_respond.sh"

chmod 755 "$scratch"
rules=$scratch/rules.yaml
{
	rule Freeze freeze freeze
	rule Kill kill kill
	rule Cut block-network cut
	rule Keep quarantine keep
	rule Ban block-exec ban
	rule Known kill known | sed '/respond:/d'
	rule Slow kill slow | sed 's/fd.name = .*/fd.name endswith boltseal-slow/'
} >"$rules"

as=() # what the agent is started by

# user_begin ARGUMENT...: its two processes in $agent (root) and $judge.
user_begin() {
	install -m 666 /dev/null "$found"
	: >"$log"
	timeout -s KILL 200 ${as[@]+"${as[@]}"} "$boltseal" watch -o json --rules "$rules" --respond-state "$state" \
		--respond=enforce --user nobody "$@" >"$found" 2>"$log" &
	watcher=$!
	background+=("$watcher")
	until_true grep -q 'watching with' "$log" || return 1
	agent=$(pgrep -P "$watcher" -x boltseal)
	judge=$(pgrep -P "$agent" -x boltseal)
}
again() {
	kill -HUP "$agent"
	until_true grep -q 'loaded again' "$log"
	sleep 0.2
}
# lives NAME FILE: whether a shell that opens the file goes on.
lives() {
	# shellcheck disable=SC2016 # for the inner shell
	[ "$(in_box "$1" sh -c 'read x <"$0"; echo lives' "/etc/boltseal-$2")" = lives ]
}
dies() { ! lives "$@"; }

for name in a kill spared; do
	box "$name"
done
pid=$(pid_of a)

# ---- killing in the event itself
cat >"$scratch/policy.yaml" <<END
mode: enforce
evidence: $scratch/evidence
allow:
  - container: boltseal-r-spared
limits:
  container: {actions: 6, within: 1m}
END
if ! user_begin --response "$scratch/policy.yaml"; then
	grep -q 'no right\|refuses\|no BTF' "$log" && skip_all "$(cat "$log")"
	not_ok "it watches" "$log"
	tap_end
	exit
fi
known kill
known spared
check "kill: not one more instruction" dies kill kill
check "kill: by the kernel, in the event itself" told_of Kill 'by the kernel, in the event itself'
check "allow-list: wins over it" lives spared kill
in_box kill sh -c 'read x </etc/boltseal-slow; sleep 2; echo lives' >"$scratch/said" || true
check "kill: from user space, where the kernel cannot decide" told_of Slow 'from user space (pidfd)'
check "kill: that process is gone" test ! -s "$scratch/said"
sed -i 's/Kill$/Kill again/' "$rules"
again
check "kill: also after SIGHUP" dies kill kill
check "kill: by the kernel then, too" told_of 'Kill again' 'by the kernel, in the event itself'
sed -i 's/Kill again$/Kill/' "$rules"
docker restart -t 0 boltseal-r-kill >/dev/null
known kill
check "kill: a container that was started again" dies kill kill
in_box a cat /etc/boltseal-freeze >/dev/null || true
check "freeze: told" told freeze "done" frozen
check "freeze: it stands still" stands "$pid"
in_box kill cat /etc/boltseal-keep >/dev/null || true
check "quarantine: told" told quarantine "done" "$scratch/evidence"
check "quarantine: evidence goes where the policy says" test -n \
	"$(find "$scratch/evidence" -name listing.json 2>/dev/null)"
watch_end
check "at the end it thaws" runs "$pid"
check "and the quarantined one" runs "$(pid_of kill)"

# ---- limits hold for what the kernel does
cat >"$scratch/limits.yaml" <<'END'
limits: {container: {actions: 2, within: 1m}}
END
user_begin --response "$scratch/limits.yaml"
known kill
# Between them the limit is set anew, of which the kernel's kills are a part.
for _ in 1 2 3 4; do
	if lives kill kill; then echo lives; fi
	sleep 0.6
done >"$scratch/said"
check "limits: the third is refused" told kill refused 'more than 2 actions'
check "limits: two are killed" test "$(grep -c 'response kill: done' "$found")" = 2
check "limits: the others live" test "$(grep -c lives "$scratch/said")" -ge 2
watch_end

# ---- rules that are loaded again in the middle: the kernel goes on, event by event
cat >"$scratch/many.yaml" <<'END'
limits: {container: {actions: 10000, within: 1m}, total: {actions: 10000, within: 1m}}
END
user_begin --response "$scratch/many.yaml"
known kill
# shellcheck disable=SC2016 # for the inner shell
timeout 60 docker exec boltseal-r-kill sh -c 'rm -f /tmp/stop; i=0; while [ ! -e /tmp/stop ]; do
	sh -c "read x </etc/boltseal-kill; echo lives"; sleep 0.002; i=$((i + 1)); done; echo $i' >"$scratch/said" 2>/dev/null &
runner=$!
background+=("$runner")
for n in 1 2 3; do
	kill -HUP "$agent"
	until_true lines_are $n 'loaded again' "$log"
done
in_box kill cp /etc/boltseal-plain /tmp/stop
wait "$runner" || true
times=$(tail -n 1 "$scratch/said")
check "SIGHUP: nobody made one more instruction ($times killed)" test "$(wc -l <"$scratch/said")" = 1
by_kernel() {
	[ "$(grep -c 'response kill: done: killed process [0-9]* by the kernel' "$found")" = "$times" ]
}
check "SIGHUP: all by the kernel" until_true by_kernel
check "SIGHUP: and nothing else" test "$(grep -c 'response kill' "$found")" = "$times"
watch_end

# ---- its own container, whose control group is its root there
groups=/sys/fs/cgroup/unified
[ -d "$groups" ] || groups=/sys/fs/cgroup
own=$groups/docker/$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
if mkdir -p "$own" 2>/dev/null && [ -e "$own/cgroup.procs" ]; then
	echo own >"$scratch/boltseal-own"
	rule Own kill own | sed "s|/etc/boltseal-own|$scratch/boltseal-own|" >"$scratch/own.yaml"
	# shellcheck disable=SC2016 # for the inner shell
	as=(sh -c 'echo $$ >"$0/cgroup.procs" && exec unshare -C -m "$@"' "$own")
	rules=$scratch/own.yaml user_begin
	as=()
	# shellcheck disable=SC2016 # for the inner shell
	sh -c 'echo $$ >"$0/cgroup.procs" && exec unshare -m sh -c "sleep 0.5; exec sh -c \"read x <$1; sleep 0.5; echo lives\""' \
		"$own" "$scratch/boltseal-own" >"$scratch/said" 2>/dev/null || true
	check "its own container: nobody is killed in it" grep -q lives "$scratch/said"
	check "its own container: told" told kill refused
	watch_end
	until_true rmdir "$own"
	rmdir "$groups/docker" 2>/dev/null || true
else
	skip "its own container" "no control groups of version 2 can be made here"
fi

# ---- in a container that shares the host's processes, with the capabilities of the manifest: it sees control
# groups only as init does
caps=$(sed -n 's/.*add: \[\(.*\)\]/\1/p' "$repo/deploy/kubernetes/agent.yaml" | tr -d ' ' | tr '[:upper:],' '[:lower:]\n' |
	sed 's/^/+/; s/perfmon/cap_38/; s/^+bpf/+cap_39/' | paste -sd,)
# shellcheck disable=SC2016 # for the inner shell
as=(unshare -m --propagation private sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"' sh
	setpriv --bounding-set "-all,$caps" --inh-caps -all --no-new-privs)
if setpriv --bounding-set "-all,$caps" --inh-caps -all test -d /proc/1/root/sys/fs/cgroup; then
	user_begin || not_ok "as in a pod: it watches" "$log"
	known kill
	check "as in a pod: kill: not one more instruction" dies kill kill
	check "as in a pod: by the kernel" told_of Kill 'by the kernel, in the event itself'
	in_box a cat /etc/boltseal-freeze >/dev/null || true
	check "as in a pod: freeze" told freeze "done" frozen
	check "as in a pod: it stands still" stands "$pid"
	watch_end
	check "as in a pod: at the end it thaws" runs "$pid"
else
	skip "as in a pod" "nobody may look at the first process here"
fi
as=()

# ---- executions: asked for by the one, decided by the other
# guard LINE...: the policy
guard() {
	printf '%s\n' "mode: enforce" "limits: {container: {actions: 20, within: 1m}}" "$@" >"$scratch/guard.yaml"
	user_begin --response "$scratch/guard.yaml"
}
says() { # says NAME COMMAND...: what a command in the container prints
	in_box "$@" || true
}
box exec
# shellcheck disable=SC2016 # for the inner shell
in_box exec sh -c 'for n in banned other marked hashed; do cp /bin/busybox /tmp/busybox-$n; echo $n-BOLTSEAL >>/tmp/busybox-$n; done
	cp /bin/busybox /tmp/busybox-private; echo marked-BOLTSEAL >>/tmp/busybox-private; chmod 700 /tmp/busybox-private'
guard
known exec
check "block-exec: a program runs before" test "$(says exec /tmp/busybox-banned echo lives)" = lives
in_box exec /tmp/busybox-banned cat /etc/boltseal-ban >/dev/null || true
if fails block-exec; then
	skip "executions" "$(grep -o 'cannot be asked[^\"]*' "$found" | head -n 1)"
	tap_end
	exit
fi
check "block-exec: told" told block-exec "done" 'is forbidden (SHA-256'
check "block-exec: it is refused now" test -z "$(says exec /tmp/busybox-banned echo lives)"
check "block-exec: also under another name" test -z \
	"$(says exec sh -c 'cp /tmp/busybox-banned /tmp/busybox-renamed; /tmp/busybox-renamed echo lives')"
check "block-exec: the refusal is told" told block-exec "done" 'refused to execute /tmp/busybox-banned'
check "block-exec: others run" test "$(says exec /tmp/busybox-other echo lives)" = lives
check "block-exec: other containers are not asked" test "$(says a busybox echo lives)" = lives
watch_end
check "block-exec: ends with the agent" test "$(says exec /tmp/busybox-banned echo lives)" = lives

"$boltseal" record --method ptrace --output "$scratch/model.json" -- "$scratch/root/bin/busybox" true 2>"$log.record"
sed -i "s|$scratch/root/bin/busybox|/bin/busybox|g" "$scratch/model.json"
hash=$(sha256sum <"/proc/$(pid_of exec)/root/tmp/busybox-hashed")
guard "exec: {always: true, hashes: [${hash%% *}], models: [{image: 'boltseal-respond:*', model: $scratch/model.json}]}"
known exec
check "model: what it has runs" test "$(says exec busybox echo lives)" = lives
check "model: what it does not have is refused" test -z "$(says exec /tmp/busybox-other echo lives)"
check "model: told" told block-exec "done" 'not in the model of boltseal-respond'
check "hashes: refused" test -z "$(says exec /tmp/busybox-hashed echo lives)"
check "hashes: told" told block-exec "done" 'forbidden by its SHA-256'
watch_end

cat >"$scratch/mark.yar" <<'END'
rule Marked { strings: $a = "marked-BOLTSEAL" condition: $a }
END
if guard "exec: {always: true, yara: [$scratch/mark.yar]}"; then
	known exec
	check "YARA: what matches is refused" test -z "$(says exec /tmp/busybox-marked echo lives)"
	check "YARA: told" told block-exec "done" 'matches the YARA rule Marked'
	check "YARA: also what only root may read" test -z "$(says exec /tmp/busybox-private echo lives)"
	check "YARA: what does not match runs" test "$(says exec /tmp/busybox-other echo lives)" = lives
	watch_end
elif grep -q 'without libyara' "$log"; then
	skip "YARA: what matches is refused" "built without libyara"
else
	not_ok "YARA: the agent begins" "$log"
fi

# ---- nobody decides: the process that judges stands still, or ends, or the other one does
# waits: starts a program whose execution waits for somebody to decide; what it prints is in $scratch/waited.
waits() {
	: >"$scratch/waited"
	timeout 40 docker exec boltseal-r-exec /tmp/busybox-other echo lives >"$scratch/waited" 2>/dev/null &
	runner=$!
	background+=("$runner")
	sleep 1.5
	kill -0 "$runner" 2>/dev/null
}
came() { wait "$runner" 2>/dev/null || true; grep -q lives "$scratch/waited"; }
came_not() { ! came; }
# Only in this container: those of others must not wait.
guard_one() {
	guard "$@"
	in_box exec /tmp/busybox-banned cat /etc/boltseal-ban >/dev/null || true
	told block-exec "done" 'is forbidden'
}
decided() { [ "$(says exec /tmp/busybox-other echo lives)" = lives ]; }
for late in permit refuse; do
	guard_one "exec: {late: $late}"
	kill -STOP "$judge"
	check "late: $late: the execution waits" waits
	if [ $late = permit ]; then
		check "late: it is permitted then" came
	else
		check "late: it is refused then" came_not
	fi
	check "late: it is logged" grep -q "nobody decided whether process [0-9]* of .* it is ${late%e}" "$log"
	kill -CONT "$judge"
	check "late: decided again later" until_true decided
	watch_end
done
check "late: what was refused is told" told block-exec "done" 'it took too long to decide'

for who in judge agent; do
	guard_one "exec: {late: refuse}" "when_agent_ends: {freeze: lift, block-network: keep}"
	in_box a cat /etc/boltseal-freeze >/dev/null || true
	check "$who: it is frozen" told freeze "done"
	in_box spared cat /etc/boltseal-cut >/dev/null || true
	check "$who: before" stands "$pid"
	kill -STOP "$judge"
	check "$who: an execution waits" waits
	if [ $who = judge ]; then kill -KILL "$judge"; else kill -KILL "$agent"; fi
	check "$who killed: the execution that waits is let go" came
	kill -KILL "$judge" 2>/dev/null || true
	wait "$watcher" 2>/dev/null || true
	check "$who killed: executions are permitted" test "$(says exec /tmp/busybox-other echo lives)" = lives
	check "$who killed: the kernel kills nobody any more" until_true lives kill kill
	left_behind "$who" spared
done

# ---- not asked for on the command line
install -m 666 /dev/null "$found"
if timeout 20 "$boltseal" watch --rules "$rules" --response "$scratch/policy.yaml" --user nobody --for 1 \
	>"$found" 2>"$log"; then
	not_ok "mode: enforce alone is an error" "$log"
else
	check "mode: enforce alone is an error" grep -q 'with --user, expected --respond=enforce' "$log"
fi
tap_end
