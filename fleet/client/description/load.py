"""Descriptions from files and URLs: loaders, the cache of parsed trees, one `Document`. All of it blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.client.debug import start_debug_log
from fleet.client.description.loaders import (
    ChainLoader,
    FileSystemLoader,
    Loader,
    NullLoader,
    PrefixLoader,
    Text,
    WebLoader,
)
from fleet.client.description.treecache import CachedParse, default_directory
from fleet.client.plugins import DocumentPlugin, Parsing, Plugin
from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.openapi import Document, Parse, load, parse

if TYPE_CHECKING:
    from fleet.openapi import Choice


def load_document(
    source: str | Path | bytes,
    *,
    refs: Mapping[str, str | Path] | None = None,
    cache: bool | str | Path = True,
    loader: Loader | None = None,
    plugins: Sequence[Plugin] = (),
    only: Sequence[Choice] | None = None,
) -> Document:
    """The description at a path or URL, or in the bytes themselves. Blocks: call it in a thread.

    References reach the document's own directory (its own origin, for a URL) and what `refs` maps: URL
    prefix to directory. `loader` replaces these rules; a relative path is then the loader's to find, and one
    of a `FileSystemLoader` stands below its root. `cache` keeps parsed YAML in a directory (by default
    `$XDG_CACHE_HOME/fleet/trees`), keyed by the digest of its text. Document plugins among `plugins` see
    every document. `only` keeps some operations and what they need, as
    `fleet.openapi.reduce` does; other files are still read when they are needed. Raises `SpecError`.
    """
    document = _loaded(source, refs, cache, loader, plugins)
    if only is None:
        return document
    from fleet.openapi import reduced  # noqa: PLC0415  (a scan takes the whole description)

    return reduced(document, only)


def _loaded(
    source: str | Path | bytes,
    refs: Mapping[str, str | Path] | None,
    cache: bool | str | Path,
    loader: Loader | None,
    plugins: Sequence[Plugin],
) -> Document:
    start_debug_log()
    directory = default_directory() if cache is True else cache
    parsing: Parse = AsLoaded(CachedParse(str(directory)) if directory else parse)
    repairing = tuple(plugin for plugin in plugins if isinstance(plugin, DocumentPlugin))
    if repairing:
        parsing = Parsing(parsing, repairing)
    own = None if loader is None else Guarded(loader)
    mapped = [PrefixLoader(prefix, root) for prefix, root in sorted((refs or {}).items(), reverse=True)]
    if isinstance(source, bytes):
        return load(source, reader=own or ChainLoader(*mapped, NullLoader()), parse=parsing)
    name = str(source)
    if "://" in name:
        if "@" in name.partition("://")[2].partition("/")[0]:
            raise SpecError("the URL of a description holds no user or password")
        document = load(source=name, reader=own or ChainLoader(*mapped, WebLoader(name)), parse=parsing)
        document.preload()  # now, in this thread: nothing is fetched when a call is made
        return document
    if own is not None and not Path(name).is_absolute():
        root = loader.root if isinstance(loader, FileSystemLoader) else None
        found = name if root is None else str(Path(root, name).absolute())
        return load(source=found, reader=own, parse=parsing)
    path = Path(name).absolute()
    reader = own or ChainLoader(*mapped, FileSystemLoader(path.parent))
    return load(source=str(path), reader=reader, parse=parsing)


@frozen
class AsLoaded:
    """Reads a document as its loader says, else as `otherwise`."""

    otherwise: Parse

    def __call__(self, data: bytes, uri: str) -> Any:
        yload = data.yload if isinstance(data, Text) else None
        if yload is None:
            return self.otherwise(data, uri)
        from fleet.openapi import reading_with  # noqa: PLC0415  (the tags of YAML, where a reader is named)

        return reading_with(yload)(bytes(data), uri)  # PyYAML takes bytes and no class of them


@frozen
class Guarded:
    """A loader that somebody else wrote: what it cannot read is a `SpecError`, as it is of ours."""

    loader: Loader

    def __call__(self, uri: str) -> bytes:
        try:
            found: object = self.loader(uri)
        except OSError as error:
            raise SpecError(f"cannot be read: {error.strerror or type(error).__name__}", file=uri) from error
        if not isinstance(found, bytes):
            raise SpecError(f"the loader gave {type(found).__name__}, not bytes", file=uri)
        return found
