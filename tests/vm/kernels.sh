#!/bin/bash
# The tests of this folder on kernels of other Debian suites:
#
#   BOLTSEAL_VM_SUITES='bullseye trixie' tests/vm/kernels.sh
#
# Time limit: 3600 s
set -euo pipefail

# shellcheck source=tests/vm/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

[ -n "${BOLTSEAL_VM_SUITES:-}" ] ||
	skip_all "other kernels only with BOLTSEAL_VM_SUITES (a list such as 'bullseye trixie')"

for suite in $BOLTSEAL_VM_SUITES; do
	for script in "$vm"/*.sh; do
		name=${script##*/}
		case $name in lib.sh | kernels.sh | aarch64.sh | unit.sh) continue ;; esac
		relay "$suite" "${name%.sh}" < <(BOLTSEAL_VM_SUITE=$suite timeout -s TERM 330 \
			bash "$script" 2>&1 || echo "not ok 0 - $name ended with status $?")
	done
done
tap_end
