#!/bin/bash
# boltseal watch --live on a terminal of its own: what it shows, sizes, ends, and without a terminal.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "not root"
chmod 755 "$scratch"
cp /bin/true "$scratch/precious"
cat >"$scratch/rules.yaml" <<-END
	- rule: Precious program
	  desc: d
	  condition: evt.type = execve and proc.exepath = $scratch/precious
	  output: run | %proc.args
	  priority: CRITICAL
END
# screen COLUMNS ROWS TEXT [OPTION]...: what it shows of the program, which ends when TEXT is there.
screen() {
	rm -f "$scratch/begun"
	LC_ALL=C.UTF-8 "$repo/tests/live/screen.py" "$1" "$2" 60 --until "$3" --begun "$scratch/begun" "${@:4}" -- \
		"$boltseal" watch -r "$scratch/rules.yaml" --live "${more[@]}" >"$scratch/screen" 2>"$scratch/err"
}
more=()
shown=("$scratch/screen" "$err")
head='boltseal watch'
last='Precious program x3'

# busy COMMAND...: things to see, once the command succeeds.
busy() {
	until_true "$@"
	"$scratch/precious" first
	"$scratch/precious" "$(printf 'evil \033[2J\033]0;x\007 \303\244')"
	for _ in 1 2 3; do "$scratch/precious" again; done
}
# shows COLUMNS ROWS TEXT [OPTION]...: the same while it sees them.
shows() {
	local busy
	rm -f "$scratch/begun"
	busy test -e "$scratch/begun" &
	busy=$!
	screen "$@"
	wait "$busy"
}

"$boltseal" watch -r "$scratch/rules.yaml" --for 1 >"$scratch/none" 2>&1 ||
	skip_all "watching does not work here: $(tail -n 1 "$scratch/none")"
shows 100 24 "$last"
expect "q ends it, and the terminal is as before" grep -qx -- '-- 0 alternate=0 cursor=1 echo=1' "$scratch/screen"
expect "rules, time, rates" grep -q 'boltseal watch .* 1 rule   00:00:[0-9][0-9]   q ends' "$scratch/screen"
expect "events and losses" grep -q 'processes [0-9]* .*lost 0' "$scratch/screen"
expect "the latest finding, with repeats" grep -q 'Precious program x3  host  precious again' "$scratch/screen"
expect "earlier ones below" grep -q 'Precious program  host  precious first' "$scratch/screen"
expect "what programs choose does nothing" grep -q 'precious evil ?\[2J?\]0;x? ??' "$scratch/screen"
shows 60 12 FINDINGS --resize 132 40
expect "a terminal that changes its size" grep -qx -- '-- 0 alternate=0 cursor=1 echo=1' "$scratch/screen"
expect "is used as it is" grep -q '^ CONTAINER .\{100,\}FINDINGS$' "$scratch/screen"
shows 40 8 "$last"
expect "a small one" grep -qx -- '-- 0 alternate=0 cursor=1 echo=1' "$scratch/screen"
expect "has the latest finding" grep -q 'CRIT  Precious program x3' "$scratch/screen"
expect "and no containers" test "$(grep -c CONTAINER "$scratch/screen")" = 0
screen 20 3 "$head"
expect "a tiny one: the head, and nothing below it" grep -q '^ boltseal watch' "$scratch/screen"
for signal in 2 15 11; do
	screen 80 24 "$head" --kill $signal
	expect "signal $signal: the terminal is as before" grep -q -- '^-- -\?[0-9]* alternate=0 cursor=1 echo=1$' \
		"$scratch/screen"
done
more=(--user nobody)
shows 100 24 "$last"
expect "in two processes" grep -q 'Precious program x3  host  precious again' "$scratch/screen"
more=(--output "$scratch/lines" -o json)
shows 100 24 "$last"
expect "lines go to a file meanwhile" test "$(grep -c '"rule":"Precious program"' "$scratch/lines")" = 5

# Without a terminal: lines.
watch_start -r "$scratch/rules.yaml" --live
busy true
until_true lines_are 5 'Critical run | ' "$out"
watch_stop
expect "without a terminal: lines" lines_are 5 'Critical run | ' "$out"
expect "and nothing else" test "$(tr -d -c '\033' <"$out" | wc -c)" = 0
more=()
shows 100 24 'run | again' --term dumb --kill 15 --printed "$scratch/printed"
expect "a terminal that understands nothing: lines" grep -q 'Critical run | first' "$scratch/printed"
expect "and no commands" test "$(tr -d -c '\033' <"$scratch/printed" | wc -c)" = 0
tap_end
