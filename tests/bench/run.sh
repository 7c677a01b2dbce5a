#!/bin/bash
# make bench: measures what docs/BENCHMARKS.md states. Nothing here passes or fails by time.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

boltseal=${BOLTSEAL:-build/boltseal}
printf '# %s, %s processors, Linux %s\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
	"$(nproc)" "$(uname -r)"

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
