"""Where the programs are that check manifests: on the path, or where `make deploy-tools` puts them."""

from __future__ import annotations

import shutil
from pathlib import Path

PLACES = (Path(__file__).parents[2] / "build" / "deploy" / "bin",)


def tool(name: str) -> Path | None:
    """The program, if it is there."""
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    return next((place / name for place in PLACES if (place / name).is_file()), None)
