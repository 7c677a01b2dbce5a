#!/usr/bin/env python3
"""check-listed.py: every source file and every test is named in its meson.build.

Without this, a forgotten test would never run and nobody would notice. Prints what is missing.
"""
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def strings(build_file):
    with open(os.path.join(TOP, build_file), encoding="utf-8") as f:
        code = "\n".join(line.split("#")[0] for line in f)
    return set(re.findall(r"'([^']*)'", code))


def sources():
    """The files below src that are compiled: main.c by the top meson.build, the rest by src's."""
    top = (s[len("src/"):] for s in strings("meson.build") if s.startswith("src/"))
    return strings("src/meson.build") | set(top)


def c_files(folder):
    for where, _, names in os.walk(os.path.join(TOP, folder)):
        for name in names:
            if name.endswith(".c"):
                yield os.path.relpath(os.path.join(where, name), os.path.join(TOP, folder))


def unlisted():
    src, tests = sources(), strings("tests/meson.build")
    for name in c_files("src"):
        bpf = re.fullmatch(r"bpf/(\w+)\.bpf\.c", name)
        if (bpf[1] if bpf else name) not in src:
            yield f"src/{name} is not listed in src/meson.build"
    for kind in ("unit/test_", "fuzz/fuzz_"):
        folder, prefix = kind.split("/")
        for name in c_files(f"tests/{folder}"):
            if name.startswith(prefix) and name[len(prefix):-2] not in tests:
                yield f"tests/{folder}/{name} is not listed in tests/meson.build"


def main():
    missing = sorted(unlisted())
    for line in missing:
        print(line)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
