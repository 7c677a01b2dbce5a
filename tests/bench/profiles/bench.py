#!/usr/bin/env python3
"""make bench-profiles: how good are profiles, on twelve services of Debian 12?

Each service is recorded with a train load and with a train and a test load, and analysed without
running it. Then it does the same work under profiles made from the train load alone, from the analysis,
and from both merged (generate --unseen safe). What it prints is what docs/BENCHMARKS.md has; --markdown
writes that form, and the folder of --keep has models, profiles, reports and results.json.

Runs in boxes of its own (box.sh). Needs root, and Debian's packages once (make-root.sh).
"""
import argparse
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import score

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
# name, the program as the kernel names it, programs that the service itself executes
SERVICES = [
    ("nginx", "/usr/sbin/nginx", ()),
    ("redis", "/usr/bin/redis-check-rdb", ()),
    ("postgres", "/usr/lib/postgresql/15/bin/postgres", ()),
    ("memcached", "/usr/bin/memcached", ()),
    ("httpd", "/usr/sbin/apache2", ()),
    ("mariadb", "/usr/sbin/mariadbd", ()),
    ("node", "/usr/bin/node", ("/usr/bin/dash", "/usr/bin/true")),
    ("python", "/usr/bin/python3.11", ("/usr/bin/true",)),
    ("haproxy", "/usr/sbin/haproxy", ()),
    ("lighttpd", "/usr/sbin/lighttpd", ("/usr/bin/dash", "/usr/bin/perl")),
    ("bind", "/usr/sbin/named", ()),
    ("sqlite3", "/usr/bin/sqlite3", ()),
]
# How services.sh starts the program, in all parts of the load: for the analysis.
COMMANDS = {
    "/usr/sbin/nginx": ("nginx", "nginx -s reload", "nginx -s reopen", "nginx -s quit"),
    "/usr/bin/redis-check-rdb": ("redis-server --daemonize yes --appendonly yes --dir /srv/bench",),
    "/usr/lib/postgresql/15/bin/postgres": (
        "postgres -D /var/lib/postgresql/15/main "
        "-c config_file=/etc/postgresql/15/main/postgresql.conf",),
    "/usr/bin/memcached": ("memcached -u nobody -d -P /srv/bench/m.pid",),
    "/usr/sbin/apache2": ("apache2 -k start", "apache2 -k graceful", "apache2 -k stop"),
    "/usr/sbin/haproxy": ("haproxy -f /bench/src/haproxy.cfg",
                          "haproxy -f /bench/src/haproxy.cfg -sf 1"),
    "/usr/sbin/lighttpd": ("lighttpd -f /etc/lighttpd/lighttpd.conf",),
    "/usr/sbin/named": ("named -u bind",),
    "/usr/bin/sqlite3": (
        "sqlite3 /srv/bench/bench.db 'create table t (a int, b text)' "
        "\"insert into t values (1, 'one'), (2, 'two')\" 'select * from t'",
        "sqlite3 /srv/bench/bench.db vacuum",
        "sqlite3 /srv/bench/bench.db 'pragma journal_mode=wal' "
        "\"insert into t values (5, 'five')\" '.backup /srv/bench/copy.db' '.mode csv' "
        "'.import /srv/bench/rows.csv t'"),
}
KINDS = ("train", "static", "merged")
BOX_SECONDS = 180
# A profile allows what it needs to start a program at all, and answers of the vDSO, whatever it is
# made from: generate adds these. They are no part of the sets.
BASE = {
    "format": "boltseal.workload/1", "identity": {"name": "base", "arch": "x86_64"},
    "sources": [{"kind": "import", "target": "execve alone", "runs": 1, "complete": True}],
    "syscalls": {"x86_64": [{"name": "execve", "phases": ["runtime_sealed"], "sources": [0]}]},
}


class Failed(Exception):
    pass


def run(command, seconds, log, env=None):
    """Exit status, wall seconds and peak memory in MiB. Ends the process group when it takes longer."""
    begin = time.monotonic()
    with open(log, "ab") as f:
        p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=f, stderr=f, env=env,
                             start_new_session=True)
        previous = signal.signal(signal.SIGALRM, lambda *_: os.killpg(p.pid, signal.SIGKILL))
        signal.alarm(int(seconds))
        try:
            _, status, usage = os.wait4(p.pid, 0)
        except BaseException:
            os.killpg(p.pid, signal.SIGKILL)
            raise
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, previous)
        p.returncode = os.waitstatus_to_exitcode(status)
    return p.returncode, time.monotonic() - begin, usage.ru_maxrss / 1024


