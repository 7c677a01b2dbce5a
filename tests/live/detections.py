#!/usr/bin/env python3
"""What the detection tests share.

detections.py driver CASES [EVERY]            a script that plays the cases in a container, on standard
                                              output; with EVERY, only each EVERYth one
detections.py check CASES LOG FINDINGS [WHERE] TAP lines: what was played (LOG) fired what it should
detections.py cut CASES LOG CAPTURE RULES OUT examples: of each case what its rule needs of the capture
detections.py replay CASES BOLTSEAL EXAMPLES LISTS
                                              TAP lines: each example in the folder does what its name says

CASES: detections/cases.yaml. LOG: lines "RULE <tab> fires|silent <tab> begin <tab> end [<tab> pid]", times in
ns since 1970, pid of who played it outside of the container.
RULES: `boltseal rules list -o json`.
"""
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import yaml

KINDS = ("fires", "silent")
PRELUDE = r"""#!/bin/bash
# Plays detection cases.
log=$1
now() { echo "${EPOCHREALTIME/./}000"; }
play() {
	rm -rf /tmp/w /tmp/as
	mkdir -p /tmp/w /tmp/as
	cd /tmp/w || exit 1
	local begin
	begin=$(now)
	timeout 20 bash /s/play.sh "$3" >/dev/null 2>&1 </dev/null
	sleep 0.02
	printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$begin" "$(now)" >>"$log"
}
"""
PLAY = r"""#!/bin/bash
act() { python3 /s/act.py "$@"; }
as() { cp -f /bin/true "/tmp/as/$1"; "/tmp/as/$@"; }
shas() { cp -f /bin/dash "/tmp/as/$1"; "/tmp/as/$@"; }
pyas() {
	local name=$1
	shift
	cp -f "$(readlink -f /usr/bin/python3)" "/tmp/as/$name"
	PYTHONHOME=/usr "/tmp/as/$name" /s/act.py "$@"
}
eval "$1"
"""


def read_cases(path):
    with open(path, encoding="utf-8") as f:
        return yaml.safe_load(f)


def slug(rule):
    return re.sub(r"[^a-z0-9]+", "-", rule.lower()).strip("-")


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def driver(cases, every=1):
    print(PRELUDE)
    for n, (rule, case) in enumerate(cases.items()):
        if "where" in case or n % int(every):
            continue
        for kind in reversed(KINDS):
            print(f"play {quoted(rule)} {kind} {quoted(case[kind])}")


