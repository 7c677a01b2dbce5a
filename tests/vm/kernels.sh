#!/bin/bash
# The tests of this folder on kernels of other Debian suites:
#
#   BOLTSEAL_VM_SUITES='trixie sid' tests/vm/kernels.sh
#
# Time limit: 1400 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/../live/lib.sh"

[ -n "${BOLTSEAL_VM_SUITES:-}" ] ||
	skip_all "other kernels only with BOLTSEAL_VM_SUITES (a list such as 'trixie sid')"

# The lines of a script, with the suite in front.
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

for suite in $BOLTSEAL_VM_SUITES; do
	for script in "$here"/*.sh; do
		name=${script##*/}
		case $name in lib.sh | kernels.sh) continue ;; esac
		relay "$suite" "${name%.sh}" < <(BOLTSEAL_VM_SUITE=$suite timeout -s TERM 330 \
			bash "$script" 2>&1 || echo "not ok 0 - $name ended with status $?")
	done
done
tap_end
