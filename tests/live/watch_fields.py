#!/usr/bin/env python3
"""watch_fields.py rules TSV NAME | act FOLDER EXPECTED | contained INSPECT PATH LAYER EXPECTED | check TSV FINDINGS EXPECTED

rules: a rule for each event type of the table fields.tsv, for programs whose names begin with NAME, whose
output has all fields of the table. act: makes all these calls in FOLDER, with connections over the loopback,
and writes what each has to look like, as /proc, the calls' results and the sockets tell: a JSON line
{"type": …, "pid": …, "fields": …} for each. contained: adds what `docker inspect` says of a container.
check: TAP lines - each expected event came with all of its values, and each row of the table was among them.
"""
import calendar
import ctypes
import json
import os
import pty
import pwd
import re
import shutil
import socket
import struct
import sys
import time
from errno import errorcode

libc = ctypes.CDLL(None, use_errno=True)
TICK = 1e9 / os.sysconf("SC_CLK_TCK")

# Fields that stand in conditions only: one that holds for the loopback connection, one that does not.
CONDITIONS = {
    "fd.net": ("in (\"127.0.0.0/8\")", "in (\"10.0.0.0/8\")"),
    "fd.cnet": ("in (\"127.0.0.0/8\")", "in (\"10.0.0.0/8\")"),
    "fd.snet": ("in (\"127.0.0.0/8\")", "in (\"10.0.0.0/8\")"),
    "fd.rnet": ("in (\"127.0.0.0/8\")", "in (\"10.0.0.0/8\")"),
    "fd.ip": ("= 127.0.0.1", "= 127.0.0.2"),
    "fd.port": ("in (4243)", "in (4242)"),
}
# A name that fd.sip.name and its like are compared with, so that it is looked up.
NAME = "localhost"


def table(path, kind):
    with open(path, encoding="utf-8") as f:
        return [line.split("\t")[1] for line in f if line.startswith(kind + "\t")]


def rules(tsv, name):
    fields = [x for x in table(tsv, "field") if x not in CONDITIONS] + ["proc.pid"]
    output = " ".join(f"{x}=%{x}" for x in fields)
    for kind in table(tsv, "evt.type"):
        print(f"- rule: type {kind}\n  desc: d\n"
              f"  condition: evt.type = {kind} and (proc.name startswith {name} or proc.exe startswith {name} or proc.exepath startswith /{name}/)\n"
              f"  output: '{output}'\n  priority: INFO")
    tests = [(f"{what} {field}", f"{field} {cond}") for field, conds in CONDITIONS.items()
             for what, cond in zip(("field", "other"), conds)]
    tests += [(f"field {x}.name", f"{x}.name = {NAME}") for x in ("fd.cip", "fd.sip", "fd.lip", "fd.rip")]
    for rule, cond in tests:
        print(f"- rule: {rule}\n  desc: d\n  output: o\n  priority: INFO\n"
              f"  condition: evt.type in (accept, accept4, connect) and proc.name startswith {name} and {cond}")


# ---- what /proc says

def read(path):
    with open(path, "rb") as f:
        return f.read().decode(errors="replace")


def stat(pid):
    return read(f"/proc/{pid}/stat").rpartition(") ")[2].split()


def line(pid):
    argv = read(f"/proc/{pid}/cmdline").split("\0")[:-1]
    return " ".join([read(f"/proc/{pid}/comm").strip(), *argv[1:]])


def words(mask):
    known = re.findall(r"^#define (CAP_\w+)\s+(\d+)$", read("/usr/include/linux/capability.h"), re.M)
    return " ".join(name for name, n in sorted(known, key=lambda x: int(x[1])) if mask >> int(n) & 1)


