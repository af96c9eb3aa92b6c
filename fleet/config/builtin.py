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


def installed_here(path: Path) -> Path:
    """A file that came with fleet, in this installation where the one that had it is gone. Any other path as
    it is. Runs hold paths, and go on where fleet has been installed anew."""
    if not path.is_absolute() or path.exists():
        return path
    parts = path.parts
    inside = (parts[at + 2 :] for at in range(len(parts) - 2) if parts[at : at + 2] == ("fleet", "configs"))
    places = (builtin_directory().joinpath(*rest) for rest in inside)
    return next((place for place in places if place.is_file()), path)


def builtin_of(path: Path) -> str | None:
    """The name of the built-in spec that a file is, `installed_here` or where it says; None for another."""
    return path.stem if list_builtin_specs().get(path.stem) == installed_here(path) else None
