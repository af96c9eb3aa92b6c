"""The one gate for every URL that a server supplies: links, next links, Location, redirects."""

from __future__ import annotations

import re
from typing import NoReturn
from urllib.parse import quote, unquote

from fleet.client.endpoint import Endpoint
from fleet.errors import RequestFailed
from fleet.outcome import FailureKind

_LONGEST = 8192  # characters of one link; servers refuse longer request lines
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_SLASHES = re.compile(r"[/\\]")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USERINFO = re.compile(r"//[^/?#]*@")
_PLAIN = re.compile(
    r"/(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*/)*(?:[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)?"
)  # no dot segments
_PATH_SAFE = "/%:@!$&'()*+,;=~"
_QUERY_SAFE = _PATH_SAFE + "?"


def resolve_link(base: Endpoint, value: object, *, at: str = "/") -> str:
    """The origin-form path, query included and fragment dropped, that a server-supplied link stands for.

    `at` is the origin-form path of the resource that held the link. The result is pure ASCII without
    control characters, lies under the base path, and belongs to the endpoint's own scheme, host and port.
    With a base path, a root-relative link is joined to it first unless it already carries it. Anything
    else raises RequestFailed(link.foreign).
    """
    if not isinstance(value, str):
        _refuse(f"a link is a string, not {type(value).__name__}")
    if len(value) <= _LONGEST and _PLAIN.fullmatch(value) and _carries(base, value):
        return value  # what nearly every link is: all that follows would leave it as it is
    text = value.strip(" ")
    if not text or len(text) > _LONGEST:
        _refuse("an empty link" if not text else f"a link of {len(text)} characters")
    if _FORBIDDEN.search(text):
        _refuse(f"a link with control characters or a backslash: {_shown(text)}")
    text = text.partition("#")[0]
    path, _, query = text.partition("?")
    path = _absolute_path(base, path, at=at, link=text)
    try:
        encoded = quote(_STRAY_PERCENT.sub("%25", path), safe=_PATH_SAFE)
        encoded_query = quote(_STRAY_PERCENT.sub("%25", query), safe=_QUERY_SAFE)
    except UnicodeEncodeError:
        _refuse("a link with a lone surrogate")
    result = _without_dots(encoded, link=text)
    if not _carries(base, result):
        _refuse(f"a link outside the base path: {_shown(text)}")
    return f"{result}?{encoded_query}" if encoded_query else result


def _absolute_path(base: Endpoint, path: str, *, at: str, link: str) -> str:
    """The path from the root, base path included, of a link without query and fragment."""
    if scheme := _SCHEME.match(path):
        if not path.startswith("//", scheme.end()):
            _refuse(f"a link that is neither a path nor a URL: {_shown(link)}")
        return _own_path(base, scheme.group()[:-1].lower(), path[scheme.end() + 2 :], link)
    if path.startswith("//"):
        return _own_path(base, base.scheme, path[2:], link)
    if not path.startswith("/"):
        here = at.partition("?")[0] or "/"
        path = here.rpartition("/")[0] + "/" + path if path else here
    return path if _carries(base, path) else base.path + path


def _carries(base: Endpoint, path: str) -> bool:
    """Whether a path from the root lies under the base path."""
    return not base.path or path == base.path or path.startswith(base.path + "/")


def _own_path(base: Endpoint, scheme: str, rest: str, link: str) -> str:
    """The path of `authority/path` if the authority is the endpoint's own."""
    authority, slash, path = rest.partition("/")
    try:
        other = Endpoint.parse(f"{scheme}://{authority}")
    except ValueError:
        other = None
    if other is None or (other.scheme, other.host, other.port) != (base.scheme, base.host, base.port):
        _refuse(f"a link to another origin: {_shown(link)}")
    return slash + path.lstrip("/") if slash else "/"


def _without_dots(path: str, *, link: str) -> str:
    """The path with `.` and `..` carried out. Disguised ones (encoded slashes, `..;x`, encoded twice) are
    refused: what they mean is up to whoever decodes them."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        last = place == len(segments) - 1
        meaning = _decoded(segment)
        if _FORBIDDEN.search(meaning.replace("\\", "/")):
            _refuse(f"a link with encoded control characters: {_shown(link)}")
        if unquote(segment) in {".", ".."}:
            if unquote(segment) == "..":
                if not kept:
                    _refuse(f"a link that leaves the root: {_shown(link)}")
                kept.pop()
            if last:
                kept.append("")
        elif any(part.partition(";")[0] in {".", ".."} for part in _SLASHES.split(meaning)):
            _refuse(f"a link with disguised dot segments: {_shown(link)}")
        else:
            kept.append(segment)
    while len(kept) > 1 and not kept[0]:  # an origin-form path that starts with // reads as an authority
        kept.pop(0)
    return "/" + "/".join(kept)


def _decoded(segment: str) -> str:
    for _ in range(3):
        further = unquote(segment)
        if further == segment:
            break
        segment = further
    return segment


def _shown(link: str) -> str:
    """A link for a message: no userinfo, no query, ASCII only, bounded."""
    shown = _USERINFO.sub("//***@", link.partition("?")[0])
    return ascii(shown if len(shown) <= 120 else shown[:119] + "~")


def _refuse(message: str) -> NoReturn:
    raise RequestFailed(FailureKind.LINK_FOREIGN, message)
