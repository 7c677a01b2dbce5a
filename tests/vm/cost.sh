#!/bin/bash
# What watching costs a program on Debian 12's own kernel, with system calls hooked at the kernel's
# functions and at tracepoints, in instructions.   tests/vm/cost.sh
# Time limit: 350 s
#
# Shows that a system call of no interest takes not one more when programs are attached to functions.
# With BENCH=1 it measures other operations too (five to ten minutes; docs/BENCHMARKS.md).
#
# Boots the kernel in qemu, which emulates one processor and counts its instructions (-icount): one is one
# nanosecond of the guest's clock. So what else runs on this machine changes nothing, and what memory and
# mispredicted branches cost is not in it. Environment: see lib.sh.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
bench=${BENCH:-0}
[ "$bench" = 0 ] || boot_seconds=900
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
machine=(-accel "tcg,thread=single" -smp 1 -icount shift=0)
rules=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/falco/falco_rules.yaml

make_guest() {
	mkdir -p "$guest"/{bin,dev,etc,lib,proc,root,run,steps,sys,tmp,usr/bin}
	install "$(guest_program busybox)" "$guest/bin/busybox"
	put "$guest_boltseal" /bin/boltseal
	put "$build/tests/watch_loops" /bin/watch_loops
	guest_cc -o "$guest/bin/calls" "$vm/calls.c"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$guest/etc/passwd"
	echo guest >"$guest/etc/hostname"
	install -m 644 "$rules" "$guest/rules.yaml"
	install -m 755 "$vm/guest-init" "$guest/init"
	install -m 644 "$vm/guest-cost" "$guest/steps/cost"
}

[ -r "$rules" ] || skip_all "$rules is not there"
[ -x "$build/tests/watch_loops" ] || skip_all "$build/tests/watch_loops is not built"
vm_check
vm_run make_guest "steps=cost" "bench=$bench"
