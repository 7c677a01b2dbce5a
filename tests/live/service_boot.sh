#!/bin/bash
# boltseal.service under a systemd that booted, in a container of systemd-nspawn: it is ready when it watches,
# loads rules again, tells that it is alive, sees what happens, and stops cleanly with all that hardens it.
# Time limit: 120 s
set -u
if [ "$(id -u)" = 0 ] && [ -z "${BOOT_MOUNTS-}" ]; then
	BOOT_MOUNTS=1 exec unshare -m --propagation private "$0" "$@"
fi
# shellcheck source=tests/live/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

[ -x "$boltseal" ] || skip_all "$boltseal is not built"
[ "$(id -u)" = 0 ] || skip_all "needs root"
command -v systemd-nspawn >/dev/null || skip_all "systemd-nspawn is not installed (systemd-container)"
[ -x /lib/systemd/systemd ] || skip_all "systemd is not installed"
[ -d /sys/kernel/tracing/events ] || skip_all "tracefs is not mounted"

# This machine's files, with changes that go away.
mkdir "$scratch/boot"
mount -t tmpfs none "$scratch/boot"
root=$scratch/boot/root
mkdir -p "$scratch/boot"/{upper,work,out} "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/boot/upper,workdir=$scratch/boot/work" "$root" ||
	skip_all "no overlay of this machine's files"
