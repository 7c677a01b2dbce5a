"""tls_server.py http|syslog FOLDER LOG: a receiver with TLS that wants to know who sends.

FOLDER has ca.pem, server.pem and server.key; clients need a certificate of that authority. http: LOG
gets a line of JSON for each request with its headers and body, unpacked; the first gets a 429 with
Retry-After: 1. syslog: LOG gets what comes. Prints its port when it listens.
"""
import gzip
import http.server
import json
import ssl
import socketserver
import sys
import time

kind, folder, log = sys.argv[1], sys.argv[2], open(sys.argv[3], "a", encoding="utf-8")
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(f"{folder}/server.pem", f"{folder}/server.key")
tls.load_verify_locations(f"{folder}/ca.pem")
tls.verify_mode = ssl.CERT_REQUIRED
seen = 0


def say(value):
    log.write(value + "\n")
    log.flush()


class Requests(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global seen
        seen += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        headers = {k.lower(): v for k, v in self.headers.items()}
        say(json.dumps({"at": time.monotonic(), "headers": headers, "body": body.decode()}))
        self.send_response(429 if seen == 1 else 200)
        if seen == 1:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class Messages(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            say(data.decode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def get_request(self):
        connection, address = self.socket.accept()
        return tls.wrap_socket(connection, server_side=True), address

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Requests if kind == "http" else Messages)
print(server.server_address[1], flush=True)
server.serve_forever()
