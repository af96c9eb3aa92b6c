"""The file of `--auths`: credentials and proxies apart from any spec."""

from __future__ import annotations

from pathlib import Path

from fleet.inventory.model import ADDRESS, NAME, VARIABLE, AuthsFile
from fleet.yamlfile import read_yaml

_PATTERNS = {
    NAME: "a name is letters, digits, `_`, `.` and `-`",
    VARIABLE: "the name of an environment variable is letters, digits and `_`",
    ADDRESS: "not an address of the form https://host:8200",
}


def load_auths(path: Path | str) -> AuthsFile:
    """Read a file with `auths:` and `proxies:`. Raises ConfigError with file, line and column, which repeats
    nothing that may be a secret."""
    return read_yaml(path, "file of credentials and proxies").fit(
        AuthsFile,
        shape="a mapping with auths: or proxies:",
        patterns=_PATTERNS,
    )
