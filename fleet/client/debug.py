"""The debug log of the library: description downloads and requests, on a logger of its own.

`FLEET_LOGGING_HANDLERS=debug` sends it to a file (`FLEET_DEBUG_LOG`, by default `fleet-debug.log` in the
state directory of the user), mode 0600. No other logger is touched, and no secret is written: requests are
logged without headers, and without their query where that carries a key.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from fleet.client.message import Request
from fleet.errors import ConfigError, RequestFailed

LOGGER = logging.getLogger("fleet.OpenAPI")


def start_debug_log(environment: Mapping[str, str] | None = None) -> Path | None:
    """Opens the debug log where the environment asks for it; the path, or None.

    `debug` among `FLEET_LOGGING_HANDLERS` asks; `FLEET_DEBUG_LOG` names the file. Loading calls it.
    Calling it again for the same path changes nothing. Raises `ConfigError` where the file cannot be opened.
    """
    found = os.environ if environment is None else environment
    if "debug" not in found.get("FLEET_LOGGING_HANDLERS", "").replace(" ", "").split(","):
        return None
    from fleet.client.debugfile import Writing  # noqa: PLC0415  (handlers and threads, where one asks for them)

    path = Path(found.get("FLEET_DEBUG_LOG") or _default_path(found)).absolute()
    if any(isinstance(handler, Writing) and handler.path == path for handler in LOGGER.handlers):
        return path
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(path, flags, 0o600)
        os.fchmod(handle, 0o600)
        os.close(handle)
    except OSError as error:
        raise ConfigError(f"the debug log cannot be opened: {error.strerror}", file=str(path)) from None
    LOGGER.addHandler(Writing(path))
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    return path


def stop_debug_log() -> None:
    """Closes what `start_debug_log` opened."""
    from fleet.client.debugfile import Writing  # noqa: PLC0415

    for handler in [held for held in LOGGER.handlers if isinstance(held, Writing)]:
        LOGGER.removeHandler(handler)
        handler.close()
    LOGGER.setLevel(logging.NOTSET)
    LOGGER.propagate = True


def document_downloaded(uri: str, loader: object) -> None:
    LOGGER.debug("Downloading Description Document %s using %r", uri, loader)


def logs_requests() -> bool:
    """Whether requests are written down: asked once for a target, since most scans have no debug log."""
    return LOGGER.isEnabledFor(logging.DEBUG)


def request_answered(request: Request, origin: str, status: int) -> None:
    LOGGER.debug('HTTP Request: %s %s%s "HTTP/1.1 %d"', request.method, origin, request.shown_path, status)


def request_failed(request: Request, origin: str, failed: RequestFailed) -> None:
    LOGGER.debug("HTTP Request: %s %s%s failed: %s", request.method, origin, request.shown_path, failed)


def _default_path(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_STATE_HOME", "")
    try:
        base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        raise ConfigError("no home for the debug log: set FLEET_DEBUG_LOG") from None
    return base / "fleet" / "fleet-debug.log"
