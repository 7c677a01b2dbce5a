#!/bin/bash
# Responses of `boltseal watch` to real containers.   tests/live/respond.sh
#
# Every container and process that is acted on was started here. Rules fire for files that only these
# containers have.
# Time limit: 240 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/live/lib_respond.sh
. "$here/lib_respond.sh"

rules=$scratch/rules.yaml
{
	rule Freeze freeze freeze
	rule Kill kill kill
	rule Cut block-network cut
	rule Keep quarantine keep
	rule End kill-container end
	rule Known kill known | sed '/respond:/d'
	cat <<'END'
- rule: Slow
  desc: A condition that the kernel cannot decide.
  condition: evt.type in (open, openat, openat2) and container.id != host and fd.name endswith boltseal-slow
  output: slow (file=%fd.name)
  priority: WARNING
  respond: [kill]
- rule: New program
  desc: A program that is not of the image.
  condition: evt.type in (execve, execveat) and container.id != host and proc.is_exe_upper_layer = true
  output: new (exe=%proc.exepath)
  priority: WARNING
  respond: [kill]
END
} >"$rules"

# ---- a dry run, which is the default
box a
pid=$(pid_of a)
if ! watch_begin; then
	grep -q 'no right\|refuses\|no BTF' "$log" && skip_all "$(cat "$log")"
	not_ok "it watches" "$log"
	tap_end
	exit
fi
check "a rule with an action makes a dry run" grep -q 'dry run' "$log"
in_box a cat /etc/boltseal-freeze >/dev/null
in_box a sh -c 'read x </etc/boltseal-kill; echo lives' >"$scratch/said" || true
check "dry run: freezing is told" told freeze dry-run
check "dry run: killing is told" told kill dry-run
check "dry run: nothing is killed" grep -q lives "$scratch/said"
check "dry run: nothing is frozen" runs "$pid"
watch_end

# ---- carried out
cat >"$scratch/policy.yaml" <<END
mode: enforce
evidence: $scratch/evidence
allow:
  - container: boltseal-r-spared
limits:
  container: {actions: 20, within: 1m}
END
for name in kill cut keep end spared; do
	box "$name"
done
watch_begin --response "$scratch/policy.yaml"
in_box a cat /etc/boltseal-freeze >/dev/null || true
check "freeze: told" told freeze "done" frozen
check "freeze: the container stands still" stands "$pid"
check "freeze: is listed" lists freeze

# The first program that is executed in a container after the agent began makes it known.
known kill
in_box kill sh -c 'read x </etc/boltseal-kill; echo lives' >"$scratch/said" || true
check "kill: by the kernel, in the event itself" told kill "done" 'by the kernel, in the event itself'
check "kill: not one more instruction" test ! -s "$scratch/said"
in_box kill sh -c 'cp /bin/busybox /tmp/new; exec /tmp/new echo lives' >"$scratch/said" || true
check "kill: a program that is not of the image does not begin" test ! -s "$scratch/said"
in_box kill sh -c 'read x </etc/boltseal-slow; sleep 2; echo lives' >"$scratch/said" || true
check "kill: from user space, where the kernel cannot decide" told kill "done" 'from user space (pidfd)'
check "kill: that process is gone" test ! -s "$scratch/said"
check "kill: the rest of the container runs" is_up kill

# Rules that are loaded again: in containers that are known, the kernel goes on with the new ones.
sed 's/Kill$/Kill again/' "$rules" >"$scratch/rules.again"
cp "$rules" "$scratch/rules.before"
cp "$scratch/rules.again" "$rules"
kill -HUP "$agent"
until_true grep -q 'loaded again' "$log" || true
known kill
in_box kill sh -c 'read x </etc/boltseal-kill; echo lives' >"$scratch/said" || true
check "kill: by the kernel also after SIGHUP" told_of "Kill again" 'by the kernel, in the event itself'
check "kill: not one more instruction then" test ! -s "$scratch/said"
cp "$scratch/rules.before" "$rules"

check "block-network: the service answers before" serves cut
in_box cut cat /etc/boltseal-cut >/dev/null
if fails block-network 'control group of version 2'; then
	skip "block-network: told" "containers have no control group of version 2 here"
else
	check "block-network: told" told block-network "done" 'network blocked'
	check "block-network: the service is cut off" no_service cut
	check "block-network: others are not" serves kill
fi

in_box keep cat /etc/boltseal-keep >/dev/null || true
check "quarantine: told" told quarantine "done" evidence
check "quarantine: the container stands still" stands "$(pid_of keep)"
evidence=$(find "$scratch/evidence" -name listing.json | head -n 1)
check "quarantine: the listing has the container's processes" \
	python3 -c 'import json, sys
