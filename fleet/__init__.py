"""One API description, ten thousand hosts. `from fleet import OpenAPI` loads the client then, not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fleet.client import OpenAPI

__version__ = "0.1.0"

__all__ = ["OpenAPI", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "OpenAPI":
        from fleet.client import OpenAPI  # noqa: PLC0415  (lazy: `fleet --help` needs no client)

        return OpenAPI
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
