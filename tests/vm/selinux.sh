#!/bin/bash
# A generated SELinux module on Debian 12's own kernel, enforced.   tests/vm/selinux.sh
# Time limit: 120 s
#
# Compiles the module of the golden model `web` with the policy in tests/selinux, boots the kernel of
# tests/vm/run.sh with SELinux, and reports what selinux-init says.
# Environment: BOLTSEAL_VM_KERNEL, BOLTSEAL_VM_LOG as for run.sh.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/../live/lib.sh"
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
boot_seconds=90
console=$scratch/console
guest=$scratch/guest

make_guest() {
	mkdir -p "$guest"/{bin,c,dev,proc,sys}
	install "$(command -v busybox)" "$guest/bin/busybox"
	gcc -std=gnu17 -D_GNU_SOURCE -Wall -O2 -static -o "$guest/bin/selinux-probe" \
		"$here/selinux-probe.c"
	"$boltseal" generate selinux --volume /var/log --output "$scratch/web.cil" \
		"$repo/tests/golden/web.workload.json"
	secilc -c 33 -o "$guest/policy" -f "$scratch/contexts" "$repo/tests/selinux/base.cil" \
		"$scratch/web.cil"
	install -m 755 "$here/selinux-init" "$guest/init"
	(cd "$guest" && find . | busybox cpio -o -H newc >"$scratch/initramfs" 2>/dev/null)
}

boot() {
	local qemu
	timeout --foreground -s KILL $boot_seconds qemu-system-x86_64 \
		-accel tcg,thread=multi -cpu max -m 512M -smp 2 -nodefaults -no-reboot \
		-serial stdio -display none -kernel "$kernel" -initrd "$scratch/initramfs" \
		-append "console=ttyS0 quiet lsm=landlock,lockdown,yama,selinux selinux=1 enforcing=0 \
panic=-1" </dev/null >"$console" 2>&1 &
	qemu=$!
	background+=("$qemu")
	wait "$qemu"
}

[ "$(uname -m)" = x86_64 ] || skip_all "no test for $(uname -m)"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
for program in qemu-system-x86_64 busybox gcc secilc; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
find_kernel
[ -n "$kernel" ] || skip_all "no kernel package: $(tail -n 1 "$scratch/fetch" 2>/dev/null)"

if ! make_guest >"$scratch/make" 2>&1; then
	not_ok "the machine's files are put together" "$scratch/make"
	tap_end
	exit 1
fi
status=0
boot || status=$?
[ -z "${BOLTSEAL_VM_LOG:-}" ] || cp "$console" "$BOLTSEAL_VM_LOG"
report
[ "$status" = 0 ] || not_ok "qemu ends properly (status $status)" "$console"
tap_end
