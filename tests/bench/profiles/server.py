#!/usr/bin/env python3
"""A threaded HTTP server on port 8080 for the profile benchmark: answers; /test writes a database and
runs a program; /quit ends it.
"""
import http.server
import sqlite3
import subprocess
import sys
import threading

SCRATCH = sys.argv[1]


def do_test():
    db = sqlite3.connect(SCRATCH + "/python.db")
    db.execute("create table t (a int)")
    db.execute("insert into t values (1)")
    db.commit()
    db.close()
    subprocess.run(["/usr/bin/true"], check=True)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/test":
            do_test()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\n")
        if self.path == "/quit":
            threading.Thread(target=self.server.shutdown).start()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