def process():
    """All proc.*, thread.*, user.* and group.* of this process."""
    status = dict(x.split(":\t", 1) for x in read("/proc/self/status").splitlines() if ":\t" in x)
    argv = read("/proc/self/cmdline").split("\0")[:-1]
    exe = os.stat("/proc/self/exe")
    chain, pid = [], os.getpid()
    while pid:
        chain.append(pid)
        pid = int(stat(pid)[1])
    up = [(read(f"/proc/{p}/comm").strip(), p) for p in chain]
    sid = int(stat("self")[3])
    login = int(read("/proc/self/loginuid"))
    user = pwd.getpwuid(os.geteuid())
    began = float(stat("self")[19]) * TICK
    fields = {
        "proc.name": up[0][0], "proc.exe": argv[0], "proc.exepath": os.readlink("/proc/self/exe"),
        "proc.args": " ".join(argv[1:]), "proc.cmdline": line("self"), "proc.cwd": os.getcwd() + "/",
        "proc.pname": up[1][0], "proc.pcmdline": line(up[1][1]),
        "proc.pexe": read(f"/proc/{up[1][1]}/cmdline").split("\0")[0],
        "proc.pexepath": os.readlink(f"/proc/{up[1][1]}/exe"),
        "proc.aname": " ".join(x for x, _ in up[1:]),
        "proc.aexe[2]": read(f"/proc/{up[2][1]}/cmdline").split("\0")[0],
        "proc.aexepath[2]": os.readlink(f"/proc/{up[2][1]}/exe"),
        "proc.sname": read(f"/proc/{sid}/comm").strip(), "proc.tty": int(stat("self")[4]),
        "proc.vpid": int(status["NSpid"].split()[-1]),
        "proc.is_vpgid_leader": int(stat("self")[2]) == os.getpid(),
        "proc.duration": {"near": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - began, "by": 3e9},
        "proc.env": " ".join(read("/proc/self/environ").split("\0")[:-1]),
        "proc.exe_ino.ctime": exe.st_ctime_ns, "proc.exe_ino.mtime": exe.st_mtime_ns,
        "proc.exe_ino.ctime_duration_proc_start":
            {"near": time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME) + began - exe.st_ctime_ns, "by": 3e9},
        "proc.is_exe_from_memfd": False, "proc.is_exe_upper_layer": False,
        "thread.cap_effective": words(int(status["CapEff"], 16)),
        "thread.cap_permitted": words(int(status["CapPrm"], 16)),
        "user.uid": os.geteuid(), "user.name": user.pw_name, "group.gid": os.getegid(), "group.name": "root",
        "user.loginuid": -1 if login == 0xffffffff else login,
        "user.loginname": "<NA>" if login == 0xffffffff else pwd.getpwuid(login).pw_name,
        "container.id": "host",
    }
    fields.update({f"proc.aname[{n}]": up[n][0] for n in range(1, 8)})
    return fields


# ---- calls

class Actor:
    def __init__(self, out):
        self.out = open(out, "a", encoding="utf-8")
        self.common = process()
        self.folder = os.getcwd()

    def expect(self, kind, fields, pid=None, common=None):
        all_fields = {**(self.common if common is None else common), **fields, "evt.type": kind}
        self.out.write(json.dumps({"type": kind, "pid": pid or os.getpid(), "fields": all_fields}) + "\n")
        self.out.flush()

    def call(self, kind, number, *args, **fields):
        """A system call; in `fields` two underscores are a dot, RET is its result."""
        ret = libc.syscall(number, *(a if isinstance(a, (bytes, ctypes.Array)) else ctypes.c_long(a) for a in args))
        ret = -ctypes.get_errno() if ret < 0 else ret
        named = {k.replace("__", "."): ret if v == "RET" else v for k, v in fields.items()}
        self.expect(kind, {"evt.rawres": ret, "evt.res": errorcode[-ret] if ret < 0 else "SUCCESS", **named})
        return ret

    def at(self, name):
        return f"{self.folder}/{name}"

    def file(self, name, **more):
        return {"fd__name": self.at(name), "fd__nameraw": name, "fd__directory": self.folder, "fd__filename": name,
                "fd__num": "RET", "fd__type": "file", "fd__typechar": "f", "evt__arg__name": self.at(name), **more}


NOBODY = {"evt__is_open_read": False, "evt__is_open_write": False, "evt__is_open_exec": False}


def opens(a):
    a.call("creat", 85, b"made", 0o644, **a.file("made"))
    a.call("open", 2, b"made", 0, 0, **a.file("made", **{**NOBODY, "evt__is_open_read": True}), evt__arg__flags="O_RDONLY")
    a.call("openat", 257, -100, b"new", 0o1101, 0o755, **a.file("new", **{**NOBODY, "evt__is_open_write": True,
           "evt__is_open_exec": True}), evt__arg__flags="O_TRUNC|O_CREAT|O_WRONLY|O_F_CREATED")
    a.call("openat", 257, -100, b"none", 0, 0, **a.file("none", fd__num=-1))
    how = ctypes.create_string_buffer(struct.pack("QQQ", 0o2000002, 0, 0))
    a.call("openat2", 437, -100, b"made", how, 24, **a.file("made", **{**NOBODY, "evt__is_open_read": True,
           "evt__is_open_write": True}), evt__arg__flags="O_RDWR|O_CLOEXEC")


