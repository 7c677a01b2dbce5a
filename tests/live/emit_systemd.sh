#!/bin/bash
# generate systemd: systemd-analyze reads the drop-in without a complaint and finds it tight.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
command -v systemd-analyze >/dev/null || skip_all "systemd-analyze is not installed"
units=$scratch/units
known=$scratch/known
export SYSTEMD_UNIT_PATH=$units:
mkdir -p "$units/app.service.d"
printf '[Unit]\nDescription=test\n[Service]\nExecStart=/bin/true\n' >"$units/app.service"
systemd-analyze --no-pager syscall-filter >"$known" 2>/dev/null

# level: how exposed systemd finds the unit, from 0 (little) to 100.
level() {
	systemd-analyze --no-pager security --offline=true --json=short "$units/app.service" \
		>"$scratch/json" 2>"$scratch/log"
	systemd-analyze --no-pager security --offline=true "$units/app.service" 2>/dev/null |
		sed -n 's/.*exposure level for app.service: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

before=$(level)
for case in web api "web --mode complain" "api --user 10001:10001"; do
	read -r model options <<<"$case"
	# shellcheck disable=SC2086 # words
	"$boltseal" generate systemd --known-calls "$known" $options \
		--output "$units/app.service.d/boltseal.conf" \
		"$repo/tests/golden/$model.workload.json" 2>"$scratch/notes"
	if systemd-analyze --no-pager verify "$units/app.service" >"$scratch/log" 2>&1 &&
		! grep -F boltseal.conf "$scratch/log" >/dev/null; then
		ok "$case: every directive is understood"
	else
		not_ok "$case: every directive is understood" "$scratch/log"
	fi
	after=$(level)
	case $case in
	*complain*) ;;
	*)
		if [ -n "$after" ] && [ "$after" -le 30 ] && [ "$before" -ge 90 ]; then
			ok "$case: exposure falls from $before to $after of 100"
		else
			not_ok "$case: exposure falls from $before to ${after:-nothing} of 100" "$scratch/log"
		fi ;;
	esac
done

# A list without calls would leave a filter that lets nothing through.
: >"$scratch/empty"
code=0
"$boltseal" generate systemd --known-calls "$scratch/empty" --output "$scratch/none.conf" \
	"$repo/tests/golden/web.workload.json" 2>"$scratch/log" || code=$?
if [ "$code" = 1 ] && [ ! -e "$scratch/none.conf" ]; then
	ok "an empty list of known calls is refused"
else
	not_ok "an empty list of known calls is refused: exit code $code" "$scratch/log"
fi

# Without the list every name is written, and systemd says itself what it does not know.
"$boltseal" generate systemd --output "$units/app.service.d/boltseal.conf" \
	"$repo/tests/golden/api.workload.json" 2>/dev/null
systemd-analyze --no-pager verify "$units/app.service" >"$scratch/log" 2>&1
if grep -q '^ *mseal$' "$known"; then
	skip "unknown calls are left out for a reason" "this systemd knows them all"
elif grep -q mseal "$scratch/log"; then
	ok "unknown calls are left out for a reason"
else
	not_ok "unknown calls are left out for a reason" "$scratch/log"
fi
tap_end
