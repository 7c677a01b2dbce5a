#!/bin/bash
# The unit suite in the guest, on its kernel: for architectures that this machine is not.   tests/vm/unit.sh
# Time limit: 1200 s
#
# Boots the kernel with the project's files and the suite's programs, and reports each of them. aarch64.sh
# runs it; what the build machine can run itself is in the suite there. Environment: see lib.sh.
set -euo pipefail

boot_seconds=${boot_seconds:-390}
# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
memory=3G
shared=${BOLTSEAL_SHARED:-$repo/../shared}

make_guest() {
	local test
	mkdir -p "$guest"/{bin,dev,etc,lib,proc,root,run,shared,steps,sys,tmp,usr/bin,var}
	install "$(guest_program busybox)" "$guest/bin/busybox"
	put "$guest_boltseal" /bin/boltseal
	for test in "$build"/tests/test_*; do
		[ ! -f "$test" ] || [ ! -x "$test" ] || put "$test" "/tests/${test##*/}"
	done
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'other:x:7:7:other:/:/bin/sh' >"$guest/etc/passwd"
	printf '%s\n' 'root:x:0:' 'other:x:7:' >"$guest/etc/group"
	mkdir "$guest/repo"
	(cd "$repo" && git ls-files -z | xargs -0 cp --parents -t "$guest/repo")
	[ ! -d "$shared/testdata" ] || cp -rL "$shared/testdata" "$guest/shared/"
	install -m 755 "$vm/guest-init" "$guest/init"
	install -m 644 "$vm/guest-unit" "$guest/steps/unit"
}

[ -n "$tree" ] || skip_all "the suite is for this machine: meson test"
vm_check
vm_run make_guest "steps=unit lsm=landlock,lockdown,yama,apparmor,bpf"
