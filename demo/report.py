#!/usr/bin/env python3
"""Tables and summary of the demo, from the files that it left.

report.py attacks OUT_DIR    what each attack met: without protection, with Docker's, sealed
report.py summary OUT_DIR    the result at a glance
report.py compare A B        whether two files of answers are equal; says what differs
report.py options FILE       the options for docker run in what `generate docker -o json` wrote
report.py facts OUT_DIR SYSCALLS_TSV STATUS [PROFILE]
                             collects the numbers of the summary in OUT_DIR/facts.json; STATUS is
                             /proc/PID/status of the sealed container, PROFILE its AppArmor profile

Attack results (JSON lines of the attack program) are in OUT_DIR/attack-{bare,docker,sealed}.json, as
root, and attack-sealed-worker.json, as the worker's user.
"""
import json
import os
import sys

# Errors that say that this kernel has not got what is attacked, when nothing else stands before it.
ABSENT = {"ENOSYS", "EAFNOSUPPORT", "ENODEV"}
# Attacks on files and programs: a path is not visible to seccomp, AppArmor decides about it.
BY_PATH = {"web-shell", "drop-tool", "backdoor", "change-config", "read-shadow", "shell",
           "commands", "reverse-shell", "fileless-program"}


def load(path):
    with open(path, encoding="utf-8") as lines:
        return {a["step"]: a for a in map(json.loads, lines)}


def cell(attack, width):
    word, colour = ("works", 31) if attack["result"] == "done" else ("stopped", 32)
    text = f"{word:{width}}"
    coloured = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return f"\x1b[{colour}m{text}\x1b[0m" if coloured else text


class Attacks:
    def __init__(self, out):
        self.bare, self.docker, self.sealed, self.worker = (
            load(f"{out}/attack-{n}.json") for n in ("bare", "docker", "sealed", "sealed-worker"))
        missing = set(self.bare) - (set(self.docker) & set(self.sealed) & set(self.worker))
        if missing:
            sys.exit("report: attacks without a result: " + " ".join(sorted(missing)))
        self.absent = [s for s, a in self.bare.items() if a["errno"] in ABSENT]
        self.steps = [s for s in self.bare if s not in self.absent]

    def stopped(self, results):
        return sum(results[s]["result"] == "stopped" for s in self.steps)


def why_not(step, apparmor):
    if step in BY_PATH and not apparmor:
        return "the AppArmor profile's part"
    return "nginx does the same"


def print_attacks(out):
    a = Attacks(out)
    apparmor = facts(out)["apparmor"]
    group, width = None, max(len(a.bare[s]["what"]) for s in a.steps) + 2
    print(f"        {'':{width}}{'unprotected':13}{'Docker':10}{'sealed':9}")
    for s in a.steps:
        if a.bare[s]["group"] != group:
            group = a.bare[s]["group"]
            print(f"      {group}:")
        mark = a.sealed[s]["errno"] or why_not(s, apparmor)
        mark = {"ECANCELED": "it starts, but fails", "SIGSYS": "killed"}.get(mark, mark)
        print(f"        {a.bare[s]['what']:{width}}{cell(a.bare[s], 13)}{cell(a.docker[s], 10)}"
              f"{cell(a.sealed[s], 9)}{mark}")
    if a.absent:
        print(f"      not counted, this kernel has no such thing: {', '.join(a.absent)}")
    return 0


def facts(out):
    with open(f"{out}/facts.json", encoding="utf-8") as f:
        return json.load(f)


def print_summary(out):
    a, f = Attacks(out), facts(out)
    count = len(a.steps)
    lost = [s for s in a.steps
            if a.docker[s]["result"] == "stopped" and a.sealed[s]["result"] == "done"]
    apparmor = ("AppArmor profile enforced" if f["apparmor"] else
                "AppArmor profile generated and checked; this kernel has no AppArmor to enforce it")
    rows = [
        ("system calls", f"{f['syscalls']} of {f['syscalls_all']} allowed: {f['syscalls_used']} that"
                         f" nginx made, {f['syscalls'] - f['syscalls_used']} for the container"
                         " runtime, signals and clocks"),
        ("capabilities", f"{f['caps']} of {f['caps_docker']} kept: {f['caps_names']}"),
        ("files", apparmor),
        ("service", f"{f['answers']} of {f['answers']} kinds of requests answered exactly as before;"
                    " reload, log rotation, restart and stop work"),
        ("attacks", f"{a.stopped(a.sealed)} of {count} stopped; Docker's defaults stop "
                    f"{a.stopped(a.docker)}, no protection {a.stopped(a.bare)}"),
        ("", f"(attacker is root in the container; as the worker's user {a.stopped(a.worker)})"),
    ]
    for name, text in rows:
        print(f"      {name:14}{text}")
    if lost:
        print(f"      Docker's defaults stop what the seal allows: {', '.join(lost)}")
    return 0


