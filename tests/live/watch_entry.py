#!/usr/bin/env python3
"""watch_entry.py FOLDER: calls that wait in the kernel while another thread changes what they were given.

open(2) of a pipe waits for a writer, connect(2) for room at a server. Meanwhile the name "secret" in memory becomes
"public", the port 4301 becomes 4302. Then the call succeeds, or a signal ends it.
"""
import ctypes
import os
import signal
import socket
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
OPEN, CONNECT = 2, 42
WAIT = 0.3


def blocked(call, change, end):
    t = threading.Thread(target=call)
    t.start()
    time.sleep(WAIT)
    change()
    end(t)
    t.join()


def interrupt(thread):
    signal.pthread_kill(thread.ident, signal.SIGUSR1)


def opening(folder, end):
    secret, public = (f"{folder}/{x}".encode() for x in ("secret", "public"))
    name = ctypes.create_string_buffer(secret)
    blocked(lambda: libc.syscall(OPEN, name, 0), lambda: ctypes.memmove(name, public, len(public)), end)


def address(port):
    return struct.pack("=H", 2) + struct.pack("!H4s8x", port, b"\x7f\0\0\1")


def connecting():
    server, waiting = socket.socket(), []
    server.bind(("127.0.0.1", 4301))
    server.listen(0)
    for _ in range(4):  # more than there is room for
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", 4301))
        waiting.append(s)
    s = socket.socket()
    at = ctypes.create_string_buffer(address(4301))
    blocked(lambda: libc.syscall(CONNECT, s.fileno(), at, 16), lambda: ctypes.memmove(at, address(4302), 16), interrupt)


def main(folder):
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.siginterrupt(signal.SIGUSR1, True)
    with open("/proc/self/comm", "w", encoding="utf-8") as f:
        f.write("entry-actor")
    os.mkfifo(f"{folder}/secret")
    opening(folder, lambda _: os.close(os.open(f"{folder}/secret", os.O_WRONLY)))
    opening(folder, interrupt)
    connecting()


if __name__ == "__main__":
    main(sys.argv[1])
