"""Descriptions from files and URLs: loaders, the cache of parsed trees, one `Document`. All of it blocks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fleet.client.debug import start_debug_log
from fleet.client.loaders import ChainLoader, FileSystemLoader, Loader, NullLoader, PrefixLoader, WebLoader
from fleet.client.treecache import CachedParse, default_directory
from fleet.errors import SpecError
from fleet.openapi import Document, Parse, load, parse


def load_document(
    source: str | Path | bytes,
    *,
    refs: Mapping[str, str | Path] | None = None,
    cache: bool | str | Path = True,
    loader: Loader | None = None,
) -> Document:
    """The description at a path or URL, or in the bytes themselves. Blocks: call it in a thread.

    References reach the document's own directory (its own origin, for a URL) and what `refs` maps: URL
    prefix to directory. `loader` replaces these rules. `cache` keeps parsed YAML in a directory (by default
    `$XDG_CACHE_HOME/fleet/trees`), keyed by the digest of its text. Raises `SpecError`.
    """
    start_debug_log()
    directory = default_directory() if cache is True else cache
    parsing: Parse = CachedParse(str(directory)) if directory else parse
    mapped = [PrefixLoader(prefix, root) for prefix, root in sorted((refs or {}).items(), reverse=True)]
    if isinstance(source, bytes):
        return load(source, reader=loader or ChainLoader(*mapped, NullLoader()), parse=parsing)
    name = str(source)
    if "://" in name:
        if "@" in name.partition("://")[2].partition("/")[0]:
            raise SpecError("the URL of a description holds no user or password")
        document = load(source=name, reader=loader or ChainLoader(*mapped, WebLoader(name)), parse=parsing)
        document.preload()  # now, in this thread: nothing is fetched when a call is made
        return document
    path = Path(name).absolute()
    reader = loader or ChainLoader(*mapped, FileSystemLoader(path.parent))
    return load(source=str(path), reader=reader, parse=parsing)
