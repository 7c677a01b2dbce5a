"""http_server.py PORT LOG [STATUS]: takes POSTs; LOG gets a line "PATH ID-OF-HEADER BODY" of each.

STATUS is what it answers (200); with STATUS/N only to the first N. Prints its port when it listens.
"""
import http.server
import sys

log = open(sys.argv[2], "a", encoding="utf-8")
status, _, bad = (sys.argv[3] if len(sys.argv) > 3 else "200").partition("/")
left = int(bad) if bad else None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global left
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        code = int(status)
        if left is not None:
            code = code if left else 200
            left = max(0, left - 1)
        if code == 200:
            log.write(f"{self.path} {self.headers['Idempotency-Key']} {body}\n")
            log.flush()
        self.send_response(code)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print(server.server_port, flush=True)
server.serve_forever()