def files(a):
    at = a.at
    bits = "S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|S_IRUSR"
    a.call("chmod", 90, b"made", 0o4755, evt__arg__filename=at("made"), evt__arg__mode=bits + "|S_ISUID")
    a.call("fchmodat", 268, -100, b"made", 0o2755, evt__arg__filename=at("made"), evt__arg__mode=bits + "|S_ISGID")
    two = {"evt__arg__oldpath": at("made"), "evt__arg__newpath": at("hard")}
    a.call("link", 86, b"made", b"hard", **two)
    a.call("linkat", 265, -100, b"made", -100, b"hard2", 0, **{**two, "evt__arg__newpath": at("hard2")})
    a.call("symlink", 88, b"made", b"soft", evt__arg__target="made", evt__arg__linkpath=at("soft"))
    a.call("symlinkat", 266, b"made", -100, b"soft2", evt__arg__target="made", evt__arg__linkpath=at("soft2"))
    for kind, number, args, old, new in (
            ("rename", 82, (b"hard", b"hard3"), "hard", "hard3"),
            ("renameat", 264, (-100, b"hard2", -100, b"hard4"), "hard2", "hard4"),
            ("renameat2", 316, (-100, b"hard3", -100, b"hard5", 0), "hard3", "hard5")):
        a.call(kind, number, *args, evt__arg__oldpath=at(old), evt__arg__newpath=at(new))
    soft = at("soft")
    a.call("unlink", 87, soft.encode(), evt__arg__path=soft, evt__args=f"res=0 path={soft}")
    a.call("unlinkat", 263, -100, b"soft2", 0, evt__arg__name=at("soft2"))
    a.call("mkdir", 83, b"dir", 0o755, evt__arg__path=at("dir"))
    a.call("rmdir", 84, b"dir", evt__arg__path=at("dir"))
    a.call("mkdirat", 258, -100, b"dir2", 0o755, evt__arg__path=at("dir2"))
    fd = os.open("made", os.O_RDWR)
    shown = {"fd__name": at("made"), "fd__type": "file"}
    a.call("fchmod", 91, fd, 0o700, evt__arg__fd=f"<f>{at('made')}", evt__arg__mode="S_IXUSR|S_IWUSR|S_IRUSR", **shown)
    a.call("dup", 32, fd, fd__num="RET", **shown)
    a.call("dup2", 33, fd, 200, fd__num=200, **shown)
    a.call("dup3", 292, fd, 201, 0, fd__num=201, **shown)


def link(port, peer, accepted):
    """The fields of a connection from `port` of the loopback to `peer`."""
    client, server = ("127.0.0.1", port), ("127.0.0.1", peer)
    near, far = (server, client) if accepted else (client, server)
    return {"fd__name": f"127.0.0.1:{port}->127.0.0.1:{peer}", "fd__type": "ipv4", "fd__typechar": "4",
            "fd__sockfamily": "ip", "fd__sip": server[0], "fd__cip": client[0], "fd__sport": server[1],
            "fd__lport": near[1], "fd__rport": far[1], "fd__rip": far[0],
            **{f"fd__{x}ip__name": NAME for x in "cslr"}}


def streams(a):
    def client():
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        a.call("connect", 42, s.fileno(), peer, 16, fd__num=s.fileno(), fd__l4proto="tcp", fd__connected=True,
               fd__name_changed=False, **link(port, 4243, False))
        return s, port

    peer = ctypes.create_string_buffer(struct.pack("=H", 2) + struct.pack("!H4s8x", 4243, b"\x7f\0\0\1"))
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 4243))
    a.call("listen", 50, server.fileno(), 2, fd__name="127.0.0.1:4243", fd__sip="127.0.0.1", fd__sport=4243)
    _, port = first = client()
    a.call("accept", 43, server.fileno(), 0, 0, fd__num="RET", fd__l4proto="tcp", **link(port, 4243, True))
    _, port = second = client()
    a.call("accept4", 288, server.fileno(), 0, 0, 0, fd__num="RET", fd__l4proto="tcp", **link(port, 4243, True))
    return first, second


