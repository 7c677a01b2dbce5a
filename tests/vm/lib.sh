# shellcheck shell=bash
# To be sourced by the tests that boot a virtual machine: the kernel, the guest's files, its console.
#
# Environment: BOLTSEAL_VM_SUITE (a Debian suite whose kernel is booted, such as trixie or sid; this
# machine's own without it), BOLTSEAL_VM_KERNEL (a vmlinuz to boot instead), BOLTSEAL_VM_LOG (where to
# keep what the machine wrote on its console).

vm=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$vm/../live/lib.sh"
boot_seconds=${boot_seconds:-270}
memory=2G
machine=(-accel "tcg,thread=multi" -smp 2)
build=${BOLTSEAL_BUILD:-$repo/build}
console=$scratch/console
guest=$scratch/guest
kernel_age_days=30

# ---- the kernel ----

# apt of the suite that is asked for: this machine's mirrors and keys, lists of its own.
apt_suite() {
	local folder=$BOLTSEAL_CACHE/vm/apt-${BOLTSEAL_VM_SUITE:-} program=$1
	shift
	[ -n "${BOLTSEAL_VM_SUITE:-}" ] || {
		"$program" -q -o APT::Sandbox::User=root "$@"
		return
	}
	"$program" -q -o APT::Sandbox::User=root -o Acquire::Languages=none \
		-o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache" \
		-o Dir::State::status="$folder/status" "$@"
}

# The Debian mirrors that this machine's apt has, for the suite.
suite_begin() {
	local folder=$BOLTSEAL_CACHE/vm/apt-$BOLTSEAL_VM_SUITE mirror
	mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
		sed -n "s/^$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) main //p" | head -n 1)
	[ -n "$mirror" ] || { echo "apt has no Debian mirror here"; return 1; }
	mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
	: >"$folder/status"
	echo "deb $mirror $BOLTSEAL_VM_SUITE main" >"$folder/sources.list"
}

# The package that linux-image-amd64 stands for; nothing without apt's lists.
kernel_package() {
	apt_suite apt-cache depends linux-image-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1 || true
}

# fetch_vmlinuz PACKAGE FILE: out of the package or, from Linux 7 on, the one with its binary.
fetch_vmlinuz() {
	local package
	for package in "$1" "linux-binary-${1#linux-image-}"; do
		rm -rf "$scratch/deb"
		mkdir -p "$scratch/deb"
		(cd "$scratch/deb" && apt_suite apt-get download "$package") || continue
		dpkg-deb --fsys-tarfile "$scratch/deb"/*.deb >"$scratch/deb/tar"
		tar -x -O --wildcards -f "$scratch/deb/tar" './boot/vmlinuz-*' \
			'./usr/lib/modules/*/vmlinuz' >"$2.new" 2>/dev/null || true
		if [ -s "$2.new" ]; then
			mv "$2.new" "$2"
			rm -rf "$scratch/deb"
			return 0
		fi
	done
	rm -f "$2.new"
	return 1
}

# fetch_kernel PACKAGE: into the cache, when it is not there.
fetch_kernel() {
	local folder=$BOLTSEAL_CACHE/vm/$1
	[ ! -s "$folder/vmlinuz" ] || return 0
	mkdir -p "$folder"
	fetch_vmlinuz "$1" "$folder/vmlinuz"
}

# The newest kernel of the suite, else one that is in the cache. In $kernel.
find_kernel() {
	local package='' link=$BOLTSEAL_CACHE/vm/${BOLTSEAL_VM_SUITE:-host}.kernel
	kernel=${BOLTSEAL_VM_KERNEL:-}
	[ -z "$kernel" ] || return 0
	mkdir -p "$BOLTSEAL_CACHE/vm"
	if [ -z "$(find "$link" -mtime -$kernel_age_days 2>/dev/null)" ]; then
		[ -z "${BOLTSEAL_VM_SUITE:-}" ] || suite_begin >"$scratch/fetch" 2>&1 || return 0
		package=$(kernel_package)
		if [ -z "$package" ] || ! fetch_kernel "$package" >>"$scratch/fetch" 2>&1; then
			# The lists are missing, or name a version that the mirror no longer has.
			apt_suite apt-get update >>"$scratch/fetch" 2>&1 || true
			package=$(kernel_package)
			[ -z "$package" ] || fetch_kernel "$package" >>"$scratch/fetch" 2>&1 || package=
		fi
		[ -z "$package" ] || echo "$package" >"$link"
		[ -z "${BOLTSEAL_VM_SUITE:-}" ] || rm -rf "$BOLTSEAL_CACHE/vm/apt-$BOLTSEAL_VM_SUITE"
	fi
	package=$(cat "$link" 2>/dev/null) || package=
	kernel=$BOLTSEAL_CACHE/vm/$package/vmlinuz
	[ -s "$kernel" ] || kernel=
}

