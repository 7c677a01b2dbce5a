#!/bin/bash
# boltseal watch where something is not as it should be when it begins, or when rules are loaded again:
# each time a message that says what, and what was watched before goes on.
# Time limit: 120 s
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
chmod 755 "$scratch"
mkdir -m 755 "$scratch/bin" "$scratch/rules.d" "$scratch/empty"
mkdir -m 700 "$scratch/closed"
cp /bin/true "$scratch/bin/precious"
cat >"$scratch/rules.d/rules.yaml" <<-END
	- list: names
	  items: [wanted]
	- rule: Precious
	  desc: d
	  condition: evt.type = execve and proc.exepath = $scratch/bin/precious and proc.args in (names)
	  output: run | %proc.args parent=%proc.pname user=%user.name
	  priority: WARNING
END

start() { watch_start -r "$scratch/rules.d" "$@"; }

# refused DESCRIPTION PATTERN COMMAND...: ends with 1 and one line that fits.
refused() {
	local what=$1 pattern=$2 code=0
	shift 2
	timeout 20 "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
	if [ $code = 1 ] && [ "$(wc -l <"$scratch/err")" = 1 ] && grep -q "$pattern" "$scratch/err"; then
		ok "$what"
	else
		echo "exit code $code" >>"$scratch/err"
		not_ok "$what" "$scratch/err"
	fi
}

start || skip_all "watching does not work here: $(tail -n 1 "$scratch/err")"
watch_stop
watch=("$boltseal" watch --for 1)
good=(-r "$scratch/rules.d")
refused "the user is missing" "there is no user 'boltseal-nobody'" "${watch[@]}" "${good[@]}" --user boltseal-nobody
refused "no right to load programs" 'needs CAP_BPF and CAP_PERFMON' \
	setpriv --bounding-set -bpf,-perfmon,-sys_admin --inh-caps -all "${watch[@]}" "${good[@]}"
refused "a folder without rules" 'empty: no file NAME.yaml' "${watch[@]}" -r "$scratch/empty"
refused "a folder that is not there" 'absent: cannot open: No such file' "${watch[@]}" -r "$scratch/absent"
cp "$scratch/rules.d/rules.yaml" "$scratch/closed/"
refused "rules that the user may not read" 'closed.*: Permission denied' "${watch[@]}" -r "$scratch/closed" --user nobody
refused "a store in no folder" 'absent/f.db: cannot be opened: No such file' "${watch[@]}" "${good[@]}" --store "$scratch/absent/f.db"
refused "acting in another pid namespace" "not the host's pid namespace.*would act on other processes" \
	unshare -p -f --mount-proc "${watch[@]}" "${good[@]}" --respond=enforce

# ---- in another pid namespace: told, and nothing of other processes is taken for those that act
rm -f "$scratch/err"
unshare -p -f --mount-proc "$boltseal" watch -r "$scratch/rules.d" --for 6 >"$scratch/out" 2>"$scratch/err" &
watcher=$!
background+=("$watcher")
until_true grep -q 'watching with' "$scratch/err"
expect "another pid namespace: told" grep -q "warning: this is not the host's pid namespace" "$scratch/err"
"$scratch/bin/precious" wanted
expect "another pid namespace: events are seen, without what /proc would tell" \
	until_true grep -q 'run | wanted parent=[^ ]* user=root' "$scratch/out"
wait "$watcher"

# ---- few descriptors allowed at first
(
	ulimit -S -n 20
	exec timeout 20 "$boltseal" watch -r "$scratch/rules.d" --for 1
) >"$scratch/out" 2>"$scratch/err"
expect "a soft limit of 20 descriptors" test $? = 0

# ---- two on one store
start --store "$scratch/f.db"
timeout 20 "$boltseal" watch -r "$scratch/rules.d" --store "$scratch/f.db" --for 1 >"$scratch/out2" 2>"$scratch/err2"
expect "a second one on the same store is told" grep -q 'f.db: another boltseal watch uses this store' "$scratch/err2"
expect "and takes the first for no gap" test "$(grep -c interrupted "$scratch/out2")" = 0
kill -9 "$watcher"
wait "$watcher" 2>/dev/null
start --store "$scratch/f.db"
expect "the end of the first is a gap" until_true grep -q 'Watching was interrupted' "$scratch/out"
watch_stop

# ---- rules that are loaded again
start --user nobody
reload() {
	local before
	before=$(grep -c 'loaded again\|stay as they are' "$scratch/err")
	kill -HUP "$watcher"
	until_true eval "[ \$(grep -c 'loaded again\|stay as they are' '$scratch/err') -gt $before ]"
}
# stays DESCRIPTION PATTERN: told with the place, a finding, and the old rules fire.
stays() {
	: >"$scratch/out"
	reload
	expect "$1: told" eval "tail -n 1 '$scratch/err' | grep -q '$2.*the rules stay as they are'"
	"$scratch/bin/precious" wanted
	expect "$1: a finding, and the old rules stay" until_true \
		eval "grep -q 'Rules could not be loaded: .*$2' '$scratch/out' && grep -q 'run | wanted' '$scratch/out'"
}
cp "$scratch/rules.d/rules.yaml" "$scratch/good.yaml"
sed 's/items: \[wanted\]/items: [wanted/' "$scratch/good.yaml" >"$scratch/rules.d/rules.yaml"
stays "a list without its end" 'rules.yaml:[0-9]*'
sed 's/items: \[wanted\]/items: {a: b}/' "$scratch/good.yaml" >"$scratch/rules.d/rules.yaml"
stays "a list that is none" 'rules.yaml:2'
sed 's/items: \[wanted\]/elements: [wanted]/' "$scratch/good.yaml" >"$scratch/rules.d/rules.yaml"
stays "a list without items" 'rules.yaml:1'
cp "$scratch/good.yaml" "$scratch/rules.d/rules.yaml"
chmod 600 "$scratch/rules.d/rules.yaml"
stays "a file that cannot be read" 'rules.yaml: .*Permission denied'
chmod 644 "$scratch/rules.d/rules.yaml"
mv "$scratch/rules.d" "$scratch/gone.d"
stays "the folder is gone" 'rules.d: .*No such file'
mv "$scratch/gone.d" "$scratch/rules.d"
sed 's/items: \[wanted\]/items: [better]/' "$scratch/good.yaml" >"$scratch/rules.d/rules.yaml"
reload
"$scratch/bin/precious" better
expect "and once it is right again, it is loaded" until_true grep -q 'run | better' "$scratch/out"
# list N: the list with so many names.
list() {
	python3 -c '
import sys
print("- list: names\n  items:\n  - wanted")
for i in range(int(sys.argv[1])): print(f"  - name{i}")' "$1" >"$scratch/rules.d/rules.yaml"
	sed 1,2d "$scratch/good.yaml" >>"$scratch/rules.d/rules.yaml"
}
list 100000
reload
"$scratch/bin/precious" name77777
expect "a list of 100,000 names" until_true grep -q 'run | name77777' "$scratch/out"
list 1000000
stays "a list of a million names" 'rules.yaml: larger than the limit of [0-9]* bytes'
watch_stop
expect "exit status 0" test $? = 0
tap_end
