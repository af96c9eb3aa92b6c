"""One file that holds a description and everything read with it: what `cache_store` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fleet.client.description.loaders import ChainLoader, FileSystemLoader, Loader, WebLoader
from fleet.client.description.treecache import read_private, write_private
from fleet.client.plugins import DocumentPlugin, Parsing, Plugin
from fleet.errors import SpecError
from fleet.openapi import Document, Library, Parse, decode_tree, encode_tree, parse

_KIND = "snapshot"  # stands where the digest of a source stands in the cache of trees


def store(document: Document, base: str, path: Path) -> None:
    """Writes it atomically, mode 0600. Raises `SpecError` where a tree holds what JSON cannot."""
    content = {"source": document.source, "base": base, "trees": dict(document.trees)}
    encoded = encode_tree(content, _KIND)
    if encoded is None:
        raise SpecError(
            "the description holds values that JSON cannot: it is not stored", file=document.source
        )
    write_private(path.absolute(), encoded)


def restore(path: Path, loader: Loader | None, plugins: Sequence[Plugin] = ()) -> tuple[Document, str]:
    """The document and its base URL. Documents that were not read before are read by the same rules, and
    document plugins among `plugins` see those; what is stored was repaired when it was read."""
    if not path.exists():
        raise FileNotFoundError(path)
    data = read_private(path)
    if data is None:
        raise SpecError("not a file of this user that nobody else may write", file=str(path))
    found = decode_tree(data, _KIND)
    content: Any = found[0] if found else None
    if not isinstance(content, dict) or not _well_formed(content):
        raise SpecError("not a stored description of this version: load it again", file=str(path))
    source = content["source"]
    repairing = tuple(plugin for plugin in plugins if isinstance(plugin, DocumentPlugin))
    parsing: Parse = Parsing(parse, repairing) if repairing else parse
    library = Library(loader or _loader_for(source), parsing)
    library.trees.update(content["trees"])
    return Document(library, source), content["base"]


def _well_formed(content: dict[str, Any]) -> bool:
    source, trees = content.get("source"), content.get("trees")
    return (
        isinstance(source, str)
        and isinstance(content.get("base"), str)
        and isinstance(trees, dict)
        and source in trees
    )


def _loader_for(source: str) -> Loader:
    if "://" in source:
        return ChainLoader(WebLoader(source))
    return ChainLoader(FileSystemLoader(Path(source).parent)) if source.startswith("/") else ChainLoader()
