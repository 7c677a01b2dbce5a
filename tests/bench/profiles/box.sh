#!/bin/bash
# box.sh ROOT WORK COMMAND...: runs COMMAND as process 1 of a container in which nothing can be reached
# from outside and of which nothing remains.
#
# Namespaces of its own (mount, pid, ipc, uts, net with loopback), ROOT under an overlay whose changes go
# to WORK/upper, Docker's capabilities and CAP_SYS_PTRACE (to name the program of a denied call). WORK/out
# is /bench/out inside, WORK/bin and this directory are /bench/bin and /bench/src, read-only. When COMMAND
# ends or this process is killed, every process inside is killed by the kernel, and the mounts go with
# their namespace. The exit status is that of COMMAND.
set -eu

if [ "${1:-}" != --inside ]; then
	here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
	exec unshare --mount --propagation private --pid --ipc --uts --net --fork --kill-child=KILL \
		"$here/${0##*/}" --inside "$here" "$@"
fi
here=$2 root=$3 work=$4
shift 4

mkdir -p "$work/upper" "$work/overlay" "$work/root" "$work/out" "$work/bin"
r=$work/root
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/overlay" "$r"
mkdir -p "$r/bench/out" "$r/bench/bin" "$r/bench/src" "$r/.old"
mount --bind "$work/out" "$r/bench/out"
for d in "$work/bin:bin" "$here:src"; do
	mount --bind "${d%:*}" "$r/bench/${d##*:}"
	mount -o remount,bind,ro "$r/bench/${d##*:}"
done
mount -t proc proc "$r/proc"
mount -t tmpfs -o mode=755 dev "$r/dev"
for n in null zero full random urandom tty; do
	: >"$r/dev/$n"
	mount --bind "/dev/$n" "$r/dev/$n"
done
mkdir "$r/dev/pts" "$r/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$r/dev/pts"
ln -s pts/ptmx "$r/dev/ptmx"
ln -s /proc/self/fd "$r/dev/fd"
mount -t tmpfs -o mode=1777 shm "$r/dev/shm"
ip link set lo up
hostname boltseal-bench
cd "$r"
pivot_root . .old
caps=-all
for c in chown dac_override fsetid fowner mknod net_raw setgid setuid setfcap setpcap net_bind_service \
	sys_chroot kill audit_write sys_ptrace; do
	caps=$caps,+$c
done
# shellcheck disable=SC2016 # for the shell inside
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
	/bin/bash -c 'umount -l /.old && exec setpriv --inh-caps -all --bounding-set "$@"' bash "$caps" "$@"
