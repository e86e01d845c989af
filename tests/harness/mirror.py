"""A mirror of the vendors' services on loopback, with a certificate of its own."""
import http.server
import ssl
import threading
import time

from process import run


class Mirror(http.server.BaseHTTPRequestHandler):
    """Answers what `answers` says: path -> (status, headers, body); a body that is None is silence, and one
    that is an Event is silence until it is set, then 404."""
    answers, asked = {}, []
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.asked.append(self.path)
        status, headers, body = self.answers.get(self.path, self.answers.get("*", (404, {}, b"")))
        if body is None:
            time.sleep(60)
            return
        if isinstance(body, threading.Event):
            body.wait(120)
            status, headers, body = 404, {}, b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def start_mirror(folder):
    """(address, file of the certificate)"""
    key, certificate = folder / "mirror-key.pem", folder / "mirror-cert.pem"
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=mirror", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
         "-out", certificate])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://localhost:{server.server_port}", certificate
