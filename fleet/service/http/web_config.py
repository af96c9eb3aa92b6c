"""TLS and users of the server, in the format of Prometheus' exporter-toolkit (`--web.config.file`)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import ssl
from pathlib import Path
from typing import ClassVar, Literal

import anyio
import bcrypt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from fleet.config import placed
from fleet.errors import ConfigError
from fleet.openapi import parse

CHECKS = 4  # passwords checked at a time: each takes a tenth of a second of CPU
KNOWN = 1000  # passwords that were right, remembered as digests
_NOBODY = (
    b"$2b$10$TFO.7t9CHUTIl.SAkkrwBuL6yBO6yeVtBVMWn5GULF.RWj5F/.6fq"  # checked for users that are not there
)
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


class _Strict(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TlsServer(_Strict):
    """Certificate and key, and which clients are let in. Paths start from the file's directory."""

    cert_file: str
    key_file: str
    client_ca_file: str | None = None
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = (
        "NoClientCert"
    )
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS12", "TLS13"] = "TLS13"


class HttpServer(_Strict):
    """Only what has a meaning here: HTTP/2 is not spoken, whatever is asked."""

    http2: bool = True
    headers: dict[str, str] = Field(default_factory=dict)


class WebFile(_Strict):
    """The whole file. Passwords are bcrypt hashes."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = HttpServer()
    basic_auth_users: dict[str, str] = Field(default_factory=dict)

    @field_validator("basic_auth_users")
    @classmethod
    def _hashed(cls, value: dict[str, str]) -> dict[str, str]:
        for user, hashed in value.items():
            if not hashed.startswith(("$2a$", "$2b$", "$2y$")) or len(hashed) != 60:
                raise ValueError(f"the password of {user!r} is not a bcrypt hash: htpasswd -nBC 10 {user}")
        return value


class Web:
    """Who may come in. `context` is None where TLS is not asked for; `files` are what it was made of."""

    def __init__(self, path: Path | None = None) -> None:
        """Blocks. Raises ConfigError."""
        self.file: WebFile = _read(path) if path is not None else WebFile()
        home = path.parent if path is not None else Path()
        tls = self.file.tls_server_config
        named = (tls.cert_file, tls.key_file, tls.client_ca_file) if tls is not None else ()
        self.files: tuple[Path, ...] = tuple([path] if path is not None else []) + tuple(
            home / name for name in named if name
        )
        self.context: ssl.SSLContext | None = _context(tls, home) if tls is not None else None
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, None] = {}
        self._room: anyio.CapacityLimiter | None = None

    @property
    def protected(self) -> bool:
        """Whether a user and a password are asked for."""
        return bool(self.file.basic_auth_users)

    async def admits(self, authorization: str) -> bool:
        """Whether an Authorization header is that of one of the users."""
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, colon, password = base64.b64decode(text.strip(), validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return False
        if not colon or len(password) > 72:
            return False
        hashed = self.file.basic_auth_users.get(user.decode("utf-8", "replace"))
        digest = hmac.digest(self._key, user + b"\0" + password, hashlib.sha256)
        if hashed is not None and digest in self._known:
            return True
        if self._room is None:
            self._room = anyio.CapacityLimiter(CHECKS)
        right = await anyio.to_thread.run_sync(_check, password, hashed, limiter=self._room)
        if right and len(self._known) < KNOWN:
            self._known[digest] = None
        return right


def _check(password: bytes, hashed: str | None) -> bool:
    """As long for a user that is not there as for one that is."""
    try:
        right = bcrypt.checkpw(password, hashed.encode() if hashed is not None else _NOBODY)
    except ValueError:
        return False
    return right and hashed is not None


def _read(path: Path) -> WebFile:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"the web configuration cannot be read: {why}", file=str(path)) from None
    tree = parse(text, str(path)) if text.strip() else {}
    if not isinstance(tree, dict):
        raise ConfigError("a web configuration is a mapping of sections", file=str(path), line=1, column=1)
    try:
        return WebFile.model_validate(tree)
    except ValidationError as wrong:
        raise placed(wrong, WebFile, tree, file=str(path), text=text, error=ConfigError) from None


def _context(tls: TlsServer, home: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    try:
        context.load_cert_chain(home / tls.cert_file, home / tls.key_file, password=_no_passphrase)
        if tls.client_ca_file is not None:
            context.load_verify_locations(home / tls.client_ca_file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the server's certificate cannot be used: {error}", file=tls.cert_file) from None
    if tls.client_auth_type != "NoClientCert" and tls.client_ca_file is None:
        raise ConfigError(f"client_auth_type {tls.client_auth_type} needs a client_ca_file")
    context.verify_mode = _VERIFY[tls.client_auth_type]
    return context


def _no_passphrase() -> str:
    raise ValueError("the key is encrypted, and a service has nobody to ask for its passphrase")
