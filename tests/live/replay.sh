#!/bin/bash
# boltseal watch --capture and --replay: the same findings without rights and without the host, other
# rules on an old capture, captures that are cut or were made on a full disk.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
chmod 755 "$scratch"

cat >"$scratch/rules.yaml" <<-END
	- rule: Precious file read
	  desc: d
	  condition: evt.type in (open, openat, openat2) and fd.name = $scratch/precious
	  output: read | file=%fd.name command=%proc.cmdline user=%user.name parent=%proc.pname cwd=%proc.cwd
	  priority: WARNING
END
cat >"$scratch/other.yaml" <<-END
	- rule: Program run
	  desc: d
	  condition: evt.type = execve and proc.name startswith precious-
	  output: run | command=%proc.cmdline exe=%proc.exepath group=%group.name tree=%proc.aname[2]
	  priority: NOTICE
END
echo secret >"$scratch/precious"
cp /bin/true "$scratch/precious-program"

start() { out=$scratch/live watch_start -r "$scratch/rules.yaml" "$@"; }

# replay ARGUMENT...: as nobody, when this is root.
replay() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$boltseal" watch "$@"
	else
		"$boltseal" watch "$@"
	fi
}

exits() {
	local want=$1 got=0
	shift
	"$@" >"$scratch/out" 2>"$scratch/err" || got=$?
	[ "$got" = "$want" ]
}

# ---- made by hand
cat >"$scratch/hand.json" <<-END
	{"format":"boltseal.capture/1","hostname":"elsewhere"}
	{"note":"a login shell reads what it should not"}
	{"process":{"pid":1,"start":1,"comm":"sshd","exe":"/usr/sbin/sshd","argv":["sshd","-D"]}}
	{"user":{"uid":7,"name":"eve"}}
	{"kind":"fork","time":1000,"pid":20,"args":[1]}
	{"kind":"exec","time":2000,"pid":20,"uid":7,"comm":"cat","exe":"/bin/cat","argv":["cat","x"],"cwd":"/root","proc":{"ppid":1}}
	{"call":"openat","time":3000,"pid":20,"ret":3,"args":[-100],"path1":"../x","base1":"$scratch","fd_ret":{"fd":3,"mode":33188,"path":"$scratch/precious"}}
END
chmod 644 "$scratch"/*
chmod 755 "$scratch/precious-program"
expect "a capture made by hand" exits 0 replay -r "$scratch/rules.yaml" --replay "$scratch/hand.json"
expect "findings that a full disk does not take: exit status 3" exits 3 \
	"$boltseal" watch -r "$scratch/rules.yaml" --replay "$scratch/hand.json" --output /dev/full
expect "which is told" grep -qF "/dev/full: cannot write: No space left on device" "$scratch/err"
expect "a capture made by hand, again" exits 0 replay -r "$scratch/rules.yaml" --replay "$scratch/hand.json"
expect "fires by the file that was opened" grep -qF \
	"00:00:00.000003000: Warning read | file=$scratch/precious command=cat x user=eve parent=sshd cwd=/root/ " \
	"$scratch/out"
expect "as JSON from standard input" exits 0 replay -r "$scratch/rules.yaml" -o json --replay - \
	<"$scratch/hand.json"
expect "with the name of its host" grep -q '"hostname":"elsewhere"' "$scratch/out"
sed 's/"pid":20,"args"/"pid":"x","args"/' "$scratch/hand.json" >"$scratch/wrong.json"
expect "a mistake" exits 1 replay -r "$scratch/rules.yaml" --replay "$scratch/wrong.json"
expect "with its place" grep -q 'wrong.json:5:34: /pid: expected a whole number' "$scratch/err"
expect "no options of live watching" exits 1 replay -r "$scratch/rules.yaml" --replay x --ring 8

# ---- of this machine
if [ "$(id -u)" != 0 ]; then
	skip "captures of this machine" "not root"
	tap_end
	exit
fi
# Command lines longer than what is kept of one, cut within an argument and at its end.
for name in sleep asleep; do
	(exec -a $name sleep $(printf ' 0.02%.0s' $(seq 3000))) &
	background+=($!)
done
if ! start -r "$scratch/other.yaml" --capture "$scratch/all.json"; then
	skip "captures of this machine" "watching does not work here: $(tail -n 1 "$scratch/err")"
	tap_end
	exit
fi
cat "$scratch/precious" >/dev/null
ln -s precious "$scratch/link"
head -n 1 "$scratch/link" >/dev/null
(cd "$scratch" && sh -c './precious-program 7; cat precious >/dev/null')
watch_stop
expect "a capture" test "$(tail -n 1 "$scratch/all.json" | cut -c1-18)" = '{"end":{"records":'
expect "has the long command lines" test \
	"$(grep -c '"argv":\["sleep","0.02"\|"argv":"asleep.u00000.02' "$scratch/all.json")" -ge 2
expect "is for its owner only" test "$(stat -c %a "$scratch/all.json")" = 600
chmod 644 "$scratch/all.json"
expect "what was found" test "$(wc -l <"$scratch/live")" = 4
for _ in 1 2; do
	expect "replayed by nobody" exits 0 replay -r "$scratch/rules.yaml" -r "$scratch/other.yaml" \
		--replay "$scratch/all.json"
	expect "is the same" cmp "$scratch/live" "$scratch/out"
done
expect "other rules on it" exits 0 replay -r "$scratch/other.yaml" --replay "$scratch/all.json"
expect "find what they look for" diff <(grep run "$scratch/live") "$scratch/out"

gzip -k "$scratch/all.json"
size=$(stat -c %s "$scratch/all.json.gz")
expect "compressed" exits 0 replay -r "$scratch/rules.yaml" -r "$scratch/other.yaml" \
	--replay "$scratch/all.json.gz"
expect "it is the same" cmp "$scratch/live" "$scratch/out"
head -c $((size - 40)) "$scratch/all.json.gz" >"$scratch/cut.gz"
expect "cut" exits 1 replay -r "$scratch/rules.yaml" --replay "$scratch/cut.gz"
expect "it says where" grep -q 'cut.gz:[0-9]*:1: cannot be read beyond this line' "$scratch/err"
head -n -1 "$scratch/all.json" >"$scratch/cut.json"
expect "without its last line" exits 1 replay -r "$scratch/rules.yaml" --replay "$scratch/cut.json"
expect "it is cut" grep -q 'the capture is cut: its last line is missing' "$scratch/err"

# ---- the disk of the capture is full: watching goes on
mkdir "$scratch/small"
rm -f "$err"
# shellcheck disable=SC2016 # for that shell
unshare -m sh -c 'mount -t tmpfs -o size=8k none "$1/small" && exec "$2" watch -r "$1/rules.yaml" \
	--capture "$1/small/all.json" >"$1/live" 2>"$1/err"' sh "$scratch" "$boltseal" &
watcher=$!
background+=("$watcher")
watch_ready
sleep 1.5
cat "$scratch/precious" >/dev/null
watch_stop
expect "a full disk: exit status 3" test $? = 3
expect "a message" grep -q 'small/all.json: the capture ends here: No space left' "$scratch/err"
expect "and findings all the same" test "$(wc -l <"$scratch/live")" = 1

# ---- compressed at once
start --capture "$scratch/now.gz"
cat "$scratch/precious" >/dev/null
watch_stop
expect "compressed at once" exits 0 "$boltseal" watch -r "$scratch/rules.yaml" --replay "$scratch/now.gz"
expect "the same too" cmp "$scratch/live" "$scratch/out"
tap_end
