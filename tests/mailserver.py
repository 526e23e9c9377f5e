"""A mail server on this machine that does as a test says: takes, refuses, or never answers."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage


class _Dialog(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self):
        self.server.connections += 1
        if self.server.hangs:
            self.server.release.wait(30)
            return
        self._say("220 ready")
        data = False
        lines: list[bytes] = []
        while line := self.rfile.readline(100_000):
            if data:
                data = line != b".\r\n"
                if data:
                    lines.append(line.removeprefix(b"."))
                else:
                    self._take(b"".join(lines))
                    lines = []
                continue
            verb = line[:4].upper().strip()
            data = verb == b"DATA" and not self._refuses("DATA")
            if not self._answer(verb.decode(), line):
                return

    def _refuses(self, verb):
        return self.server.refusals.get(verb, "")

    def _answer(self, verb, line):
        if text := self._refuses(verb):
            self._say(text)
            return True
        answers = {"DATA": "354 go on", "QUIT": "221 bye", "EHLO": "250 here", "HELO": "250 here"}
        self._say(answers.get(verb, "250 fine"))
        return verb != "QUIT"

    def _take(self, content):
        message = email.message_from_bytes(content, policy=email.policy.default)
        self.server.messages.append(message)
        self._say("250 taken")

    def _say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Dialog)
        self.messages: list[EmailMessage] = []
        self.refusals: dict[str, str] = {}
        self.hangs = False
        self.connections = 0
        self.release = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self):
        return self.server_address[1]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.release.set()
        self.shutdown()
        self._thread.join(5)
        self.server_close()
