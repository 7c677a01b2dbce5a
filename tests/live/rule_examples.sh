#!/bin/bash
# boltseal's own rules: each has a recorded example that fires it and one that does not, and says what it
# finds. Needs no rights.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
python3 -c 'import yaml' 2>/dev/null || skip_all "python3-yaml is not installed"
export BOLTSEAL_RULES=$repo/rules

if "$boltseal" rules check --strict >"$scratch/check"; then
	ok "the rules have neither errors nor warnings"
else
	not_ok "the rules have neither errors nor warnings" "$scratch/check"
fi
"$boltseal" rules list -o json >"$scratch/list.json"
results < <("$repo/tools/detections.py" check "$scratch/list.json" "$repo/docs/detections.md")
results < <("$here/detections.py" replay "$here/detections/cases.yaml" "$boltseal" "$repo/rules/examples" \
	"$here/detections/lists.yaml")
tap_end
