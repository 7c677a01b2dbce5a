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
	rule Slow kill slow | sed 's/fd.name = .*/fd.name endswith boltseal-slow/'
} >"$rules"

# user_begin ARGUMENT...: its two processes in $agent (root) and $judge.
user_begin() {
	install -m 666 /dev/null "$found"
	: >"$log"
	timeout -s KILL 100 "$boltseal" watch -o json --rules "$rules" --respond-state "$state" \
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
in_box kill true
in_box spared true
sleep 0.3
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
in_box kill true
sleep 0.3
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
in_box kill true
sleep 0.7
for _ in 1 2 3 4; do
	lives kill kill && echo lives || true
done >"$scratch/said"
check "limits: two are killed" test "$(grep -c lives "$scratch/said")" = 2
check "limits: the third is refused" told kill refused 'more than 2 actions'
watch_end

# ---- not asked for on the command line
install -m 666 /dev/null "$found"
if timeout 20 "$boltseal" watch --rules "$rules" --response "$scratch/policy.yaml" --user nobody --for 1 \
	>"$found" 2>"$log"; then
	not_ok "mode: enforce alone is an error" "$log"
else
	check "mode: enforce alone is an error" grep -q 'with --user, expected --respond=enforce' "$log"
fi
tap_end
