#!/bin/bash
# A generated SELinux module on Debian 12's own kernel, enforced.   tests/vm/selinux.sh
# Time limit: 200 s
#
# Compiles the module of the golden model `web` with the policy in tests/selinux, boots the kernel of
# tests/vm/run.sh with SELinux, and reports what selinux-init says. Environment: see lib.sh.
set -euo pipefail

boot_seconds=${boot_seconds:-180}
# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
memory=512M

make_guest() {
	mkdir -p "$guest"/{bin,c,dev,proc,sys,tmp}
	install "$(guest_program busybox)" "$guest/bin/busybox"
	put "$guest_boltseal" /bin/boltseal
	guest_cc -o "$guest/bin/selinux-probe" \
		"$vm/selinux-probe.c"
	"$boltseal" generate selinux --volume /var/log --output "$scratch/web.cil" \
		"$repo/tests/golden/web.workload.json"
	install -D -m 644 "$repo/tests/golden/web.workload.json" "$guest/model/web.json"
	install -m 644 "$repo/tests/selinux/base.cil" "$guest/model/"
	put "$(command -v secilc)" /bin/secilc
	secilc -c 33 -o "$guest/policy" -f "$scratch/contexts" "$repo/tests/selinux/base.cil" \
		"$scratch/web.cil"
	guest_modules
	install -m 755 "$vm/selinux-init" "$guest/init"
}

# semodule with a store that has the policy of tests/selinux as its module `base`.
guest_modules() {
	local program etc=etc/selinux/boltseal store=var/lib/selinux/boltseal
	for program in semodule load_policy setfiles sefcontext_compile; do
		put "$(command -v $program)" /usr/sbin/$program
	done
	mkdir -p "$guest/$etc/contexts/files" "$guest/$etc/policy" "$guest/$store"
	printf 'SELINUX=enforcing\nSELINUXTYPE=boltseal\n' >"$guest/etc/selinux/config"
	printf 'module-store = direct\nexpand-check = 0\n' >"$guest/etc/selinux/semanage.conf"
	touch "$guest/$etc/contexts/files/file_contexts"
	semodule -p "$guest" -s boltseal -N -X 100 -i "$repo/tests/selinux/base.cil"
	mkdir "$guest/profiles"
}

vm_check secilc semodule
vm_run make_guest "lsm=landlock,lockdown,yama,selinux selinux=1 enforcing=0"
