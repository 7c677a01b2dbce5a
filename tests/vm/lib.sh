# shellcheck shell=bash
# To be sourced by the scripts that boot a kernel, behind tests/live/lib.sh: the kernel, files for the
# guest's root file system in $guest, and the guest's results from $console.

# shellcheck disable=SC2154 # scratch, guest, console: of those who source this
# The kernel package that linux-image-amd64 stands for here; nothing without apt's lists.
kernel_package() {
	apt-cache depends linux-image-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1
}

# fetch_kernel PACKAGE: into the cache, when it is not there.
fetch_kernel() {
	local folder=$BOLTSEAL_CACHE/vm/$1
	[ ! -s "$folder/vmlinuz" ] || return 0
	mkdir -p "$folder"
	(cd "$folder" && apt-get -q -o APT::Sandbox::User=root download "$1") || return 1
	dpkg-deb --fsys-tarfile "$folder"/*.deb | tar -x -O --wildcards './boot/vmlinuz-*' \
		>"$folder/vmlinuz.new" && mv "$folder/vmlinuz.new" "$folder/vmlinuz"
	rm -f "$folder"/*.deb
}

# The newest package, else any kernel in the cache. In $kernel.
find_kernel() {
	local package found
	kernel=${BOLTSEAL_VM_KERNEL:-}
	[ -z "$kernel" ] || return 0
	package=$(kernel_package)
	if [ -z "$package" ] || ! fetch_kernel "$package" >"$scratch/fetch" 2>&1; then
		# The lists are missing, or name a version that the mirror no longer has.
		apt-get -q update >>"$scratch/fetch" 2>&1 || true
		package=$(kernel_package)
		[ -z "$package" ] || fetch_kernel "$package" >>"$scratch/fetch" 2>&1 || true
	fi
	found=$BOLTSEAL_CACHE/vm/$package/vmlinuz
	[ -s "$found" ] || found=$(find "$BOLTSEAL_CACHE/vm" -name vmlinuz -size +0 2>/dev/null |
		sort -V | tail -n 1)
	kernel=$found
}

# put PROGRAM TARGET: into the guest, with the libraries that it is linked with.
put() {
	local library
	install -D "$(readlink -f "$1")" "$guest$2"
	while read -r library; do
		[ -e "$guest$library" ] || install -D "$(readlink -f "$library")" "$guest$library"
	done < <(ldd "$1" 2>/dev/null | grep -o '/[^ ]*')
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
