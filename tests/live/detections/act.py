#!/usr/bin/env python3
"""act.py ACT ARGUMENT...: one harmless act of a detection example, done inside a container.

Calls that would change something are given what makes them fail (a descriptor that is none, a device
that does not exist), or act on this process's own children. What fails is silent: it is the call that
counts.
"""
import ctypes
import fcntl
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)


def ignore(call, *args):
    try:
        return call(*args)
    except OSError:
        return None


def act_open(flags, *paths):
    bits = {"r": os.O_RDONLY, "w": os.O_WRONLY, "c": os.O_WRONLY | os.O_CREAT, "a": os.O_WRONLY | os.O_APPEND,
            "t": os.O_WRONLY | os.O_TRUNC}[flags]
    for path in paths:
        ignore(os.open, path, bits, 0o644)


def connect(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(0.2)
        ignore(s.connect, (address, int(port)))


def act_connect(address, *ports):
    for port in ports:
        first, _, last = port.partition("-")
        for p in range(int(first), int(last or first) + 1):
            connect(address, p)


def act_hosts(network, first, last, port):
    for n in range(int(first), int(last) + 1):
        connect(f"{network}.{n}", port)


def act_times(count, address, port):
    for _ in range(int(count)):
        connect(address, port)


def act_unix(path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as s:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        ignore(os.unlink, path)
        server.bind(path)
        server.listen(1)
        s.connect(path)
    os.unlink(path)


def question(name, kind=1):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0" + bytes([kind]) + b"\0\1"


def answer_one(server, address):
    data, who = server.recvfrom(512)
    flags = b"\x81\x80" + data[4:6] + b"\0\1\0\0\0\0"
    server.sendto(data[:2] + flags + data[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address), who)


def act_dns(name, address="192.0.2.80", count="1", kind="1"):
    """A question to a server of our own, with its answer; name may have a {} for the number."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        server.bind(("127.0.0.1", 53))
        s.connect(("127.0.0.1", 53))
        s.settimeout(2)
        for n in range(int(count)):
            s.send(question(name.format(n), int(kind)))
            answer_one(server, address)
            s.recv(512)


def pair():
    """Two ends of a connection over the loopback."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        out = socket.create_connection(server.getsockname())
        return out, server.accept()[0]


def act_stdin(what):
    """dup2 onto standard input, of a connection or a file."""
    out, inner = pair()
    fd = out.fileno() if what == "socket" else os.open("/dev/null", os.O_RDONLY)
    os.dup2(fd, 0)
    inner.close()


def act_shell(what):
    """A shell whose standard input is a connection or a pipe."""
    out, inner = pair()
    inner.close()
    subprocess.run(["/bin/sh", "-c", "true"], stdin=out if what == "socket" else subprocess.PIPE, check=False)


def act_fed(what, *command):
    """Gives a program its commands through a pipe, with a connection or without."""
    ends = pair() if what == "connect" else ()
    subprocess.run(command, input=b"true\n", check=False)
    for end_of in ends:
        end_of.close()


def act_listening(port, *command):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", int(port)))
        server.listen(1)
        subprocess.run(command, check=False)


def act_load_memory():
    fd = os.memfd_create("library", 0)
    with open("/lib/x86_64-linux-gnu/libm.so.6", "rb") as f:
        os.write(fd, f.read())
    ctypes.CDLL(f"/proc/self/fd/{fd}")


def act_memfd():
    fd = os.memfd_create("program", 0)
    with open("/bin/true", "rb") as f:
        os.write(fd, f.read())
    os.execve(fd, ["program"], {})


def act_deleted():
    fd = os.open("/tmp/w/gone", os.O_RDONLY)
    os.unlink("/tmp/w/gone")
    os.execve(fd, ["gone"], {})


def child():
    pid = os.fork()
    if pid == 0:
        time.sleep(5)
        os._exit(0)
    return pid


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def act_ptrace(what):
    requests = {"attach": 16, "kill": 8}
    pid = child()
    libc.ptrace(requests[what], pid, 0, 0)
    end(pid)


def act_traceme():
    if os.fork() == 0:
        libc.ptrace(0, 0, 0, 0)
        os._exit(0)
    os.wait()


def act_vm(what):
    """Reads or writes 8 bytes of a child, where they are the same as in this process."""
    data = ctypes.create_string_buffer(b"boltseal")
    iov = struct.pack("QQ", ctypes.addressof(data), 8)
    pid = child()
    getattr(libc, f"process_vm_{what}v")(pid, iov, 1, iov, 1, 0)
    end(pid)


def act_mem(what):
    pid = child()
    act_open(what, f"/proc/{pid}/mem")
    end(pid)


def act_call(number, *args):
    libc.syscall(int(number), *(ctypes.c_long(int(x, 0)) for x in args))


def act_clone(flags):
    if libc.syscall(56, ctypes.c_long(int(flags, 0) | signal.SIGCHLD), 0, 0, 0, 0) == 0:
        os._exit(0)
    ignore(os.wait)


def act_name(name):
    libc.prctl(15, name.encode(), 0, 0, 0)  # PR_SET_NAME


def act_utime(path, *when):
    os.utime(path, (int(when[0]), int(when[0])) if when else None)


def act_attributes(path, bits):
    with open(path, encoding="utf-8") as f:
        ignore(fcntl.ioctl, f, 0x40086602, struct.pack("l", int(bits, 0)))  # FS_IOC_SETFLAGS


def act_signal_by_descriptor(pid, number):
    signal.pidfd_send_signal(os.pidfd_open(int(pid)), int(number))


def act_signal(pid, number):
    os.kill(int(pid), int(number))


def act_splice(path, count):
    end, into = os.pipe()
    with open(path, "rb") as f:
        os.splice(f.fileno(), into, int(count))
    os.close(end)


def act_uring():
    params = ctypes.create_string_buffer(120)  # sizeof(struct io_uring_params)
    libc.syscall(425, 8, params)


def act_setns(path):
    with open(path, "rb") as f:
        libc.setns(f.fileno(), 0)


def act_mount(source, target, kind):
    libc.mount(source.encode(), target.encode(), kind.encode(), 0, 0)


def act_mknod(kind, path):
    ignore(os.mknod, path, {"b": 0o060600, "p": 0o010600}[kind], os.makedev(250, 0))
    ignore(os.unlink, path)


def act_load(path):
    """Maps a library as programs do."""
    ctypes.CDLL(path)


def act_map(path):
    with open(path, "rb") as f:
        mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ).close()


def act_packet(kind):
    family = socket.AF_PACKET if kind == "packet" else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM):
        pass


def act_chroot(path):
    os.makedirs(path, exist_ok=True)
    os.chroot(path)


def act_listen(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", int(port)))
        s.listen(1)


def act_unlink(path):
    ignore(os.unlink, path)


def act_rename(folder, ending, count):
    os.makedirs(folder, exist_ok=True)
    for n in range(int(count)):
        with open(f"{folder}/{n}", "w", encoding="utf-8"):
            pass
        os.rename(f"{folder}/{n}", f"{folder}/{n}{ending}")


if __name__ == "__main__":
    globals()["act_" + sys.argv[1].replace("-", "_")](*sys.argv[2:])
