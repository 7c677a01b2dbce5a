#!/usr/bin/env python3
"""check-bpf.py [BUILD]: the BPF programs have nothing that Linux 5.10 refuses wherever it stands.

What a kernel lacks may stand in a branch that it is told never to take (CO-RE), or in a program
that is not loaded there. Not so atomic operations other than an addition without a result (5.12):
one of them anywhere in a program and it is refused. Nor pointers as arguments of functions that
are checked by themselves (5.13). Prints "object: place: message" for each violation.
"""
import glob
import json
import os
import struct
import subprocess
import sys

SHF_EXECINSTR, SHT_SYMTAB = 4, 2
STB_GLOBAL_FUNC = 0x12           # st_info: STB_GLOBAL << 4 | STT_FUNC
LD_IMM64 = 0x18                  # takes two places; <linux/bpf.h>
ATOMIC = (0xc3, 0xdb)            # BPF_STX | BPF_ATOMIC | BPF_W, BPF_DW
ADD = 0                          # BPF_ADD without BPF_FETCH


class Elf:
    """Of a little-endian ELF64 file: sections as (name, type, flags, bytes)."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        offset, = struct.unpack_from("<Q", self.data, 40)
        size, count, names = struct.unpack_from("<HHH", self.data, 58)
        heads = [struct.unpack_from("<IIQQQQ", self.data, offset + i * size) for i in range(count)]
        table = heads[names][4]
        self.sections = [(self.text(table + name), kind, flags, self.data[at:at + length])
                         for name, kind, flags, _, at, length in heads]
        self.strings = next(s[3] for s in self.sections if s[0] == ".strtab")

    def text(self, at):
        return self.data[at:self.data.index(b"\0", at)].decode()

    def global_functions(self):
        """Names of the functions in .text that are not static."""
        for _, kind, _, data in self.sections:
            for at in range(0, len(data) if kind == SHT_SYMTAB else 0, 24):
                name, info, _, section = struct.unpack_from("<IBBH", data, at)
                if info == STB_GLOBAL_FUNC and self.sections[section][0] == ".text":
                    yield self.strings[name:self.strings.index(b"\0", name)].decode()


def atomic_results(elf):
    for name, _, flags, code in elf.sections:
        at = 0
        while flags & SHF_EXECINSTR and at + 8 <= len(code):
            opcode, constant = code[at], struct.unpack_from("<i", code, at + 4)[0]
            if opcode in ATOMIC and constant != ADD:
                yield f"{name}, instruction {at // 8}: an atomic operation of Linux 5.12"
            at += 16 if opcode == LD_IMM64 else 8


def pointer_arguments(elf, path):
    env = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}
    out = subprocess.run(["bpftool", "-j", "btf", "dump", "file", path], check=True, text=True,
                         stdout=subprocess.PIPE, env=env)
    types = json.loads(out.stdout)["types"]
    by_id = {t["id"]: t for t in types}
    functions = {t["name"]: by_id[t["type_id"]] for t in types if t["kind"] == "FUNC"}
    for name in sorted(elf.global_functions()):
        for argument in functions[name]["params"]:
            if by_id[argument["type_id"]]["kind"] == "PTR":
                yield f"{name}(): {argument['name']} is a pointer, which Linux 5.13 permits"


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    objects = sorted(glob.glob(os.path.join(build, "src", "*.bpf.o")))
    if not objects:
        sys.exit(f"check-bpf: no BPF programs in {build}/src")
    found = 0
    for path in objects:
        elf = Elf(path)
        for message in [*atomic_results(elf), *pointer_arguments(elf, path)]:
            print(f"{os.path.basename(path)}: {message}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
