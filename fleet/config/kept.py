"""What a spec file says, kept as data where descriptions are kept: what was checked is not checked again.

It is known by the digest of what was checked, of the shape of the values and of the version of fleet. A value
stands as a list that begins with what it is; there is nothing in it to execute.
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


def name_of(tree: Mapping[str, Any]) -> str | None:
    """What a spec is known by; None for one that is not kept: it holds what JSON cannot, or names secrets."""
    if tree.get("auths") or tree.get("proxies"):
        return None
    shape = {name: [one.name for one in fields(kind)] for name, kind in _kinds().items()}
    try:
        return digest(orjson.dumps([FORMAT, fleet.__version__, shape, tree]))
    except (orjson.JSONEncodeError, RecursionError):
        return None


def read(name: str) -> Sections | None:
    """The sections that were kept under a name. Blocks."""
    cache = CachedParse.default()
    found = cache.read(name) if isinstance(cache, CachedParse) else None
    if found is None:
        return None
    return _sections(found[0])


def write(name: str, said: Sections) -> None:
    """Keeps them. Blocks."""
    cache = CachedParse.default()
    if isinstance(cache, CachedParse):
        cache.write(name, _encoded(said))


def packed(said: Sections) -> bytes:
    """Sections as bytes for `unpacked`, where `name_of` knows their spec."""
    return orjson.dumps(_encoded(said))


def unpacked(data: bytes) -> Sections | None:
    """What `packed` made bytes of; None for anything else."""
    try:
        return _sections(orjson.loads(data))
    except orjson.JSONDecodeError:
        return None


def _sections(value: object) -> Sections | None:
    try:
        said = _decoded(value, _kinds())
    except (ValueError, TypeError, LookupError):  # not as we write it
        return None
    return said if isinstance(said, Sections) else None


def _kinds() -> dict[str, type[Any]]:
    return {kind.__name__: kind for kind in (*language_sections(), *_own())}


def _own() -> tuple[type[Section], ...]:
    return (model.InfoSpec, model.FixupSpec, model.Sections)


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
