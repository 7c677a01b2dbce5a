#!/usr/bin/env python3
"""The demo's client. Run it inside the server's network namespace.

client.py wait             until the server answers (10 s at most)
client.py load             many requests of every kind, some at the same time
client.py answers FILE     one request of each kind; writes what was answered as JSON
"""
import concurrent.futures
import hashlib
import http.client
import json
import socket
import sys
import time

HOST, PORT = "127.0.0.1", 80
BIG = "x" * 2_000_000

# name, method, path, headers, body. All answers are the same each time but for the Date.
REQUESTS = [
    ("page", "GET", "/", {}, None),
    ("page compressed", "GET", "/", {"Accept-Encoding": "gzip"}, None),
    ("head", "HEAD", "/", {}, None),
    ("large file", "GET", "/large.bin", {}, None),
    ("range", "GET", "/large.bin", {"Range": "bytes=100-4195"}, None),
    ("several ranges", "GET", "/large.bin", {"Range": "bytes=0-9,1000-1009"}, None),
    ("range outside", "GET", "/large.bin", {"Range": "bytes=99999999-"}, None),
    ("not changed", "GET", "/", {"If-None-Match": "*"}, None),
    ("missing", "GET", "/nothing-here", {}, None),
    ("directory without slash", "GET", "/list", {}, None),
    ("directory list", "GET", "/list/", {}, None),
    ("forbidden", "GET", "/private/", {}, None),
    ("unreadable", "GET", "/secret.html", {}, None),
    ("post to a file", "POST", "/", {}, "a=1"),
    ("upload", "POST", "/upload", {}, BIG),
    ("too large", "POST", "/upload", {}, BIG * 3),
    ("unknown method", "BREW", "/", {}, None),
    ("long header", "GET", "/", {"X-Long": "y" * 40000}, None),
]


def ask(method, path, headers, body, connection=None):
    own = connection is None
    if own:
        connection = http.client.HTTPConnection(HOST, PORT, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        if own:
            connection.close()


def ask_raw(text):
    """What the server sends to these bytes until it closes."""
    with socket.create_connection((HOST, PORT), timeout=10) as s:
        s.sendall(text)
        parts = []
        while part := s.recv(65536):
            parts.append(part)
        return b"".join(parts)


def wait():
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if ask("GET", "/", {}, None)[0] == 200:
                return 0
        except OSError:
            time.sleep(0.05)
    print(f"client: no answer from {HOST}:{PORT} within 10 s", file=sys.stderr)
    return 1


def one_of_each():
    answers = {}
    for name, method, path, headers, body in REQUESTS:
        try:
            status, got, data = ask(method, path, headers, body)
        except (ConnectionError, http.client.HTTPException) as e:
            # An upload that is refused early: the connection may be reset before the answer.
            answers[name] = {"error": type(e).__name__} if name != "too large" else {"status": 413}
            continue
        kept = [h for h in got if h[0] != "Date"]
        if name == "several ranges":  # a random boundary: in the header and the body
            kept = [h for h in kept if h[0] != "Content-Type"]
            data = data.replace(data.split(b"\r\n")[1], b"--boundary")
        if name == "too large":
            answers[name] = {"status": status}
            continue
        answers[name] = {"status": status, "headers": kept,
                         "body": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    for name, text in (("HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n"), ("not HTTP", b"\x16\x03\x01\r\n\r\n")):
        data = ask_raw(text)
        lines = [x for x in data.split(b"\r\n") if not x.startswith(b"Date:")]
        answers[name] = {"body": hashlib.sha256(b"\r\n".join(lines)).hexdigest(),
                         "first": lines[0].decode("latin-1")[:80]}
    return answers


def keepalive(n):
    connection = http.client.HTTPConnection(HOST, PORT, timeout=10)
    for i in range(n):
        ask("GET", "/" if i % 5 else "/large.bin", {}, None, connection)
    connection.close()
    return n


def upload(n):
    """A request body in pieces with pauses: which calls a server reads it with depends on that."""
    size, first = 200_000, (0, 1, 900, 9_000, 70_000)[n % 5]
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    body = b"z" * size
    with socket.create_connection((HOST, PORT), timeout=10) as s:
        s.sendall(head % size + body[:first])
        for at in range(first, size, 40_000):
            time.sleep(0.002 * (n % 3))
            s.sendall(body[at:at + 40_000])
        answer = b""
        while part := s.recv(65536):
            answer += part
    if not answer.startswith(b"HTTP/1.1 200"):
        raise ValueError(f"upload: {answer[:40]!r}")
    return 1


def load():
    begin = time.monotonic()
    count = len(one_of_each())
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        count += sum(pool.map(keepalive, [50] * 16))
        count += sum(1 for _ in pool.map(lambda _: ask("GET", "/", {}, None), range(300)))
    for threads in (1, 4):
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            count += sum(pool.map(upload, range(60)))
    # A client that goes away in the middle of an answer.
    for _ in range(5):
        with socket.create_connection((HOST, PORT), timeout=10) as s:
            s.sendall(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
            s.recv(1000)
    count += 5
    print(f"{count} requests in {time.monotonic() - begin:.1f} s")
    return 0


def main(argv):
    if argv == ["wait"]:
        return wait()
    if argv == ["load"]:
        return load()
    if len(argv) == 2 and argv[0] == "answers":
        with open(argv[1], "w", encoding="utf-8") as out:
            json.dump(one_of_each(), out, indent=1, sort_keys=True)
        return 0
    print(__doc__, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
