#!/bin/bash
# Responses that need a kernel with BPF LSM, and those of `watch` on Debian 12's own kernel.   tests/vm/respond.sh
# Time limit: 400 s
#
# Boots the kernel of tests/vm/run.sh with bpf among its security modules and cgroup v2, and reports what
# guest-respond says. Environment: see lib.sh.
set -euo pipefail

boot_seconds=${boot_seconds:-380}
# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
memory=1G

make_guest() {
	mkdir -p "$guest"/{bin,dev,etc,lib,mnt,proc,root,run,steps,sys,tmp,usr/bin,var}
	install "$(guest_program busybox)" "$guest/bin/busybox"
	put "$guest_boltseal" /bin/boltseal
	install -m 755 "$vm/guest-init" "$guest/init"
	install -m 644 "$vm/guest-respond" "$guest/steps/respond"
}

vm_check busybox
vm_run make_guest "steps=respond lsm=landlock,lockdown,yama,bpf"
