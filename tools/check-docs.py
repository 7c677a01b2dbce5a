#!/usr/bin/env python3
"""check-docs.py: files and functions that the documents name are there.

In README.md, HACKING.md and docs/*.md: what stands in backticks and begins with a folder of this
tree. In docs/ARCHITECTURE.md and HACKING.md, whose tables lead to the code, also `name.c`,
`test_name` and `name()`. In src: a comment that begins with the name of a file ("/* name.c: ...").
`*` stands for anything, as words in capitals do (`cmd_NAME.c`). Prints "file:line: message" for
each that is missing.
"""
import fnmatch
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LEADING = ("HACKING.md", "docs/ARCHITECTURE.md")
FOLDERS = ("src", "tests", "tools", "docs", "rules", "profiles", "deploy", "demo")
PATH = re.compile(rf"(?:{'|'.join(FOLDERS)})/[\w./*-]*")
FILE = re.compile(r"[\w*-]+\.(?:c|h|sh|py|tsv)")
TEST = re.compile(r"(?:test|fuzz)_\w+")
FUNCTION = re.compile(r"(\w+)\(\)")
COMMENT = re.compile(r"^(?:/\*| \*) (\w+\.[ch])\b(?=[: ])")


class Tree:
    def __init__(self):
        self.files = set(self.walk())
        self.folders = {f[:i] for f in self.files for i, c in enumerate(f) if c == "/"}
        self.code = [f for f in self.files if f.startswith("src/") and f.endswith((".c", ".h"))]
        self.words = {w for f in self.code for w in re.findall(r"\w+", self.read(f))}

    @staticmethod
    def walk():
        """All files but those of builds, which lie in folders of their own, and hidden ones."""
        yield from (e.name for e in os.scandir(TOP) if e.is_file())
        for folder in FOLDERS:
            for where, below, names in os.walk(os.path.join(TOP, folder)):
                below[:] = [b for b in below if not b.startswith((".", "__"))]
                yield from (os.path.relpath(os.path.join(where, n), TOP) for n in names)

    @staticmethod
    def read(name):
        with open(os.path.join(TOP, name), encoding="utf-8") as f:
            return f.read()

    def has(self, pattern):
        pattern = re.sub(r"(?<![A-Za-z])[A-Z]{3,}(?![A-Za-z])", "*", pattern.rstrip("/"))
        return any(fnmatch.fnmatchcase(f, pattern) for f in self.files | self.folders)

    def lacks(self, word, leading):
        """What is wrong with a word in backticks, or None."""
        if PATH.fullmatch(word):
            return None if self.has(word) else f"there is no {word}"
        if not leading:
            return None
        function = FUNCTION.fullmatch(word)
        if function:
            return None if function[1] in self.words else f"src has no {word}"
        if TEST.fullmatch(word):
            return None if self.has(f"tests/*/{word}.c") else f"there is no test {word}"
        if FILE.fullmatch(word):
            return None if self.has(f"*/{word}") else f"there is no file {word}"
        return None


def judge(tree):
    documents = sorted(f for f in tree.files if re.fullmatch(r"(docs/)?[\w-]+\.md", f))
    for name in documents:
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            for quoted in re.findall(r"`([^`]+)`", line):
                wrong = tree.lacks(quoted.split()[0], name in LEADING) if quoted.split() else None
                if wrong:
                    yield f"{name}:{number}: {wrong}"
    for name in sorted(tree.code):
        for number, line in enumerate(tree.read(name).splitlines(), 1):
            for file in COMMENT.findall(line):
                if not tree.has(f"src/*/{file}"):
                    yield f"{name}:{number}: there is no {file}"


def main():
    missing = list(judge(Tree()))
    for line in missing:
        print(line)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
