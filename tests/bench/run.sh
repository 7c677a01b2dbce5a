#!/bin/bash
# make bench: measures what docs/BENCHMARKS.md states. Nothing here passes or fails by time; it fails
# when one of a million filters does something else than its profile says.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

boltseal=${BOLTSEAL:-build/boltseal}
printf '# %s, %s processors, Linux %s\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
	"$(nproc)" "$(uname -r)"

printf '\n## Filters\n'
profile=${BOLTSEAL_SHARED:-../shared}/testdata/seccomp/docker-default.json
if [ ! -x "${boltseal%/*}/tests/filter_cost" ]; then
	printf 'skipped: %s was built without tests\n' "$boltseal"
else
	if [ -r "$profile" ]; then
		"${boltseal%/*}/tests/filter_cost" "$profile" "${FILTER_ROUNDS:-20}"
	else
		printf 'skipped: what filters cost needs %s\n' "$profile"
	fi
	# Not a matter of time: it fails when a filter does something else than its profile.
	"${boltseal%/*}/tests/filter_profiles" "${PROFILES:-1000000}"
fi

rules=${BOLTSEAL_SHARED:-../shared}/testdata/falco/falco_rules.yaml
if [ -r "$rules" ] && [ -x build/tests/rules_rate ]; then
	printf '\n## Rules\n'
	build/tests/rules_rate "$rules"
	if [ "$(id -u)" = 0 ]; then
		capture=$(mktemp --suffix=.gz)
		tests/bench/capture_mix.sh "$boltseal" "$capture" "$rules"
		build/tests/replay_rate "$capture" "$rules"
		printf 'and if the kernel filtered nothing:\n'
		tests/bench/capture_mix.sh "$boltseal" "$capture" "$rules" tests/bench/every_call.yaml
		build/tests/replay_rate "$capture" "$rules"
		rm -f "$capture"
	fi
	build/tests/day "$rules"
	printf '\n## Watching\n'
	tests/bench/watch_cost.py "$boltseal" "$rules"
	printf '\n## Drift\n'
	tests/bench/drift_cost.sh "$boltseal" "$rules"
fi

printf '\n## Inspecting\n'
BOLTSEAL=$(realpath "$boltseal") tests/bench/inspect_rate.sh 10000

printf '\n## Admission\n'
BOLTSEAL=$(realpath "$boltseal") tests/bench/admit_rate.sh 1000 10

printf '\n## Recording\n'
for tool in strace perf /usr/bin/time; do
	command -v "$tool" >/dev/null || {
		printf 'skipped: %s is not installed (make deps)\n' "$tool"
		exit 0
	}
done
tests/bench/record_cost.py "$boltseal" "${ROUNDS:-7}"

printf '\n## 100 starts of sealed containers\n'
BENCH=1 BOLTSEAL=$boltseal tests/live/start_sealed.sh
