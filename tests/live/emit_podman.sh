#!/bin/bash
# generate podman: the options as Podman takes them, with a program that needs what they leave.
set -u
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "needs root"
for program in podman busybox; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
image=boltseal-emit-$$
root=$scratch/root
mkdir -p "$root"/{bin,dev,proc,sys,tmp,var/cache/app}
cp "$(command -v busybox)" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"

# A store of its own, so that nothing of the host's is touched.
pod() {
	timeout -s KILL 60 podman --root "$scratch/store" --runroot "$scratch/run" \
		--runtime "$pod_runtime" "$@"
}
limits=(--rm --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024)

pod_runtime=crun
if ! tar -C "$root" -c . | pod import -q - $image >"$scratch/log" 2>&1; then
	skip_all "podman import: $(tail -n 1 "$scratch/log")"
fi
# crun refuses hosts with both cgroup hierarchies; runc does not.
pod run "${limits[@]}" $image /bin/sh -c true >"$scratch/log" 2>&1 || pod_runtime=runc
if ! pod run "${limits[@]}" $image /bin/sh -c true >"$scratch/log" 2>&1; then
	skip_all "podman run: $(tail -n 1 "$scratch/log")"
fi

# The same program in a plain root directory, recorded.
work='echo one >/var/cache/app/x && read -r y </var/cache/app/x && echo "$y" && echo two >/tmp/y'
if ! timeout 60 "$boltseal" record --output "$scratch/model" --name app -- \
	chroot "$root" /bin/sh -c "$work" >"$scratch/log" 2>&1; then
	not_ok "the program is recorded" "$scratch/log"
	tap_end
	exit 1
fi
rm -f "$root/var/cache/app/x" "$root/tmp/y"
sed -i "s#$root/#/#g" "$scratch/model"

if "$boltseal" generate seccomp --engine podman:4.3 --runtime $pod_runtime --output "$scratch/app.json" \
	"$scratch/model" 2>"$scratch/log" &&
	"$boltseal" generate podman --seccomp "$scratch/app.json" --apparmor none --format json \
		--output "$scratch/options" "$scratch/model" 2>>"$scratch/log"; then
	ok "profile and options are written"
else
	not_ok "profile and options are written" "$scratch/log"
fi
mapfile -t options < <(python3 -c 'import json, sys
print("\n".join(json.load(open(sys.argv[1]))["options"]))' "$scratch/options")
echo "# ${options[*]}"
case " ${options[*]} " in
*' --read-only '*) ok "the root file system is read-only" ;;
*) not_ok "the root file system is read-only" "$scratch/log" ;;
esac

# inside NAME EXPECTED COMMAND: what the command says in the container.
inside() {
	local said
	said=$(pod run "${limits[@]}" "${options[@]}" $image /bin/sh -c "$3" 2>"$scratch/log")
	if [ "$said" = "$2" ]; then
		ok "$1"
	else
		echo "said: $said" >>"$scratch/log"
		not_ok "$1" "$scratch/log"
	fi
}

inside "the program works as before" one "$work"
# chroot was recorded too, so its capability (bit 18) stays.
inside "one capability, no new privileges, a filter" "0000000000040000 1 2" \
	'while read -r k v rest; do case $k in CapBnd:|NoNewPrivs:|Seccomp:) echo -n "$sep$v"; sep=" ";; esac; done </proc/self/status'
inside "the rest cannot be written" "" '{ : >/bin/x; } 2>/dev/null && echo written'
inside "a call that was not recorded is refused" refused \
	'kill -0 $$ 2>/dev/null || echo refused'

# Podman's own generator reads the unit.
quadlet=/usr/libexec/podman/quadlet
if [ -x $quadlet ]; then
	mkdir "$scratch/units"
	"$boltseal" generate podman --quadlet --seccomp "$scratch/app.json" --name app \
		--output "$scratch/units/app.container" "$scratch/model" 2>"$scratch/log"
	if QUADLET_UNIT_DIRS=$scratch/units $quadlet -dryrun >"$scratch/log" 2>&1 &&
		grep -q -- '--read-only' "$scratch/log"; then
		ok "the unit"
	else
		not_ok "the unit" "$scratch/log"
	fi
else
	skip "the unit" "this Podman has no quadlet"
fi
tap_end
