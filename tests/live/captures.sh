#!/bin/bash
# boltseal watch --captures: the files that rules with capture: true ask for, what is in them, their number and
# size, in one process and in two.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
chmod 755 "$scratch"
folder=$scratch/captures

cat >"$scratch/rules.yaml" <<-END
	- rule: Precious file read
	  desc: d
	  condition: evt.type in (open, openat, openat2) and fd.name = $scratch/precious
	  output: read | file=%fd.name command=%proc.cmdline user=%user.name tree=%proc.aname
	  priority: WARNING
	  capture: true
	  capture_duration: 1500
	- rule: Other file read
	  desc: d
	  condition: evt.type in (open, openat, openat2) and fd.name startswith $scratch/other
	  output: other | file=%fd.name
	  priority: NOTICE
END
echo secret >"$scratch/precious"
echo nothing >"$scratch/other1"

start() { watch_start -r "$scratch/rules.yaml" --captures "$folder" "$@"; }
files() { ls "$folder" 2>/dev/null; }
newest() { echo "$folder/$(files | tail -n 1)"; }
has_files() { [ "$(files | wc -l)" = "$1" ]; }
# replays FILE: what a replay says of it, as nobody.
replays() {
	cp "$1" "$scratch/copy.gz" && chmod 644 "$scratch/copy.gz"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$boltseal" watch -r "$scratch/rules.yaml" \
		--replay "$scratch/copy.gz" >"$scratch/replayed" 2>"$scratch/replay.log"
}
# alike PATTERN: live and replayed lines are the same, but for the file that the first name.
alike() { diff <(sed -n "/$1/s/ capture=.*//p" "$out") <(grep "$1" "$scratch/replayed"); }

start || { watch_refused && skip_all "$(cat "$err")"; not_ok "it watches" "$err"; tap_end; exit; }
cat "$scratch/other1" >>"$scratch/read"
sleep 0.2
expect "no file before such a rule fires" has_files 0
# A process whose parents have ended when the rule fires, and one of which they are still there.
(sh -c 'sleep 0.4; cat "$1"; true' orphan "$scratch/precious" >>"$scratch/read" &)
bash -c 'cat "$1"; true' parent "$scratch/precious" >>"$scratch/read"
until_true lines_are 2 'Precious file read\|read |' "$out"
echo >"$scratch/other2"
cat "$scratch/other2" >>"$scratch/read"
sleep 2.5
echo >"$scratch/other3"
cat "$scratch/other3" >>"$scratch/read"
expect "the watcher ends, and lost nothing" watch_stop
expect "one file, which a second finding prolonged" has_files 1
expect "the findings name it" lines_are 2 "read | .* capture=$(newest)\$" "$out"
lacks "what came before names none" "other1 capture="
expect "it can be replayed by anybody" replays "$(newest)"
expect "the same findings with ancestors, those that have ended too" alike 'read |'
has "what was seen before is in it" "file=$scratch/other1" "$scratch/replayed"
has "and what came within the time" "file=$scratch/other2" "$scratch/replayed"
lacks "but not what came later" "file=$scratch/other3" "$scratch/replayed"
same "it is its owner's alone" 600 "$(stat -c %a "$(newest)")"

# ---- all rules, and how many files there are
start --captures-mode=all_rules --captures-time=1 --captures-files=2 -o json --store "$scratch/findings.db"
for n in 1 2 3; do
	cat "$scratch/other1" >>"$scratch/read"
	sleep 2.2
done
expect "all rules: it ends" watch_stop
expect "all rules: three files were begun" lines_are 3 '"capture":"' "$out"
expect "the oldest are deleted" has_files 2
expect "the newest are left" diff <(sed -n 's/.*"capture":"\([^"]*\)".*/\1/p' "$out" | tail -n 2) \
	<(printf "$folder/%s\n" $(files))
run "$boltseal" findings list --store "$scratch/findings.db" -o json
gave "the store has the file's name" 0 "\"capture\":\"$folder/capture-"

# ---- its size
rm -rf "$folder"
start --captures-size=1 --captures-time=60 --captures-mode=all_rules --ring 64 --output "$scratch/many"
perl -e 'for (1..150000) { open(F, "<", $ARGV[0] . rand) }' "$scratch/other" &
cat "$scratch/precious" >>"$scratch/read"
wait $!
watch_stop
has "a file that is large enough ends" "it has its size" "$err"
size=$(stat -c %s "$(newest)")
expect "it is hardly larger" test "$size" -gt 900000 -a "$size" -lt 1500000
expect "it is whole" replays "$(newest)"

# ---- two processes
rm -rf "$folder"
start --user nobody
cat "$scratch/precious" >>"$scratch/read"
until_true has_files 1
expect "with --user: it ends" watch_stop
same "with --user: the file is that user's" nobody "$(stat -c %U "$(newest)")"
replays "$(newest)"
expect "with --user: the same finding" alike 'read |'

# ---- a full disk, which a container may fill: older captures stay
rm -rf "$folder"
mkdir "$folder"
cat >"$scratch/full" <<-END
	#!/bin/sh
	exec unshare --mount --propagation private sh -c '
		mount -t tmpfs -o size=8k tmpfs "$folder" &&
		echo old >"$folder/capture-20200101T000000.000000000Z.gz" &&
		head -c 4096 /dev/zero >"$folder/filler" &&
		exec "$boltseal" "\$@"' sh "\$@"
END
chmod 755 "$scratch/full"
real=$boltseal
boltseal=$scratch/full
start --captures-files=2 --captures-time=1
boltseal=$real
for n in 1 2 3; do
	cat "$scratch/precious" >>"$scratch/read"
	sleep 2.2
done
has "a full disk is told of" "the capture ends here: No space left on device" "$err"
same "what is empty does not stay, older files do" "capture-20200101T000000.000000000Z.gz filler" \
	"$(ls "/proc/$watcher/root$folder" | paste -sd ' ')"
watch_stop

run "$boltseal" watch -r "$scratch/rules.yaml" --captures "$folder" --replay "$scratch/copy.gz"
gave "not with --replay" 1 "--captures: expected without --replay"
run "$boltseal" watch -r "$scratch/rules.yaml" --for 1
gave "without a folder it is told of" 0 "1 rule wants a capture"
run "$boltseal" watch -r "$scratch/rules.yaml" --captures "$scratch/precious/x" --for 1
gave "a folder that cannot be made" 1 "cannot make the folder"
tap_end