def tail(path, lines=4):
    with open(path, encoding="utf-8", errors="replace") as f:
        return " | ".join(f.read().strip().splitlines()[-lines:])


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def save(path, document):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(document, f, indent=1)


def only_programs(model, programs):
    """The model's system calls that these programs made."""
    keep = set(programs)

    def made(item):
        return keep & set(item.get("programs", ()))

    out = {k: model[k] for k in ("format", "identity", "sources") if k in model}
    out["programs"] = [p for p in model.get("programs", ()) if p["path"] in keep]
    for p in out["programs"]:
        p.pop("parents", None)
    out["syscalls"] = {}
    for abi, calls in model.get("syscalls", {}).items():
        kept = [dict(c) for c in calls if made(c)]
        for c in kept:
            c["programs"] = sorted(made(c))
            if "arguments" in c:
                c["arguments"] = [dict(a, programs=sorted(made(a)))
                                  for a in c["arguments"] if made(a)]
            if "any_arguments" in c:
                left = made(c["any_arguments"])
                c["any_arguments"] = dict(c["any_arguments"], programs=sorted(left)) if left else None
        if kept:
            out["syscalls"][abi] = kept
    return out


def names(model):
    return {c["name"] for c in model.get("syscalls", {}).get("x86_64", ())}


def allowed(profile):
    """Names that a profile allows, if only with some arguments. clone3, which it answers with ENOSYS,
    counts with clone, which every libc calls then."""
    out = {n for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW"
           for n in rule["names"]}
    return out | {"clone3"} if "clone" in out else out


