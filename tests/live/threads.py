#!/usr/bin/env python3
"""A threaded server for the live tests: threads, sockets, files, child processes.

Answers each line "job N" on 127.0.0.1:9000 with "done N". Ends with status 0 on SIGTERM.
With the argument "once" it does a few jobs without a socket to listen on and ends.
"""
import concurrent.futures
import hashlib
import os
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading

pool = concurrent.futures.ThreadPoolExecutor(8)


def job(n):
    with tempfile.NamedTemporaryFile(prefix="threads-") as f:
        f.write(os.urandom(4096) * (n % 5 + 1))
        f.flush()
        f.seek(0)
        hashlib.sha256(f.read()).hexdigest()
    if n % 4 == 0:
        said = subprocess.run(["/bin/sh", "-c", f"echo {n}"], capture_output=True, check=True)
        assert said.stdout == b"%d\n" % n
    return n


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            n = int(line.split()[1])
            self.wfile.write(b"done %d\n" % pool.submit(job, n).result(timeout=20))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main(argv):
    if argv == ["once"]:
        return 0 if sorted(pool.map(job, range(20))) == list(range(20)) else 1
    with Server(("127.0.0.1", 9000), Handler) as server:
        stop = threading.Thread(target=server.shutdown)
        signal.signal(signal.SIGTERM, lambda *_: stop.start())
        server.serve_forever(poll_interval=0.1)
        stop.join()
    pool.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
