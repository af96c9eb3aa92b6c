"""Another version of a description: 2.0 and 3.0 as 3.1."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from fleet.errors import SpecError
from fleet.frozen import frozen
from fleet.openapi.document import Document
from fleet.openapi.lower.parts import mapping
from fleet.openapi.rewrite.grammar import OF_3, Kind, changed, objects
from fleet.openapi.rewrite.reduce import reduce
from fleet.openapi.rewrite.swagger import Reshaped
from fleet.openapi.rewrite.upgrade import upgraded

VERSION = "3.1.1"
_NAMED = re.compile(r"#/(definitions|parameters|responses)/[^/]+")


@frozen
class Conversion:
    """A converted description: its `tree`, and in `notes` what its new version cannot say, or what was left
    out."""

    tree: dict[str, Any]
    notes: tuple[str, ...] = ()


def convert(document: Document) -> Conversion:
    """The description in OpenAPI 3.1: every operation takes and gives what it did, and calls are the same
    bytes. One of 3.1 is given as it is. What stands in other files is taken in; then named objects that no
    operation needs are left out. Raises `SpecError` for one of 3.2.
    """
    tree = mapping(document.library.tree(document.source))
    version = str(tree.get("swagger") or tree.get("openapi"))
    if version.startswith("3.2"):
        raise SpecError("OpenAPI 3.2 has what 3.1 cannot say: it is not converted", file=document.source)
    if version.startswith("3.1"):
        return Conversion(dict(tree))
    notes: list[str] = []
    if document.operations and _leads_elsewhere(tree):
        made = reduce(document, ["* **"])
        notes += [f"{ref!r} leads nowhere and stays as it is: {why}" for ref, why in made.missing.items()]
        notes += [f"the link {name!r} is left out: it leads to no operation here" for name in made.links]
        tree = made.tree
    if "swagger" in tree:
        scheme = urlsplit(document.source).scheme if "://" in document.source else "https"
        shaped = Reshaped(tree, notes.append, scheme=scheme).tree(VERSION)
        return Conversion(dict(changed(OF_3, "document", shaped, _of_2)), tuple(dict.fromkeys(notes)))
    shaped = {key: VERSION if key == "openapi" else value for key, value in tree.items()}
    return Conversion(dict(changed(OF_3, "document", shaped, upgraded)), tuple(notes))


def _of_2(kind: Kind, node: dict[str, Any]) -> dict[str, Any]:
    made = upgraded(kind, node)
    ref = made.get("$ref")
    if kind == "schema" and isinstance(ref, str) and ref.startswith("#/definitions/"):
        return {**made, "$ref": ref.replace("#/definitions/", "#/components/schemas/", 1)}
    return made


def _leads_elsewhere(tree: Any) -> bool:
    """Whether a reference leads to another document, or, in 2.0, into the middle of what moves."""
    old = "swagger" in tree
    for kind, node in objects(tree):
        ref = node.get("$ref")
        if not isinstance(ref, str) or (kind == "pathItem" and not old and ref.startswith("#")):
            continue
        if not ref.startswith("#") or (old and not _NAMED.fullmatch(ref)):
            return True
    return False
