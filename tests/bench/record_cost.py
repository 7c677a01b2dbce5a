#!/usr/bin/env python3
"""record_cost.py [BOLTSEAL [ROUNDS]]: what recording costs the recorded program.

Prints, for three workloads, the CPU time (user and system) under `boltseal record`, under a plain
eBPF bitmap (plain_bitmap.bpf.c) and under `strace -f`, as ratios to the same program alone: of the
program itself, and in total with the recorder. The rounds alternate between the variants, so a
machine that changes its speed changes all of them; the ratio is the median of the rounds, with the
smallest and the largest. Also the peak memory of the recorder.
"""
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

BOLTSEAL = sys.argv[1] if len(sys.argv) > 1 else "build/boltseal"
PLAIN = os.path.join(os.path.dirname(BOLTSEAL), "tests", "plain_bitmap")
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 7

# What is measured, and the same in small for strace, which takes up to a hundred times as long.
WORKLOADS = [
    ("dd bs=1", ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count={n}"], 3000000, 200000),
    ("perf bench syscall basic", ["perf", "bench", "syscall", "basic", "-l", "{n}"], 6000000,
     400000),
    ("tar of /usr/share", ["tar", "cf", "{tmp}/out.tar", "-C", "/usr/share", "."], 0, 0),
]


def children_cpu():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def child_of(pid):
    """The first child of a process, once it has one."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as f:
                    if int(f.read().rpartition(")")[2].split()[1]) == pid:
                        return int(entry)
            except OSError:
                pass
    return None


def run_time(pid):
    """Nanoseconds that the process has run, None when it is gone."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def cpu_of(command, prefix=()):
    """CPU seconds of `command` itself, run behind `prefix`, and of everything together.

    No wrapper may stand between: one more program in the recording changes what is measured. So the
    kernel's clock of the process is read until it ends; what it runs after the last look (5 ms) is
    missing, in each variant alike.
    """
    before, last = children_cpu(), 0
    with subprocess.Popen([*prefix, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as p:
        target = None if prefix else p.pid
        while p.poll() is None:
            target = target or child_of(p.pid)
            now = target and run_time(target)
            last = max(last, now or 0)
            if now is None and prefix:
                target = None  # strace begins with children of its own
            time.sleep(0.005)
        if p.returncode:
            sys.exit(f"record_cost: {command}: exit status {p.returncode}: {p.stderr.read()}")
    return last / 1e9, children_cpu() - before


def peak_kib(command):
    """Peak resident memory of the recorder alone: its own maximum, not its children's."""
    r = subprocess.run(["/usr/bin/time", "-f", "%M", *command], stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, text=True, check=True, timeout=600)
    return int(r.stderr.split()[-1])


def ratios(times, variant):
    """CPU time of the program itself, as a ratio to the same round's run alone."""
    return [t[0] / a[0] for t, a in zip(times[variant], times["alone"])]


def spread(values):
    return f"{statistics.median(values):6.2f} {min(values):6.2f} {max(values):6.2f}"


def measure(name, words, n, small, tmp):
    command = [c.format(tmp=tmp, n=n) for c in words]
    little = [c.format(tmp=tmp, n=small) for c in words]
    model = os.path.join(tmp, "model.json")
    # The plain bitmap comes last: a program that starts just after another one was taken off the
    # system calls can pay for that (docs/BENCHMARKS.md), and what runs alone does not.
    variants = {
        "alone": (),
        "boltseal": (BOLTSEAL, "record", "--method", "ebpf", "--output", model, "--"),
        "plain": (PLAIN,),
    }
    times = {v: [] for v in variants}
    for _ in range(ROUNDS):
        for v, prefix in variants.items():
            times[v].append(cpu_of(command, prefix))
    alone = statistics.median(t[0] for t in times["alone"])
    total = statistics.median(t[1] for t in times["boltseal"]) / alone
    strace = cpu_of(little, ("strace", "-f", "-o", "/dev/null"))
    bare = cpu_of(little)[0]
    print(f"{name:26} {spread(ratios(times, 'boltseal'))} {total:6.2f}"
          f"   {spread(ratios(times, 'plain'))}"
          f"   {strace[0] / bare:6.1f} {strace[1] / bare:6.1f}   {alone:.2f} s")


def main():
    print(f"{'':26} boltseal record              plain bitmap           strace -f       alone,")
    print(f"{'CPU time / alone':26} program   min    max  total   program   min    max"
          f"   program  total   {ROUNDS} rounds")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as tmp:
        for workload in WORKLOADS:
            measure(*workload, tmp)
        model = os.path.join(tmp, "model.json")
        small = peak_kib([BOLTSEAL, "record", "--output", model, "--", "/bin/true"])
        large = peak_kib([BOLTSEAL, "record", "--output", model, "--", "tar", "cf",
                          os.path.join(tmp, "out.tar"), "-C", "/usr/share", "."])
    print(f"peak memory of record: {small / 1024:.1f} MiB for true, {large / 1024:.1f} MiB for tar")
    return 0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
