"""What the documentation site needs beyond mkdocs: the pages that lie above `docs/` have a place in it.

README.md becomes the first page, CONTRIBUTING.md and CHANGELOG.md pages of their own; their links are read
from where they are in the repository, and lead to where the pages are in the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
ABOVE = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages that lie above the others."""
    for name, place in ABOVE.items():
        files.append(File.generated(config, place, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_others: Any) -> str:
    """Turns the links of a page in the repository into those of the page in the site."""
    place = page.file.src_uri
    source = next((name for name, moved in ABOVE.items() if moved == place), f"docs/{place}")

    def moved(found: re.Match[str]) -> str:
        meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[2]))
        target = ABOVE.get(meant) or (meant.removeprefix("docs/") if meant.startswith("docs/") else None)
        if target is None:
            return found[0]
        return found[1] + posixpath.relpath(target, posixpath.dirname(place) or ".") + found[3]

    return LINK.sub(moved, markdown)
