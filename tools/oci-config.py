#!/usr/bin/env python3
"""Writes an OCI bundle's config.json for runc and crun, with what Docker gives a container: its 14
capabilities, namespaces of its own, the usual mounts, masked and read-only paths.

The capabilities can be replaced, and a seccomp profile in the OCI dialect and the name of an AppArmor
profile put in.
"""
import argparse
import json
import sys

DOCKER_CAPS = ("CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP "
               "NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE")
MASKED = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
          "/sys/firmware"]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
MOUNTS = [
    ("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
    ("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
    ("/dev/pts", "devpts", "devpts",
     ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    ("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
    ("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
    ("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"]),
    ("/run", "tmpfs", "tmpfs", ["nosuid", "nodev", "mode=755", "size=65536k"]),
]


def read_seccomp(path):
    with open(path, encoding="utf-8") as f:
        profile = json.load(f)
    if "archMap" in profile:
        sys.exit(f"oci-config: {path}: a profile in Docker's dialect; the OCI dialect is expected")
    return profile


def capabilities(words):
    names = sorted({w.upper().removeprefix("CAP_") for w in words.replace(",", " ").split()})
    names = ["CAP_" + n for n in names]
    # As Docker does since 20.10.14: nothing inheritable (CVE-2022-24769).
    return {"bounding": names, "effective": names, "permitted": names}


def config(a):
    spec = {
        "ociVersion": "1.0.2",
        "hostname": a.hostname,
        "root": {"path": a.rootfs, "readonly": False},
        "process": {
            "terminal": False,
            "user": {"uid": a.uid, "gid": a.uid},
            "args": a.command,
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOME=/root"],
            "cwd": a.cwd,
            "capabilities": capabilities(a.caps),
            "noNewPrivileges": a.no_new_privs,
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 1024}],
        },
        "mounts": [{"destination": d, "type": t, "source": s, "options": o}
                   for d, t, s, o in MOUNTS],
        "linux": {
            "namespaces": [{"type": t} for t in ("pid", "mount", "uts", "ipc", "network")],
            "maskedPaths": MASKED,
            "readonlyPaths": READONLY,
            "sysctl": {"net.ipv4.ip_unprivileged_port_start": "0"},
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        },
    }
    if a.cgroup:
        spec["linux"]["cgroupsPath"] = a.cgroup
    if a.apparmor:
        spec["process"]["apparmorProfile"] = a.apparmor
    if a.annotation:
        spec["annotations"] = dict(x.split("=", 1) for x in a.annotation)
    if a.seccomp:
        spec["linux"]["seccomp"] = read_seccomp(a.seccomp)
    return spec


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--rootfs", required=True, help="root file system, absolute or below the bundle")
    p.add_argument("--output", required=True, help="the config.json to write")
    p.add_argument("--seccomp", help="profile in the OCI dialect")
    p.add_argument("--apparmor", help="name of a loaded AppArmor profile")
    p.add_argument("--annotation", action="append", metavar="KEY=VALUE")
    p.add_argument("--caps", default=DOCKER_CAPS, help="names, separated by blanks or commas")
    p.add_argument("--no-new-privs", action="store_true")
    p.add_argument("--cgroup", help="cgroupsPath")
    p.add_argument("--uid", type=int, default=0)
    p.add_argument("--cwd", default="/")
    p.add_argument("--hostname", default="boltseal-test")
    p.add_argument("command", nargs="+")
    a = p.parse_args()
    with open(a.output, "w", encoding="utf-8") as f:
        json.dump(config(a), f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
