#!/usr/bin/env python3
"""admit_load.py CERTIFICATES PORT DIR: dry runs of DIR/good.json and DIR/bad.json against the API
server, from several threads, until DIR/enough is there. Prints how many good ones were made and
failed, how many bad ones were made, refused by the webhook and failed otherwise, and whether the
last good one was made and the last bad one refused."""
import http.client
import os
import ssl
import sys
import threading

certs, port, folder = sys.argv[1:]
context = ssl.create_default_context(cafile=f"{certs}/ca.crt")
context.load_cert_chain(f"{certs}/admin.crt", f"{certs}/admin.key")
bodies = {kind: open(f"{folder}/{kind}.json", encoding="utf-8").read() for kind in ("good", "bad")}
counts = {}
lock = threading.Lock()


def ask(connection, kind):
    connection.request("POST", "/api/v1/namespaces/baseline/pods?dryRun=All", bodies[kind],
                       {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status == 201:
        return "made"
    if answer.status == 403 and "violates PodSecurity" in text:
        return "refused"
    return "failed"


def work():
    connection = http.client.HTTPSConnection("127.0.0.1", int(port), context=context, timeout=30)
    while not os.path.exists(f"{folder}/enough"):
        for kind in bodies:
            try:
                result = ask(connection, kind)
            except (OSError, http.client.HTTPException):
                connection.close()
                result = "failed"
            with lock:
                counts[kind, result] = counts.get((kind, result), 0) + 1


threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
last = http.client.HTTPSConnection("127.0.0.1", int(port), context=context, timeout=30)
print(*[counts.get(key, 0) for key in (("good", "made"), ("good", "failed"), ("bad", "made"),
                                       ("bad", "refused"), ("bad", "failed"))],
      int(ask(last, "good") == "made"), int(ask(last, "bad") == "refused"))