# ---- the guest's files ----

# put PROGRAM TARGET: into the guest, with the libraries that it is linked with.
put() {
	local library
	install -D "$(readlink -f "$1")" "$guest$2"
	while read -r library; do
		[ -e "$guest$library" ] || install -D "$(readlink -f "$library")" "$guest$library"
	done < <(ldd "$1" 2>/dev/null | grep -o '/[^ ]*')
}

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

# What guest-init needs.
guest_containers() {
	mkdir -p "$guest"/{bin,dev,etc,lib,proc,root,run,steps,sys,tmp,usr/bin}
	install "$(command -v busybox)" "$guest/bin/busybox"
	put "$boltseal" /bin/boltseal
	put "$(command -v ls)" /usr/bin/ls
	put "$(command -v crun)" /usr/bin/crun
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'other:x:7:7:other:/:/bin/sh' >"$guest/etc/passwd"
	printf '%s\n' 'root:x:0:' 'other:x:7:' >"$guest/etc/group"
	gcc -std=gnu17 -D_GNU_SOURCE -Wall -O2 -static -o "$scratch/probe" "$vm/probe.c"
	web_root
	mkdir -p "$guest/bundle"
	install -m 755 "$vm/guest-init" "$guest/init"
}

guest_pack() {
	(cd "$guest" && find . | busybox cpio -o -H newc >"$scratch/initramfs" 2>/dev/null)
}

# ---- the machine ----

# boot PARAMETER...: with these on the kernel's command line; what the guest says is in $console.
boot() {
	local qemu
	timeout --foreground -s KILL "$boot_seconds" qemu-system-x86_64 \
		"${machine[@]}" -cpu max -m "$memory" -nodefaults -no-reboot \
		-serial stdio -display none -kernel "$kernel" -initrd "$scratch/initramfs" \
		-append "console=ttyS0 quiet panic=-1 $*" </dev/null >"$console" 2>&1 &
	qemu=$!
	background+=("$qemu")
	wait "$qemu"
}

# The guest's result lines as our own.
report() {
	local line planned=""
	while IFS= read -r line; do
		case $line in
		'ok '*) ok "${line#ok }" ;;
		'not ok '*) not_ok "${line#not ok }" ;;
		'# '*) echo "$line" ;;
		'skip '*)
			line=${line#skip }
			skip "${line%%: *}" "${line#*: }" ;;
		'begin '*) echo "# Linux ${line#begin }" ;;
		'end '*) planned=${line#end } ;;
		esac
	done < <(tr -d '\r' <"$console")
	if [ -z "$planned" ]; then
		not_ok "the machine came to the end of its steps" "$console"
	elif [ "$planned" != "$tap_n" ]; then
		not_ok "all of the machine's $planned results arrived" "$console"
	else
		ok "the machine came to the end of its steps ($SECONDS s)"
	fi
}

# vm_check PROGRAM...: skips all of it where it cannot be run.
vm_check() {
	local program
	[ "$(uname -m)" = x86_64 ] || skip_all "no test for $(uname -m)"
	[ -x "$boltseal" ] || skip_all "$boltseal is not built"
	[ "$(id -u)" = 0 ] || skip_all "needs root"
	for program in qemu-system-x86_64 busybox gcc "$@"; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
	find_kernel
	[ -n "$kernel" ] || skip_all "no kernel package: $(tail -n 1 "$scratch/fetch" 2>/dev/null)"
}

# vm_run MAKE PARAMETER...: the function MAKE puts the guest's files together, the rest is for boot.
vm_run() {
	local make=$1 status=0
	shift
	if ! { "$make" && guest_pack; } >"$scratch/make" 2>&1; then
		not_ok "the machine's files are put together" "$scratch/make"
		tap_end
		exit 1
	fi
	boot "$@" || status=$?
	[ -z "${BOLTSEAL_VM_LOG:-}" ] || cp "$console" "$BOLTSEAL_VM_LOG"
	report
	[ "$status" = 0 ] || not_ok "qemu ends properly (status $status)" "$console"
	tap_end
}
