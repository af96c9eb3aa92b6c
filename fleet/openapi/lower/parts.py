"""What the front ends share: path items, tags, and reading what may be anything."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, TypeGuard

from fleet.errors import SpecError
from fleet.openapi.model import Site, Tag
from fleet.openapi.reading.refs import Library, Place


def text(value: Any) -> str:
    """A text, or "" for anything else that an author wrote in its place."""
    return value if isinstance(value, str) else ""


def among(value: Any, words: Container[str]) -> TypeGuard[str]:
    """Whether a value is one of these words; an author may have written anything, also what has no hash."""
    return isinstance(value, str) and value in words


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping, or an empty one."""
    return value if isinstance(value, dict) else {}


def path_sites(
    library: Library, uri: str, paths: Any, methods: Iterable[str], warn: list[str]
) -> Iterator[Site]:
    """The operations under `paths`. What is wrong with one path costs that path, with a warning."""
    if paths is None:
        return
    if not isinstance(paths, dict):
        raise SpecError("'paths' is not a mapping", file=uri)
    for template, value in paths.items():
        if template.startswith("/"):
            yield from item_sites(library, Place(uri, value), template, methods, warn)
        elif not template.startswith("x-"):
            warn.append(f"the path {template!r} does not begin with '/' and is ignored")


def item_sites(
    library: Library, item: Place, template: str, methods: Iterable[str], warn: list[str]
) -> Iterator[Site]:
    """The operations of one path item."""
    try:
        if isinstance(item.value, dict) and "$ref" in item.value:
            item = _referenced(library, item, template, warn)
    except SpecError as error:
        warn.append(f"the path {template} cannot be used: {error}")
        return
    if not isinstance(item.value, dict):
        warn.append(f"the path {template} is not a mapping and is ignored")
        return
    for method in methods:
        node = item.value.get(method)
        if isinstance(node, dict):
            yield site(template, method.upper(), node, item)
    if "query" in methods:  # of 3.2, where a path item may have methods of any name, in their own spelling
        for method, node in mapping(item.value.get("additionalOperations")).items():
            if not isinstance(node, dict):
                continue
            if method.lower() in methods:
                warn.append(f"{method} of {template} does not belong under additionalOperations: ignored")
            else:
                yield site(template, method, node, item)


def site(template: str, method: str, node: dict[str, Any], item: Place) -> Site:
    """One operation's site."""
    return Site(template, method, text(node.get("operationId")) or None, Place(item.uri, node), item)


def _referenced(library: Library, item: Place, template: str, warn: list[str]) -> Place:
    """The referenced path item; operations beside the `$ref` are added to it, and win."""
    target = library.follow(item)
    beside = {key: value for key, value in item.value.items() if key != "$ref"}
    if not beside or not isinstance(target.value, dict):
        return target
    if target.uri != item.uri:
        if not beside.keys() <= {"summary", "description"}:
            warn.append(f"what stands beside the reference of the path {template} is ignored")
        return target
    return Place(target.uri, {**target.value, **beside})


def read_tags(value: Any) -> tuple[Tag, ...]:
    """The usable entries of a `tags` list."""
    return tuple(
        Tag(node["name"], *(text(node.get(key)) for key in ("summary", "description", "parent", "kind")))
        for node in (value if isinstance(value, list) else ())
        if isinstance(node, dict) and isinstance(node.get("name"), str)
    )
