#!/bin/bash
# Does it hold on Debian 12's own kernel?   tests/vm/run.sh
# Time limit: 200 s
#
# Boots Debian's kernel (6.1: AppArmor, BPF LSM, fentry, cgroup v2) in qemu, with an initial root file
# system that has boltseal, crun, apparmor_parser and nginx, and reports what guest-init says. The
# kernel is kept in $BOLTSEAL_CACHE/vm, so that it is downloaded once; no file system image is needed,
# and no KVM.
#
# Environment: BOLTSEAL_VM_KERNEL (a vmlinuz to boot instead), BOLTSEAL_VM_LOG (where to keep what the
# machine wrote on its console).
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/../live/lib.sh"
# shellcheck source=tests/vm/lib.sh
. "$here/lib.sh"
boot_seconds=170
console=$scratch/console
guest=$scratch/guest

web_root() {
	local rootfs=$BOLTSEAL_CACHE/rootfs/live-nginx
	"$repo/tools/make-rootfs.sh" live-nginx "$rootfs" nginx-light
	cp -a "$rootfs" "$guest/nginx"
	rm -rf "$guest/nginx/var/www" "$guest/nginx"/usr/share/{perl*,zoneinfo,locale,bash-completion}
	install -d "$guest/nginx/var/www/html/list"
	install -m 644 "$repo/demo/nginx/index.html" "$guest/nginx/var/www/html/"
	head -c 1000000 /dev/zero >"$guest/nginx/var/www/html/large.bin"
	install -m 644 "$repo/demo/nginx/site.conf" "$guest/nginx/etc/nginx/sites-enabled/default"
	install -D -m 755 "$scratch/probe" "$guest/nginx/usr/local/bin/probe"
}

# Configurations for crun: recorded, confined (AppArmor), and sealed (seccomp too), whose filter the
# guest puts between the two parts.
bundles() {
	local command=(-- /usr/sbin/nginx -g 'daemon off;')
	local config=("$repo/tools/oci-config.py" --rootfs /nginx)
	mkdir "$guest/bundle"
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
	mkdir -p "$guest"/{bin,dev,etc,lib,proc,root,run,sys,tmp,usr/bin}
	install "$(command -v busybox)" "$guest/bin/busybox"
	put "$boltseal" /bin/boltseal
	put "$(command -v ls)" /usr/bin/ls
	put "$(command -v crun)" /usr/bin/crun
	put "$(command -v apparmor_parser)" /usr/bin/apparmor_parser
	mkdir -p "$guest/etc/apparmor.d" "$guest/etc/apparmor"
	cp -r /etc/apparmor.d/{abi,abstractions,tunables} "$guest/etc/apparmor.d/"
	cp /etc/apparmor/parser.conf "$guest/etc/apparmor/"
	install -D -m 644 -t "$guest/usr/share/apparmor-features" /usr/share/apparmor-features/features
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'other:x:7:7:other:/:/bin/sh' >"$guest/etc/passwd"
	printf '%s\n' 'root:x:0:' 'other:x:7:' >"$guest/etc/group"
	gcc -std=gnu17 -D_GNU_SOURCE -Wall -O2 -static -o "$scratch/probe" "$here/probe.c"
	web_root
	bundles
	install -m 755 "$here/guest-init" "$guest/init"
	(cd "$guest" && find . | busybox cpio -o -H newc >"$scratch/initramfs" 2>/dev/null)
}

boot() {
	local qemu
	timeout --foreground -s KILL $boot_seconds qemu-system-x86_64 \
		-accel tcg,thread=multi -cpu max -m 2G -smp 2 -nodefaults -no-reboot \
		-serial stdio -display none -kernel "$kernel" -initrd "$scratch/initramfs" \
		-append "console=ttyS0 quiet lsm=landlock,lockdown,yama,apparmor,bpf \
security=apparmor panic=-1" </dev/null >"$console" 2>&1 &
	qemu=$!
	background+=("$qemu")
	wait "$qemu"
}

[ "$(uname -m)" = x86_64 ] || skip_all "no test for $(uname -m)"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "needs root"
for program in qemu-system-x86_64 busybox crun apparmor_parser; do
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