class Bench:
    def __init__(self, args, work):
        self.boltseal = os.path.abspath(args.boltseal)
        self.work = work
        self.root = args.root
        self.starts = args.starts
        self.bin = os.path.join(work, "bin")
        self.copy_binary()
        self.static = self.can("analyze")

    def can(self, command):
        return subprocess.run([self.boltseal, command, "--help"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def copy_binary(self):
        """boltseal with its libraries, to be used inside the box without changing what is there."""
        os.makedirs(self.bin)
        out = subprocess.run(["ldd", self.boltseal], capture_output=True, text=True, check=True).stdout
        for line in out.splitlines():
            words = line.split()
            path = next((w for w in words if w.startswith("/")), None)
            if path:
                name = "ld.so" if "ld-linux" in path else words[0]
                shutil.copy(path, os.path.join(self.bin, name))
        shutil.copy(self.boltseal, os.path.join(self.bin, "boltseal"))

    def box(self, name, service, load_name, profile=None, mode=None, prefix=()):
        """Runs the service's workload. Exit status and the folder with its output."""
        box = tempfile.mkdtemp(prefix="box-", dir=self.work)
        out = os.path.join(box, "out")
        os.makedirs(out)
        os.symlink(self.bin, os.path.join(box, "bin"))
        command = [*prefix, os.path.join(HERE, "box.sh"), self.root, box, "/bench/src/services.sh",
                   service, load_name]
        if profile:
            shutil.copy(profile, os.path.join(out, "profile.json"))
            command += ["/bench/out/profile.json", mode]
        log = os.path.join(self.work, name + ".log")
        status, _, _ = run(command, BOX_SECONDS, log)
        shutil.rmtree(os.path.join(box, "upper"), ignore_errors=True)
        shutil.rmtree(os.path.join(box, "overlay"), ignore_errors=True)
        return status, out, log

    def record(self, service, load_name):
        model = os.path.join(self.work, f"{service}.{load_name}.all.json")
        status, _, log = self.box(f"{service}.record", service, load_name,
                                  prefix=(self.boltseal, "record", "--output", model, "--name",
                                          service, "--method", "ebpf", "--"))
        if status != 0:
            raise Failed(f"recording with the {load_name} load ended with status {status}: {tail(log)}")
        return load(model)

    def modules(self, program):
        """What the configuration says is loaded, which only the program itself reads."""
        if program != "/usr/sbin/apache2":
            return []
        out = []
        for path in sorted(glob.glob(self.root + "/etc/apache2/mods-enabled/*.load")):
            with open(path, encoding="utf-8") as f:
                out += [line.split()[2] for line in f if line.startswith("LoadModule")]
        return out

    def put(self, name):
        """A file of this folder, at the place where it is in the box."""
        os.makedirs(self.root + "/bench/src", exist_ok=True)
        shutil.copy(os.path.join(HERE, name), f"{self.root}/bench/src/{name}")

    def script(self, service, program):
        """The script that an interpreter runs."""
        name = {"python3": "server.py", "node": "server.js"}.get(os.path.basename(program).split(".")[0])
        if service not in ("python", "node") or not name:
            return []
        self.put(name)
        return [f"--script=/bench/src/{name}"]

    def commands(self, program):
        """How the program is started, with the configuration that is not one of its package."""
        if program == "/usr/sbin/haproxy":
            self.put("haproxy.cfg")
        return [f"--command={c}" for c in COMMANDS.get(program, ())]

    def analyze(self, service, program):
        """The static model of one program: its path, wall seconds, peak memory in MiB."""
        path = os.path.join(self.work, f"{service}.{os.path.basename(program)}.static.json")
        log = os.path.join(self.work, f"{service}.analyze.log")
        status, wall, memory = run([self.boltseal, "analyze", "--no-cache", "--rootfs", self.root,
                                    "--output", path,
                                    *(f"--library={m}" for m in self.modules(program)),
                                    *self.script(service, program), *self.commands(program), program],
                                   600, log)
        if status not in (0, 3):
            raise Failed(f"analyze {program} ended with status {status}: {tail(log)}")
        return path, wall, memory

    def merge(self, name, paths):
        out = os.path.join(self.work, name)
        subprocess.run([self.boltseal, "merge", "--output", out, *paths], check=True)
        return out

    def profile(self, model, name):
        path = os.path.join(self.work, f"{name}.seccomp.json")
        log = os.path.join(self.work, f"{name}.generate.log")
        base = os.path.join(self.work, "base.json")
        if not os.path.exists(base):
            save(base, BASE)
        status, _, _ = run([self.boltseal, "generate", "seccomp", "--allow-incomplete", "--base", base,
                            "--unseen", "safe", "--output", path, model], 60, log)
        if status != 0:
            raise Failed(f"generate ended with status {status}: {tail(log)}")
        return path

    def denials(self, service, profile, name):
        """What the profile would refuse in a full run, as counts by outcome and by name."""
        status, out, log = self.box(name, service, "full", profile, "complain")
        if status != 0:
            raise Failed(f"the run in complain mode ended with status {status}: {tail(log)}")
        total = {"EPERM": 0, "ENOSYS": 0, "SIGSYS": 0, "clone3": 0, "calls": {}}
        reports = [f for f in os.listdir(out) if f.startswith("report.")]
        if not reports:
            raise Failed("no report was written")
        for f in reports:
            report = load(os.path.join(out, f))
            if not report["complete"] or report.get("lost"):
                raise Failed(f"incomplete report: {f}")
            for d in report.get("would_deny", ()):
                if d["syscall"] == "clone3" and d.get("errno") in (38, "ENOSYS"):
                    # Every libc then calls clone, which is allowed with it.
                    total["clone3"] += d["count"]
                    continue
                kind = ("SIGSYS" if d["action"] not in ("ERRNO", "SCMP_ACT_ERRNO") else
                        "ENOSYS" if d.get("errno") in (38, "ENOSYS") else "EPERM")
                total[kind] += d["count"]
                key = f"{os.path.basename(d.get('program', '?'))}: {d['syscall']}"
                total["calls"][key] = total["calls"].get(key, 0) + d["count"]
        return total

    def works(self, service, profile, name):
        status, _, log = self.box(name, service, "full", profile, "enforce")
        return (status == 0, "" if status == 0 else tail(log))

    def failed_starts(self, service, profile, name):
        failures = 0
        for _ in range(self.starts):
            status, out, _ = self.box(name, service, "start", profile, "enforce")
            failures += status != 0
            shutil.rmtree(os.path.dirname(out), ignore_errors=True)
        return failures

    def models(self, service, program, children, result):
        """Model files by kind, and the sets in the result."""
        train = self.record(service, "train")
        full = names(only_programs(self.record(service, "full"), [program]))
        result["train"] = sorted(names(only_programs(train, [program])))
        result["full"] = sorted(full.union(result["train"]))
        if not result["train"]:
            raise Failed(f"the recording has no call of {program}")
        # What the service executes runs under its profile too, but is not in the sets.
        paths = {"train": os.path.join(self.work, f"{service}.train.json")}
        save(paths["train"], only_programs(train, [program, *children]))
        if not self.static:
            return paths
        static, result["analyze_s"], result["analyze_mib"] = self.analyze(service, program)
        result["static"] = sorted(names(load(static)))
        merged = self.merge(f"{service}.merged.json", [paths["train"], static])
        result["merged"] = sorted(names(only_programs(load(merged), [program])))
        others = [self.analyze(service, c)[0] for c in children]
        paths["static"] = self.merge(f"{service}.static-all.json", [static, *others])
        paths["merged"] = self.merge(f"{service}.merged-all.json", [merged, *others])
        return paths

    def service(self, service, program, children):
        result = {"service": service, "program": program}
        begin = time.monotonic()
        paths = self.models(service, program, children, result)
        for kind, model in paths.items():
            profile = self.profile(model, f"{service}.{kind}")
            if kind == "merged":
                result[kind] = sorted(allowed(load(profile)).intersection(result[kind]))
            result[kind + "_denials"] = self.denials(service, profile, f"{service}.{kind}.complain")
            result[kind + "_works"] = self.works(service, profile, f"{service}.{kind}.enforce")
        best = "merged" if "merged" in paths else "train"
        profile = os.path.join(self.work, f"{service}.{best}.seccomp.json")
        result["starts"] = self.starts
        result["start_profile"] = best
        result["failed_starts"] = self.failed_starts(service, profile, f"{service}.starts")
        result["seconds"] = time.monotonic() - begin
        return result


def score_all(results):
    calls = score.all_calls()
    for r in results:
        truth = set(r["full"])
        for kind in ("train", "full", "static", "merged"):
            if kind in r:
                allowed = set(r[kind])
                blocked = calls - allowed
                p, c, f1 = score.quality(allowed, truth)
                r[kind + "_score"] = {
                    "missed": sorted(truth - allowed), "precision": p, "recall": c, "f1": f1,
                    "stopped": score.stopped(blocked),
                    "stopped_equivalents": score.stopped(blocked, True),
                    "cves": score.cves_blocked(blocked)}


def mean(results, value):
    values = [v for v in (value(r) for r in results) if v is not None]
    return sum(values) / len(values) if values else None


def cell(value, form):
    return "–" if value is None else form.format(value)


def sc(result, kind, key):
    s = result.get(kind + "_score")
    return s[key] if s else None


def size(result, kind):
    return len(result[kind]) if kind in result else None


def missed(result, kind):
    m = sc(result, kind, "missed")
    return None if m is None else len(m)


def denied(result, kind):
    d = result.get(kind + "_denials")
    return "–" if d is None else f"{d['EPERM']}/{d['ENOSYS']}/{d['SIGSYS']}"


def works(result, kind):
    w = result.get(kind + "_works")
    return "–" if w is None else "yes" if w[0] else "no"


def tables(results):
    """[(title, head, rows)], as text."""
    sizes = [("train", "train"), ("full", "full"), ("static", "static"), ("merged", "merged")]
    rows = []
    for r in results:
        rows.append([r["service"]] + [cell(size(r, k), "{}") for _, k in sizes] +
                    [cell(missed(r, k), "{}") for k in ("train", "static", "merged")] +
                    [cell(sc(r, k, m), "{:.2f}") for k in ("static", "merged")
                     for m in ("precision", "recall", "f1")] + [cell(sc(r, "train", "f1"), "{:.2f}")])
    rows.append(["mean"] + [cell(mean(results, lambda r, k=k: size(r, k)), "{:.1f}") for _, k in sizes] +
                [cell(mean(results, lambda r, k=k: missed(r, k)), "{:.1f}")
                 for k in ("train", "static", "merged")] +
                [cell(mean(results, lambda r, k=k, m=m: sc(r, k, m)), "{:.2f}")
                 for k in ("static", "merged") for m in ("precision", "recall", "f1")] +
                [cell(mean(results, lambda r: sc(r, "train", "f1")), "{:.2f}")])
    out = [("System calls: sets, and what they miss of the full run",
            ["service", "train", "full", "static", "merged", "missed by train", "by static",
             "by merged", "precision static", "recall", "F1", "precision merged", "recall", "F1",
             "F1 train"], rows)]
    rows = []
    for r in results:
        rows.append([r["service"]] + [denied(r, k) for k in KINDS] + [works(r, k) for k in KINDS] +
                    [f"{r['starts'] - r['failed_starts']} of {r['starts']}"])
    out.append(("A full run under the profile: calls refused with EPERM/ENOSYS/SIGSYS; does it work?",
                ["service", "train", "static", "merged", "works: train", "static", "merged", "starts"],
                rows))
    rows = []
    attack = [(k, m, form) for m, form in (("stopped", "{:.1f}"), ("stopped_equivalents", "{:.1f}"),
                                           ("cves", "{}")) for k in ("full", "static", "merged")]
    for r in results:
        rows.append([r["service"]] + [cell(sc(r, k, m), form) for k, m, form in attack])
    rows.append(["mean"] + [cell(mean(results, lambda r, k=k, m=m: sc(r, k, m)), "{:.1f}")
                            for k, m, _ in attack])
    out.append(("Shellcodes stopped (% of 535), the same when calls can be replaced by equivalents, "
                "kernel CVEs blocked (of 36)",
                ["service", "full", "static", "merged", "equivalents: full", "static", "merged",
                 "CVEs: full", "static", "merged"], rows))
    if any("analyze_s" in r for r in results):
        rows = [[r["service"], cell(r.get("analyze_s"), "{:.2f}"), cell(r.get("analyze_mib"), "{:.0f}")]
                for r in results]
        rows.append(["mean", cell(mean(results, lambda r: r.get("analyze_s")), "{:.2f}"),
                     cell(mean(results, lambda r: r.get("analyze_mib")), "{:.0f}")])
        out.append(("The analysis", ["service", "seconds", "peak memory, MiB"], rows))
    return out


def as_text(title, head, rows):
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    lines = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                       for i, (c, w) in enumerate(zip(r, widths))) for r in [head, *rows]]
    return "\n".join(["", title, "", *lines])


