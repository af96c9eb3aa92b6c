"""Front ends: one module per version of the specification, each lowering to `fleet.openapi.model`."""

from __future__ import annotations

from typing import Any

from fleet.errors import SpecError
from fleet.openapi.lower.v2 import Version2
from fleet.openapi.lower.v3 import Version3
from fleet.openapi.model import FrontEnd
from fleet.openapi.reading.refs import Library


def front_end(library: Library, uri: str) -> FrontEnd:
    """The front end for the version that the document names. Raises `SpecError` for any other."""
    tree: Any = library.tree(uri)
    if not isinstance(tree, dict):
        why = "it is empty" if tree is None else "its top level is not a mapping"
        raise SpecError(f"not an API description: {why}", file=uri)
    version = tree.get("openapi")
    if f"{version}.".startswith(("3.0.", "3.1.", "3.2.")):
        return Version3(library, uri, tree)
    known = "this engine reads Swagger 2.0 and OpenAPI 3.0, 3.1 and 3.2"
    if version is not None:
        hint = "a description of 2.0 says swagger: '2.0'" if str(version) == "2.0" else known
        raise SpecError(f"OpenAPI version {version!r} is not supported", file=uri, hint=hint)
    if "swagger" in tree:
        if str(tree["swagger"]) == "2.0":
            return Version2(library, uri, tree)
        raise SpecError(f"Swagger version {tree['swagger']!r} is not supported", file=uri, hint=known)
    raise SpecError("not an API description: it has no 'openapi' or 'swagger' key", file=uri, hint=known)
