#!/usr/bin/env python3
"""Clients of services of the profile benchmark for which Debian's packages have none.

memcached CONNECTIONS ROUNDS [stats]: sets and gets; or `stats` on each connection
dns COUNT: queries for the address of localhost over UDP
"""
import socket
import struct
import sys


def read_until(sock, end):
    data = b""
    while not data.endswith(end):
        part = sock.recv(65536)
        if not part:
            sys.exit("connection closed")
        data += part
    return data


def memcached(connections, rounds, stats):
    socks = [socket.create_connection(("127.0.0.1", 11211), 10) for _ in range(connections)]
    for i, s in enumerate(socks):
        for r in range(rounds):
            key = b"key%d-%d" % (i, r)
            s.sendall(b"set %s 0 0 5\r\nvalue\r\n" % key)
            if read_until(s, b"\r\n") != b"STORED\r\n":
                sys.exit("not stored")
            s.sendall(b"get %s\r\n" % key)
            if b"value" not in read_until(s, b"END\r\n"):
                sys.exit("not found")
        if stats:
            s.sendall(b"stats\r\n")
            read_until(s, b"END\r\n")
    for s in socks:
        s.close()


def dns(count):
    question = b"\x09localhost\x00" + struct.pack(">HH", 1, 1)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    for i in range(count):
        s.sendto(struct.pack(">HHHHHH", i, 0x0100, 1, 0, 0, 0) + question, ("127.0.0.1", 53))
        answer = s.recv(512)
        if answer[:2] != struct.pack(">H", i) or b"\x7f\x00\x00\x01" not in answer:
            sys.exit("no address in the answer")


if sys.argv[1] == "memcached":
    memcached(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["stats"])
else:
    dns(int(sys.argv[2]))