units=$root/etc/systemd/system
rm -rf "$units"/*.wants
install -m 0755 "$boltseal" "$root/usr/bin/boltseal"
rm -rf "$root/usr/local/share/boltseal"
mkdir -p "$root/usr/local/share/boltseal" "$root/etc/boltseal/rules.d" "$root/usr/lib/sysusers.d"
cp -r "$repo/rules" "$root/usr/local/share/boltseal/rules"
cp "$repo/deploy/systemd/boltseal.service" "$units/"
cp "$repo/deploy/systemd/boltseal.sysusers.conf" "$root/usr/lib/sysusers.d/boltseal.conf"
cat >"$root/etc/boltseal/rules.d/local.yaml" <<-'END'
	- rule: First rule
	  desc: d
	  condition: evt.type = execve and proc.name = first-prog
	  output: first | %proc.cmdline
	  priority: CRITICAL
END
echo 'BOLTSEAL_OPTIONS=--add /etc/boltseal/rules.d' >"$root/etc/default/boltseal"
cp /bin/true "$root/usr/bin/first-prog"
cp /bin/true "$root/usr/bin/second-prog"

cat >"$units/test.target" <<-'END'
	[Unit]
	Requires=basic.target
	After=basic.target
	Wants=boltseal.service test.service
END
cat >"$units/test.service" <<-'END'
	[Unit]
	After=basic.target
	[Service]
	Type=oneshot
	ExecStart=/bin/bash /steps
	StandardOutput=file:/out/tap
	StandardError=file:/out/err
	ExecStopPost=/bin/systemctl --force --force poweroff
END
cat >"$root/steps" <<'END'
log() { journalctl -q --no-pager -o cat -u boltseal.service; }
until_true() {
	local i
	for i in $(seq 200); do "$@" >/dev/null 2>&1 && return 0; sleep 0.05; done
	return 1
}
say() { # DESCRIPTION COMMAND...: whether it holds
	local what=$1
	shift
	if "$@" >/out/last 2>&1; then echo "ok $what"; else echo "not ok $what"; cat /out/last >&2; log >&2; fi
}
state() { systemctl show -P "$1" boltseal.service; }
found() { boltseal findings list --store /var/lib/boltseal/findings.db 2>&1; }
grep_found() { found | grep -q "$1"; }

say "the user is made" systemd-sysusers /usr/lib/sysusers.d/boltseal.conf
say "systemctl start returns" systemctl restart boltseal.service
say "and then it is watching" bash -c 'journalctl -q --no-pager -u boltseal.service | grep -q "watching with"'
say "its status says with what" bash -c 'systemctl show -P StatusText boltseal.service | grep -q "^watching with 1[0-9][0-9] rules"'
first-prog one
say "it sees what happens" until_true grep_found 'First rule'
say "the other process has no capabilities" bash -c '
	for p in $(cat /sys/fs/cgroup/systemd/system.slice/boltseal.service/cgroup.procs \
			/sys/fs/cgroup/system.slice/boltseal.service/cgroup.procs 2>/dev/null); do
		[ "$(stat -c %U /proc/$p)" = boltseal ] && grep -q "CapEff:.0000000000000000" /proc/$p/status &&
			grep -q "NoNewPrivs:.1" /proc/$p/status && exit 0
	done; exit 1'
sed -i 's/First/Second/; s/first/second/g' /etc/boltseal/rules.d/local.yaml
pid=$(state MainPID)
say "systemctl reload returns" systemctl reload boltseal.service
say "and the rules are the new ones" until_true bash -c 'journalctl -q --no-pager -u boltseal.service | grep -q "loaded again"'
second-prog two
say "which it uses" until_true grep_found 'Second rule'
say "in the same process" test "$pid" = "$(state MainPID)"
echo '- rule: Broken' >/etc/boltseal/rules.d/local.yaml
systemctl reload boltseal.service
say "of broken rules its status tells" until_true bash -c 'systemctl show -P StatusText boltseal.service | grep -q "the rules stay as they are: /etc/boltseal/rules.d/local.yaml:1:"'
second-prog three
say "and the old ones stay" until_true bash -c 'boltseal findings list -o json --store /var/lib/boltseal/findings.db | grep -q "second-prog three\|\"count\": *2"'
last=$(state WatchdogTimestampMonotonic)
say "the watchdog hears of it" until_true bash -c "[ \$(systemctl show -P WatchdogTimestampMonotonic boltseal.service) -gt $last ]"
# One that goes round no more is ended, and started again.
mkdir -p /run/systemd/system/boltseal.service.d
printf '[Service]\nWatchdogSec=2\n' >/run/systemd/system/boltseal.service.d/w.conf
rm /etc/boltseal/rules.d/local.yaml
touch /etc/boltseal/rules.d/local.yaml
systemctl daemon-reload
systemctl restart boltseal.service
for p in $(pgrep -u boltseal -x boltseal); do kill -STOP "$p"; done
say "one that hangs is started again" until_true bash -c '[ "$(systemctl show -P NRestarts boltseal.service)" -ge 1 ] && [ "$(systemctl is-active boltseal.service)" = active ]'
say "and tells of the gap" until_true grep_found 'Watching was interrupted'
say "systemctl stop returns" systemctl stop boltseal.service
say "which is a clean end" test "$(state Result) $(state ExecMainStatus)" = "success 0"
say "and nothing of it is left" bash -c '! pgrep -x boltseal'
END
mkdir "$root/out"
timeout -k 5 90 systemd-nspawn --quiet -D "$root" --boot --register=no --keep-unit --private-network --capability=all \
	--system-call-filter="bpf perf_event_open" --bind-ro=/sys/kernel/tracing --bind="$scratch/boot/out:/out" \
	-- --unit=test.target >"$scratch/console" 2>&1 </dev/null
if [ ! -s "$scratch/boot/out/tap" ]; then
	grep -q 'Operation not permitted\|not supported' "$scratch/console" && skip_all "$(tail -n 1 "$scratch/console")"
	not_ok "systemd boots" "$scratch/console"
fi
grep -q 'refuses\|no right' "$scratch/boot/out/err" && skip_all "this kernel does not let boltseal watch"
while IFS= read -r line; do
	case $line in
	"ok "*) ok "${line#ok }" ;;
	*) not_ok "${line#not ok }" "$scratch/boot/out/err" ;;
	esac
done <"$scratch/boot/out/tap"
cd /
umount -l "$root" "$scratch/boot"
tap_end
