#!/usr/bin/env python3
"""watch_fields.py rules TSV NAME | act FOLDER | check TSV FINDINGS

rules: a rule for each event type of the table fields.tsv, for the program NAME, whose output has all fields
of the table. act: does all these calls in FOLDER, with connections over the loopback. check: TAP lines - each type came, and each field
had a value for one of them.
"""
import ctypes
import json
import os
import shutil
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)

# What only events elsewhere have a value for: the name of an address that nobody looked up.
ELSEWHERE = {"fd.cip.name", "fd.sip.name", "fd.lip.name", "fd.rip.name"}


def table(path, kind):
    with open(path, encoding="utf-8") as f:
        return [line.split("\t")[1] for line in f if line.startswith(kind + "\t")]


def rules(tsv, name):
    fields = [x for x in table(tsv, "field") if not x.startswith(("fd.net", "fd.ip", "fd.port", "fd.cnet", "fd.snet", "fd.rnet"))]
    output = " ".join(f"{x}=%{x}" for x in fields)
    for kind in table(tsv, "evt.type"):
        print(f"- rule: type {kind}\n  desc: d\n  condition: evt.type = {kind} and proc.name startswith {name}\n"
              f"  output: '{output}'\n  priority: INFO")
    for field, value in (("fd.net", '"127.0.0.0/8"'), ("fd.ip", "127.0.0.1"), ("fd.port", "4243"),
                         ("fd.cnet", '"127.0.0.0/8"'), ("fd.snet", '"127.0.0.0/8"'), ("fd.rnet", '"127.0.0.0/8"')):
        print(f"- rule: field {field}\n  desc: d\n  output: o\n  priority: INFO\n"
              f"  condition: evt.type in (accept, accept4, connect) and proc.name startswith {name} and {field} in ({value})")


def call(number, *args):
    return libc.syscall(number, *(a if isinstance(a, (bytes, ctypes.Array)) else ctypes.c_long(a) for a in args))


def files():
    """The calls of x86-64 with names; -100 is AT_FDCWD."""
    for number, *args in ((85, b"made", 0o644), (2, b"made", 0, 0), (257, -100, b"made", 0, 0),
                          (90, b"made", 0o4755), (268, -100, b"made", 0o755), (86, b"made", b"hard"),
                          (265, -100, b"made", -100, b"hard2", 0), (88, b"made", b"soft"),
                          (266, b"made", -100, b"soft2"), (82, b"hard", b"hard3"),
                          (264, -100, b"hard2", -100, b"hard4"), (316, -100, b"hard3", -100, b"hard5", 0),
                          (87, b"soft"), (263, -100, b"soft2", 0), (83, b"dir", 0o755), (84, b"dir"),
                          (258, -100, b"dir2", 0o755), (263, -100, b"dir2", 0x200)):
        call(number, *args)
    call(437, -100, b"made", ctypes.create_string_buffer(struct.pack("QQQ", 0, 0, 0)), 24)
    fd = os.open("made", os.O_RDWR)
    call(91, fd, 0o700)
    for number, *args in ((32, fd), (33, fd, 200), (292, fd, 201, 0)):
        call(number, *args)


def network():
    server, s = socket.socket(), socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 4243))
    server.listen(2)
    s.connect(("127.0.0.1", 4243))
    call(43, server.fileno(), 0, 0)
    other = socket.create_connection(("127.0.0.1", 4243))
    server.accept()[0].close()
    u, v = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "uv")
    v.bind(("127.0.0.1", 4244))
    u.sendto(b"hello", ("127.0.0.1", 4244))
    v.recvfrom(10)
    u.sendmsg([b"hello"], [], 0, ("127.0.0.1", 4244))
    v.recvmsg(10)
    other.close()


def rest():
    pid = os.fork()
    if not pid:
        os._exit(0)
    for number, *args in ((101, 8, -1, 0, 0), (321, 1, 0, 0), (105, 0), (272, 0x200), (308, -1, 0),
                          (323, 0), (175, 0, 0, b""), (313, -1, b"", 0)):
        call(number, *args)
    os.waitpid(pid, 0)
    # One that succeeds is an execve(2) to rules, as it is to Falco.
    call(322, -100, b"none", 0, 0, 0)
    os.execv("fields-true", ["fields-true", "x"])


def act(folder):
    os.chdir(folder)
    shutil.copy("/bin/true", "fields-true")
    with open("/proc/self/comm", "w", encoding="utf-8") as f:
        f.write("fieldsactor")
    files()
    network()
    rest()


def check(tsv, findings):
    with open(findings, encoding="utf-8") as f:
        found = [json.loads(line) for line in f]
    docker = any(x["output_fields"].get("container.privileged") is not None for x in found)
    rules_fired = {x["rule"] for x in found}
    with open("/proc/kallsyms", encoding="utf-8") as f:
        modules = "do_init_module" in f.read()
    for kind in table(tsv, "evt.type"):
        if kind.endswith("init_module") and not modules:
            print(f"skip event type {kind}: this kernel has no modules")
        else:
            print(f"{'ok' if 'type ' + kind in rules_fired else 'not ok'} event type {kind}")
    valued = {k for x in found for k, v in x["output_fields"].items() if v is not None}
    # The mounts of one container stand for the table's, of which this machine need not have the sources.
    valued |= {x for x in table(tsv, "field") if x.startswith("container.mount.dest[") and "container.mount.dest[/etc]" in valued}
    valued |= {x.removeprefix("field ") for x in rules_fired if x.startswith("field ")}
    for field in table(tsv, "field"):
        if field in ELSEWHERE:
            print(f"skip field {field}: no name was looked up")
        elif not docker and field.startswith(("container.", "k8s.")) and field not in valued:
            print(f"skip field {field}: no Docker daemon")
        else:
            print(f"{'ok' if field in valued else 'not ok'} field {field}")


if __name__ == "__main__":
    {"rules": rules, "act": act, "check": check}[sys.argv[1]](*sys.argv[2:])
