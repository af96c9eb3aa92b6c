"""The spec files that come with the package."""

from __future__ import annotations

from pathlib import Path

import fleet


def builtin_directory() -> Path:
    """Where they are: inside the installed package, or beside it in a checkout."""
    package = Path(fleet.__file__).parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def list_builtin_specs() -> dict[str, Path]:
    """The built-in specs by name. A spec file is one that begins its own line with `fleet:`."""
    found: dict[str, Path] = {}
    for path in sorted(builtin_directory().glob("*.yaml")):
        with path.open(encoding="utf-8") as lines:
            if any(line.startswith("fleet:") for line in lines):
                found[path.stem] = path
    return found
