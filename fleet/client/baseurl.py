"""Base URLs of handles, in their one spelling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleet.client.description.loaders import origin
from fleet.client.endpoint import Endpoint
from fleet.errors import ConfigError

if TYPE_CHECKING:
    import yarl

_ORIGIN = r"https?://(?!\S*\.\.)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?(?::[1-9][0-9]{0,3}|:[1-5][0-9]{4})?"
_SIMPLE = re.compile(_ORIGIN + r"\Z")
_MOUNTED = re.compile(rf"({_ORIGIN})((?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*)/?")
_IMPLIED = (":80", ":443")  # ports that may go without saying


def normalised(baseurl: str | yarl.URL) -> str:
    """A base URL in its one spelling: lower-case scheme and host, no default port, no trailing slash.

    Raises `ConfigError` for anything that is not `http[s]://host[:port][/prefix]`.
    """
    text = str(baseurl)
    quick = _MOUNTED.fullmatch(text)
    if quick is not None and not quick[1].endswith(
        _IMPLIED
    ):  # what a fleet is made of, in a tenth of the time
        return quick[1] + quick[2]
    try:
        return str(Endpoint.parse(text))
    except ValueError as error:
        raise ConfigError(f"not a base URL: {error}") from None


def is_normalised(url: str) -> bool:
    """Whether a base URL is in its one spelling and has no path: the quick way for most of a fleet."""
    return _SIMPLE.match(url) is not None and not url.endswith(_IMPLIED)


def path_of(base: str) -> str:
    """The path of a normalised base URL: empty, or with a slash before and none behind."""
    return "/" + base.split("/", 3)[3] if base.count("/") > 2 else ""


def origin_of(url: str) -> str:
    """The base URL of a document's own origin. Raises `ConfigError`, `SpecError`."""
    scheme, host, port = origin(url)
    named = f"[{host}]" if ":" in host else host
    return normalised(f"{scheme}://{named}:{port}")
