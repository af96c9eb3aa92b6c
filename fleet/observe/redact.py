"""The second net under secrets: what slips into a text is masked by name and by value."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from fleet.masks import Masks, forms_of
from fleet.secret import Secret

MAX_KNOWN = 20_000  # values known: two for each target of a large fleet, 15 MB
_MASK = "***"
_SENSITIVE = (
    "password", "passwd", "secret", "token", "authorization", "cookie", "apikey", "api_key", "api-key",
    "credential_value", "passphrase", "private_key",
)  # fmt: skip


class Redactor:
    """Masks secrets: by the name of a field, and, as a second net, by value in any text (`Masks`).

    At most `most` values are known: of more, those that were learnt longest ago give way. Threads share it.
    """

    def __init__(self, secrets: Iterable[Secret] = (), *, most: int = MAX_KNOWN) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[Secret, tuple[str, ...]] = {}  # the longest unseen first
        self._masks = Masks()
        self.learn(*secrets)

    def learn(self, *secrets: Secret) -> None:
        """Mask these from now on."""
        with self._lock:
            for secret in secrets:
                forms = self._known.pop(secret, None)
                if forms is None:
                    forms = forms_of(secret.reveal())
                    self._masks.add(forms)
                self._known[secret] = forms
            if len(self._known) > self._most:
                self._forget()

    def text(self, text: str) -> str:
        """The text with every known secret masked; two that overlap are one mask."""
        return self._masks.text(text)

    def _forget(self) -> None:
        """Forget a quarter more than has to go, because each time everything that is left is indexed anew."""
        for secret in list(self._known)[: len(self._known) - self._most + self._most // 4]:
            del self._known[secret]
        masks = Masks()
        for forms in self._known.values():
            masks.add(forms)
        self._masks = masks

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


def _is_sensitive(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in _SENSITIVE)