def as_markdown(title, head, rows):
    lines = ["| " + " | ".join(r) + " |" for r in [head, ["---"] * len(head), *rows]]
    return "\n".join(["", title + ":", "", *lines])


def details(results):
    """What a reader wants to know when a number is not what it should be."""
    lines = []
    for r in results:
        for kind in KINDS:
            s, d, w = (r.get(kind + x) for x in ("_score", "_denials", "_works"))
            if s and s["missed"]:
                lines.append(f"{r['service']}, {kind}: misses {' '.join(s['missed'])}")
            if d and d["calls"]:
                lines.append(f"{r['service']}, {kind}: refused " +
                             ", ".join(f"{k} ({n})" for k, n in sorted(d["calls"].items())))
            if w and not w[0]:
                lines.append(f"{r['service']}, {kind}: does not work: {w[1]}")
    return lines


def measure(bench, wanted):
    results, skipped = [], []
    for name, program, children in SERVICES:
        if wanted and name not in wanted:
            continue
        if not os.path.exists(bench.root + program):
            skipped.append((name, f"{program} is not in the root file system"))
            continue
        try:
            results.append(bench.service(name, program, children))
            print(f"# {name}: {results[-1]['seconds']:.0f} s", flush=True)
        except Failed as e:
            skipped.append((name, str(e)))
            print(f"# {name}: {e}", flush=True)
    return results, skipped


