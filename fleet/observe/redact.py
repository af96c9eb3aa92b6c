"""The second net under secrets: what slips into a text is masked by name and by value."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from fleet.secret import Secret

_MASK = "***"
_TOO_SHORT = 4  # masking every "a" would destroy the log and tell the secret
_SENSITIVE = (
    "password", "passwd", "secret", "token", "authorization", "cookie", "apikey", "api_key", "api-key",
    "credential_value", "passphrase", "private_key",
)  # fmt: skip


class Redactor:
    """Masks secrets: by the name of a field, and, as a second net, by value in any text.

    A value is found as it is, percent-encoded, quoted, and inside any base64 text (the `user:password` of
    HTTP Basic), whatever stands before it there.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._masked: tuple[str, ...] = ()
        self.learn(*secrets)

    def learn(self, *secrets: Secret) -> None:
        """Mask these from now on."""
        forms = set(self._masked)
        for secret in secrets:
            value = secret.reveal()
            forms |= {value, quote(value, safe=""), quote_plus(value)}
            forms |= {json.dumps(value)[1:-1], repr(value)[1:-1], *_inside_base64(value)}
        self._masked = tuple(
            sorted((form for form in forms if len(form) >= _TOO_SHORT), key=len, reverse=True)
        )

    def text(self, text: str) -> str:
        """The text with every known secret masked."""
        for form in self._masked:
            if form in text:
                text = text.replace(form, _MASK)
        return text

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
