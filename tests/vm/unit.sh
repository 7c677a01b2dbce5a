#!/bin/bash
# The unit suite in the guest, on its kernel, and live tests that need no container engine: for
# architectures that this machine is not, and kernels of other suites.   tests/vm/unit.sh
# Time limit: 2400 s
#
# Boots the kernel with some of Debian, the project's files and the suite's programs, and reports each of
# them. aarch64.sh and kernels.sh run it; what this machine's own kernel does is tested without it.
# Environment: see lib.sh; BOLTSEAL_VM_LIVE (names of live tests, with commas between them) and
# BOLTSEAL_VM_UNIT (of programs of the suite, without test_): without them
# watch_profile, lint and all; none is none.
set -euo pipefail

boot_seconds=${boot_seconds:-700}
# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
memory=3G
shared=${BOLTSEAL_SHARED:-$repo/../shared}
live=${BOLTSEAL_VM_LIVE:-watch_profile,lint}
unit=${BOLTSEAL_VM_UNIT:-all}

make_guest() {
	local test rootfs=$BOLTSEAL_CACHE/rootfs/unit-$debian_arch
	"$repo/tools/make-rootfs.sh" --arch "$debian_arch" "${rootfs##*/}" "$rootfs" bash curl findutils grep gzip \
		iproute2 netbase openssl procps python3 sed strace tar util-linux
	cp -a "$rootfs" "$guest"
	mkdir -p "$guest"/{repo,shared,steps,tests,var/tmp}
	install "$(guest_program busybox)" "$guest/bin/busybox"
	put "$guest_boltseal" /bin/boltseal
	for test in "$build"/tests/test_*; do
		[ ! -f "$test" ] || [ ! -x "$test" ] || put "$test" "/tests/${test##*/}"
	done
	(cd "$repo" && git ls-files -z | xargs -0 cp --parents -t "$guest/repo")
	[ ! -d "$shared/testdata" ] || cp -rL "$shared/testdata" "$guest/shared/"
	install -m 755 "$vm/guest-init" "$guest/init"
	install -m 644 "$vm/guest-unit" "$guest/steps/unit"
}

[ -n "$tree$suite${BOLTSEAL_VM_KERNEL:-}" ] || skip_all "the suite is for this machine: meson test"
vm_check
vm_run make_guest "steps=unit live=$live unit=$unit lsm=landlock,lockdown,yama,apparmor,bpf"