def make_root(cache):
    root = os.path.join(cache, "rootfs", "pb12")
    status = subprocess.run([os.path.join(HERE, "make-root.sh"), root], check=False).returncode
    if status == 3:
        print("skipped: Debian's packages cannot be fetched")
        sys.exit(0)
    if status:
        sys.exit("bench-profiles: the root file system cannot be made")
    return root


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--boltseal", default=os.environ.get("BOLTSEAL", os.path.join(REPO, "build/boltseal")))
    p.add_argument("--starts", type=int, default=100 if os.environ.get("BENCH") == "1" else 10)
    p.add_argument("--markdown", help="also write the tables to this file")
    p.add_argument("--keep", help="leave models, profiles, reports and results.json in this new folder")
    p.add_argument("service", nargs="*")
    a = p.parse_args()
    unknown = set(a.service) - {s[0] for s in SERVICES}
    if unknown:
        p.error(f"unknown service: {' '.join(sorted(unknown))}")
    if os.geteuid() != 0:
        print("skipped: needs root")
        return 0
    cache = os.environ.get("BOLTSEAL_CACHE", os.path.join(REPO, ".demo"))
    a.root = make_root(cache)
    work = a.keep or tempfile.mkdtemp(prefix="pb12-", dir=cache)
    os.makedirs(work, exist_ok=bool(not a.keep))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for who, published, ours in score.check():
            print(f"# shellcodes stopped by {who}: {ours:.2f} %, published {published:.2f} %")
        results, skipped = measure(Bench(a, work), a.service)
        score_all(results)
        save(os.path.join(work, "results.json"), {"results": results, "skipped": skipped})
        text = "\n".join(as_text(*t) for t in tables(results))
        print(text, "", *details(results), sep="\n")
        for name, why in skipped:
            print(f"skipped: {name}: {why}")
        if a.markdown:
            with open(a.markdown, "w", encoding="utf-8") as f:
                f.write("\n".join(as_markdown(*t) for t in tables(results)) + "\n")
    finally:
        if not a.keep:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if skipped or not results else 0


if __name__ == "__main__":
    sys.exit(main())
