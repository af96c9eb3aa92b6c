"""Spec files that were checked, cached as data beside parsed descriptions: a cached one is not checked again.

The key is a digest of the text's tree, of the shape of the values and of the version of fleet. A value is
encoded as a list that begins with its kind; nothing in it can be executed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

import orjson

import fleet
from fleet.client import CachedParse
from fleet.config import model
from fleet.config.model import Sections
from fleet.openapi import digest
from fleet.pipeline import Section, language_sections

FORMAT = 1  # raise it when the rules change by which the same text is judged


def cache_key(tree: Mapping[str, Any]) -> str | None:
    """The key of a spec; None for one that is not cached: it holds what JSON cannot, or names secrets."""
    if tree.get("auths") or tree.get("proxies"):
        return None
    shape = {name: [one.name for one in fields(kind)] for name, kind in _kinds().items()}
    try:
        return digest(orjson.dumps([FORMAT, fleet.__version__, shape, tree]))
    except (orjson.JSONEncodeError, RecursionError):
        return None


def read_cached(key: str) -> Sections | None:
    """The sections that were cached under a key; None where there are none that can be used. Blocks."""
    cache = CachedParse.default()
    found = cache.read(key) if isinstance(cache, CachedParse) else None
    if found is None:
        return None
    return _sections(found[0])


def write_cached(key: str, sections: Sections) -> None:
    """Caches sections. Blocks."""
    cache = CachedParse.default()
    if isinstance(cache, CachedParse):
        cache.write(key, _encoded(sections))


def packed(sections: Sections) -> bytes:
    """Sections as bytes for `unpacked`, where `cache_key` gives their spec a key."""
    return orjson.dumps(_encoded(sections))


def unpacked(data: bytes) -> Sections | None:
    """What `packed` made bytes of; None for anything else."""
    try:
        return _sections(orjson.loads(data))
    except orjson.JSONDecodeError:
        return None


def _sections(value: object) -> Sections | None:
    try:
        sections = _decoded(value, _kinds())
    except (ValueError, TypeError, LookupError):  # not as we write it
        return None
    return sections if isinstance(sections, Sections) else None


def _kinds() -> dict[str, type[Any]]:
    own = (model.InfoSpec, model.FixupSpec, model.Sections)
    return {kind.__name__: kind for kind in (*language_sections(), *own)}


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _encoded(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(_encoded, value)]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    if isinstance(value, Section):
        return [type(value).__name__, *(_encoded(getattr(value, one.name)) for one in fields(value))]  # type: ignore[arg-type]
    return value


def _decoded(value: Any, kinds: Mapping[str, type[Any]]) -> Any:
    if isinstance(value, dict):
        return {key: _decoded(held, kinds) for key, held in value.items()}
    if not isinstance(value, list):
        return value
    kind, *held = value
    if kind == "date":
        return date.fromisoformat(held[0])
    parts = [_decoded(part, kinds) for part in held]
    if kind == "list":
        return parts
    if kind == "tuple":
        return tuple(parts)
    made = kinds[kind]
    return made(**{one.name: part for one, part in zip(fields(made), parts, strict=True)})
