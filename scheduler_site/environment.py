"""Reads settings from the environment and ends the start with a plain sentence on a bad value."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

DATABASES = ("sqlite", "postgres", "postgresql", "psql", "pgsql")
HOST = r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]"
# For matching(): how an address has to begin, and what to say when it doesn't.
ANY_URL = {"pattern": r"\w[\w+.-]*://.*", "allowed": "an address such as redis://127.0.0.1:6379/1"}
REDIS = {"pattern": r"(redis|rediss|unix)://.+", "allowed": "an address such as redis://127.0.0.1"}
STORE_URLS = {
    "redis": REDIS,
    "mongodb": {"pattern": r"mongodb(\+srv)?://.+", "allowed": "mongodb://HOST:PORT/NAME"},
}
WEB_ADDRESS = "an address that starts with http:// or https://"


def refuse(name: str, allowed: str) -> ImproperlyConfigured:
    """The value is never repeated: it may be a secret."""
    return ImproperlyConfigured(f"{name} is not valid. Allowed: {allowed}.")


class Environment:
    def __init__(self, env_file: Path) -> None:
        self._env = environ.Env()
        if env_file.is_file():
            self._env.read_env(str(env_file))

    def text(self, name: str, default: str = "") -> str:
        """Set to nothing is not set, as in a `.env` whose lines wait to be filled in."""
        return str(self._env.str(name, default="")).strip() or default

    def matching(self, name: str, default: str, *, pattern: str, allowed: str) -> str:
        raw = self.text(name, default)
        if raw and not re.fullmatch(pattern, raw):
            raise refuse(name, allowed)
        return raw

    def flag(self, name: str, *, default: bool) -> bool:
        raw = self.text(name, "on" if default else "off").lower()
        if raw in {"1", "true", "yes", "on", "y", "t"}:
            return True
        if raw in {"0", "false", "no", "off", "n", "f", ""}:
            return False
        raise refuse(name, "on or off")

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        raw = self.text(name, str(default))
        allowed = f"a whole number from {least} to {most}"
        # isdecimal() accepts other scripts' digits, and int() has no bound on length.
        if not (raw.isascii() and raw.isdecimal() and len(raw) <= 12):
            raise refuse(name, allowed)
        if not least <= int(raw) <= most:
            raise refuse(name, allowed)
        return int(raw)

    def choice(self, name: str, default: str, choices: Iterable[str]) -> str:
        options = {each.lower(): each for each in choices}
        raw = self.text(name, default).lower()
        if raw not in options:
            raise refuse(name, ", ".join(options.values()))
        return options[raw]

    def words(self, name: str, default: Iterable[str] = ()) -> list[str]:
        raw = self.text(name, ",".join(default))
        return [word.strip() for word in raw.split(",") if word.strip()]

    def hosts(self, name: str, default: Iterable[str]) -> list[str]:
        found = self.words(name, default)
        if not all(re.fullmatch(HOST, host) for host in found):
            raise refuse(name, "host names such as spiders.example.org, with commas between")
        return found

    def urls(self, name: str, default: Iterable[str] = ()) -> list[str]:
        found = self.words(name, default)
        if not all(_is_web_address(each) for each in found):
            raise refuse(name, f"{WEB_ADDRESS}, with commas between")
        return found

    def zone(self, name: str, default: str) -> str:
        raw = self.text(name, default)
        if raw not in available_timezones():
            raise refuse(name, "an IANA time zone such as Europe/Stockholm")
        return ZoneInfo(raw).key

    def url(self, name: str, default: str) -> str:
        raw = self.text(name, default).rstrip("/")
        if not _is_web_address(raw) or urlsplit(raw).path:
            raise refuse(name, f"{WEB_ADDRESS} and has no path")
        return raw

    def networks(self, name: str) -> list[str]:
        try:
            return [str(ipaddress.ip_network(word)) for word in self.words(name)]
        except ValueError:
            raise refuse(name, "networks such as 10.0.0.0/8, with commas between") from None

    def address(self, name: str, default: str) -> str:
        try:
            return str(ipaddress.ip_address(self.text(name, default)))
        except ValueError:
            raise refuse(name, "an IP address such as 127.0.0.1 or 0.0.0.0") from None

    def file(self, name: str) -> str:
        """Its path as it was written; empty when none is named."""
        raw = self.text(name)
        if raw and not (Path(raw).is_file() and os.access(raw, os.R_OK)):
            raise refuse(name, "a file that can be read")
        return raw

    def folder(self, name: str, default: Path) -> Path:
        folder = Path(self.text(name, str(default))).expanduser().resolve()
        try:
            # Password hashes and what spiders brought are nobody else's on this machine.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            raise refuse(name, "a folder that can be written") from None
        return folder

    def database(self, name: str, default: str) -> dict[str, object]:
        allowed = "sqlite:///FILE or postgres://USER:PASSWORD@HOST:PORT/NAME"
        raw = self.text(name, default)
        # Looked at first: of a scheme that it doesn't know, environ prints the whole address.
        if raw.partition("://")[0] not in DATABASES:
            raise refuse(name, allowed)
        try:
            config: dict[str, object] = dict(environ.Env.db_url_config(raw))
        except (ValueError, KeyError, ImproperlyConfigured):
            raise refuse(name, allowed) from None
        if not config.get("NAME"):
            raise refuse(name, allowed)
        return config

    def email(self, name: str) -> dict[str, object]:
        try:
            return dict(environ.Env.email_url_config(self.text(name, "consolemail://")))
        except (ValueError, KeyError, ImproperlyConfigured):
            raise refuse(name, "smtp://USER:PASSWORD@HOST:PORT or consolemail://") from None

    def sender(self, name: str, defaults: Iterable[str]) -> str:
        """The first of the defaults that is an address, when none is given."""
        if given := self.text(name):
            if not _is_sender(given):
                raise refuse(name, "an address such as Spiders <alerts@company.example>")
            return given
        return next(filter(_is_sender, defaults), "alerts@localhost")

    def mapping(self, name: str) -> dict[str, object]:
        try:
            value = json.loads(self.text(name, "{}"))
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise refuse(name, "a JSON object")
        return value


def _is_web_address(text: str) -> bool:
    """Of a whole site: a name and a password would be shown with it."""
    try:
        parts = urlsplit(text)
        has_port = parts.port != 0
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc or " " in text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and has_port and is_plain


def _is_sender(text: str) -> bool:
    if not text.isprintable():
        return False
    try:
        validate_email(parseaddr(text)[1])
    except ValidationError:
        return False
    return True


def local_url(address: str, port: int) -> str:
    """Where a browser on this machine finds what listens on that address."""
    ip = ipaddress.ip_address(address)
    if ip.is_unspecified:
        return f"http://{'[::1]' if ip.version == 6 else '127.0.0.1'}:{port}"
    return f"http://{f'[{ip}]' if ip.version == 6 else ip}:{port}"


def secret_key(env: Environment, data_dir: Path) -> str:
    """The key from the environment, or one that is made once and kept in the data folder."""
    if given := env.text("SECRET_KEY"):
        return given
    file = data_dir / "secret_key"
    if not file.exists():
        _make_key(file)
    return _written_key(file)


def _make_key(file: Path) -> None:
    """Whole or not at all: web server and scheduler start at the same moment."""
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=".secret_key-")
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(secrets.token_urlsafe(64))
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)
    Path(draft).unlink()


def _written_key(file: Path) -> str:
    key = file.read_text(encoding="ascii").strip()
    if not key:
        raise ImproperlyConfigured(
            "The file secret_key in DATA_DIR is empty. Remove it to have a new one made."
        )
    return key
