#!/bin/bash
# `boltseal watch` while the clock is set, and while a receiver is away for an hour.   tests/vm/faults.sh
# Time limit: 600 s
#
# Boots the kernel of tests/vm/run.sh in a machine whose time is that of its instructions and jumps to
# the next timer when it sleeps (-icount sleep=off): every clock in it goes on by an hour, and every
# wait takes as long as it says, in a minute or so of ours. Environment: see lib.sh.
set -euo pipefail

boot_seconds=${boot_seconds:-580}
# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
memory=1G
# shellcheck disable=SC2054 # commas of qemu
machine=(-accel tcg,thread=single -smp 1 -icount "shift=2,sleep=off" -rtc clock=vm)

make_guest() {
	mkdir -p "$guest"/{bin,dev,etc,lib,proc,root,run,steps,sys,tmp,usr/bin,var}
	install "$(guest_program busybox)" "$guest/bin/busybox"
	put "$guest_boltseal" /bin/boltseal
	echo 'root:x:0:0:root:/root:/bin/sh' >"$guest/etc/passwd"
	install -m 755 "$vm/guest-init" "$guest/init"
	install -m 644 "$vm/guest-faults" "$guest/steps/faults"
}

vm_check
vm_run make_guest "steps=faults"
