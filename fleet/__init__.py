"""One API description, ten thousand hosts. `from fleet import OpenAPI` loads the client then, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fleet.client import FileSystemLoader, OpenAPI, WebLoader, scan

__version__ = "0.1.0"

__all__ = ["FileSystemLoader", "OpenAPI", "WebLoader", "__version__", "scan"]

_LAZY = frozenset(__all__) - {"__version__"}  # `fleet --help` needs no client


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import fleet.client  # noqa: PLC0415

        return getattr(fleet.client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
