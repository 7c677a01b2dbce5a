#!/usr/bin/env python3
"""run-tests.py [--build DIR] [--asan DIR] [--again] [NAME...]: runs every test and counts the results.

What runs: checks of the tree (include ranks, lists of files, formatting), the unit suite, the unit
suite and the fuzz corpora in the sanitizer build; then the scripts tests/live/*.sh, one after the
other and nothing beside them; then tests/cluster/*.sh, one after the other, and beside them and each
other, two at a time, the virtual machines of tests/vm/*.sh, which share nothing with this machine.
With NAMEs only tests whose name ("unit/args", "live/cli") contains one of them.

With --again up to three tests that failed are run once more at the end, with nothing beside them. What
this gives counts; a test that passes only then is named as unstable, with what failed at first. It is for
machines that others use too, where a neighbour's burst can fail a test.

What counts: each cmocka test; each line "ok NAME", "not ok NAME", "skip NAME: REASON" of a script;
one for each check, each unit binary in the sanitizer build and each fuzz corpus. A program that
dies, runs into its time limit or reports nothing is a failure too. The last line is exactly
"N passed, N failed, N skipped"; the exit code is 1 when anything failed.
"""
import argparse
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CHECK_SECONDS = 60
LIVE_SECONDS = 300
AGAIN_MAX = 3  # more failures are no accident
LANES = 2  # of cluster tests and machines; each keeps a processor or so busy
FAILURE_LINES = 40
TAP = re.compile(r"(ok|not ok)\b(?: *(\d+))?[ -]*(.*)")
SKIP = re.compile(r"(.*?)# ?SKIP\b[ :]*(.*)", re.I)
TIME_LIMIT = re.compile(r"^# Time limit: (\d+) s$", re.M)
LIVE_SKIP = re.compile(r"skip\b[ :-]*([^:]*):? *(.*)")


running = set()  # process ids of tests, each the leader of a session and process group


def interrupted(signum, _frame):
    """Ends what runs, which Ctrl-C and a signal to this process alone do not reach."""
    for pid in list(running):
        try:
            os.killpg(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
    os._exit(128 + signum)


class Test:
    """One program and how to read what it says: "tap", "lines" or "exit" (its exit code)."""

    def __init__(self, name, command, style, seconds, env=None):
        self.name, self.command, self.style = name, command, style
        self.seconds, self.env = seconds, env or {}
        self.clear()
        self.unstable = []  # what failed before it passed

    def clear(self):
        self.passed, self.failed, self.skipped = 0, [], []
        self.output, self.took = "", 0.0

    def run(self):
        self.clear()
        start = time.monotonic()
        env = {**os.environ, **self.env}
        try:
            with subprocess.Popen(self.command, cwd=TOP, env=env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  start_new_session=True) as p:
                running.add(p.pid)
                code, late = self.wait(p)
                running.discard(p.pid)
        except OSError as e:
            code, late = 1, False
            self.output = str(e)
        self.took = time.monotonic() - start
        self.judge(code, late)
        return self

    def wait(self, p):
        try:
            out, late = p.communicate(timeout=self.seconds)[0], False
        except subprocess.TimeoutExpired:
            # First politely, so that a script can stop what it started.
            out, late = b"", True
            for sig in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(p.pid, sig)
                    out = p.communicate(timeout=10)[0]
                    break
                except (subprocess.TimeoutExpired, ProcessLookupError):
                    continue
        self.output = out.decode(errors="replace")
        return p.returncode, late

    def judge(self, code, late):
        if self.style != "exit":
            self.count_lines()
        if late:
            self.failed.append(f"ran longer than {self.seconds} s")
        elif code is None or code < 0:
            self.failed.append(f"ended by signal {-code if code else '?'}")
        elif code and not self.failed:
            self.failed.append(f"ended with code {code}")
        elif self.style == "exit" and not code:
            self.passed = 1
        elif not (self.passed or self.failed or self.skipped):
            self.failed.append("reported no result")

    def count_lines(self):
        planned, before = None, ""
        for line in self.output.splitlines():
            plan = re.fullmatch(r"1\.\.(\d+)(?: *# *SKIP *(.*))?", line)
            m = TAP.match(line)
            if plan:
                planned = int(plan[1])
                if planned == 0:
                    self.skipped.append(f"all of it: {plan[2]}")
            elif self.style == "lines" and LIVE_SKIP.match(line):
                self.skipped.append(": ".join(filter(None, LIVE_SKIP.match(line).groups())))
            elif m and SKIP.match(m[3]):
                what, why = SKIP.match(m[3]).groups()
                # cmocka gives the name behind SKIP and no reason; a test may print one before.
                why = why if what.strip() else f"{why}: {before}" if before else why
                self.skipped.append(f"{what.strip(' -')} {why}".strip())
            elif m and m[1] == "ok":
                self.passed += 1
            elif m:
                self.failed.append(m[3])
            before = "" if m or plan else line.lstrip("# ").strip()
        done = self.passed + len(self.failed) + len(self.skipped)
        if planned is not None and done < planned:
            self.failed.append(f"only {done} of {planned} planned tests reported")


def clang_format_test():
    files = []
    for folder in ("src", "tests", "demo"):
        for where, _, names in os.walk(os.path.join(TOP, folder)):
            files += [os.path.relpath(os.path.join(where, n), TOP)
                      for n in names if n.endswith((".c", ".h"))]
    return Test("check/format", ["clang-format", "--dry-run", "-Werror", *sorted(files)], "exit",
                CHECK_SECONDS)


def check_tests(build):
    return [Test("check/ranks", ["tools/check-ranks.py"], "exit", CHECK_SECONDS),
            Test("check/listed", ["tools/check-listed.py"], "exit", CHECK_SECONDS),
            Test("check/docs", ["tools/check-docs.py"], "exit", CHECK_SECONDS),
            Test("check/bpf", ["tools/check-bpf.py", build], "exit", CHECK_SECONDS),
            clang_format_test()]


def built_tests(build, kinds, style=None, env=None):
    """The tests that tests/meson.build defines, in the given suites."""
    with open(os.path.join(build, "meson-info", "intro-tests.json"), encoding="utf-8") as f:
        rows = json.load(f)
    prefix = "asan-" if style else ""
    for row in sorted(rows, key=lambda r: r["name"]):
        suite = row["suite"][0].split(":")[-1]
        if suite in kinds:
            yield Test(f"{prefix}{suite}/{row['name']}", row["cmd"],
                       style or ("tap" if suite == "unit" else "exit"), row["timeout"],
                       {**(env or {}), **row["env"], "CMOCKA_MESSAGE_OUTPUT": "TAP"})


def asan_tests(build):
    env = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1",
           "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    return built_tests(build, ("unit", "fuzz"), "exit", env)


def scripts(build, kind):
    env = {"BOLTSEAL": os.path.join(build, "boltseal"), "BOLTSEAL_BUILD": build}
    folder = os.path.join(TOP, "tests", kind)
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".sh") or name.startswith("lib"):
            continue
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as f:
            limit = TIME_LIMIT.search(f.read())
        yield Test(f"{kind}/{name[:-3]}", ["bash", path], "lines",
                   int(limit[1]) if limit else LIVE_SECONDS, env)


