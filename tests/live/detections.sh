#!/bin/bash
# boltseal's own rules on this kernel: what is to fire them and what comes near, in a container.
#   tests/live/detections.sh                 a part of the cases
#   tests/live/detections.sh --record        all of them, and rules/examples anew
# Time limit: 300 s
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/live/lib.sh
. "$here/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
command -v runc >/dev/null || skip_all "runc is not installed"
python3 -c 'import yaml' 2>/dev/null || skip_all "python3-yaml is not installed"
every=6
[ "${1-}" != --record ] || every=1
detections=$here/detections.py
cases=$here/detections/cases.yaml
found=$scratch/found.json
id=$(printf '%064x' $$)

# The container sees this machine's files through an overlay; what it writes goes away.
mkdir -p "$scratch"/{upper/s,upper/etc/kubernetes,work,root,bundle}
cp "$here/detections/act.py" "$scratch/upper/s"
"$detections" driver "$cases" "$every" >"$scratch/upper/s/driver.sh"
"$detections" play >"$scratch/upper/s/play.sh"
"$repo/tools/oci-config.py" --rootfs "$scratch/root" --output "$scratch/bundle/config.json" \
	--cgroup "/boltseal-detections/$id" --hostname web --cwd / --caps "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER \
CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_NET_ADMIN CAP_SYS_CHROOT CAP_MKNOD \
CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_SETFCAP" -- bash /s/driver.sh /s/log

# The container is started below a program named make: what starts a container does not make its programs part
# of a build.
cp "$(command -v bash)" "$scratch/make"
mkfifo "$scratch/go"
# shellcheck disable=SC2016 # for the inner shells
(
	"$scratch/make" -c 'echo $$ >"$1/starter"; read -r _ <"$1/go"
		timeout 250 unshare -m bash -c "mount --make-rprivate / &&
			mount -t overlay overlay -o \"lowerdir=/,upperdir=\$1/upper,workdir=\$1/work\" \"\$1/root\" &&
			exec runc run -b \"\$1/bundle\" \"\$2\"" bash "$1" "$2"
		echo $? >"$1/code.new"
		mv "$1/code.new" "$1/code"' bash "$scratch" "boltseal-$$" </dev/null >"$scratch/played" 2>&1 &
)
until [ -s "$scratch/starter" ]; do sleep 0.02; done
background+=("$(cat "$scratch/starter")")

if ! watch_start --all -o json --output "$found" --add "$here/detections/lists.yaml" \
	--capture "$scratch/capture.gz" --ring 64; then
	watch_refused && skip_all "$(cat "$err")"
	not_ok "it watches" "$err"
	tap_end
	exit
fi
containers+=("runc boltseal-$$")
# With a terminal, from outside, as an administrator does.
in_terminal() {
	local kind begin
	for _ in $(seq 200); do
		[ "$(runc state "boltseal-$$" 2>/dev/null | grep -c '"running"')" = 1 ] && break
		sleep 0.05
	done
	for kind in silent fires; do
		begin=$(date +%s%N)
		if [ $kind = fires ]; then
			script -qec "runc exec -t boltseal-$$ sh -c true" /dev/null
		else
			runc exec "boltseal-$$" sh -c true
		fi </dev/null >/dev/null 2>&1 || true
		sleep 0.05
		printf 'Terminal shell in a container\t%s\t%s\t%s\t%s\n' $kind "$begin" "$(date +%s%N)" $BASHPID \
			>>"$scratch/terminal"
	done
}
in_terminal &
terminal=$!
background+=("$terminal")
echo go >"$scratch/go"
for _ in $(seq 2600); do
	[ ! -e "$scratch/code" ] || break
	sleep 0.1
done
[ "$(cat "$scratch/code" 2>/dev/null)" = 0 ] ||
	{ not_ok "the container runs" "$scratch/played"; tap_end; exit; }
wait "$terminal" || true
cat "$scratch/terminal" >>"$scratch/upper/s/log"
watch_stop || not_ok "nothing is lost" "$err"
results < <("$detections" check "$cases" "$scratch/upper/s/log" "$found" "${id:0:12}")
if [ "${1-}" = --record ]; then
	"$boltseal" rules list -o json >"$scratch/list.json"
	mkdir -p "$repo/rules/examples"
	"$detections" cut "$cases" "$scratch/upper/s/log" "$scratch/capture.gz" "$scratch/list.json" "$repo/rules/examples"
fi
tap_end
