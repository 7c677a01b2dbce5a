# shellcheck shell=bash
# To be sourced by the tests that boot a virtual machine: the kernel, the guest's files, its console.
#
# Environment: BOLTSEAL_VM_SUITE (a Debian suite whose kernel is booted, such as trixie or sid; this
# machine's own without it), BOLTSEAL_VM_KERNEL (a vmlinuz to boot instead), BOLTSEAL_VM_LOG (where to
# keep what the machine wrote on its console), BOLTSEAL_VM_ARCH (aarch64: a guest of that architecture,
# with programs of tools/build-arm64.sh; aarch64.sh sets it).

vm=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$vm/../live/lib.sh"
memory=2G
machine=(-accel "tcg,thread=multi" -smp 2)
console=$scratch/console
guest=$scratch/guest
kernel_age_days=30
suite=${BOLTSEAL_VM_SUITE:-}

# What differs between architectures. `tree`: where the guest's programs and libraries come from.
arch=${BOLTSEAL_VM_ARCH:-x86_64}
case $arch in
aarch64)
	debian_arch=arm64 tty=ttyAMA0
	qemu=(qemu-system-aarch64 -M virt -cpu max,pauth-impdef=on) # its own, faster pointer signatures
	tree=$BOLTSEAL_CACHE/arm64/root
	guest_gcc=(aarch64-linux-gnu-gcc --sysroot="$tree") elf_reader=aarch64-linux-gnu-readelf
	build=${BOLTSEAL_BUILD:-$repo/build-arm64}
	guest_boltseal=$build/boltseal
	boot_seconds=$((${boot_seconds:-330} * 3))
	suite=${suite:-$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)}
	;;
*)
	debian_arch=amd64 tty=ttyS0
	qemu=(qemu-system-x86_64 -cpu max)
	tree=
	guest_gcc=(gcc) elf_reader=readelf
	build=${BOLTSEAL_BUILD:-$repo/build}
	guest_boltseal=$boltseal
	boot_seconds=${boot_seconds:-330}
	;;
esac

# ---- the kernel ----

# apt of the suite and the architecture that are asked for.
apt_suite() {
	local program=$1
	shift
	if [ -n "$suite" ]; then
		"$repo/tools/apt-suite.sh" "$BOLTSEAL_CACHE/vm/apt-$suite-$debian_arch" "$suite" \
			"$debian_arch" "$program" "$@"
	else
		"$program" -q -o APT::Sandbox::User=root "$@"
	fi
}