e = json.load(open(sys.argv[1]))
sys.exit(not any(p["cmdline"].startswith("httpd") and p["sha256"] for p in e["processes"]))' "$evidence"

in_box end cat /etc/boltseal-end >/dev/null || true
check "kill-container: told" told kill-container "done"
check "kill-container: it is down" until_true is_down end

in_box spared cat /etc/boltseal-freeze >/dev/null
in_box spared sh -c 'read x </etc/boltseal-kill; echo lives' >"$scratch/said" || true
check "allow-list: told" told freeze refused 'allow-list'
check "allow-list: wins over freezing" runs "$(pid_of spared)"
check "allow-list: wins over the kernel's killing" grep -q lives "$scratch/said"

check "the runtime is as before" dockerd_answers
watch_end
check "at the end, what shall not stay is taken back: frozen" runs "$pid"
check "and the quarantined one" runs "$(pid_of keep)"
check "and nothing is listed" lists_nothing

# ---- limits
cat >"$scratch/limits.yaml" <<'END'
limits:
  container: {actions: 2, within: 1m}
END
watch_begin --respond=enforce --response "$scratch/limits.yaml"
known kill
for _ in 1 2 3 4; do
	in_box kill sh -c 'read x </etc/boltseal-kill; echo lives' || true
done >"$scratch/said"
check "limits: the third is refused" told kill refused 'more than 2 actions'
check "limits: and lives" test "$(grep -c lives "$scratch/said")" = 2
watch_end

# ---- killed with -9: what shall go goes, what shall stay stays
cat >"$scratch/ends.yaml" <<'END'
mode: enforce
when_agent_ends: {freeze: lift, block-network: keep}
END
watch_begin --response "$scratch/ends.yaml"
in_box a cat /etc/boltseal-freeze >/dev/null || true
in_box cut cat /etc/boltseal-cut >/dev/null
check "it is frozen" told freeze "done"
kill -KILL "$agent"
wait "$watcher" 2>/dev/null || true
left_behind agent cut

# ---- nobody is left to take it back: the next agent does
cat >"$scratch/lift.yaml" <<'END'
mode: enforce
END
watch_begin --response "$scratch/lift.yaml"
in_box a cat /etc/boltseal-freeze >/dev/null || true
check "it is frozen once more" told freeze "done"
guard_pid=$(pgrep -P "$agent" -x boltseal-guard || true)
# shellcheck disable=SC2086 # none, or one
kill -KILL $guard_pid "$agent"
wait "$watcher" 2>/dev/null || true
sleep 0.3
check "agent and guard killed: it stands still" stands "$pid"
watch_begin --response "$scratch/lift.yaml"
check "the next agent takes it back" runs "$pid"
watch_end

# ---- executions
cat >"$scratch/exec.yaml" <<'END'
- rule: Ban
  desc: The program that reads this file is not to be executed again.
  condition: evt.type in (open, openat, openat2) and container.id != host and fd.name = /etc/boltseal-ban
  output: ban (exe=%proc.exepath)
  priority: WARNING
  respond: [block-exec]
END
rule Known kill known | sed '/respond:/d' >>"$scratch/exec.yaml"
: >"$scratch/guard.yaml"
guard() { # guard LINE...: the policy
	printf '%s\n' "mode: enforce" "limits: {container: {actions: 20, within: 1m}}" "$@" \
		>"$scratch/guard.yaml"
	rules=$scratch/exec.yaml watch_begin --response "$scratch/guard.yaml"
}
says() { # says NAME COMMAND...: what a command in the container prints
	in_box "$@" || true
}
box exec
# shellcheck disable=SC2016 # for the inner shell
in_box exec sh -c 'for n in banned other marked; do cp /bin/busybox /tmp/busybox-$n; echo $n-BOLTSEAL >>/tmp/busybox-$n; done'
guard
in_box exec true
check "block-exec: a program runs before" test "$(says exec /tmp/busybox-banned echo lives)" = lives
in_box exec /tmp/busybox-banned cat /etc/boltseal-ban >/dev/null || true
if fails block-exec; then
	skip "block-exec" "$(grep -o 'cannot be asked[^\"]*' "$found" | head -n 1)"
	watch_end
