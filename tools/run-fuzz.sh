#!/bin/sh
# run-fuzz.sh DIR SECONDS: lets every libFuzzer target of the build DIR search for SECONDS. What it
# learns goes to DIR/corpus; an input that breaks something to DIR, its name is printed.
set -eu

cd -- "$(dirname -- "$0")/.."
dir=$1
seconds=$2

failed=0
for target in "$dir"/tests/fuzz_*; do
	[ -f "$target" ] || continue # a folder of object files
	name=${target##*/fuzz_}
	mkdir -p "$dir/corpus/$name"
	printf '%s: %s s\n' "$name" "$seconds"
	"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
		-verbosity=0 -artifact_prefix="$dir/$name-" "$dir/corpus/$name" \
		"tests/fuzz/corpus/$name" || failed=1
done
exit $failed
