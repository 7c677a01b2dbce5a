#!/usr/bin/env python3
"""gen-syscalls.py IN OUT: syscalls.tsv to the C initialisers that syscalls.c includes.

The kinds of arguments are read from SC_KINDS in syscalls.h next to IN. Anything wrong in IN is
reported as file:line: message; nothing is written then.
"""
import os
import re
import sys

ABIS = ("x86_64", "i386", "x32", "aarch64")
# The release that brought each ABI into the kernel.
ABI_FLOOR = {"x86_64": (2, 6, 0), "i386": (1, 0, 0), "x32": (3, 4, 0), "aarch64": (3, 7, 0)}
COLUMNS = (
    ["name"]
    + ["nr_" + a for a in ABIS]
    + ["since", "since_abi", "args", "args_i386", "args_x32", "args_aarch64"]
)
IDENT = re.compile(r"[a-z_][a-z0-9_]*$")
NAME_MAX = 38
NR_LIMIT = 1000
MAX_ARGS = 6


class Bad(Exception):
    pass


def parse_kinds(header):
    with open(header, encoding="utf-8") as f:
        kinds = {m[2]: m[1] for m in re.finditer(r'\bX\((\w+), "(\w+)", \d+,', f.read())}
    if not kinds:
        raise Bad("no SC_KINDS table found")
    return kinds


def parse_nr(text):
    if text == "-":
        return -1
    if not re.fullmatch(r"0|[1-9][0-9]*", text) or int(text) >= NR_LIMIT:
        raise Bad(f"expected a number below {NR_LIMIT} or '-', got '{text}'")
    return int(text)


def parse_version(text):
    m = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    v = tuple(int(x or 0) for x in m.groups()) if m else None
    if not v or max(v) > 255:
        raise Bad(f"expected a kernel version such as 2.6.16 or 6.18, got '{text}'")
    return v


def parse_since_abi(text):
    out = {}
    for item in [] if text == "-" else text.split(","):
        abi, sep, version = item.partition(":")
        if abi not in ABIS or not sep or abi in out:
            raise Bad(f"expected abi:version with an ABI not given before, got '{item}'")
        out[abi] = parse_version(version)
    return out


def parse_args(text, kinds):
    out = []
    for item in [] if text == "-" else text.split(","):
        name, sep, kind = item.partition(":")
        if not sep or not IDENT.match(name):
            raise Bad(f"expected name:kind, got '{item}'")
        if kind not in kinds:
            raise Bad(f"unknown kind '{kind}' of argument '{name}'")
        if name in (a[0] for a in out):
            raise Bad(f"two arguments '{name}'")
        out.append((name, kind))
    if len(out) > MAX_ARGS:
        raise Bad(f"{len(out)} arguments, at most {MAX_ARGS} are possible")
    return tuple(out)


def parse_row(line, kinds):
    cells = line.split("\t")
    if len(cells) != len(COLUMNS):
        raise Bad(f"expected {len(COLUMNS)} columns, got {len(cells)}")
    c = dict(zip(COLUMNS, cells))
    if not IDENT.match(c["name"]) or len(c["name"]) > NAME_MAX:
        raise Bad(f"not the name of a system call: '{c['name']}'")
    nr = {a: parse_nr(c["nr_" + a]) for a in ABIS}
    if max(nr.values()) < 0:
        raise Bad(f"'{c['name']}' has a number in no ABI")
    since = parse_version(c["since"])
    later = parse_since_abi(c["since_abi"])
    args = parse_args(c["args"], kinds)
    row = {"name": c["name"], "nr": nr, "since": since, "abi_since": {}, "args": {}}
    for a in ABIS:
        own = c.get("args_" + a, "=")
        if nr[a] < 0:
            if own != "=" or a in later:
                raise Bad(f"'{c['name']}' is not in {a}, but has a fact about it")
            row["abi_since"][a], row["args"][a] = (0, 0, 0), ()
            continue
        floor = max(since, ABI_FLOOR[a])
        if a in later and later[a] <= floor:
            raise Bad(f"since_abi {a} is not later than what follows from since")
        row["abi_since"][a] = later.get(a, floor)
        row["args"][a] = args if own == "=" else parse_args(own, kinds)
        if own != "=" and row["args"][a] == args:
            raise Bad(f"args_{a} repeats args: write '='")
    return row


