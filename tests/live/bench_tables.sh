#!/bin/bash
# Do the tables of the profile benchmark give the published figures?
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

if "$repo/tests/bench/profiles/score.py" >"$scratch/score" 2>&1; then
	ok "shellcodes: $(tail -n 1 "$scratch/score")"
else
	not_ok "the tables of shellcodes and CVEs give the published figures" "$scratch/score"
fi
tap_end
