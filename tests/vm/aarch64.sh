#!/bin/bash
# The tests of this folder on AArch64: boltseal built for it, on kernels of Debian's suites, emulated:
#
#   BOLTSEAL_VM_AARCH64='bookworm trixie' tests/vm/aarch64.sh
#
# BOLTSEAL_VM_TESTS: which of them (such as 'watch respond').
# Time limit: 14400 s
set -euo pipefail

# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ -n "${BOLTSEAL_VM_AARCH64:-}" ] ||
	skip_all "AArch64 only with BOLTSEAL_VM_AARCH64 (a list of suites such as 'bookworm trixie')"
[ "$(id -u)" = 0 ] || skip_all "needs root"
for needed in qemu-system-aarch64:qemu-system-arm aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu; do
	command -v "${needed%:*}" >/dev/null ||
		skip_all "${needed%:*} is not installed (package ${needed#*:})"
done
status=0
"$repo/tools/build-arm64.sh" "$repo/build-arm64" >"$out" 2>&1 || status=$?
[ $status != 3 ] || skip_all "arm64 packages cannot be had: $(tail -n 1 "$out")"
if [ $status = 0 ]; then
	ok "boltseal and its tests are built for AArch64"
else
	not_ok "boltseal and its tests are built for AArch64" "$out"
fi
for suite in $BOLTSEAL_VM_AARCH64; do
	for name in ${BOLTSEAL_VM_TESTS:-unit run watch respond}; do
		relay "$suite" "$name" < <(BOLTSEAL_VM_ARCH=aarch64 BOLTSEAL_VM_SUITE=$suite \
			timeout -s TERM 3600 bash "$vm/$name.sh" 2>&1 ||
			echo "not ok 0 - $name ended with status $?")
	done
done
tap_end
