#!/bin/bash
# drift_cost.sh BOLTSEAL RULES [ROUNDS]: drift_cost.py with a Docker daemon for it.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
export BOLTSEAL_CACHE=${BOLTSEAL_CACHE:-$here/../../.demo}
# shellcheck source=tools/dockerd-up.sh
. "$here/../../tools/dockerd-up.sh"
dockerd_up || { echo "skipped: no Docker daemon"; exit 0; }
trap dockerd_down EXIT
"$here/drift_cost.py" "$@"