# The package that linux-image-amd64 (or -arm64) stands for; nothing without apt's lists.
kernel_package() {
	apt_suite apt-cache depends "linux-image-$debian_arch" 2>/dev/null |
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

# The newest kernel of the suite, else one that is in the cache. In $kernel. Other machines may be looking
# for it at the same time.
find_kernel() {
	local lock
	mkdir -p "$BOLTSEAL_CACHE/vm"
	exec {lock}>"$BOLTSEAL_CACHE/vm/lock"
	flock -w 120 "$lock" || true
	find_kernel_alone
	exec {lock}>&-
}

find_kernel_alone() {
	local package='' link=$BOLTSEAL_CACHE/vm/${suite:-host}.kernel
	[ -z "$tree" ] || link=$BOLTSEAL_CACHE/vm/$suite-$debian_arch.kernel
	kernel=${BOLTSEAL_VM_KERNEL:-}
	[ -z "$kernel" ] || return 0
	if [ -z "$(find "$link" -mtime -$kernel_age_days 2>/dev/null)" ]; then
		package=$(kernel_package)
		if [ -z "$package" ] || ! fetch_kernel "$package" >>"$scratch/fetch" 2>&1; then
			# The lists are missing, or name a version that the mirror no longer has.
			apt_suite apt-get update >>"$scratch/fetch" 2>&1 || true
			package=$(kernel_package)
			[ -z "$package" ] || fetch_kernel "$package" >>"$scratch/fetch" 2>&1 || package=
		fi
		[ -z "$package" ] || echo "$package" >"$link"
		[ -z "$suite" ] || rm -rf "$BOLTSEAL_CACHE/vm/apt-$suite-$debian_arch"
	fi
	package=$(cat "$link" 2>/dev/null) || package=
	kernel=$BOLTSEAL_CACHE/vm/$package/vmlinuz
	[ -s "$kernel" ] || kernel=
}

# ---- the guest's files ----

# guest_program NAME: where the guest's NAME, a program of a package, lies on this machine.
guest_program() {
	local folder
	[ -n "$tree" ] || { command -v "$1"; return; }
	for folder in usr/bin usr/sbin; do
		[ ! -x "$tree/$folder/$1" ] || { echo "$tree/$folder/$1"; return; }
	done
	return 1
}

# The shared libraries that a program needs, and its linker: where they lie in the guest. What ldd says,
# and with a tree of another architecture what the files say.
libraries() {
	local name
	[ -n "$tree" ] || { ldd "$1" 2>/dev/null | grep -o '/[^ ]*'; return; }
	$elf_reader -dl "$1" 2>/dev/null | sed -n -e 's/.*(NEEDED).*\[\(.*\)\]/\1/p' \
		-e 's/.*interpreter: .*\/\(.*\)\]/\1/p' | while read -r name; do
		[ "${name#ld-linux}" = "$name" ] || { echo "/lib/$name"; continue; }
		echo "/lib/$arch-linux-gnu/$name"
		libraries "$tree/lib/$arch-linux-gnu/$name"
	done
}

# put PROGRAM TARGET: into the guest, with the libraries that it is linked with.
put() {
	local library
	install -D "$(readlink -f "$1")" "$guest$2"
	while read -r library; do
		[ -e "$guest$library" ] || install -D "$(readlink -f "$tree$library")" "$guest$library"
	done < <(libraries "$1" | sort -u)
}

guest_cc() {
	"${guest_gcc[@]}" -std=gnu17 -D_GNU_SOURCE -Wall -O2 -static "$@"
}

web_root() {
	local rootfs=$BOLTSEAL_CACHE/rootfs/live-nginx
	if [ -n "$tree" ]; then
		rootfs+=-$debian_arch
		"$repo/tools/make-rootfs.sh" --arch $debian_arch "${rootfs##*/}" "$rootfs" nginx-light
	else
		"$repo/tools/make-rootfs.sh" live-nginx "$rootfs" nginx-light
	fi
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
	install "$(guest_program busybox)" "$guest/bin/busybox"
	put "$guest_boltseal" /bin/boltseal
	put "$(guest_program ls)" /usr/bin/ls
	put "$(guest_program crun)" /usr/bin/crun
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'other:x:7:7:other:/:/bin/sh' >"$guest/etc/passwd"
	printf '%s\n' 'root:x:0:' 'other:x:7:' >"$guest/etc/group"
	guest_cc -o "$scratch/probe" "$vm/probe.c"
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
	local pid
	timeout --foreground -s KILL "$boot_seconds" "${qemu[@]}" \
		"${machine[@]}" -m "$memory" -nodefaults -no-reboot \
		-serial stdio -display none -kernel "$kernel" -initrd "$scratch/initramfs" \
		-append "console=$tty quiet panic=-1 $*" </dev/null >"$console" 2>&1 &
	pid=$!
	background+=("$pid")
	wait "$pid"
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
	[ -x "$guest_boltseal" ] || skip_all "$guest_boltseal is not built"
	[ "$(id -u)" = 0 ] || skip_all "needs root"
	for program in "${qemu[0]}" "${guest_gcc[0]}"; do
		command -v "$program" >/dev/null || skip_all "$program is not installed"
	done
	for program in busybox "$@"; do
		guest_program "$program" >/dev/null || skip_all "$program is not installed"
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

# ---- tests that run tests ----

# relay WORDS NAME: the lines of the script NAME, with the words in front.
relay() {
	local line text
	while IFS= read -r line; do
		text=$(sed 's/^\(not \)\?ok [0-9]* - //' <<<"$line")
		case $line in
		'ok '*' # SKIP '*) skip "$1: ${text%% # SKIP *}" "${text##* # SKIP }" ;;
		'ok '*) ok "$1: $text" ;;
		'not ok '*) not_ok "$1: $text" ;;
		'1..0 # SKIP '*) skip "$1: $2" "${line#1..0 # SKIP }" ;;
		1..*) ;;
		*) echo "$line" ;;
		esac
	done
}