def read_log(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            rule, kind, begin, end, *pid = line.rstrip("\n").split("\t")
            yield rule, kind, int(begin), int(end), int(pid[0]) if pid else None


def check(_cases, log, findings, where=""):
    with open(findings, encoding="utf-8") as f:
        found = [json.loads(line) for line in f]
    found = [x for x in found if str(x["output_fields"].get("container.id", "")).startswith(where)]
    for rule, kind, begin, end, _ in read_log(log):
        fired = any(x["rule"] == rule and begin <= x["output_fields"]["evt.time"] <= end for x in found)
        print(f"{'ok' if fired == (kind == 'fires') else 'not ok'} {rule}: {kind}")


# ---- examples

# What a record says of its process; left out when it is as in the one before.
KEPT = ("start", "vpid", "uid", "gid", "loginuid", "tty", "cap_permitted", "cap_effective", "comm")
ENVIRONMENT = ("LD_PRELOAD=", "LD_AUDIT=", "LD_LIBRARY_PATH=", "HISTFILE=", "HISTSIZE=", "HISTFILESIZE=")


def complete(lines):
    """The lines, each with all that it says of its process."""
    state = {}
    for line in lines:
        o = json.loads(line)
        if "process" in o:
            p = o["process"]
            state[p["pid"]] = {k: p[k] for k in KEPT if k in p}
        elif "pid" in o:
            before = state.get(o["args"][0] if o.get("kind") == "fork" else o["pid"], {})
            whole = {**before, **{k: o[k] for k in KEPT if k in o}}
            state[o["pid"]] = whole
            o.update(whole)
        yield o


def opened(capture):
    if capture.endswith(".gz"):
        import gzip
        return gzip.open(capture, "rt", encoding="utf-8")
    return open(capture, encoding="utf-8")


def strip(o):
    """Without what is the machine's and not the case's."""
    if o.get("kind") == "exec" and "/boltseal-detections/" not in o.get("cgroup", ""):
        o["cwd"] = "/"
    if "env" in o:
        o["env"] = [x for x in o["env"] if x.startswith(ENVIRONMENT)]
        if not o["env"]:
            del o["env"]
    return o


class Cutter:
    def __init__(self, cases, capture, rules, out):
        self.cases = cases
        with open(rules, encoding="utf-8") as f:
            self.types = {r["name"]: set(r["types"]) for r in json.load(f)["rules"]}
        with opened(capture) as f:
            self.head, *self.lines = list(complete(f))
        self.boot = self.head["boot"]
        self.out = out

    def family(self, root, begin, end):
        """Descendants of a process that began between the two times."""
        pids = set()
        for o in self.lines:
            if o.get("kind") == "fork" and begin <= self.boot + o["time"] <= end:
                if o["args"][0] in pids or o["args"][0] == root:
                    pids.add(o["pid"])
        return pids

    def cut(self, rule, kind, begin, end, root):
        pids = self.family(root, begin, end)
        wanted = self.types[rule] | {"execve"} | set(self.cases[rule].get("needs", []))
        kept = [o for o in self.lines if o.get("kind") == "exec" and o["pid"] == root]
        kept = [self.anonymous(o) for o in kept[-1:]]
        for o in self.lines:
            if o.get("pid") not in pids or not begin <= self.boot + o["time"] <= end:
                continue
            if not o.get("call") or o["call"] in wanted:
                kept.append(strip(o))
        self.write(rule, kind, kept)

    @staticmethod
    def anonymous(o):
        o = dict(o)
        o.update(argv=[o["comm"]], cwd="/")
        o.pop("env", None)
        return o

    def write(self, rule, kind, kept):
        lines = [{"format": "boltseal.capture/1", "arch": self.head["arch"], "hostname": "example", "boot": self.boot},
                 {"note": f"{rule}: {kind}"}]
        path = os.path.join(self.out, f"{slug(rule)}.{kind}.jsonl")
        with open(path, "w", encoding="utf-8") as f:
            for o in lines + kept:
                f.write(json.dumps(o, separators=(",", ":"), ensure_ascii=False) + "\n")


def cut(cases, log, capture, rules, out):
    cutter = Cutter(cases, capture, rules, out)
    drivers = {o["pid"] for o in cutter.lines if o.get("kind") == "exec" and "/s/driver.sh" in o.get("argv", [])}
    for rule, kind, begin, end, pid in read_log(log):
        roots = [o["args"][0] for o in cutter.lines
                 if o.get("kind") == "fork" and begin <= cutter.boot + o["time"] <= end]
        root = pid or next((r for r in roots if r in drivers), None)
        if root is None:
            sys.exit(f"{rule}: {kind}: nothing is captured of it")
        cutter.cut(rule, kind, begin, end, root)


def replay(cases, boltseal, examples, lists):
    rules = {slug(r): r for r in cases}
    names = {f"{s}.{kind}.jsonl" for s in rules for kind in KINDS}
    there = set(os.listdir(examples))
    for name in sorted(names ^ there):
        print(f"not ok {name}: {'there is no such example' if name in names else 'belongs to no rule'}")

    def one(name):
        p = subprocess.run([boltseal, "watch", "--all", "-o", "json", "--add", lists, "--replay",
                            os.path.join(examples, name)], capture_output=True, check=False, timeout=60)
        rule, kind, _ = name.split(".")
        fired = rules[rule] in [json.loads(line)["rule"] for line in p.stdout.splitlines()]
        good = p.returncode == 0 and fired == (kind == "fires")
        return f"{'ok' if good else 'not ok'} {rules[rule]}: {kind}{'' if good else ' ' + p.stderr.decode()}"

    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(one, sorted(names & there)):
            print(line.strip())


if __name__ == "__main__":
    if sys.argv[1] == "play":
        print(PLAY, end="")
    else:
        {"driver": driver, "check": check, "cut": cut, "replay": replay}[sys.argv[1]](
            read_cases(sys.argv[2]), *sys.argv[3:])
