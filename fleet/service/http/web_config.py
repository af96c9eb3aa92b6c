"""TLS and users of the server, in the format of Prometheus' exporter-toolkit (`--web.config.file`)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import anyio
import bcrypt
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fleet.errors import ConfigError
from fleet.yamlfile import read_yaml

CHECKS_AT_ONCE = 4  # passwords checked at a time: each takes a tenth of a second of CPU
MAX_KNOWN = 1000  # passwords that were right, remembered as digests
_NOBODY = (
    b"$2b$10$TFO.7t9CHUTIl.SAkkrwBuL6yBO6yeVtBVMWn5GULF.RWj5F/.6fq"  # checked for users that are not there
)
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


_SUITES = {  # of TLS 1.2, by Go's names: those with forward secrecy and authenticated encryption
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
_SUITES_13 = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
_HEADERS = {
    name.lower(): name
    for name in (
        "Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection",
        "Strict-Transport-Security",
    )
}  # fmt: skip
# What exporter-toolkit knows and this server does not take, and why.
_NO_TLS = {
    "cert": "name a cert_file",
    "key": "a configuration holds no secret: name a key_file",
    "curve_preferences": "the curves are those of OpenSSL (X25519, P-256, P-384, P-521)",
}
_NO_FILE = {
    "rate_limit": "`clients` of the service bounds how many are answered at once, `probe.concurrency` probes",
}
_WEAK = {
    "RequestClientCert": "a certificate that is not verified proves nothing",
    "RequireAnyClientCert": "a certificate that is not verified proves nothing",
    "TLS10": "TLS 1.2 is the oldest that is spoken",
    "TLS11": "TLS 1.2 is the oldest that is spoken",
}
_SAN_KINDS = frozenset({"DNS", "IP Address", "email", "URI"})


def _refuse(value: object, refused: Mapping[str, str]) -> object:
    """What was given, where it has none of these keys. Raises ValueError, which says why not."""
    if isinstance(value, Mapping):
        for key in value:
            if key in refused:
                raise ValueError(f"`{key}` is not supported: {refused[key]}")
    return value


class _Strict(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TlsServer(_Strict):
    """Certificate and key, and which clients are let in. Paths start from the file's directory."""

    cert_file: str
    key_file: str
    client_ca_file: str | None = None
    client_ca: str | None = None
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = (
        "NoClientCert"
    )
    client_allowed_sans: tuple[str, ...] = ()
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS12", "TLS13"] = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True

    @model_validator(mode="before")
    @classmethod
    def _kept_out(cls, value: object) -> object:
        return _refuse(value, _NO_TLS)

    @field_validator("client_auth_type", "min_version", "max_version", mode="before")
    @classmethod
    def _weak(cls, value: object) -> object:
        if isinstance(value, str) and value in _WEAK:
            raise ValueError(f"{value!r} is not supported: {_WEAK[value]}")
        return value

    @field_validator("cipher_suites")
    @classmethod
    def _known_suites(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in _SUITES and name not in _SUITES_13:
                raise ValueError(f"{name!r} is not offered: {', '.join(_SUITES)}")
        if value and not any(name in _SUITES for name in value):
            raise ValueError(
                "it names none for TLS 1.2 (those of 1.3 are not chosen): set min_version: TLS13"
            )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.client_ca is not None and self.client_ca_file is not None:
            raise ValueError("there is `client_ca` or `client_ca_file`, not both")
        if self.client_auth_type != "NoClientCert" and not (self.client_ca or self.client_ca_file):
            raise ValueError(f"client_auth_type {self.client_auth_type} needs a client_ca_file")
        if self.client_allowed_sans and self.client_auth_type != "RequireAndVerifyClientCert":
            raise ValueError("client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert")
        if self.min_version > self.max_version:
            raise ValueError("min_version is above max_version")
        return self


class HttpServer(_Strict):
    """Headers of every answer, in place of our own; an empty one leaves ours. HTTP/2 is not spoken, whatever
    is asked."""

    http2: bool = True
    headers: dict[str, str] = Field(default_factory=dict)

    @field_validator("headers")
    @classmethod
    def _settable(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if name.lower() not in _HEADERS:
                raise ValueError(f"{name!r} cannot be set here: {', '.join(_HEADERS.values())}")
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"the value of {name} is no printable ASCII on one line")
        return {_HEADERS[name.lower()]: text for name, text in value.items() if text.strip()}


class WebFile(_Strict):
    """The whole file. Passwords are bcrypt hashes."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = HttpServer()
    basic_auth_users: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _kept_out(cls, value: object) -> object:
        return _refuse(value, _NO_FILE)

    @field_validator("basic_auth_users")
    @classmethod
    def _hashed(cls, value: dict[str, str]) -> dict[str, str]:
        for user, hashed in value.items():
            if not hashed.startswith(("$2a$", "$2b$", "$2y$")) or len(hashed) != 60:
                raise ValueError(f"the password of {user!r} is not a bcrypt hash: htpasswd -nBC 10 {user}")
        return value


class AccessRules:
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
        self._sans = frozenset(tls.client_allowed_sans) if tls is not None else frozenset()
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, None] = {}
        self._room: anyio.CapacityLimiter | None = None

    @property
    def protected(self) -> bool:
        """Whether a user and a password are asked for."""
        return bool(self.file.basic_auth_users)

    def refuse_to_open(self, before: AccessRules) -> None:
        """That a file is emptied while it is served by must not let everybody in. Raises ConfigError."""
        if not self.file.model_fields_set and before.file.model_fields_set:
            raise ConfigError(
                "the file is empty: what it said before stays in force",
                file=str(self.files[0]),
                hint="to ask for no user, remove `webConfig` and start the service again",
            )

    def meets_otherwise(self, before: AccessRules) -> bool:
        """Whether connections that are open came in by rules that hold no more: with or without TLS, by
        certificates of clients."""
        return self._client_rules() != before._client_rules()

    def _client_rules(self) -> tuple[Any, ...]:
        if self.context is None:
            return ()
        return self.context.verify_mode, self._sans, frozenset(self.context.get_ca_certs(binary_form=True))

    def knows(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether a client with this (verified) certificate may speak: always, unless `client_allowed_sans`
        says who."""
        names = (certificate or {}).get("subjectAltName", ())
        return not self._sans or any(kind in _SAN_KINDS and name in self._sans for kind, name in names)

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
            self._room = anyio.CapacityLimiter(CHECKS_AT_ONCE)
        right = await anyio.to_thread.run_sync(_check, password, hashed, limiter=self._room)
        if right and len(self._known) < MAX_KNOWN:
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
    """An empty file is one that asks for nothing."""
    file = read_yaml(path, "web configuration")
    return file.fit(WebFile, shape="a mapping of sections") if file.data.strip() else WebFile()


def _context(tls: TlsServer, home: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    try:
        context.load_cert_chain(home / tls.cert_file, home / tls.key_file, password=_no_passphrase)
        if tls.client_ca_file is not None:
            context.load_verify_locations(home / tls.client_ca_file)
        if tls.client_ca is not None:
            context.load_verify_locations(cadata=tls.client_ca)
    except (OSError, ValueError) as error:
        raise ConfigError(f"the server's certificate cannot be used: {error}", file=tls.cert_file) from None
    context.verify_mode = _VERIFY[tls.client_auth_type]
    if tls.cipher_suites:
        context.set_ciphers(":".join(_SUITES[name] for name in tls.cipher_suites if name in _SUITES))
    if tls.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def _no_passphrase() -> str:
    raise ValueError("the key is encrypted, and a service has nobody to ask for its passphrase")
