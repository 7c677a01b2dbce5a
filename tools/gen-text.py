#!/usr/bin/env python3
"""gen-text.py NAME INPUT OUTPUT: a text file as a string of C."""
import sys

name, source, target = sys.argv[1:]
with open(source, encoding="utf-8") as f:
    lines = f.read().splitlines()
with open(target, "w", encoding="utf-8") as f:
    f.write(f"static const char {name}[] =\n")
    for line in lines:
        text = line.strip().replace("\\", "\\\\").replace('"', '\\"')
        f.write(f'\t"{text}\\n"\n')
    f.write(";\n")