def datagrams(a):
    def udp(port, to, changed):
        return {"fd__name": f"127.0.0.1:{port}->127.0.0.1:{to}", "fd__l4proto": "udp", "fd__connected": False,
                "fd__name_changed": changed, "evt__buffer": "hello"}

    u, v = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "uv")
    u.bind(("127.0.0.1", 45678))
    v.bind(("127.0.0.1", 4244))
    at = ctypes.create_string_buffer(struct.pack("=H", 2) + struct.pack("!H4s8x", 4244, b"\x7f\0\0\1"))
    a.call("sendto", 44, u.fileno(), b"hello", 5, 0, at, 16, **udp(45678, 4244, True))
    a.call("sendto", 44, u.fileno(), b"hello", 5, 0, at, 16, **udp(45678, 4244, False))
    room, who, size = (ctypes.create_string_buffer(16) for _ in range(3))
    struct.pack_into("i", size, 0, 16)
    a.call("recvfrom", 45, v.fileno(), room, 16, 0, who, size, **udp(45678, 4244, True))
    data = ctypes.create_string_buffer(b"hello")
    iov = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(data), 5))
    msg = ctypes.create_string_buffer(struct.pack("PIxxxxPNPNi4x", ctypes.addressof(at), 16, ctypes.addressof(iov), 1, 0, 0, 0))
    a.call("sendmsg", 46, u.fileno(), msg, 0, **udp(45678, 4244, False))
    a.call("recvmsg", 47, v.fileno(), msg, 0, **udp(45678, 4244, False))


def rest(a):
    a.call("socket", 41, 17, 3, 0, evt__arg__domain="AF_PACKET")
    a.call("ptrace", 101, 8, -1, 0, 0, evt__arg__request="PTRACE_KILL")
    a.call("bpf", 321, 1, 0, 0, evt__arg__cmd="BPF_MAP_LOOKUP_ELEM")
    a.call("setuid", 105, 0, evt__arg__uid="root")
    a.call("unshare", 272, 0x200, evt__arg__flags="CLONE_FS")
    a.call("setns", 308, -1, 0)
    a.call("userfaultfd", 323, 0)
    a.call("init_module", 175, 0, 0, b"")
    a.call("finit_module", 313, -1, b"", 0)
    # One that succeeds is an execve(2) to rules, as it is to Falco.
    a.call("execveat", 322, -100, b"none", 0, 0, 0)


def execute(a, name, memfd):
    """Executes a program, of a file or of memory; what the kernel then has of it is known before."""
    if memfd:
        fd = os.memfd_create(name)
        with open("/bin/true", "rb") as f:
            os.write(fd, f.read())
        path = f"/proc/self/fd/{fd}"
    else:
        shutil.copy("/bin/true", name)
        path = a.at(name)
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    if not memfd:
        os.setpgid(0, 0)
    s = os.stat(path)
    env = {"FIELDS": "one", "LAST": "two"}
    fields = {k: v for k, v in process().items() if not k.startswith(("proc.exe_ino", "proc.duration"))}
    fields.update({"proc.exe": name, "proc.args": "x y", "proc.cmdline": f"{name} x y", "evt.rawres": 0, "evt.res": "SUCCESS",
                   "proc.env": "FIELDS=one LAST=two", "proc.is_exe_from_memfd": memfd,
                   "proc.exe_ino.ctime": s.st_ctime_ns, "proc.exe_ino.mtime": s.st_mtime_ns, "proc.name": name,
                   "proc.is_vpgid_leader": not memfd,
                   "proc.exepath": {"has": "memfd:" + name} if memfd else path,
                   "evt.arg.flags": {"has": "EXE_WRITABLE|EXE_FROM_MEMFD" if memfd else "EXE_WRITABLE"}})
    if memfd:
        del fields["proc.name"], fields["proc.cmdline"]  # the kernel names it after the descriptor
        with open("/proc/self/comm", "w", encoding="utf-8") as f:
            f.write("fields")
    a.expect("execve", fields, common={})
    os.execve(path, [name, "x", "y"], env)


def act(folder, out):
    """In a terminal, below seven processes with names of their own."""
    os.chdir(folder)
    if not pty.fork()[0]:
        for n in range(8, 0, -1):
            with open("/proc/self/comm", "w", encoding="utf-8") as f:
                f.write(f"fields{n}")
            if n > 1 and (pid := os.fork()):
                os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        try:
            a = Actor(out)
            for part in (opens, files, streams, datagrams, rest):
                kept = part(a)
            execute(a, "fields-true", False)
            execute(a, "fields-memory", True)
            del kept
        except BaseException as e:
            with open("failed", "w", encoding="utf-8") as f:
                f.write(repr(e))
            raise
        os._exit(0)
    if os.waitstatus_to_exitcode(os.wait()[1]) or os.path.exists("failed"):
        sys.exit(read("failed") if os.path.exists("failed") else "the actor ended early")


