#!/bin/bash
# Does `boltseal watch` see on Debian 12's own kernel what it sees here?   tests/vm/watch.sh
# Time limit: 200 s
#
# Boots the kernel in qemu with boltseal and Falco's stable rules, plays some of what they describe, on
# the host and in a control group of a container, and looks at the findings. Environment: see lib.sh.
set -euo pipefail

# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
rules=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/falco/falco_rules.yaml

make_guest() {
	mkdir -p "$guest"/{bin,dev,etc,lib,proc,root,run,steps,sys,tmp,usr/bin}
	install "$(command -v busybox)" "$guest/bin/busybox"
	put "$boltseal" /bin/boltseal
	put "$build/tests/watch_loops" /bin/watch_loops
	echo 'root:x:0:0:root:/root:/bin/sh' >"$guest/etc/passwd"
	echo 'root:x:0:' >"$guest/etc/group"
	echo 'root:*:19000:0:99999:7:::' >"$guest/etc/shadow"
	install -m 644 "$rules" "$guest/rules.yaml"
	install -m 755 "$vm/guest-init" "$guest/init"
	install -m 644 "$vm/guest-watch" "$guest/steps/watch"
}

[ -r "$rules" ] || skip_all "$rules is not there"
[ -x "$build/tests/watch_loops" ] || skip_all "$build/tests/watch_loops is not built"
vm_check
vm_run make_guest "steps=watch"
