"""The file of `--auths`: credentials and proxies apart from any spec."""

from __future__ import annotations

from pathlib import Path

from fleet.inventory.credentials.checked import plainly
from fleet.inventory.credentials.model import ADDRESS, AuthsFile
from fleet.yamlfile import read_yaml

_PATTERNS = {ADDRESS: "not an address of the form https://host:8200"}


def load_auths(path: Path | str) -> AuthsFile:
    """Read a file with `auths:` and `proxies:`. Raises ConfigError with file, line and column, which repeats
    nothing that may be a secret."""
    file = read_yaml(path, "file of credentials and proxies")
    return plainly(AuthsFile, file.tree) or file.fit(
        AuthsFile,
        shape="a mapping with auths: or proxies:",
        patterns=_PATTERNS,
    )
