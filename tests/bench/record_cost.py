#!/usr/bin/env python3
"""record_cost.py [BOLTSEAL [ROUNDS]]: what recording costs the recorded program.

Prints, for three workloads, the CPU time (user and system, of the program alone) under
`boltseal record` and under `strace -f`, as ratios to the same program alone. The rounds alternate
between the variants, so a machine that changes its speed changes all of them; the ratio is of the
medians, with the smallest and largest of the rounds. Also the peak memory of the recorder.
"""
import os
import resource
import statistics
import subprocess
import sys
import tempfile

BOLTSEAL = sys.argv[1] if len(sys.argv) > 1 else "build/boltseal"
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 7

WORKLOADS = [
    ("dd bs=1", ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=1500000"]),
    ("perf bench syscall basic", ["perf", "bench", "syscall", "basic", "-l", "3000000"]),
    ("tar of /usr/share", ["tar", "cf", "{tmp}/out.tar", "-C", "/usr/share", "."]),
]


def cpu_of(command, tmp, prefix=()):
    """CPU seconds of `command` itself, run behind `prefix`; its time is taken by GNU time."""
    out = os.path.join(tmp, "time")
    full = [*prefix, "/usr/bin/time", "-f", "%U %S", "-o", out, *command]
    subprocess.run(full, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                   timeout=600)
    with open(out, encoding="ascii") as f:
        return sum(float(x) for x in f.read().split()[-2:])


def peak_kib(command):
    """Peak resident memory of the recorder alone: its own maximum, not its children's."""
    r = subprocess.run(["/usr/bin/time", "-f", "%M", *command], stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, text=True, check=True, timeout=600)
    return int(r.stderr.split()[-1])


def measure(name, command, tmp):
    command = [c.format(tmp=tmp) for c in command]
    model = os.path.join(tmp, "model.json")
    variants = {
        "alone": (),
        "boltseal": (BOLTSEAL, "record", "--method", "ebpf", "--output", model, "--"),
    }
    times = {v: [] for v in variants}
    for _ in range(ROUNDS):
        for v, prefix in variants.items():
            times[v].append(cpu_of(command, tmp, prefix))
    alone = statistics.median(times["alone"])
    ours = [t / a for t, a in zip(times["boltseal"], times["alone"])]
    strace = cpu_of(command, tmp, ("strace", "-f", "-o", "/dev/null")) / alone
    print(f"{name:26} {statistics.median(ours):6.2f} {min(ours):6.2f} {max(ours):6.2f} "
          f"{strace:8.1f}   {alone:.2f} s")


def main():
    print(f"{'CPU time / alone':26} record    min    max   strace   alone ({ROUNDS} rounds)")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as tmp:
        for name, command in WORKLOADS:
            measure(name, command, tmp)
        model = os.path.join(tmp, "model.json")
        small = peak_kib([BOLTSEAL, "record", "--output", model, "--", "/bin/true"])
        large = peak_kib([BOLTSEAL, "record", "--output", model, "--", "tar", "cf",
                          os.path.join(tmp, "out.tar"), "-C", "/usr/share", "."])
    print(f"peak memory of record: {small / 1024:.1f} MiB for true, {large / 1024:.1f} MiB for tar")
    return 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
