#!/bin/bash
# What watching adds in processor time to an open and close, by io_uring and by system calls, with Falco's
# stable rules: the smallest of several rounds of each, in turns.   tests/bench/uring_cost.sh [ROUNDS]
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
repo=$here/../..
boltseal=${BOLTSEAL:-$repo/build/boltseal}
rules=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/falco/falco_rules.yaml
rounds=${1:-8}
opens=5000
scratch=$(mktemp -d)
watcher=
trap 'kill $watcher 2>/dev/null || true; rm -rf "$scratch"' EXIT
gcc -std=gnu17 -D_GNU_SOURCE -O2 -o "$scratch/uring" "$here/../live/uring.c"

# round NAME: one line of each kind.
round() {
	echo "$1 ring $("$scratch/uring" measure $opens /etc/hostname)"
	echo "$1 calls $("$scratch/uring" measure $opens /etc/hostname calls)"
}

for _ in $(seq "$rounds"); do
	round alone
	"$boltseal" watch --rules "$rules" --output /dev/null 2>"$scratch/log" &
	watcher=$!
	until grep -q 'watching with' "$scratch/log"; do sleep 0.05; done
	round watched
	kill -TERM $watcher
	wait $watcher || true
done | sort -k1,2 -k3n | awk '!seen[$1 $2]++ { ns[$1 $2] = $3; print }
	END { printf "ratio: ring %.2f, calls %.2f\n", ns["watchedring"] / ns["alonering"],
	             ns["watchedcalls"] / ns["alonecalls"] }'
