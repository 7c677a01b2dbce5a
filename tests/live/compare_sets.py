#!/usr/bin/env python3
"""compare_sets.py MODEL STRACE...: the calls of a model against logs of `strace -f -n -o`.

Every call of every log must be in the model. What only the model has is listed with the reason that
is known; without one it counts as a difference too. Prints one line for the result, lines that
begin with "#" for the details; the exit status is 1 when they differ.
"""
import json
import os
import re
import sys

# Calls that a run makes or not depending on timing, or that strace itself changes.
TIMING = {
    "futex": "only when threads meet",
    "madvise": "depends on how much memory threads left behind",
    "mremap": "depends on how a buffer grew",
    "munmap": "depends on which thread ends first",
    "rt_sigreturn": "only when a signal arrives at a handler",
    "sched_yield": "only when threads meet",
    "poll": "only when a child's output is not there yet",
    "select": "only when a child's output is not there yet",
    "pselect6": "only when a child's output is not there yet",
    "wait4": "only when a child has not ended yet",
    "brk": "depends on how threads share the heap",
    "mprotect": "depends on how many heaps threads used",
}

# Calls that appear because a tracer stops the program.
TRACED = {"restart_syscall": "a tracer's stop in a waiting call"}

LINE = re.compile(r"^(\d+) +\[ *(\d+)\] (\w+)\(")
# From this number on all ABIs have the same numbers (kernel 5.1).
COMMON = 424


def read_table():
    """{abi: {number: name}} from the table that boltseal itself is built from."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/model/syscalls.tsv")
    with open(path, encoding="utf-8") as lines:
        rows = [x.rstrip("\n").split("\t") for x in lines if not x.startswith("#")]
    return {abi: {int(r[rows[0].index(f"nr_{abi}")]): r[0] for r in rows[1:]
                  if r[rows[0].index(f"nr_{abi}")] != "-"} for abi in ("x86_64", "i386", "aarch64")}


def abi_of(table, nr, name, last):
    """strace -o does not say which ABI a call is of; number and name together do."""
    native = os.uname().machine
    if nr >= COMMON:
        return last
    return native if table[native].get(nr) == name else "i386"


def read_strace(path, table):
    """{(abi, name)}. A new process begins in the mode of the process of the line before."""
    calls, modes, last = set(), {}, os.uname().machine
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            call = LINE.match(line)
            if not call:
                continue
            pid, nr, name = call.group(1), int(call.group(2)), call.group(3)
            last = modes[pid] = abi_of(table, nr, name, modes.get(pid, last))
            calls.add((last, table[last].get(nr, name)))
    if not calls:
        sys.exit(f"compare_sets: {path}: no system calls in it")
    return calls


def read_model(path):
    with open(path, encoding="utf-8") as f:
        model = json.load(f)
    return {(abi, c.get("name", str(c.get("number"))))
            for abi, calls in model["syscalls"].items() for c in calls}


def spell(call):
    return call[1] if call[0] == os.uname().machine else f"{call[0]}:{call[1]}"


def main(argv):
    if len(argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    recorded = read_model(argv[0])
    table = read_table()
    runs = [read_strace(p, table) for p in argv[1:]]
    traced = set().union(*runs)
    always = set.intersection(*runs)
    details, wrong = [], 0
    for call in sorted(traced - recorded):
        if call[1] in TRACED:
            details.append(f"only strace: {spell(call)} ({TRACED[call[1]]})")
        elif call not in always and call[1] in TIMING:
            details.append(f"only strace, not in every run: {spell(call)} ({TIMING[call[1]]})")
        else:
            wrong += 1
            details.append(f"MISSING in the recording: {spell(call)}")
    for call in sorted(recorded - traced):
        reason = TIMING.get(call[1]) or TRACED.get(call[1])
        if reason:
            details.append(f"only recorded: {spell(call)} ({reason})")
        else:
            wrong += 1
            details.append(f"ONLY RECORDED, no reason known: {spell(call)}")
    same = "the same set" if recorded == traced else "different sets"
    print(f"{len(recorded)} recorded, {len(traced)} by strace: {same}")
    for d in details:
        print(f"#   {d}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