def contained(inspect, path, upper, out):
    """`path`: the program of the container's first process; `upper`: whether it is in the upper layer, or -."""
    c = json.loads(read(inspect))[0]
    labels = c["Config"]["Labels"]
    seconds, fraction = c["State"]["StartedAt"].rstrip("Z").split(".")
    began = calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * 1e9 + float("0." + fraction) * 1e9
    mounts = [f"{m['Source']}:{m['Destination']}:{m['Mode']}:{str(m['RW']).lower()}:{m['Propagation']}" for m in c["Mounts"]]
    fields = {"container.id": c["Id"][:12], "container.image.repository": c["Config"]["Image"].rpartition(":")[0],
              "container.privileged": c["HostConfig"]["Privileged"], "k8s.pod.name": labels["io.kubernetes.pod.name"],
              "k8s.ns.name": labels["io.kubernetes.pod.namespace"], "container.mounts": {"set": mounts},
              "container.start_ts": {"near": began, "by": 3e9},
              "proc.vpid": 1, "evt.type": "execve", "proc.exepath": path}
    if upper != "-":
        fields["proc.is_exe_upper_layer"] = upper == "upper"
    for m in c["Mounts"]:
        fields[f"container.mount.dest[{m['Source']}]"] = m["Destination"]
    # Names with a star: the first that it fits.
    for star in ("/proc*", "/root*"):
        fits = [m["Destination"] for m in c["Mounts"] if m["Source"].startswith(star[:-1])]
        if fits:
            fields[f"container.mount.dest[{star}]"] = {"one": fits}
    with open(out, "a", encoding="utf-8") as f:
        f.write(json.dumps({"type": "execve", "pid": c["State"]["Pid"], "fields": fields}) + "\n")


# ---- comparing

def agrees(want, got):
    if not isinstance(want, dict):
        return got == want
    if got is None:
        return False
    if "near" in want:
        return abs(got - want["near"]) <= want["by"]
    if "set" in want:
        return sorted(got.split(",") if got else []) == sorted(want["set"])
    return want["has"] in got if "has" in want else got in want["one"]


def differences(want, found):
    return [f"{k} is {found.get(k)!r}, not {v!r}" for k, v in want.items() if k in found and not agrees(v, found[k])]


def result(ok, what, why=""):
    print(f"{'ok' if ok else 'not ok'} {what}{'' if ok or not why else ': ' + why}")


def check(tsv, findings, expected):
    found = [json.loads(x) for x in read(findings).splitlines()]
    items = [json.loads(x) for x in read(expected).splitlines()]
    kinds, types, good = table(tsv, "field"), table(tsv, "evt.type"), set()
    modules = "do_init_module" in read("/proc/kallsyms")
    docker = any(x["fields"]["container.id"] != "host" for x in items)
    fired = {x["rule"] for x in found}
    for item in items:
        what = f"event {item['type']} {item['fields'].get('fd.name', item['fields'].get('evt.arg.path', ''))}".rstrip()
        same = [x["output_fields"] for x in found if x["rule"] == "type " + item["type"]
                and x["output_fields"]["proc.pid"] == item["pid"]]
        if not same and item["type"].endswith("init_module") and not modules:
            print(f"skip {what}: this kernel has no modules")
            types.remove(item["type"])
            continue
        wrong = min((differences(item["fields"], x) for x in same), key=len, default=["it did not come"])
        result(not wrong, what, "; ".join(wrong))
        good |= set() if wrong == ["it did not come"] else set(item["fields"]) - {x.split(" is ")[0] for x in wrong}
        if not wrong and item["type"] in types:
            types.remove(item["type"])
    numbers = [x["output_fields"]["evt.num"] for x in found if "evt.num" in x["output_fields"]]
    if numbers and all(isinstance(n, int) and n > 0 for n in numbers) and numbers == sorted(numbers):
        good.add("evt.num")
    good |= {x for x in CONDITIONS if f"field {x}" in fired and f"other {x}" not in fired}
    good -= {x for x in good if x.endswith("ip.name") and f"field {x}" not in fired}
    for kind in types:
        result(False, f"event type {kind}")
    for field in kinds:
        if field not in good and field.startswith(("container.", "k8s.")) and not docker:
            print(f"skip field {field}: no Docker daemon")
        elif field not in good and field.startswith("container.mount.dest["):
            print(f"skip field {field}: the daemon sees no such folder")
        else:
            result(field in good, f"field {field}")


if __name__ == "__main__":
    {"rules": rules, "act": act, "contained": contained, "check": check}[sys.argv[1]](*sys.argv[2:])
