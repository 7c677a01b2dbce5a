#!/usr/bin/env python3
"""watch_signals.py SHELL PYTHON: signals to processes of this one's own, in each way there is.

Both are programs under the names of agents. Each way that went well is printed.
"""
import ctypes
import os
import platform
import signal
import subprocess
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {"x86_64": {"tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297},
           "aarch64": {"tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240}}[platform.machine()]
THREADED = """
import threading, time
t = threading.Thread(target=time.sleep, args=(20,))
t.start()
print(t.native_id, flush=True)
t.join()
"""


def call(name, *args):
    info = (ctypes.c_int * 32)(signal.SIGTERM, 0, -1, 0, os.getpid(), 0)
    if libc.syscall(NUMBERS[name], *args, *([info] if "info" in name else [])) < 0:
        raise OSError(ctypes.get_errno(), name)


def start(**options):
    """An agent that waits until it is ended."""
    agent = subprocess.Popen([sys.argv[1], "-c", "echo; read x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    agent.stdout.readline()
    return agent


def descriptor(pid):
    signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGTERM)


def folder(pid):
    signal.pidfd_send_signal(os.open(f"/proc/{pid}", os.O_RDONLY), signal.SIGTERM)


WAYS = {
    "kill": lambda pid: os.kill(pid, signal.SIGTERM),
    "tkill": lambda pid: call("tkill", pid, signal.SIGTERM),
    "tgkill": lambda pid: call("tgkill", pid, pid, signal.SIGTERM),
    "rt_sigqueueinfo": lambda pid: call("rt_sigqueueinfo", pid, signal.SIGTERM),
    "rt_tgsigqueueinfo": lambda pid: call("rt_tgsigqueueinfo", pid, pid, signal.SIGTERM),
    "descriptor": descriptor,
    "folder": folder,
}


def each_way():
    for name, way in WAYS.items():
        agent = start()
        way(agent.pid)
        agent.wait(5)
        print(name, flush=True)


def to_a_group():
    agent = start(start_new_session=True)
    os.killpg(agent.pid, signal.SIGTERM)
    agent.wait(5)
    print("group", flush=True)


def to_ones_own_group():
    if not (pid := os.fork()):
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        agent = start(restore_signals=True, preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
        os.kill(0, signal.SIGTERM)
        agent.wait(5)
        os._exit(0)
    os.waitpid(pid, 0)
    print("own group", flush=True)


def to_all():
    """Of a pid namespace that has this, an agent and something else."""
    if not (pid := os.fork()):
        libc.unshare(0x20000000)  # CLONE_NEWPID
        if not (pid := os.fork()):
            agent = start()
            with subprocess.Popen(["sh", "-c", "echo; read x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
                other.stdout.readline()
                os.kill(-1, signal.SIGTERM)
                agent.wait(5)
                other.wait(5)
            os._exit(0)
        os.waitpid(pid, 0)
        os._exit(0)
    os.waitpid(pid, 0)
    print("all", flush=True)


def to_a_thread():
    """SIGKILL to a thread that is not the first ends its process."""
    with subprocess.Popen([sys.argv[2], "-c", THREADED], stdout=subprocess.PIPE) as agent:
        call("tkill", int(agent.stdout.readline()), signal.SIGKILL)
        agent.wait(5)
    print("thread", flush=True)


def that_others_may_have():
    """Not to be told: signals that end nothing, and signals to others."""
    agent = start()
    for number in 0, signal.SIGCONT:
        os.kill(agent.pid, number)
    with subprocess.Popen(["sleep", "20"]) as other:
        descriptor(other.pid)
        other.wait(5)
    threading.Thread(target=time.sleep, args=(0.01,)).start()
    agent.stdin.close()
    agent.wait(5)
    print("silent", flush=True)


each_way()
to_a_group()
to_ones_own_group()
to_all()
to_a_thread()
that_others_may_have()