def parse_file(path, kinds):
    rows, names, numbers, errors, header = [], {}, {}, [], False
    with open(path, encoding="utf-8") as f:
        for lineno, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            try:
                if not header:
                    if line.split("\t") != COLUMNS:
                        raise Bad("expected the header row: " + " ".join(COLUMNS))
                    header = True
                    continue
                row = parse_row(line, kinds)
                other = names.setdefault(row["name"], lineno)
                if other != lineno:
                    raise Bad(f"'{row['name']}' is already in line {other}")
                for a in ABIS:
                    key = (a, row["nr"][a])
                    if key[1] >= 0 and numbers.setdefault(key, row["name"]) != row["name"]:
                        raise Bad(f"{a} number {key[1]} is already that of '{numbers[key]}'")
                rows.append(row)
            except Bad as e:
                errors.append(f"{path}:{lineno}: {e}")
                if not header:
                    break
    if not header and not errors:
        errors.append(f"{path}:1: empty")
    for a in ABIS:
        if header and not errors and not any(r["nr"][a] >= 0 for r in rows):
            errors.append(f"{path}:1: no call has a number in {a}")
    return sorted(rows, key=lambda r: r["name"].encode()), errors


class Pool:
    """Argument lists, each stored once."""

    def __init__(self):
        self.items, self.at = [], {}

    def add(self, args):
        if args and args not in self.at:
            self.at[args] = len(self.items)
            self.items.extend(args)
        return self.at.get(args, 0)


def c_list(items):
    return "{ " + ", ".join(str(x) for x in items) + " }"


def emit_row(row, pool):
    at = [pool.add(row["args"][a]) for a in ABIS]
    fields = (
        f'"{row["name"]}"',
        c_list(row["nr"][a] for a in ABIS),
        c_list(row["since"]),
        c_list(c_list(row["abi_since"][a]) for a in ABIS),
        c_list(at),
        c_list(len(row["args"][a]) for a in ABIS),
    )
    return c_list(fields) + ","


def emit_by_nr(rows, abi):
    index = {r["nr"][abi]: i + 1 for i, r in enumerate(rows) if r["nr"][abi] >= 0}
    lines = [f"\t[{nr}] = {i}," for nr, i in sorted(index.items())]
    return [f"static const uint16_t by_nr_{abi}[] = {{"] + lines + ["};"]


def emit(rows, kinds):
    pool = Pool()
    body = ["\t" + emit_row(r, pool) for r in rows]
    out = ["/* Made by gen-syscalls.py from syscalls.tsv: do not edit. */"]
    out += ["static const struct sc_arg arg_pool[] = {"]
    out += [f'\t{{ "{name}", SC_KIND_{kinds[kind]} }},' for name, kind in pool.items]
    out += ["};", "static const struct sc_desc rows[] = {"] + body + ["};"]
    for a in ABIS:
        out += emit_by_nr(rows, a)
    out += ["static const struct nr_index by_nr[SC_ABI_COUNT] = {"]
    out += [f"\t[SC_{a.upper()}] = {{ by_nr_{a}, ARRAY_SIZE(by_nr_{a}) }}," for a in ABIS]
    return "\n".join(out + ["};", ""])


def main(argv):
    if len(argv) != 3:
        sys.exit("usage: gen-syscalls.py IN OUT")
    header = os.path.join(os.path.dirname(argv[1]), "syscalls.h")
    try:
        kinds = parse_kinds(header)
    except Bad as e:
        sys.exit(f"{header}:1: {e}")
    rows, errors = parse_file(argv[1], kinds)
    if errors:
        sys.exit("\n".join(errors))
    with open(argv[2], "w", encoding="utf-8") as f:
        f.write(emit(rows, kinds))


if __name__ == "__main__":
    main(sys.argv)
