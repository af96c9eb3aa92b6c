"""The files of the page, read once, under an address that changes when any of them does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from fleet.frozen import frozen

FRONT = "index.html"
PLACE = "{{page}}"  # in the front page: where its files are
MODULES = (
    "{{modules}}"  # in it: links that have the browser fetch every module at once, not one after another
)
_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@frozen
class File:
    """One file, and what it is."""

    content: bytes
    media_type: str


@frozen
class Page:
    """The front page, and the files that it names by `/page/DIGEST/NAME`. The digest is of all of them: a
    module names others relative to itself, so that a page never mixes two versions."""

    digest: str
    front: File
    files: Mapping[str, File]


def read_page(folder: Path = _FOLDER) -> Page:
    """Read the page. Blocks."""
    files = {
        path.name: File(path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(folder.iterdir())
        if path.suffix in _TYPES
    }
    told = hashlib.sha256()
    for name, file in files.items():
        told.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
    digest = told.hexdigest()[:16]
    front = files.pop(FRONT)
    links = (f'<link rel="modulepreload" href="{PLACE}/{name}">' for name in files if name.endswith(".js"))
    text = front.content.decode().replace(MODULES, "\n".join(links)).replace(PLACE, f"/page/{digest}")
    return Page(digest, File(text.encode(), front.media_type), files)
