"""A small website with every trouble a website can have."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SCRIPT_PAGE = """<body><p id=seen></p><script>
const title = text => text.match(/<title>(.*)<.title>/)[1];
const frame = address => new Promise(resolve => {
  const made = document.createElement("iframe");
  made.onload = () => resolve("framed");
  made.src = address;
  document.body.append(made);
});
const read = address => fetch(address, {mode: address == "/ok" ? "same-origin" : "no-cors"})
  .then(async answer => answer.status + " " + title(await answer.text()))
  .catch(() => "refused");
const ask = target => target.startsWith("frame:") ? frame(target.slice(6)) : read(target);
Promise.all(TARGET.split("~").map(ask)).then(found => {
  document.getElementById("seen").textContent = found.join(" ");
  document.body.insertAdjacentHTML("beforeend", "<i id=done></i>");
});
</script>"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0]
        self.server.hits[path] += 1
        kind = path.strip("/").split("/")[0].replace(".", "_")
        answer = getattr(self, f"answer_{kind}", None)
        if kind.isdigit():
            self.send(int(kind), f"answer {kind}")
        elif answer:
            answer()
        else:
            self.send(404, "nothing here")

    def answer_ok(self):
        self.send(200, f"<title>Fine</title><a href='{self.path}/next'>next</a>")

    def answer_robots_txt(self):
        self.send(200, "User-agent: *\nDisallow: /private")

    def answer_cut(self):
        self.close_connection = True

    def answer_script(self):
        """Asks for the addresses in its query, and shows what came of it."""
        target = self.path.partition("?")[2]
        self.send(200, SCRIPT_PAGE.replace("TARGET", json.dumps(target)))

    def answer_empty(self):
        self.send(200, "")

    def answer_slow(self):
        time.sleep(2)
        self.send(200, "slow")

    def answer_elsewhere(self):
        target = self.path.partition("?to=")[2]
        self.send(302, "", {"Location": target})

    def answer_circle(self):
        self.send(302, "", {"Location": self.path})

    def answer_login(self):
        self.send(200, "<form><input name=who><input type='password' name=pw></form>")

    def answer_members(self):
        self.send(302, "", {"Location": "/login"})

    def answer_captcha(self):
        self.send(200, "<div class='g-recaptcha' data-sitekey='x'></div>")

    def answer_guarded(self):
        self.send(403, "<div class='h-captcha'></div>")

    def answer_echo(self):
        """A long page that repeats what it was asked with."""
        self.send(200, f"<p>{self.path} password=geheim</p>" * 20_000)

    def answer_hangs(self):
        self.server.released.wait(60)
        self.close_connection = True

    def send(self, status, text, headers=None):
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def self_signed(path):
    """A certificate, with its key, that only itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, form, plain))
    return path


class Site:
    def __init__(self, host="127.0.0.1", certificate=None):
        self.server = ThreadingHTTPServer((host, 0), Handler)
        self.server.daemon_threads = True
        self.server.hits = self.hits = Counter()
        self.server.released = threading.Event()
        self.url = f"http{'s' if certificate else ''}://{host}:{self.server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *args):
        self.server.released.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()
