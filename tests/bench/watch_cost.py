#!/usr/bin/env python3
"""watch_cost.py BOLTSEAL RULES [ROUNDS]: what watching costs those who are watched, and the watcher.

Runs watch_loops alternately alone and with `boltseal watch --rules RULES`; prints for each operation
the CPU time of the program in ns (medians), the difference and the ratio. Then the watcher's own CPU
time for each of its records and of the loops' events, its memory, what was lost, and its CPU time when nothing happens.
At last the same of a watcher that judges all events by itself: every_call.yaml beside RULES keeps the
kernel from leaving any out.
"""
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BOLTSEAL, RULES = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
LOOPS = os.path.join(os.path.dirname(BOLTSEAL), "tests", "watch_loops")
EVERY_CALL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "every_call.yaml")
IDLE_SECONDS = 5


def loops(command=(LOOPS,), folder=None):
    """What each loop took, in ns, and how many events all of them were."""
    out = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True,
                         timeout=300).stdout
    rows = [line.split("\t") for line in out.splitlines()]
    return {name: float(ns) for name, ns, _ in rows}, sum(int(events) for _, _, events in rows)


def cpu_seconds(pid):
    """Of all threads, from the scheduler: exact, where /proc/PID/stat counts in steps of 10 ms."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


class Watcher:
    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        self.p = subprocess.Popen([BOLTSEAL, "watch", "--rules", RULES, "--output", "/dev/null",
                                   *self.options], stderr=subprocess.PIPE, text=True)
        for line in self.p.stderr:
            if "watching with" in line:
                break
        else:
            sys.exit("boltseal watch does not start")
        time.sleep(1)
        self.begun = cpu_seconds(self.p.pid)
        return self

    def __exit__(self, *_):
        self.cpu, self.rss = cpu_seconds(self.p.pid), resident_kib(self.p.pid)
        self.p.send_signal(signal.SIGTERM)
        said = self.p.communicate(timeout=60)[1]
        found = re.search(r"(\d+) records?, .* (\d+) lost", said)
        self.records, self.lost = int(found[1]), int(found[2])


def watched_loops(folder, watcher):
    """The watcher, with what the loops took and how many events they were."""
    with watcher as w:
        w.loops, w.events = loops(folder=folder)
        time.sleep(0.3)
    return w


def print_watchers(watchers):
    own = statistics.median((w.cpu - w.begun) / max(w.records, 1) for w in watchers) * 1e6
    every = statistics.median((w.cpu - w.begun) / w.events for w in watchers) * 1e6
    print(f"  {own:.2f} us of CPU for each of {watchers[0].records} records, "
          f"{every:.3f} us for each of the loops' {watchers[0].events} events\n"
          f"  {sum(w.lost for w in watchers)} lost, {max(w.rss for w in watchers) / 1024:.1f} MiB")


def main():
    alone, watchers, judges = [], [], []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        for _ in range(ROUNDS):
            alone.append(loops(folder=folder)[0])
            watchers.append(watched_loops(folder, Watcher()))
            judges.append(watched_loops(folder, Watcher("--rules", EVERY_CALL)))
    print(f"{'CPU time of the program, ns':46} {'alone':>8} {'watched':>8} {'added':>7} ratio")
    for name in alone[0]:
        a = statistics.median(x[name] for x in alone)
        b = statistics.median(w.loops[name] for w in watchers)
        print(f"{name:46} {a:8.0f} {b:8.0f} {b - a:+7.0f} {b / a:5.2f}")
    print("watcher, with what the kernel leaves out left out:")
    print_watchers(watchers)
    print("watcher that judges every event of the calls that the rules are about:")
    print_watchers(judges)
    with Watcher() as w:
        time.sleep(IDLE_SECONDS)
        idle = cpu_seconds(w.p.pid) - w.begun
    print(f"watcher with nothing to do: {idle / IDLE_SECONDS * 100:.2f} % of a processor")


if __name__ == "__main__":
    main()