else
	check "block-exec: told" told block-exec "done" forbidden
	check "block-exec: it is refused now" test -z "$(says exec /tmp/busybox-banned echo lives)"
	check "block-exec: also under another name" test -z \
		"$(says exec sh -c 'cp /tmp/busybox-banned /tmp/busybox-renamed; /tmp/busybox-renamed echo lives')"
	check "block-exec: the refusal is told" told block-exec "done" 'refused to execute /tmp/busybox-banned'
	check "block-exec: others run" test "$(says exec /tmp/busybox-other echo lives)" = lives
	check "block-exec: other containers are not asked" test "$(says a busybox echo lives)" = lives
	watch_end
	check "block-exec: ends with the agent" test "$(says exec /tmp/busybox-banned echo lives)" = lives

	"$boltseal" record --method ptrace --output "$scratch/model.json" -- "$scratch/root/bin/busybox" true \
		2>"$log.record"
	sed -i "s|$scratch/root/bin/busybox|/bin/busybox|g" "$scratch/model.json"
	guard "exec: {always: true, models: [{image: 'boltseal-respond:*', model: $scratch/model.json}]}"
	known exec
	check "model: what it has runs" test "$(says exec busybox echo lives)" = lives
	check "model: what it does not have is refused" test -z "$(says exec /tmp/busybox-other echo lives)"
	check "model: told" told block-exec "done" 'not in the model of boltseal-respond'
	watch_end

	cat >"$scratch/mark.yar" <<'END'
rule Marked { strings: $a = "marked-BOLTSEAL" condition: $a }
END
	if guard "exec: {always: true, yara: [$scratch/mark.yar]}"; then
		known exec
		check "YARA: what matches is refused" test -z "$(says exec /tmp/busybox-marked echo lives)"
		check "YARA: told" told block-exec "done" 'matches the YARA rule Marked'
		check "YARA: what does not match runs" test "$(says exec /tmp/busybox-other echo lives)" = lives
		watch_end
	elif grep -q 'without libyara' "$log"; then
		skip "YARA: what matches is refused" "built without libyara"
	else
		not_ok "YARA: the agent begins" "$log"
	fi
fi

# ---- by hand
"$boltseal" respond freeze boltseal-r-a --state "$state" >"$scratch/hand" 2>&1 || true
check "by hand: frozen" stands "$pid"
"$boltseal" respond undo boltseal-r-a --state "$state" >"$scratch/hand" 2>&1 || true
check "by hand: undone, by name" runs "$pid"
# ---- a container that went with what was switched on
gone=$(id_of a)
"$boltseal" respond freeze boltseal-r-a --state "$state" >"$scratch/hand" 2>&1 || true
"$boltseal" respond kill-container boltseal-r-a --state "$state" >>"$scratch/hand" 2>&1 || true
docker rm -f boltseal-r-a >/dev/null 2>&1 || true
if lists freeze && "$boltseal" respond undo "$gone" --state "$state" >"$scratch/hand" 2>&1 &&
	grep -q '^thaw .*: done: the container is gone' "$scratch/hand"; then
	ok "undo of a container that is gone says so, with exit status 0"
else
	not_ok "undo of a container that is gone says so, with exit status 0" "$scratch/hand"
fi
check "and drops its record" lists_nothing
# A runtime of the host, which is a program of that name started here, in a group of its own.
groups=/sys/fs/cgroup/unified
[ -d "$groups" ] || groups=/sys/fs/cgroup
if mkdir "$groups/boltseal-r-$$" 2>/dev/null && [ -e "$groups/boltseal-r-$$/cgroup.freeze" ]; then
	cp "$(command -v sleep)" "$scratch/crun"
	"$scratch/crun" 60 &
	fake=$!
	background+=("$fake")
	echo "$fake" >"$groups/boltseal-r-$$/cgroup.procs"
	for action in freeze kill-container block-network; do
		if "$boltseal" respond "$action" --cgroup "$groups/boltseal-r-$$" --state "$state" \
			>"$scratch/hand" 2>&1; then
			not_ok "a runtime is never hit: $action" "$scratch/hand"
		elif grep -q 'never done to the container runtime' "$scratch/hand"; then
			ok "a runtime is never hit: $action"
		else
			not_ok "a runtime is never hit: $action is refused for that" "$scratch/hand"
		fi
	done
	check "a runtime is never hit: it runs" kill -0 "$fake"
	kill "$fake"
	wait "$fake" 2>/dev/null || true
	rmdir "$groups/boltseal-r-$$"
else
	rmdir "$groups/boltseal-r-$$" 2>/dev/null || true
	skip "a runtime is never hit" "no control groups of version 2 can be made here"
fi
if "$boltseal" respond freeze --cgroup / --state "$state" >"$scratch/hand" 2>&1; then
	not_ok "the root of control groups is refused" "$scratch/hand"
else
	ok "the root of control groups is refused"
fi
if "$boltseal" respond freeze no-such-container --state "$state" >"$scratch/hand" 2>&1; then
	not_ok "by hand: a container that is not there is an error" "$scratch/hand"
else
	ok "by hand: a container that is not there is an error"
fi
tap_end
