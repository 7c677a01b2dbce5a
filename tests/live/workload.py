#!/usr/bin/env python3
"""Small workloads for the services of start_sealed.sh; run inside the service's network namespace.

workload.py nginx|redis|python   waits for the service, uses it, checks every answer
"""
import concurrent.futures
import http.client
import socket
import sys
import time

LIMIT_S = 80


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {got!r}")


def wait_for_port(port):
    end = time.monotonic() + LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def nginx():
    wait_for_port(80)
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=LIMIT_S)
    for method, path, status in (("GET", "/", 200), ("HEAD", "/", 200), ("GET", "/none", 404),
                                 ("GET", "/large.bin", 200), ("POST", "/", 405)):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        expect(f"{method} {path}", answer.status, status)
    connection.close()


class Redis:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", 6379), timeout=LIMIT_S)
        self.file = self.socket.makefile("rwb")

    def command(self, *words):
        self.file.write(b"*%d\r\n" % len(words))
        for w in words:
            self.file.write(b"$%d\r\n%s\r\n" % (len(w), w.encode()))
        self.file.flush()
        line = self.file.readline().rstrip().decode()
        if line[:1] != "$":
            return line
        return self.file.read(int(line[1:]) + 2)[:-2].decode()

    def wait_for(self, field):
        """Until the background process of the INFO field has ended."""
        end = time.monotonic() + LIMIT_S
        while f"{field}:0" not in self.command("INFO", "persistence"):
            if time.monotonic() > end:
                raise AssertionError(f"{field} does not end")
            time.sleep(0.02)


def redis():
    wait_for_port(6379)
    r = Redis()
    expect("PING", r.command("PING"), "+PONG")
    for i in range(50):
        expect("SET", r.command("SET", f"k{i}", "v" * 100), "+OK")
    expect("GET", r.command("GET", "k7"), "v" * 100)
    expect("BGSAVE", r.command("BGSAVE")[:1], "+")
    r.wait_for("rdb_bgsave_in_progress")
    if "rdb_last_bgsave_status:ok" not in r.command("INFO", "persistence"):
        raise AssertionError("BGSAVE failed")
    expect("BGREWRITEAOF", r.command("BGREWRITEAOF")[:1], "+")
    r.wait_for("aof_rewrite_in_progress")
    if "aof_last_bgrewrite_status:ok" not in r.command("INFO", "persistence"):
        raise AssertionError("BGREWRITEAOF failed")


def python_client(base):
    with socket.create_connection(("127.0.0.1", 9000), timeout=LIMIT_S) as s:
        lines = s.makefile("rwb")
        for n in range(base, base + 5):
            lines.write(b"job %d\n" % n)
            lines.flush()
            expect(f"job {n}", lines.readline(), b"done %d\n" % n)


def python():
    wait_for_port(9000)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(python_client, range(0, 60, 10)))


def main(argv):
    services = {"nginx": nginx, "redis": redis, "python": python}
    if len(argv) != 1 or argv[0] not in services:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        services[argv[0]]()
    except (AssertionError, OSError, ValueError) as e:
        print(f"workload {argv[0]}: {type(e).__name__}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
