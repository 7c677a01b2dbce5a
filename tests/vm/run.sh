#!/bin/bash
# Does it hold on Debian 12's own kernel?   tests/vm/run.sh
# Time limit: 360 s
#
# Boots Debian's kernel (6.1: AppArmor, BPF LSM, fentry, cgroup v2) in qemu, with an initial root file
# system that has boltseal, crun, apparmor_parser and nginx, and reports what guest-apparmor says. The
# kernel is kept in $BOLTSEAL_CACHE/vm, so that it is downloaded once; no file system image is needed,
# and no KVM. Environment: see lib.sh.
set -euo pipefail

# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# Configurations for crun: recorded, confined (AppArmor), and sealed (seccomp too), whose filter the
# guest puts between the two parts.
bundles() {
	local command=(-- /usr/sbin/nginx -g 'daemon off;')
	local config=("$repo/tools/oci-config.py" --rootfs /nginx)
	"${config[@]}" --output "$guest/bundle/recorded.json" "${command[@]}"
	"${config[@]}" --output "$guest/bundle/confined.json" --apparmor boltseal-vm "${command[@]}"
	echo '{"here": "FILTER"}' >"$scratch/filter"
	"${config[@]}" --output "$scratch/sealed" --apparmor boltseal-vm --seccomp "$scratch/filter" \
		"${command[@]}"
	tr -d '\n' <"$scratch/sealed" | sed 's/{ *"here": "FILTER" *}/\n/' >"$scratch/parts"
	head -n 1 "$scratch/parts" >"$guest/bundle/sealed.head"
	tail -n +2 "$scratch/parts" >"$guest/bundle/sealed.tail"
}

make_guest() {
	guest_containers
	put "$(guest_program apparmor_parser)" /usr/bin/apparmor_parser
	[ ! -x "$build/tests/test_compile" ] || put "$build/tests/test_compile" /bin/test_compile
	mkdir -p "$guest/etc/apparmor.d" "$guest/etc/apparmor"
	cp -r /etc/apparmor.d/{abi,abstractions,tunables} "$guest/etc/apparmor.d/"
	cp /etc/apparmor/parser.conf "$guest/etc/apparmor/"
	install -D -m 644 -t "$guest/usr/share/apparmor-features" /usr/share/apparmor-features/features
	bundles
	install -m 644 "$vm/guest-apparmor" "$guest/steps/apparmor"
}

vm_check crun apparmor_parser
vm_run make_guest "steps=apparmor lsm=landlock,lockdown,yama,apparmor,bpf security=apparmor"
