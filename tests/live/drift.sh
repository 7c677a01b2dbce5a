#!/bin/bash
# Drift against a workload model, with a real container.   tests/live/drift.sh
#
# A small service is recorded in Docker; the same again is no finding; each thing that the model does not
# have is one, with its count. A container without a model is learned, and what was learned is a model.
# Time limit: 240 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"
# shellcheck source=tools/dockerd-up.sh
. "$repo/tools/dockerd-up.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$boltseal" ] || skip_all "$boltseal is not built"
busybox=$(command -v busybox) || skip_all "busybox is not installed"
ldd "$busybox" >/dev/null 2>&1 && skip_all "busybox is not linked statically"
dockerd_up 2>"$scratch/docker.log" || skip_all "no Docker daemon: $(tail -n 1 "$scratch/docker.log")"
store=$scratch/store/findings.db
image=boltseal-drift-$$:1
name=boltseal-drift-$$
chmod 755 "$scratch"

# The service: reads, writes, listens, starts a program; and what it is told to do besides.
mkdir -p "$scratch/root/bin" "$scratch/root/etc" "$scratch/root/tmp" "$scratch/root/var/lib/app" \
	"$scratch/root/job"
cp "$busybox" "$scratch/root/bin/busybox"
cp "$busybox" "$scratch/root/bin/other"
ln -s busybox "$scratch/root/bin/sh"
echo secret >"$scratch/root/etc/shadow"
echo "color=blue" >"$scratch/root/etc/app.conf"
cat >"$scratch/root/bin/app" <<'APP'
#!/bin/busybox sh
[ "$1" != more ] || . /job/more.sh
busybox nc -l -p 8080 >/var/lib/app/in &
i=0
while [ $i -lt 20 ]; do
	busybox cat /etc/app.conf >/var/lib/app/state
	i=$((i + 1))
	busybox sleep 0.05
done
busybox kill %1
APP
chmod 755 "$scratch/root/bin/app"
cat >"$scratch/root/job/more.sh" <<'MORE'
busybox mknod /tmp/pipe p
busybox sleep 0.5
for i in 1 2 3; do
	/bin/other true
	: >/var/lib/app/new-file
	busybox unshare -n busybox true
	busybox chown 5:5 /var/lib/app
done
exec 3</etc/shadow 3<&-
busybox nc -w 1 192.0.2.9 4444 </dev/null
busybox nc -w 1 192.0.2.9 4444 </dev/null
busybox timeout 1 busybox nc -l -p 9999
MORE
tar -C "$scratch/root" -c . | docker import - "$image" >/dev/null

# run ARGUMENT...: the service in a container.
run() {
	timeout 60 docker run --rm --name "$name" --network none --cap-add SYS_ADMIN \
		--security-opt seccomp=unconfined "$image" /bin/app "$@" \
		</dev/null >>"$scratch/run.log" 2>&1 || true
}

begin() {
	rm -rf "$scratch/store" "$scratch/models"
	install -d -o nobody "$scratch/store"
	watch_start --rules "$scratch/none.yaml" --store "$store" "$@"
}

end() {
	watch_stop || true
	"$boltseal" findings export --store "$store" >"$scratch/findings.json" 2>>"$err" || true
}

# finding DESCRIPTION PYTHON_EXPRESSION: exactly one finding f for which it holds.
finding() {
	if python3 - "$scratch/findings.json" "$2" "$name" <<'PY'
import json, sys
all = [json.loads(line) for line in open(sys.argv[1])]
n = sum(1 for f in all if f.get("container", {}).get("name") == sys.argv[3] and eval(sys.argv[2], {"f": f, "e": f.get("evidence", {})}))
sys.exit(0 if n == 1 else f"{n} findings")
PY
	then ok "$1"; else not_ok "$1" "$out"; fi
}

cat >"$scratch/none.yaml" <<'RULES'
- rule: Nothing
  desc: A rule that never fires.
  condition: evt.type = acct and proc.name = boltseal-nothing
  output: nothing
  priority: DEBUG
RULES

# ---- recorded, and the same again
"$boltseal" record --container "$name" --output "$scratch/model.json" 2>"$err" &
recorder=$!
background+=("$recorder")
until_true grep -q 'waiting for the next start' "$err" || true
run
if wait "$recorder"; then
	ok "the service is recorded"
else
	not_ok "the service is recorded" "$err"
	docker image rm "$image" >/dev/null 2>&1 || true
	dockerd_down
	tap_end
	exit
fi
if ! begin --model "$scratch/model.json"; then
	docker image rm "$image" >/dev/null 2>&1 || true
	dockerd_down
	watch_refused && skip_all "$(cat "$err")"
	not_ok "it watches with a model" "$err"
	tap_end
	exit
fi
took=$SECONDS
run
took=$((SECONDS - took))
end
if grep -q "$name" "$out"; then
	not_ok "what the model has is no finding" "$out"
else
	ok "what the model has is no finding"
fi

