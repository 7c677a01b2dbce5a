#!/usr/bin/env python3
"""admit_service.py PORT CA DIR: what a Service of Kubernetes is to the webhook. Connections to PORT go to
the one of the ports in the file DIR/endpoints that has the fewest of those that are ready: /readyz is asked
once a second. Connections that are there stay where they are. Writes DIR/ready: the ports that are ready."""
import asyncio
import os
import ssl
import sys
import urllib.request

port, ca, folder = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
ready = []
connections = {}


def answers(endpoint):
    try:
        url = f"https://127.0.0.1:{endpoint}/readyz"
        return urllib.request.urlopen(url, timeout=1, context=context).status == 200
    except OSError:
        return False


async def probe():
    loop = asyncio.get_running_loop()
    while True:
        endpoints = open(f"{folder}/endpoints", encoding="utf-8").read().split()
        found = [await loop.run_in_executor(None, answers, e) for e in endpoints]
        ready[:] = [e for e, yes in zip(endpoints, found) if yes]
        with open(f"{folder}/ready.new", "w", encoding="utf-8") as out:
            print(*ready, file=out)
        os.replace(f"{folder}/ready.new", f"{folder}/ready")
        await asyncio.sleep(1)


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def accept(reader, writer):
    if not ready:
        writer.close()
        return
    to = min(ready, key=lambda e: connections.get(e, 0))
    connections[to] = connections.get(to, 0) + 1
    try:
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", int(to))
        await asyncio.gather(copy(reader, to_writer), copy(to_reader, writer))
    except OSError:
        writer.close()
    finally:
        connections[to] -= 1


async def main():
    server = await asyncio.start_server(accept, "127.0.0.1", int(port))
    async with server:
        await probe()


asyncio.run(main())
