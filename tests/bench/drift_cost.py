#!/usr/bin/env python3
"""drift_cost.py BOLTSEAL RULES [ROUNDS]: what comparing with a model costs, on top of watching.

Runs watch_loops alternately without a watcher, with `boltseal watch --rules RULES`, and with `--model`
besides, in a Docker container (whose model was recorded from the same loops) and on the host, for which
there is no model. Prints the CPU time of the program in ns (medians) and what the watchers took.
Needs a Docker daemon and busybox: drift_cost.sh starts one.
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from watch_cost import BOLTSEAL, LOOPS, ROUNDS, Watcher, loops

IMAGE, NAME = "boltseal-drift-cost:1", f"boltseal-drift-cost-{os.getpid()}"


def make_image(folder):
    root = f"{folder}/root"
    os.makedirs(f"{root}/tmp")
    libraries = re.findall(r"(/\S+)", subprocess.run(["ldd", LOOPS], stdout=subprocess.PIPE, text=True,
                                                     check=True).stdout)
    for path in [*libraries, "/bin/true"]:
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(os.path.realpath(path), root + path)
    shutil.copy(LOOPS, f"{root}/watch_loops")
    tar = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
    subprocess.run(["docker", "import", "-", IMAGE], stdin=tar.stdout, check=True,
                   stdout=subprocess.DEVNULL)


def in_container(*arguments):
    return loops(["docker", "run", "--rm", "--name", NAME, "--network", "none", "--workdir", "/tmp",
                  IMAGE, "/watch_loops", *arguments])[0]


def record(model):
    recorder = subprocess.Popen([BOLTSEAL, "record", "--container", NAME, "--output", model],
                                stderr=subprocess.DEVNULL)
    time.sleep(3)
    in_container("", "100")
    if recorder.wait(timeout=60) not in (0, 3):
        sys.exit("drift_cost: the loops are not recorded")


def show(title, results):
    print(f"{title:40} {'alone':>8} {'rules':>8} {'+ model':>8} {'added':>7} {'ratio':>6}")
    for name in results[0][0]:
        a, b, c = (statistics.median(r[i][name] for r in results) for i in range(3))
        print(f"{name:40} {a:8.0f} {b:8.0f} {c:8.0f} {c - b:+7.0f} {c / b:6.2f}")


def main():
    inside, outside, took = [], [], {(): [], ("model",): []}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        make_image(folder)
        model = f"{folder}/model.json"
        record(model)
        for _ in range(ROUNDS):
            here, there = [in_container()], [loops(folder=folder)[0]]
            for options in ((), ("--model", model)):
                with Watcher(*options) as w:
                    here.append(in_container())
                    there.append(loops(folder=folder)[0])
                    time.sleep(0.3)
                took[("model",) if options else ()].append(w)
            inside.append(here)
            outside.append(there)
        show("in a container, ns", inside)
        show("on the host, ns", outside)
        for what, watchers in took.items():
            cpu = statistics.median(w.cpu - w.begun for w in watchers)
            print(f"watcher{' with model' if what else '':12}: {cpu:.2f} s of CPU, "
                  f"{statistics.median(w.records for w in watchers):.0f} records, "
                  f"{sum(w.lost for w in watchers)} lost, {max(w.rss for w in watchers) / 1024:.1f} MiB")
    subprocess.run(["docker", "image", "rm", IMAGE], stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
