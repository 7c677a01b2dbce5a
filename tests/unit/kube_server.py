"""kube_server.py SCRIPT LOG: an API server that answers one request after the other by a script.

SCRIPT has one answer a line: "STATUS [HEADER:VALUE|]BODY"; "hang" answers nothing and closes. When
the script is at its end, requests get 200 and a body that never comes. LOG gets "METHOD PATH?QUERY"
of each request. Prints its port when it listens.
"""
import http.server
import sys
import time

answers = [line.rstrip("\n") for line in open(sys.argv[1], encoding="utf-8") if line.strip()]
log = open(sys.argv[2], "a", encoding="utf-8")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        log.write(f"{self.command} {self.path}\n")
        log.flush()
        if not answers:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            time.sleep(60)
            return
        line = answers.pop(0)
        if line == "hang":
            self.close_connection = True
            return
        status, _, rest = line.partition(" ")
        header, bar, body = rest.partition("|")
        if not bar:
            header, body = "", rest
        data = body.replace("\\n", "\n").encode()
        self.send_response(int(status))
        if header:
            self.send_header(*header.split(":"))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
sys.stdout.write(f"{server.server_port}\n")  # in one write
sys.stdout.flush()
server.serve_forever()
