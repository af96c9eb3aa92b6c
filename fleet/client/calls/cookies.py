"""Cookies of one handle, by one of two policies.

`jar`: what a service sets is kept by the handle's session and sent back, as a browser does. `declared`: only
cookies that the description names as apiKey credentials are kept, and sent only to operations that need them.
Either way they belong to one handle's session: no clone and no other target hears of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from fleet.openapi import SecurityScheme


def close_jar(client: httpx.AsyncClient | httpx.Client) -> None:
    """Has a client keep and send no cookies of its own."""
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))


def learn(
    kept: dict[str, str], set_cookies: Iterable[str], schemes: Mapping[str, SecurityScheme], *, secure: bool
) -> bool:
    """Takes what `Set-Cookie` headers say of declared cookies: scheme name to value. Whether that changed
    anything. One that may only travel over TLS is not kept where there is none."""
    before = dict(kept)
    for text in set_cookies:
        pair, *rest = text.split(";")
        name, value = (part.strip() for part in pair.partition("=")[::2])
        attributes = {key.strip().lower(): word.strip() for key, _, word in (r.partition("=") for r in rest)}
        for scheme in schemes.values():
            if scheme.kind == "apiKey" and scheme.location == "cookie" and scheme.parameter == name:
                kept.pop(scheme.name, None)
                fits = value.isascii() and value.isprintable() and (secure or "secure" not in attributes)
                if value and fits and not _ended(attributes):
                    kept[scheme.name] = value
    return kept != before


def _ended(attributes: Mapping[str, str]) -> bool:
    """Whether a cookie is taken back (RFC 6265, 5.3)."""
    age = attributes.get("max-age", "")
    if age.isascii() and age.removeprefix("-").isdigit():
        return age.startswith("-") or int(age[:18]) == 0
    try:
        date = parsedate_to_datetime(attributes["expires"])
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() <= time.time()
    except (KeyError, ValueError, TypeError, OverflowError):
        return False


def joined(mine: str, jar: str) -> str:
    """A Cookie header of the call's own cookies and the jar's; the call's own count where both have one."""
    names = {pair.partition("=")[0].strip() for pair in mine.split(";")}
    more = [pair.strip() for pair in jar.split(";") if pair.partition("=")[0].strip() not in names]
    return "; ".join([mine, *more])


def as_set(cookies: Iterable[tuple[str, str]], kept: Mapping[str, str], schemes: Mapping[str, Any]) -> Any:
    """Cookies of a call, those that a service set exactly as it wrote them."""
    written = {schemes[name].parameter: value for name, value in kept.items()}
    return tuple((name, written.get(name, value)) for name, value in cookies)
