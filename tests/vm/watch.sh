#!/bin/bash
# Does `boltseal watch` see on Debian 12's own kernel what it sees here?   tests/vm/watch.sh
# Time limit: 620 s
#
# Boots the kernel in qemu with boltseal and Falco's stable rules, plays some of what they describe, on
# the host and in a control group of a container, and looks at the findings; then call by call, with
# system calls hooked at functions and at tracepoints; what is done through io_uring; and drift. Environment: see lib.sh.
set -euo pipefail

boot_seconds=590
# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
rules=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/falco/falco_rules.yaml

# Programs of 32 bits, where they can be built.
narrow_programs() {
	if [ -n "$tree" ]; then
		clang --target=arm-linux-gnueabi -march=armv7-a -marm -O1 -ffreestanding -fno-pic -Wall \
			-c -o "$scratch/arm32.o" "$vm/arm32.c" &&
			aarch64-linux-gnu-ld -m armelf -o "$guest/bin/32/arm" "$scratch/arm32.o"
		return
	fi
	gcc -m32 -idirafter /usr/include/x86_64-linux-gnu -std=gnu17 -D_GNU_SOURCE -Wall -O2 -static \
		-o "$guest/bin/32/calls" "$vm/calls.c" || rm -f "$guest/bin/32/calls"
}

make_guest() {
	mkdir -p "$guest"/{bin,dev,etc,lib,proc,root,run,steps,sys,tmp,usr/bin,var/lib}
	install "$(guest_program busybox)" "$guest/bin/busybox"
	put "$guest_boltseal" /bin/boltseal
	guest_cc -o "$guest/bin/calls" "$vm/calls.c"
	mkdir "$guest/bin/32"
	narrow_programs
	guest_cc -o "$guest/bin/uring" "$vm/../live/uring.c"
	install -m 644 "$vm/calls.yaml" "$vm/none.yaml" "$vm/../live/uring.yaml" "$guest"
	echo guest >"$guest/etc/hostname"
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'other:x:7:7:other:/:/bin/sh' >"$guest/etc/passwd"
	printf '%s\n' 'root:x:0:' 'other:x:7:' >"$guest/etc/group"
	echo 'root:*:19000:0:99999:7:::' >"$guest/etc/shadow"
	install -m 644 "$rules" "$guest/rules.yaml"
	install -m 755 "$vm/guest-init" "$guest/init"
	install -m 644 "$vm/guest-watch" "$guest/steps/watch"
}

[ -r "$rules" ] || skip_all "$rules is not there"
vm_check
vm_run make_guest "steps=watch"
