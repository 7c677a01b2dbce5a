#!/usr/bin/env python3
"""make bench-phases: which system calls does analyze show for start-up and which for serving?

Each service of the profile benchmark is analysed. Then it is started in a box (box.sh) and answers a
request; a recording attaches to its processes and sees the train load, the test load and the end. Every
call of that recording has to be among those that the analysis has for serving.

--markdown writes the table of docs/BENCHMARKS.md. Needs root, and Debian's packages once (make-root.sh).
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import bench

# Allowed calls, main -> serving: SysPart (CCS 2023), Table 2; other versions of the programs.
PUBLISHED = {
    "bind": (112, 103), "httpd": (92, 92), "lighttpd": (95, 80), "memcached": (98, 82),
    "nginx": (108, 104), "redis": (92, 85),
}
HEAD = ("service", "all", "start-up", "serving", "recorded while serving", "missing", "SysPart")


def wait_until(what, seconds, done):
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise bench.Failed(f"timed out: {what}")
        time.sleep(0.1)


def processes(program, inside):
    """Processes of this program that are below the process `inside`, which left our namespaces."""
    parents, found = {}, []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                parents[int(name)] = int(f.read().rpartition(")")[2].split()[1])
            if os.readlink(f"/proc/{name}/exe") == program:
                found.append(int(name))
        except OSError:
            continue

    def below(pid):
        while pid > 1 and pid != inside:
            pid = parents.get(pid, 0)
        return pid == inside

    return [pid for pid in found if below(pid)]


class Phases(bench.Bench):
    def attach(self, service, program):
        """The calls that the service makes from now on: a model."""
        box = tempfile.mkdtemp(prefix="box-", dir=self.work)
        out = os.path.join(box, "out")
        model = os.path.join(self.work, f"{service}.attached.json")
        log = os.path.join(self.work, f"{service}.attach.log")
        os.makedirs(out)
        os.symlink(self.bin, os.path.join(box, "bin"))
        running = recorder = None
        try:
            with open(log, "ab") as f:
                running = subprocess.Popen(
                    [os.path.join(bench.HERE, "box.sh"), self.root, box, "/bench/src/services.sh",
                     service, "attach"], stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                    start_new_session=True)
                wait_until("the first answer", 60, lambda: os.path.exists(out + "/ready"))
                time.sleep(2)  # until all workers are where they stay
                pids = processes(program, running.pid)
                if not pids:
                    raise bench.Failed(f"there is no process of {program}")
                recorder = subprocess.Popen(
                    [self.boltseal, "record", "--output", model, "--name", service, "--method",
                     "ebpf", *(f"--pid={p}" for p in pids)], stdin=subprocess.DEVNULL, stdout=f,
                    stderr=f, start_new_session=True)
                time.sleep(4)  # until it is attached
                with open(out + "/go", "w", encoding="utf-8"):
                    pass
                if running.wait(bench.BOX_SECONDS) != 0:
                    raise bench.Failed(f"the box ended: {bench.tail(log)}")
                recorder.wait(30)
        except subprocess.TimeoutExpired as e:
            raise bench.Failed(f"timed out: {e.cmd[0]}") from e
        finally:
            for p in (recorder, running):
                if p and p.poll() is None:
                    os.killpg(p.pid, signal.SIGKILL)
                    p.wait()
            shutil.rmtree(os.path.join(box, "upper"), ignore_errors=True)
            shutil.rmtree(os.path.join(box, "overlay"), ignore_errors=True)
        return bench.load(model)

    def phases(self, service, program):
        path, _, _ = self.analyze(service, program)
        calls = bench.load(path).get("syscalls", {}).get("x86_64", ())
        row = {"service": service,
               "all": {c["name"] for c in calls},
               "start": {c["name"] for c in calls if "start" in c["phases"]},
               "serving": {c["name"] for c in calls if "serving" in c["phases"]}}
        if service == "sqlite3":  # which ends before anything could attach
            row["recorded"] = None
        else:
            row["recorded"] = bench.names(bench.only_programs(self.attach(service, program),
                                                              [program]))
        return row


def cells(row):
    recorded, published = row["recorded"], PUBLISHED.get(row["service"])
    missing = sorted(recorded - row["serving"]) if recorded else []
    return (row["service"], str(len(row["all"])), str(len(row["start"])), str(len(row["serving"])),
            "–" if recorded is None else str(len(recorded)),
            "–" if recorded is None else str(len(missing)) + "".join(" " + m for m in missing),
            "%d → %d" % published if published else "")


def as_text(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEAD))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in rows)


def as_markdown(rows):
    lines = ["| " + " | ".join(r) + " |" for r in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(HEAD), *lines[1:]]) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("service", nargs="*", help="services; default: all twelve")
    p.add_argument("--boltseal", default=os.path.join(bench.REPO, "build/boltseal"))
    p.add_argument("--markdown", metavar="FILE", help="writes the table there")
    a = p.parse_args()
    a.starts = 0
    if os.geteuid() != 0:
        print("skipped: needs root")
        return 0
    cache = os.environ.get("BOLTSEAL_CACHE", os.path.join(bench.REPO, ".demo"))
    a.root = bench.make_root(cache)
    work = tempfile.mkdtemp(prefix="phases-", dir=cache)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rows, bad = [HEAD], 0
    try:
        b = Phases(a, work)
        for service, program, _ in bench.SERVICES:
            if a.service and service not in a.service:
                continue
            try:
                row = b.phases(service, program)
            except bench.Failed as e:
                print(f"skipped: {service}: {e}", flush=True)
                bad = 1
                continue
            rows.append(cells(row))
            bad |= bool(row["recorded"] and row["recorded"] - row["serving"])
            only = sorted(row["all"] - row["serving"])
            print(f"{service}: not while serving: {' '.join(only) or '–'}", flush=True)
        print(as_text(rows))
        if a.markdown:
            with open(a.markdown, "w", encoding="utf-8") as f:
                f.write(as_markdown(rows))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return bad


if __name__ == "__main__":
    sys.exit(main())
