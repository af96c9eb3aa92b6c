"""One host to scan, as the inventory names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from fleet.frozen import frozen


@frozen
class Target:
    """One target of a scan.

    `id` is its identity across address changes (the base URL unless the inventory gives one). `url` is the
    normalised base URL: lower-case scheme and host, explicit port only where it is not the scheme's own,
    a path prefix without a trailing slash, never userinfo, query or fragment. `auth` and `proxy` are
    *names* (or, for `proxy`, a credential-free proxy URL), never values. `origin` says where it was
    read: `hosts.txt:12`. `chosen` says, of a target that is bound, by which rule it got its `auth` and its
    `proxy`: it is no part of what the target is.
    """

    id: str
    url: str
    labels: Mapping[str, str] = field(default_factory=dict)
    auth: str | None = None
    proxy: str | None = None
    origin: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict, compare=False)
