#!/bin/bash
# boltseal node on a host without Kubernetes: a folder of profiles, Docker's configuration, repairs.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
profiles=$scratch/profiles
dir=$scratch/state/seccomp
good=$repo/tests/golden/web.seccomp.docker.json
hash=$(sha256sum "$good" | cut -c 1-12)
mkdir "$profiles"
cp "$good" "$profiles/web.json"

node() {
	timeout 60 "$boltseal" node --folder "$profiles" --state-dir "$scratch/state" "$@"
}
# says NAME CODE TEXT ARGUMENT...: boltseal node ends with the code and prints the text.
says() {
	local name=$1 code=$2 want=$3
	shift 3
	node "$@" >"$scratch/log" 2>&1
	if [ $? = "$code" ] && [[ $(<"$scratch/log") == *"$want"* ]]; then
		ok "$name"
	else
		not_ok "$name" "$scratch/log"
	fi
}
# soon NAME COMMAND...: it succeeds within 10 s.
soon() {
	local name=$1 tries=0
	shift
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		if [ $tries -ge 100 ]; then
			not_ok "$name" "$scratch/agent.log"
			return
		fi
		sleep 0.1
	done
	ok "$name"
}

says "a dry run says what would be written" 0 "would be written" --dry-run
expect "and writes nothing" test ! -e "$scratch/state"
says "a profile is installed" 0 "Installed   seccomp   web $hash" --once
expect "under the name of its version" cmp "$good" "$dir/web-$hash.json"
expect "and under its own" cmp "$good" "$dir/web.json"
node --once -o json >"$scratch/json"
expect "the JSON report" python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
p, = r["profiles"]
assert r["format"] == "boltseal.node/1" and r["inSync"] and not r["dryRun"], r
assert (p["kind"], p["name"], p["state"], p["hash"]) == ("seccomp", "web", "Installed", sys.argv[2]), p
assert p["label"] == "boltseal.dev/seccomp.web", p' "$scratch/json" "$hash"

if command -v strace >/dev/null; then
	rm -r "$scratch/state"
	strace -f -y -o "$scratch/trace" -e trace=fsync,rename,renameat,renameat2 \
		timeout 60 "$boltseal" node --once --folder "$profiles" --state-dir "$scratch/state" \
		>"$scratch/log" 2>&1
	if python3 - "$scratch/trace" "$dir" >>"$scratch/log" 2>&1 <<'PYTHON'
import re, sys
said, folder = [], sys.argv[2]
for line in open(sys.argv[1]):
    m = re.search(r'(fsync|rename\w*)\((?:\d+<([^>]*)>)?.*= 0$', line)
    if m:
        said.append("folder" if m[2] == folder else "file" if m[1] == "fsync" else "rename")
sys.exit(None if said == ["file", "rename", "folder"] * 2 else f"{said}")
PYTHON
	then
		ok "file and folder are on the disk before it goes on"
	else
		not_ok "file and folder are on the disk before it goes on" "$scratch/log"
	fi
else
	skip "file and folder are on the disk before it goes on" "strace is not installed"
fi

# ---- Docker ----
daemon=$scratch/daemon.json
printf '{\n  "log-driver": "json-file",\n  "mtu": 1400\n}\n' >"$daemon"
says "Docker's configuration is changed" 0 "Docker takes it when it is started anew" --once \
	--docker-config "$daemon" --docker-profile web
if [ "$(cat "$daemon")" = "$(printf '{\n  "log-driver": "json-file",\n  "mtu": 1400,\n  "seccomp-profile": "%s/web.json"\n}' "$dir")" ]; then
	ok "and nothing else in it"
else
	not_ok "and nothing else in it" "$daemon"
fi
if command -v dockerd >/dev/null && dockerd --help 2>/dev/null | grep -q -- --validate; then
	expect "Docker takes it" dockerd --validate --config-file "$daemon"
else
	skip "Docker takes it" "dockerd, or its --validate, is not here"
fi
before=$(stat -c %i "$daemon")
says "once is enough" 0 "1 profile, in sync" --once --docker-config "$daemon" --docker-profile web
expect "then the file is left alone" test "$before" = "$(stat -c %i "$daemon")"
echo '{ "a": 1, }' >"$daemon"
says "a file that is no JSON is left alone" 3 "$daemon:1:" --once --docker-config "$daemon" \
	--docker-profile web
says "a profile that is not there" 3 "the profile other is not installed" --once \
	--docker-config "$daemon" --docker-profile other

# ---- bad profiles ----
echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$profiles/open.json"
says "a profile that lint finds dangerous is refused" 2 "open.json:1:19: default-allow" --once
says "unless it may be" 0 "Installed   seccomp   open" --once --fail-on none
rm "$profiles/open.json"
cp "$good" "$profiles/-.json"
says "so is one with a name that is none" 2 "a profile's name has letters" --once
rm -- "$profiles/-.json"

# ---- a running agent ----
"$boltseal" node --folder "$profiles" --state-dir "$scratch/state" --interval 5 --grace 1 \
	>"$scratch/agent.log" 2>&1 &
agent=$!
background+=("$agent")
soon "what was installed and is not wanted goes after the grace" test ! -e "$dir/open.json"
echo broken >"$dir/web.json"
soon "what somebody changed is put right" cmp -s "$good" "$dir/web.json"
chmod 666 "$dir/web-$hash.json"
tidy() {
	[ -z "$(find "$dir" -perm /022)" ]
}
soon "what others may write is replaced" tidy
echo "not ours" >"$dir/README"
{ cat "$good" && echo; } >"$profiles/second.json"
soon "a new file in the folder is installed" cmp -s "$profiles/second.json" "$dir/second.json"
rm "$profiles/second.json"
soon "and removed with it" test ! -e "$dir/second.json"
expect "other files stay" test -e "$dir/README"
kill "$agent"
wait "$agent"
code=$?
[ $code = 0 ] && ok "it ends when it is told to" || not_ok "it ends when it is told to ($code)" "$scratch/agent.log"
tap_end