def report(t, tty):
    word = "FAIL" if t.failed else "ok" if t.passed else "skip"
    parts = [f"{n} {what}" for n, what in ((t.passed, "passed"), (len(t.failed), "failed"),
                                           (len(t.skipped), "skipped")) if n]
    print(f"{chr(13) + chr(27) + '[K' if tty else ''}{word:<5}{t.name:<32}"
          f"{', '.join(parts)} ({t.took:.1f} s)")
    if t.failed:
        said = [l for l in t.output.splitlines() if not l.startswith("ok ")]
        for line in said[-FAILURE_LINES:]:
            print(f"     | {line}")
        for what in t.failed:
            print(f"     failed: {what}")
    sys.stdout.flush()


def run_all(tests, parallel):
    tty = sys.stdout.isatty()
    with ThreadPoolExecutor(parallel) as pool:
        futures = [(t, pool.submit(t.run)) for t in tests]
        for t, future in futures:
            if tty:
                print(f"     {t.name} …", end="", flush=True)
            report(future.result(), tty)


def run_beside(chain, free):
    """Those of the chain one after the other, and beside them those that are free: the longest first."""
    chain, free = deque(chain), deque(sorted(free, key=lambda t: -t.seconds))
    lock = threading.Lock()

    def lane(own):
        while True:
            with lock:
                queue = own or free
                if not queue:
                    return
                t = queue.popleft()
            t.run()
            with lock:
                report(t, False)

    with ThreadPoolExecutor(LANES) as pool:
        lanes = [pool.submit(lane, chain if n == 0 else deque()) for n in range(LANES)]
        for done in lanes:
            done.result()


def run_again(tests):
    failed = [t for t in tests if t.failed]
    if not 0 < len(failed) <= AGAIN_MAX:
        return
    print(f"once more: {', '.join(t.name for t in failed)}")
    for t in failed:
        first = t.failed
        report(t.run(), False)
        if not t.failed:
            t.unstable = first


def share_testdata():
    shared = os.environ.get("BOLTSEAL_SHARED") or os.path.join(TOP, "..", "shared")
    if os.path.isdir(shared):
        os.environ["BOLTSEAL_SHARED"] = os.path.abspath(shared)
    else:
        os.environ.pop("BOLTSEAL_SHARED", None)
        print("../shared is not here: the tests that need its reference data are skipped")


def summary(tests):
    passed = sum(t.passed for t in tests)
    failed = [(t, f) for t in tests for f in t.failed]
    skipped = [(t, s) for t in tests for s in t.skipped]
    unstable = [(t, f) for t in tests for f in t.unstable]
    for title, rows in (("skipped", skipped), ("unstable, passed when run again", unstable),
                        ("failed", failed)):
        if rows:
            print(f"\n{title}:")
            for t, what in rows:
                print(f"  {t.name}: {what}")
    print(f"\n{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--asan", help="sanitizer build directory; without it that part is left out")
    parser.add_argument("--again", action="store_true", help="run once more what failed")
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a test's name")
    args = parser.parse_args()
    build = os.path.join(TOP, args.build)
    share_testdata()
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, interrupted)

    quick = [*check_tests(build), *built_tests(build, ("unit",))]
    if args.asan:
        quick += asan_tests(os.path.join(TOP, args.asan))
    else:
        quick += built_tests(build, ("fuzz",))
    groups = [quick, *(list(scripts(build, kind)) for kind in ("live", "cluster", "vm"))]
    if args.names:
        groups = [[t for t in tests if any(n in t.name for n in args.names)] for tests in groups]
    quick, live, cluster, vm = groups
    run_all(quick, os.cpu_count() or 1)
    run_all(live, 1)
    run_beside(cluster, vm)
    if args.again:
        run_again([t for tests in groups for t in tests])
    return summary([t for tests in groups for t in tests])


if __name__ == "__main__":
    sys.exit(main())
