"""The second net under secrets: what slips into a text is masked by name and by value."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
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

    A value is found as it is, base64 encoded (alone, or as `user:password` of HTTP Basic) and
    percent-encoded.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._masked: tuple[str, ...] = ()
        self.learn(*secrets)

    def learn(self, *secrets: Secret, users: Iterable[str] = ()) -> None:
        """Mask these from now on; with `users`, also their HTTP Basic pairs."""
        forms = set(self._masked)
        for secret in secrets:
            value = secret.reveal()
            if len(value) < _TOO_SHORT:
                continue
            forms |= {
                value,
                quote(value, safe=""),
                quote_plus(value),
                json.dumps(value)[1:-1],
                repr(value)[1:-1],
            }
            forms |= {_base64(value), *(_base64(f"{user}:{value}") for user in users)}
        self._masked = tuple(sorted(forms, key=len, reverse=True))

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


def _base64(value: str) -> str:
    return base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")


def _is_sensitive(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in _SENSITIVE)
