#!/usr/bin/env python3
"""Scores of sets of allowed system calls: precision, recall, F1, shellcodes stopped, CVEs blocked.

Run alone, it checks its tables against published figures.
"""
import itertools
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SYSCALLS = os.path.join(HERE, "../../../src/model/syscalls.tsv")


def rows(path):
    with open(path, encoding="ascii") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                yield line.rstrip("\n").split("\t")


def table(name):
    return list(rows(os.path.join(HERE, name)))


def all_calls():
    """Names of all system calls of x86-64."""
    return {r[0] for r in rows(SYSCALLS) if r[0] != "name" and r[1] != "-"}


def shellcodes():
    """The sets of calls of the shellcodes, one set each."""
    out = []
    for ids, calls in table("shellcodes.tsv"):
        variants = [set(c) for c in itertools.product(*[w.split("|") for w in calls.split()])]
        out += variants * len(ids.split(","))
    return out


def substitutes():
    """call -> calls that can take its place."""
    out = {}
    for direction, calls in table("equivalents.tsv"):
        names = calls.split()
        for c in names if direction == "both" else names[:1]:
            out.setdefault(c, set()).update(names)
    return out


SHELLCODES = shellcodes()
CVES = [(r[0], set(r[1].split())) for r in table("cves.tsv")]
SUBSTITUTES = substitutes()


def stopped(blocked, equivalents=False):
    """Percentage of the shellcodes of which at least one call is blocked; with equivalents, a call is
    only when those that can take its place are too."""
    def is_blocked(call):
        others = SUBSTITUTES.get(call, set()) if equivalents else set()
        return call in blocked and others <= blocked
    n = sum(any(is_blocked(c) for c in s) for s in SHELLCODES)
    return 100 * n / len(SHELLCODES)


def cves_blocked(blocked):
    return sum(calls <= blocked for _, calls in CVES)


def quality(profile, truth):
    """Precision, recall and F1 of a set of allowed calls against what is needed."""
    hits = len(profile & truth)
    precision = hits / len(profile) if profile else 0
    recall = hits / len(truth) if truth else 0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0


def check():
    """Published percentages from published lists of blocked calls: [(what, published, ours)]."""
    return [(who, float(percent), stopped(set(calls.split())))
            for who, percent, calls in table("published.tsv")]


def main():
    wrong = 0
    print(f"{len(SHELLCODES)} shellcodes, {len(CVES)} CVEs")
    wrong += (len(SHELLCODES), len(CVES)) != (535, 36)
    for who, published, ours in check():
        print(f"{who}: {ours:.2f} % stopped, published {published:.2f} %")
        wrong += abs(ours - published) > 0.02
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
