"""DMTF's mockups, annotations and all, against DMTF's own schemas.

The counts are those of another validator (`jsonschema` over PyYAML, with a translation of its own), which
agrees on every resource in both readings. What is refused is wrong: the mockups leave required
properties out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleet.errors import SpecError
from fleet.openapi import Document, Place, Reader, load
from fleet.openapi.schema import Check, compile_check

HOME = "/d/api.json"


def resources(shared: Path, name: str) -> Iterator[tuple[str, Any]]:
    """Path and body of each resource of a mockup set; a set that is not at hand skips the test."""
    tree = shared / "data/redfish-2025.4/mockups" / name
    if not tree.is_dir():
        pytest.skip(f"the mockup set {name} is not here")
    for file in sorted(tree.rglob("index.json")):
        value = orjson.loads(file.read_bytes())
        value.pop("@Redfish.Copyright", None)  # of the mockups themselves
        yield "/redfish/v1/" + str(file.parent.relative_to(tree)).removeprefix("."), value


def beside(root: Path) -> Reader:
    """Reads any URI from the file of that name."""

    def read(uri: str) -> bytes:
        path = root / uri.rpartition("/")[2]
        if not path.is_file():
            raise SpecError("no such file", file=uri)
        return path.read_bytes()

    return read


def annotated(value: Any) -> bool:
    """Whether there is a `@Redfish.` annotation, or one of a property, anywhere inside."""
    if isinstance(value, dict):
        return any("@Redfish." in key or annotated(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(annotated, value))


@pytest.fixture(scope="module")
def indexed(shared: Path) -> Document:
    """DMTF's 2021.4 description as it was published; what was read of it for one set serves the next."""
    root = shared / "data/redfish-2021.4/openapi"
    return load(source=str(root / "openapi.yaml"), reader=beside(root))


@pytest.mark.parametrize(
    ("name", "advisory", "strict", "without"),
    [
        # accepted and refused by either reading; and resources that 2021.4 has no path for
        ("public-bladed", (81, 2), (79, 4), 1),
        ("public-catfish", (29, 1), (28, 2), 0),
        ("public-rackmount1", (221, 3), (187, 37), 47),
        ("public-tower", (504, 30), (501, 33), 7),
    ],
)
def test_published_mockups_against_published_schemas(
    shared: Path, indexed: Document, name: str, advisory: Any, strict: Any, without: int
) -> None:
    """2021.4 by path template. Strictly, what later releases added is refused where objects are closed."""
    counts: Counter[Any] = Counter()
    checks: dict[str, Check] = {}
    rules: set[str] = set()
    for path, value in resources(shared, name):
        operation = indexed.route("GET", path)
        if operation is None:
            counts["no path"] += 1
            continue
        found = operation.violations(200, "application/json", value)
        rules.update(rule for _, rule in found)
        counts["advisory", not found] += 1
        exact = checks.get(operation.template) or _exact(indexed, operation.answers)
        checks[operation.template] = exact
        counts["strict", not exact(value)] += 1
    assert (counts["advisory", True], counts["advisory", False]) == advisory
    assert (counts["strict", True], counts["strict", False]) == strict
    assert counts["no path"] == without
    assert "required" in rules
    assert all("referenced files are missing" in warning for warning in indexed.warnings)


def _exact(document: Document, answers: Any) -> Check:
    media = next(answer.media[0] for answer in answers if answer.status == "200")
    return compile_check(document.library, media.schema, "3.0", strict=True)


@pytest.fixture(scope="module")
def of_types(shared: Path) -> Document:
    """A description of nothing, beside the schemas of all types in 2025.4."""
    root = shared / "data/redfish-2025.4/openapi"
    return load(b'{"openapi": "3.0.1", "paths": {}}', source=HOME, reader=beside(root))


@pytest.mark.parametrize(
    ("name", "accepted", "refused", "with_annotations"),
    [
        ("public-bladed", 52, 2, 4),
        ("public-catfish", 13, 1, 2),
        ("public-rackmount1", 114, 1, 12),
        ("public-tower", 397, 26, 5),
    ],
)
def test_published_mockups_against_the_schemas_of_their_types(
    shared: Path, of_types: Document, name: str, accepted: int, refused: int, with_annotations: int
) -> None:
    """2025.4, each resource by its own `@odata.type` as far as that file is at hand. Annotations pass even
    where objects are closed: `x-patternProperties` name them."""
    root = shared / "data/redfish-2025.4/openapi"
    library = of_types.library
    for strict in (False, True):
        counts: Counter[Any] = Counter()
        checks: dict[str, Check] = {}
        for _, value in resources(shared, name):
            file, _, kind = value.get("@odata.type", "#none.none").removeprefix("#").rpartition(".")
            if not (root / f"{file}.yaml").is_file():
                continue
            ref = {"$ref": f"{file}.yaml#/components/schemas/{file.replace('.', '_')}_{kind}"}
            if ref["$ref"] not in checks:
                checks[ref["$ref"]] = compile_check(library, Place(HOME, ref), "3.0", strict=strict)
            accepts = not checks[ref["$ref"]](value)
            counts[accepts] += 1
            counts["annotated"] += accepts and annotated(value)
        assert (counts[True], counts[False]) == (accepted, refused)
        assert counts["annotated"] == with_annotations
