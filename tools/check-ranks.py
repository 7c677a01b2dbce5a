#!/usr/bin/env python3
"""check-ranks.py [SRC]: includes go only to a lower rank or stay in their folder.

Rank 0 is base, rank 1 model and bpf, rank 3 app, rank 2 every other folder below src. A file of
rank n may include files of its own folder and of ranks below n; so folders of one rank never
include one another. base/log.h is for app only: the rest reports errors and prints nothing.
docs/ARCHITECTURE.md has the picture. Prints "file:line: message" for each violation.
"""
import os
import re
import sys

RANKS = {"base": 0, "model": 1, "bpf": 1, "app": 3}
RANK_OTHER = 2
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')
# Made by the build (src/meson.build): tables and BPF skeletons, without a folder.
GENERATED = re.compile(r"\w+(\.inc|\.skel\.h)$")


def rank(folder):
    return RANKS.get(folder, RANK_OTHER)


def judge(src, folder, target):
    """What is wrong with including `target` from a file in `folder`, or None."""
    if "/" not in target:
        if GENERATED.match(target) or os.path.exists(os.path.join(src, folder, target)):
            return None
        return f'"{target}" is not in src/{folder} and not made by the build'
    if not os.path.exists(os.path.join(src, target)):
        return f'there is no src/{target}'
    to = target.split("/")[0]
    if target == "base/log.h" and folder not in ("app", "base"):
        return "only app/ prints; report through struct err instead of base/log.h"
    if to != folder and rank(to) >= rank(folder):
        return (f'{folder}/ (rank {rank(folder)}) must not include '
                f'"{target}" (rank {rank(to)})')
    return None


def check_file(src, path):
    folder = os.path.relpath(path, src).split(os.sep)[0]
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            m = INCLUDE.match(line)
            wrong = judge(src, folder, m[1]) if m else None
            if wrong:
                yield f"{path}:{number}: {wrong}"


def main():
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    src = sys.argv[1] if len(sys.argv) > 1 else os.path.relpath(os.path.join(top, "src"))
    files = violations = 0
    for folder, _, names in sorted(os.walk(src)):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                files += 1
                for message in check_file(src, os.path.join(folder, name)):
                    violations += 1
                    print(message)
    if not files:
        sys.exit(f"check-ranks: no source files below {src}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
