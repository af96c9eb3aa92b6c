"""The pin file: one certificate per target, trusted on first use.

One line per target: its id, a space, the SHA-256 of its certificate as lower-case hex. `#` starts a comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fleet.errors import ConfigError

_LINE = re.compile(r"(?P<target>\S+)\s+(?:sha256:)?(?P<pin>[0-9a-fA-F]{64})\s*(?:#.*)?")
_HEADER = (
    "# Certificates that fleet trusts: target id, SHA-256. Written by 'fleet tls learn', read by --pins.\n"
)


def read_pins(path: str) -> dict[str, str]:
    """The pins of a file by target id. Raises ConfigError with file and line."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError("cannot read the pin file: it is not UTF-8", file=path) from None
    except OSError as error:
        hint = f"fleet tls learn HOSTS -o {path} makes one" if isinstance(error, FileNotFoundError) else None
        raise ConfigError(f"cannot read the pin file: {error.strerror}", file=path, hint=hint) from None
    pins: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ConfigError(
                "not a pin",
                file=path,
                line=number,
                hint="a line is a target's id, a space, and 64 hexadecimal digits",
            )
        pins[match["target"]] = match["pin"].lower()
    return pins


def pins_text(pins: Mapping[str, str]) -> str:
    """The text of a pin file, as `read_pins` reads it, in the order of the ids."""
    return _HEADER + "".join(f"{target} {pin}\n" for target, pin in sorted(pins.items()))
