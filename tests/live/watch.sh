#!/bin/bash
# `boltseal watch` on this kernel, with real containers.   tests/live/watch.sh
#
# Falco's stable rules, unchanged, and the activities that are to fire them, played by processes on the
# host and in a Docker container; ways around a rule; losses and endings.
# Time limit: 240 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"
# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

shared=${BOLTSEAL_SHARED:-$repo/../shared}/testdata/falco
[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
actor=$(dirname "$boltseal")/tests/actor
[ -x "$actor" ] || skip_all "$actor is not built"
found=$scratch/found.json

# begin OPTION...: from now on what is found is in $found.
begin() {
	rm -f "$found"
	watch_start -o json --output "$found" "$@"
}

# end EXIT_STATUS DESCRIPTION
end() {
	local got=0
	watch_stop || got=$?
	if [ "$got" = "$1" ]; then
		ok "$2: exit status $1"
	else
		not_ok "$2: exit status $1, not $got" "$err"
	fi
}

# fired DESCRIPTION PYTHON_EXPRESSION: holds for some finding f with fields o.
fired() {
	if python3 - "$found" "$2" <<'PY'
import json, sys
for line in open(sys.argv[1]):
    f = json.loads(line); o = f["output_fields"]
    if eval(sys.argv[2]):
        sys.exit(0)
sys.exit(1)
PY
	then ok "$1"; else not_ok "$1" "$found"; fi
}

rules=$scratch/rules.yaml
cat >"$rules" <<'RULES'
- rule: Secret read
  desc: A file is read.
  condition: evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.name = SECRET
  output: secret (file=%fd.name raw=%fd.nameraw proc=%proc.name parent=%proc.pname path=%proc.exepath)
  priority: WARNING
- rule: Connection
  desc: A connection to a port.
  condition: evt.type = connect and fd.sport = 4242
  output: connection (name=%fd.name proto=%fd.l4proto server=%fd.sip type=%fd.type)
  priority: NOTICE
- rule: Removed
  desc: A file is removed.
  condition: evt.type in (unlink, unlinkat) and fs.path.name endswith /boltseal-gone
  output: removed (path=%fs.path.name raw=%fs.path.nameraw res=%evt.res)
  priority: NOTICE
- rule: Started
  desc: A program starts.
  condition: evt.type = execve and proc.name = boltseal-true
  output: started (cmd=%proc.cmdline exe=%proc.exe tty=%proc.tty user=%user.name ancestors=%proc.aname[2] env=%proc.env[BOLTSEAL_TEST])
  priority: INFO
RULES
secret=$scratch/secret/file
mkdir "$scratch/secret"
echo secret >"$secret"
sed -i "s|SECRET|$secret|" "$rules"
ln -s "$secret" "$scratch/link"
ln -s "$scratch/secret" "$scratch/folder"
cp /bin/true "$scratch/boltseal-true"

if ! begin --rules "$rules" --environment; then
	watch_refused && skip_all "$(cat "$err")"
	not_ok "it watches" "$err"
	tap_end
	exit
fi
cat "$secret" >/dev/null
head -c 1 "$scratch/link" >/dev/null
tail -c 1 "$scratch/folder/file" >/dev/null
(cd "$scratch" && tac secret/../secret/file >/dev/null)
touch "$scratch/boltseal-gone"
(cd "$scratch" && rm boltseal-gone)
python3 -c 'import socket
try: socket.create_connection(("127.0.0.1", 4242), 1)
except OSError: pass'
bash -c "BOLTSEAL_TEST=yes '$scratch/boltseal-true' one two; true"
end 0 "ends by SIGTERM"
fired "a file that is read" 'f["rule"] == "Secret read" and "proc=cat " in f["output"]'
fired "the same through a symbolic link" 'f["rule"] == "Secret read" and "proc=head " in f["output"]'
fired "the same through a linked folder" 'f["rule"] == "Secret read" and "proc=tail " in f["output"]'
fired "the same by a relative name" 'f["rule"] == "Secret read" and "proc=tac " in f["output"] and o["fd.nameraw"] == "secret/../secret/file"'
fired "a connection that is refused" 'f["rule"] == "Connection" and o["fd.name"].endswith("->127.0.0.1:4242") and o["fd.l4proto"] == "tcp" and o["fd.sip"] == "127.0.0.1"'
fired "a file removed by a relative name" "f['rule'] == 'Removed' and o['fs.path.name'] == '$scratch/boltseal-gone' and o['evt.res'] == 'SUCCESS'"
fired "a program with its arguments, ancestors and environment" 'f["rule"] == "Started" and o["proc.cmdline"] == "boltseal-true one two" and o["proc.env[BOLTSEAL_TEST]"] == "yes" and o["user.name"] == "root"'
if [ "$(grep -c '"Secret read"' "$found")" = 4 ]; then
	ok "each file is reported once"
else
	not_ok "each file is reported once" "$found"
fi

# ---- the rules that people have
if [ ! -f "$shared/falco_rules.yaml" ]; then
	skip "Falco's stable rules" "$shared is not there"
	tap_end
	exit
fi
cp /etc/passwd "$scratch/passwd"
"$here/watch_cases.py" plan "$shared/event-cases.jsonl" "$scratch/passwd" "$scratch/host.plan" "$scratch/container.plan" \
	"$scratch/files"
mkdir -p "$scratch/play" "$scratch/root/play" "$scratch/root/etc" "$scratch/root/tmp"
chmod 755 "$scratch" "$scratch/play" "$scratch/root/play"
cp "$actor" "$scratch/root/actor"
cp "$scratch/container.plan" "$scratch/root/plan"
cp "$scratch/passwd" /etc/group "$scratch/root/etc"
have_docker=
if dockerd_up 2>"$scratch/docker.log"; then
	have_docker=1
	tar -C "$scratch/root" -c . | docker import - boltseal-watch:1 >/dev/null
fi
begin --rules "$shared/falco_rules.yaml" --all || {
	not_ok "Falco's stable rules are watched" "$err"
	tap_end
	exit
}
if grep -qv 'watching with 25 rules' "$err"; then
	not_ok "Falco's stable rules load without a warning" "$err"
else
	ok "Falco's stable rules load without a warning"
fi
# Those of the host have folders and users of their own in place of the host's.
# shellcheck disable=SC2016 # for the inner shell
unshare -m sh -c '
	mount --make-rprivate / && mount -t tmpfs tmpfs /root && mount -t tmpfs tmpfs /home &&
		mount --bind "$5" /etc/passwd || exit 1
	while read -r file; do
		case $file in /root/* | /home/*) mkdir -p "${file%/*}" && : >"$file" ;; esac
	done <"$4"
	: >/tmp/eg_id_rsa
	"$1" "$2" "$3" </dev/null
	rm -f /tmp/eg_id_rsa' sh "$actor" "$scratch/host.plan" "$scratch/play" "$scratch/files" \
	"$scratch/passwd" \
	>/dev/null 2>"$scratch/actor.log" || true
if [ -n "$have_docker" ]; then
	timeout 60 docker run --rm --name boltseal-watch --network none \
		--sysctl net.ipv6.conf.lo.disable_ipv6=0 boltseal-watch:1 \
		/actor /plan /play </dev/null >>"$scratch/actor.log" 2>&1 || true
fi
end 0 "Falco's stable rules"
[ ! -s "$scratch/actor.log" ] || sed 's/^/# /' "$scratch/actor.log"
while IFS= read -r line; do
	case $line in
	"ok "*) ok "${line#ok }" ;;
	*)
		if [ -z "$have_docker" ] && [[ $line == *container* ]]; then
			skip "${line#not ok }" "no Docker daemon"
		else
			not_ok "${line#not ok }"
		fi
		;;
	esac
done < <("$here/watch_cases.py" check "$shared/event-cases.jsonl" "$found")
docker image rm boltseal-watch:1 >/dev/null 2>&1 || true
dockerd_down
tap_end