# ---- what it does not have; in one process, and in two of which one is another user
for user in "" nobody; do
	by=${user:+--user: }
	begin --model "$scratch/model.json" ${user:+--user "$user"}
	run more
	end
	finding "${by}a new program, three times" \
		'f["type"] == "Execution:Runtime/UnknownProgramExecuted" and e["drift.subject"] == "/bin/other" and f["count"] == 3'
	finding "${by}a new path written, three times" \
		'f["type"] == "Behavior:Runtime/NewPathWritten" and e["drift.subject"] == "/var/lib/app/new-file" and f["count"] == 3'
	finding "${by}a class of calls that is new" \
		'f["type"] == "PrivilegeEscalation:Runtime/NewCallClass.Namespace" and f["count"] == 3 and f["severity"] == 8.0'
	finding "${by}another class of calls" 'f["type"] == "DefenseEvasion:Runtime/NewCallClass.FileAttributes" and f["count"] == 3'
	finding "${by}one that is used before anybody knows the container" 'f["type"] == "Behavior:Runtime/NewCallClass.Device"'
	finding "${by}a file that says more than others" \
		'f["type"] == "CredentialAccess:Runtime/SensitiveFileOpened" and e["drift.subject"] == "/etc/shadow"'
	finding "${by}a new connection, twice" \
		'f["type"] == "Backdoor:Runtime/NewOutboundPort" and e["drift.subject"] == "192.0.2.9:4444" and f["count"] == 2'
	finding "${by}a new listening port" \
		'f["type"] == "Backdoor:Runtime/NewListeningPort" and e["drift.subject"] == "port 9999"'
	if grep -q 'capabilities are not seen' "$err"; then
		skip "${by}a new capability" "needs Linux 6.14"
	else
		finding "${by}a new capability" 'f["type"] == "PrivilegeEscalation:Runtime/NewCapability.CAP_CHOWN"'
	fi
	if [ "$(grep -c "$name.*/bin/other" "$out")" = 1 ]; then
		ok "${by}a repeat prints no further line"
	else
		not_ok "${by}a repeat prints no further line" "$out"
	fi
done

# ---- models that are loaded again, for a container that runs
mkdir "$scratch/again"
python3 - "$scratch/model.json" "$scratch/again/model.json" <<'PY'
import json, sys
m = json.load(open(sys.argv[1]))
m["identity"] = {"name": "nothing", "image": "nothing:1", "arch": m["identity"]["arch"]}
json.dump(m, open(sys.argv[2], "w"))
PY
begin --model "$scratch/again" --user nobody
docker run -d --rm --name "$name" --network none "$image" /bin/sh -c \
	'for i in 1 2 3; do until [ -e /tmp/go$i ]; do busybox sleep 0.05; done; /bin/other true; : >/tmp/did$i; done; busybox sleep 30' \
	>/dev/null
inside=/proc/$(docker inspect -f '{{.State.Pid}}' "$name")/root/tmp
go() {
	: >"$inside/go$1"
	until_true test -e "$inside/did$1" || true
}
go 1
echo '{' >"$scratch/again/model.json"
kill -HUP "$watcher"
if until_true grep -q 'again/model.json:.*stay as they are' "$err"; then
	ok "a broken model is reported when it is loaded again"
else
	not_ok "a broken model is reported when it is loaded again" "$err"
fi
go 2
if grep -q '/bin/other' "$out"; then
	not_ok "and the models stay as they were" "$out"
else
	ok "and the models stay as they were"
fi
cp "$scratch/model.json" "$scratch/again/model.json"
kill -HUP "$watcher"
until_true grep -q 'loaded again' "$err" || not_ok "models are loaded again" "$err"
go 3
end
docker rm -f "$name" >/dev/null 2>&1 || true
finding "a container that runs is compared with the model that was loaded" \
	'f["type"] == "Execution:Runtime/UnknownProgramExecuted" and e["drift.subject"] == "/bin/other" and f["count"] == 1'

# ---- learned, for as long as two runs take on a machine that is as busy as it was, and some seconds
learn=$((took * 2 + 5))
begin --learn ${learn}s --learned "$scratch/models" --user nobody
run
run
learned=$scratch/models/boltseal-drift-${$}_1.json
patience=$((learn * 20 + 400)) until_true test -s "$learned" || true
sleep 0.5
run
if grep -q "$name" "$out"; then
	not_ok "what was learned is no finding" "$out"
else
	ok "what was learned is no finding"
fi
run more
end
finding "what was not learned is one" \
	'f["type"] == "Execution:Runtime/UnknownProgramExecuted" and e["drift.model"] == "learned" and f["count"] == 3'
if "$boltseal" show "$learned" >"$err" 2>&1 &&
	"$boltseal" generate seccomp --output "$scratch/profile.json" "$learned" 2>>"$err" &&
	"$boltseal" verify --profile "$scratch/profile.json" "$scratch/model.json" >>"$err" 2>&1; then
	ok "what was learned makes a profile that allows what was recorded"
else
	not_ok "what was learned makes a profile that allows what was recorded" "$err"
fi
docker image rm "$image" >/dev/null 2>&1 || true
dockerd_down
tap_end
