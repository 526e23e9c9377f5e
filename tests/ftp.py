"""A small FTP server: it takes what it is given."""

from __future__ import annotations

import socket
import socketserver
import threading


class _Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.tell("220 ready")
        while line := self.rfile.readline().decode().strip():
            verb, _, rest = line.partition(" ")
            answer = getattr(self, f"do_{verb.lower()}", None)
            self.tell(answer(rest) if answer else "502 no such command")
            if verb == "QUIT":
                return

    def tell(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def do_user(self, name):
        return "331 password please"

    def do_pass(self, word):
        return "230 welcome" if word == "secret" else "530 no"

    def do_type(self, kind):
        return "200 fine"

    def do_cwd(self, folder):
        return "250 fine"

    def do_quit(self, rest):
        return "221 bye"

    def do_epsv(self, rest):
        return "502 only PASV"

    def do_pasv(self, rest):
        self.data = socket.create_server(("127.0.0.1", 0))
        port = self.data.getsockname()[1]
        return f"227 go to (127,0,0,1,{port // 256},{port % 256})"

    def do_stor(self, name):
        self.tell("150 go on")
        connection, _ = self.data.accept()
        with connection, self.data, connection.makefile("rb") as file:
            self.server.stored[name] = file.read()
        return "226 stored"


class Ftp:
    def __init__(self):
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session)
        self.server.daemon_threads = True
        self.server.stored = self.stored = {}
        self.url = f"ftp://user:secret@127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()
