#!/bin/bash
# inspect_rate.sh [MANIFESTS]: how many manifests `boltseal inspect` reads, checks and reports in a
# second on one processor. Deployments with two containers, half of them with comments and settings,
# in files of their own. The line to read: "N documents in S s: R documents per second".
set -eu

repo=$(cd -- "$(dirname -- "$0")/../.." && pwd)
boltseal=${BOLTSEAL:-$repo/build/boltseal}
n=${1:-10000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

awk -v n="$n" -v dir="$dir" 'BEGIN {
	for (i = 0; i < n; i++) {
		f = dir "/deployment-" i ".yaml"
		hard = i % 2
		printf "# Application %d\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n", i > f
		printf "  name: app-%d\n  namespace: team-%d\n  labels:\n    app: app-%d\n", i, i % 50, i > f
		printf "spec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app: app-%d\n", i > f
		printf "  template:\n    metadata:\n      labels:\n        app: app-%d\n    spec:\n", i > f
		if (hard)
			printf "      securityContext:\n        runAsNonRoot: true\n        seccompProfile:\n          type: RuntimeDefault\n" > f
		printf "      containers:\n" > f
		for (c = 0; c < 2; c++) {
			printf "      - name: c%d\n        image: \"registry.example/app-%d:1.%d\" # pinned\n", c, i, c > f
			printf "        ports:\n        - containerPort: %d\n", 8000 + c > f
			printf "        env:\n        - name: MODE\n          value: production\n        - name: LEVEL\n          value: \"3\"\n" > f
			printf "        resources:\n          limits:\n            cpu: 500m\n            memory: 256Mi\n" > f
			if (hard)
				printf "        securityContext:\n          allowPrivilegeEscalation: false\n          readOnlyRootFilesystem: true\n          capabilities:\n            drop:\n            - ALL\n" > f
			printf "        volumeMounts:\n        - name: data\n          mountPath: /data\n" > f
		}
		printf "      volumes:\n      - name: data\n        emptyDir: {}\n" > f
		close(f)
	}
}'

cpu=$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')
start=$(date +%s.%N)
code=0
taskset -c "$cpu" "$boltseal" inspect -o json --output="$dir.json" "$dir" || code=$?
end=$(date +%s.%N)
size=$(stat -c %s "$dir.json")
rm -f "$dir.json"
[ "$code" = 0 ] || [ "$code" = 2 ] || exit 1
awk -v n="$n" -v s="$start" -v e="$end" -v b="$size" 'BEGIN {
	printf "%d documents in %.2f s: %.0f documents per second (report of %.0f MB)\n", n, e - s, n / (e - s), b / 1e6
}'
