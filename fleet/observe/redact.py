"""The second net under secrets: what slips into a text is masked by name and by value."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from fleet.secret import Secret

MOST = 20_000  # values known: two for each target of a large fleet, 15 MB
FEW = 64  # beginnings of forms that are looked for one by one
_MASK = "***"
_TOO_SHORT = 4  # masking every "a" would destroy the log and tell the secret
_SENSITIVE = (
    "password", "passwd", "secret", "token", "authorization", "cookie", "apikey", "api_key", "api-key",
    "credential_value", "passphrase", "private_key",
)  # fmt: skip


class Redactor:
    """Masks secrets: by the name of a field, and, as a second net, by value in any text.

    A value is found as it is, percent-encoded, quoted, and inside any base64 text (the `user:password` of
    HTTP Basic), whatever stands before it there. At most `most` values are known: of more, those that were
    learnt longest ago give way. Threads share it.
    """

    def __init__(self, secrets: Iterable[Secret] = (), *, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[Secret, tuple[str, ...]] = {}  # the longest unseen first
        self._starts: dict[str, tuple[str, ...]] = {}  # forms by their first characters, the longest first
        self.learn(*secrets)

    def learn(self, *secrets: Secret) -> None:
        """Mask these from now on."""
        with self._lock:
            for secret in secrets:
                forms = self._known.pop(secret, None)
                if forms is None:
                    forms = _forms(secret.reveal())
                    self._index(forms)
                self._known[secret] = forms
            if len(self._known) > self._most:
                self._forget()

    def text(self, text: str) -> str:
        """The text with every known secret masked; two that overlap are one mask."""
        starts = self._starts
        if not starts or (len(starts) <= FEW and not any(start in text for start in starts)):
            return text
        parts: list[str] = []
        shown = masked = 0  # up to where the text was copied, and is masked
        for at in range(len(text) - _TOO_SHORT + 1):
            for form in starts.get(text[at : at + _TOO_SHORT], ()):
                if text.startswith(form, at):
                    if at >= masked:
                        parts += (text[shown:at], _MASK)
                    shown = masked = max(masked, at + len(form))
                    break
        return "".join(parts) + text[shown:]

    def _index(self, forms: Iterable[str]) -> None:
        for form in forms:
            start = form[:_TOO_SHORT]
            known = {*self._starts.get(start, ()), form}
            self._starts[start] = tuple(sorted(known, key=len, reverse=True))

    def _forget(self) -> None:
        """Let go of a quarter more than there must be: each time everything left is indexed anew."""
        for secret in list(self._known)[: len(self._known) - self._most + self._most // 4]:
            del self._known[secret]
        self._starts = {}
        for forms in self._known.values():
            self._index(forms)

    def fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields with sensitive names and known values masked."""
        return {name: _MASK if _is_sensitive(name) else self._value(value) for name, value in fields.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self.fields({str(name): held for name, held in value.items()})
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(item) for item in value]
        return value


def _forms(value: str) -> tuple[str, ...]:
    """How a value may be written, as far as that is long enough to be masked."""
    forms = {value, quote(value, safe="", errors="replace"), quote_plus(value, errors="replace")}
    forms |= {json.dumps(value)[1:-1], repr(value)[1:-1], *_inside_base64(value)}
    return tuple(form for form in forms if len(form) >= _TOO_SHORT)


def _inside_base64(value: str) -> Iterator[str]:
    """What a value looks like in base64, for each of the three ways it can lie on the 3-byte groups.

    Characters that share bits with their neighbours are left out.
    """
    data = value.encode("utf-8", "surrogatepass")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode("ascii").rstrip("=")
        whole = encoded[(before * 8 + 5) // 6 :]
        yield whole[: len(data) * 8 // 6 - 1] if before or len(data) % 3 else whole


def _is_sensitive(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in _SENSITIVE)
