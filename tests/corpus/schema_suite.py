"""The official JSON-Schema-Test-Suite for 2020-12, judged by fleet: `python tests/corpus/schema_suite.py`.

The suite ships inside the source package of the `jsonschema` validator, which is downloaded, verified and
unpacked as `fetch.py` does with all packages; nothing of it is installed or copied into the repository.
Each schema stands in a document of its own that an OpenAPI 3.1 description refers to, and is compiled with
`strict`; `http://localhost:1234/` is the suite's own folder, served through the reader. The script writes
`docs/reference/json-schema.md` and exits with 1 where a required test fails.
"""

from __future__ import annotations

import datetime
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
from fetch import Package, directory, fetched

from fleet.errors import SpecError
from fleet.openapi import Place, load
from fleet.openapi.schema import Check, compile_check

SUITE = Package(
    "pypi", "jsonschema", "4.26.0", "jsonschema-4.26.0.tar.gz",
    "0c26707e2efad8aa1bfc5b7ce170f3fccc2e4918ff85989ba9ffa9facb2be326", (),
)  # fmt: skip
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json-schema.md"
REMOTES = "http://localhost:1234/"
HOME = "/suite/api.json"
CASE = "/suite/case.json"

# Optional tests that fail, by file or by group: why.
REASONS = {
    "format-assertion": "formats are not asserted",
    "format": "formats are not asserted: devices break them, and 2020-12 makes them annotations",
    "dependencies-compatibility": "`dependencies` is a word of older drafts",
    "cross-draft": "a schema of an older draft is read as 2020-12",
    "id": "`const` may also be the name of a property, so an `$id` in its value counts",
    "unknownKeyword": "an `$id` counts wherever it stands, as descriptions have schemas in many places",
}


READINGS = """
## Two readings

| | scans and `validate` of calls by operation | types |
|---|---|---|
| reading | advisory | strict: what the schema's dialect says, no more and no less |
| `additionalProperties: false`, `unevaluated*` | extra properties pass | counts |
| `oneOf` | one that fits is enough | exactly one |
| `nullable`, `x-nullable` | null passes wherever it stands | adds null to the `type` beside it |
| keywords that 2.0 or 3.0 does not have | count | mean nothing |
| a reference that cannot be followed | accepts anything | accepts anything |

Inside of `not`, `if` and a counted `contains` nothing is relaxed: what is accepted too easily there would be
refused around it. Where a part of such a condition cannot be followed or makes no sense, all of it means
nothing.

In both, answers owe nothing write-only and bodies nothing read-only, `x-patternProperties` count as
`patternProperties`, formats are not asserted, and what makes no sense in a schema (`required: true`, a
regular expression that cannot be read) is left out with a warning, while the rest still judges.

## Limits

The validator recurses, so there is a limit on schemas that lead to one another at one place of a value
(some 400 with `anyOf`, 1,500 without), on a value's depth (255), and on both together: the violation is
called `maxDepth`. A regular expression may go back 100,000 times on one text; after that the text does not
match. At most 100 violations of one value are told. Unions whose branches share properties that lead back
to the union take time that doubles with each level of a value.
"""


@dataclass(slots=True)
class Tally:
    """Tests by file: how many there are, and those that fail."""

    total: Counter[str] = field(default_factory=Counter)
    failed: dict[str, list[str]] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        return self.total.total() - sum(map(len, self.failed.values()))


def suite(*, download: bool = False) -> Path | None:
    """The suite's folder, None where it has not been downloaded."""
    into = directory()
    if not download and not (into / "documents" / SUITE.archive).is_dir():
        return None
    return fetched(SUITE, into) / f"jsonschema-{SUITE.version}" / "json"


def judged(root: Path, files: list[Path]) -> Tally:
    """What fleet makes of the tests in these files."""
    tally = Tally()
    for file in files:
        for case, check in _cases(root, file):
            for test in case["tests"]:
                tally.total[file.stem] += 1
                if check is None or bool(check(test["data"])) == test["valid"]:
                    what = f"{case['description']}: {test['description']}"
                    tally.failed.setdefault(file.stem, []).append(what)
    return tally


def required(root: Path) -> list[Path]:
    """The files of the tests that every implementation has to pass."""
    return sorted((root / "tests" / "draft2020-12").glob("*.json"))


def optional(root: Path, kind: str = "*.json") -> list[Path]:
    """The files of the others; `format/*.json` are those of single formats."""
    return sorted((root / "tests" / "draft2020-12" / "optional").glob(kind))


def _cases(root: Path, file: Path) -> Iterator[tuple[dict[str, Any], Check | None]]:
    for case in orjson.loads(file.read_bytes()):
        try:
            yield case, _compiled(root, case["schema"])
        except SpecError:
            yield case, None


def _compiled(root: Path, schema: Any) -> Check:
    def reader(uri: str) -> bytes:
        if uri == CASE:
            return orjson.dumps(schema)
        path = root / "remotes" / uri.removeprefix(REMOTES)
        if not uri.startswith(REMOTES) or not path.is_file():
            raise SpecError("not one of the suite's documents", file=uri)
        return path.read_bytes()

    document = load(b'{"openapi": "3.1.0", "paths": {}}', source=HOME, reader=reader)
    return compile_check(document.library, Place(HOME, {"$ref": "case.json"}), "2020-12", strict=True)


def page(must: Tally, may: Tally, formats: Tally) -> str:
    """The page for people."""
    rows = [
        f"| {name} | {may.total[name]} | {len(failed)} | {REASONS[name]} |"
        for name, failed in may.failed.items()
    ]
    broken = sum(map(len, formats.failed.values()))
    rows.append(
        f"| format/ ({len(formats.total)} files) | {formats.total.total()} | {broken} | {REASONS['format']} |"
    )
    lost = [f"- {name}: {what}" for name, failed in must.failed.items() for what in failed]
    return "\n".join([
        "# JSON Schema",
        "",
        "Schemas of OpenAPI 3.1 and 3.2 are JSON Schema 2020-12. Fleet makes one self-contained schema of",
        "all that a schema refers to, and jsonschema-rs judges by it. This page is made by",
        "`python tests/corpus/schema_suite.py`: the official JSON-Schema-Test-Suite through fleet's own",
        "compiler (`strict`), references, anchors and remote documents included.",
        "",
        f"**Required tests: {must.passed} of {must.total.total()} pass**, in {len(must.total)} files.",
        "",
        *(lost or ["None fails."]),
        "",
        f"Optional tests: {may.passed} of {may.total.total()} pass. What fails, and why:",
        "",
        "| file | tests | failing | why |",
        "|---|---|---|---|",
        *rows,
        "",
        f"The suite as `{SUITE.name}` {SUITE.version} ships it; jsonschema-rs {_engine()};"
        f" {datetime.datetime.now(datetime.UTC):%Y-%m-%d}.",
        READINGS,
    ])  # fmt: skip


def _engine() -> str:
    return version("jsonschema-rs")


def main() -> int:
    root = suite(download=True)
    assert root is not None
    must, may = judged(root, required(root)), judged(root, optional(root))
    PAGE.write_text(page(must, may, judged(root, optional(root, "format/*.json"))), encoding="utf-8")
    print(f"required: {must.passed} of {must.total.total()}, optional: {may.passed} of {may.total.total()}")
    return 1 if must.failed else 0


if __name__ == "__main__":
    sys.exit(main())