def options(path):
    with open(path, encoding="utf-8") as f:
        for word in json.load(f)["options"]:
            print(word)
    return 0


# Docker's default capabilities (moby daemon/caps), by number: capability.h.
CAP_NAMES = {0: "chown", 1: "dac_override", 3: "fowner", 4: "fsetid", 5: "kill", 6: "setgid",
             7: "setuid", 8: "setpcap", 10: "net_bind_service", 13: "net_raw", 18: "sys_chroot",
             27: "mknod", 29: "audit_write", 31: "setfcap"}


def read_caps(status):
    """The bounding set of the process: what the kernel lets it have at most."""
    with open(status, encoding="ascii") as lines:
        mask = next(int(line.split()[1], 16) for line in lines if line.startswith("CapBnd:"))
    return [CAP_NAMES.get(n, str(n)) for n in range(64) if mask >> n & 1]


def allowed_calls(path):
    with open(path, encoding="utf-8") as f:
        rules = json.load(f)["syscalls"]
    return {n for r in rules if r["action"] == "SCMP_ACT_ALLOW" for n in r["names"]}


def native_calls(path):
    """Calls of this machine's architecture in the table of all calls."""
    column = "nr_" + os.uname().machine
    with open(path, encoding="utf-8") as lines:
        rows = [x.rstrip("\n").split("\t") for x in lines if not x.startswith("#")]
    at = rows[0].index(column)
    return {r[0] for r in rows[1:] if r[at] != "-"}


def used_calls(path):
    """What the program itself called, in any of its phases."""
    with open(path, encoding="utf-8") as f:
        calls = json.load(f)["syscalls"].get(os.uname().machine, [])
    return {c["name"] for c in calls if {"start", "serving"} & set(c.get("phases", []))}


def write_facts(out, table, status, profile):
    everything = native_calls(table)
    allowed = allowed_calls(f"{out}/seccomp.json") & everything
    with open(f"{out}/answers-before.json", encoding="utf-8") as f:
        answers = len(json.load(f))
    caps = read_caps(status)
    found = {
        "syscalls": len(allowed),
        "syscalls_used": len(allowed & used_calls(f"{out}/model.json")),
        "syscalls_all": len(everything),
        "caps": len(caps),
        "caps_names": ", ".join(caps) or "none",
        "caps_docker": len(CAP_NAMES),
        "answers": answers,
        "apparmor": bool(profile),
    }
    with open(f"{out}/facts.json", "w", encoding="utf-8") as f:
        json.dump(found, f, indent=1)
    return 0


def compare(before, after):
    with open(before, encoding="utf-8") as x, open(after, encoding="utf-8") as y:
        x, y = json.load(x), json.load(y)
    wrong = [k for k in sorted(set(x) | set(y)) if x.get(k) != y.get(k)]
    for k in wrong:
        print(f"request '{k}': before {x.get(k)}, now {y.get(k)}")
    if not wrong:
        print(f"{len(x)} kinds of requests: same status, headers and body")
    return 1 if wrong else 0


def main(argv):
    if len(argv) == 2 and argv[0] == "attacks" and os.path.isdir(argv[1]):
        return print_attacks(argv[1])
    if len(argv) == 2 and argv[0] == "summary" and os.path.isdir(argv[1]):
        return print_summary(argv[1])
    if len(argv) == 3 and argv[0] == "compare":
        return compare(argv[1], argv[2])
    if len(argv) == 2 and argv[0] == "options":
        return options(argv[1])
    if len(argv) in (4, 5) and argv[0] == "facts":
        return write_facts(*argv[1:4], argv[4] if len(argv) == 5 else "")
    print(__doc__, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
