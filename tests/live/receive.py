"""receive.py PORT LOG: takes POSTs as fast as they come; LOG gets a line "ID-OF-HEADER BODY" of each.

Prints its port when it listens.
"""
import re
import socket
import sys

log = open(sys.argv[2], "ab", buffering=0)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(server.getsockname()[1], flush=True)
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.I)
KEY = re.compile(rb"\r\nIdempotency-Key: (\S+)", re.I)


def serve(peer):
    have = b""
    while True:
        head, end, rest = have.partition(b"\r\n\r\n")
        if not end or len(rest) < int(LENGTH.search(head)[1]):
            more = peer.recv(262144)
            if not more:
                return
            have += more
            continue
        size = int(LENGTH.search(head)[1])
        log.write(KEY.search(head)[1] + b" " + rest[:size] + b"\n")
        have = rest[size:]
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")


while True:
    connection, _ = server.accept()
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            serve(connection)
        except ConnectionError:
            pass
