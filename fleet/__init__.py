"""One API description, ten thousand hosts.

The library: `OpenAPI`, its loaders, and `scan`. They are imported when first used; most commands need none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.lazy import load_lazily

if TYPE_CHECKING:
    from fleet.client import FileSystemLoader, OpenAPI, WebLoader, scan

__version__ = "0.1.0"

__all__ = ["FileSystemLoader", "OpenAPI", "WebLoader", "__version__", "scan"]

load_lazily(__name__, {"client": ("FileSystemLoader", "OpenAPI", "WebLoader", "scan")})
