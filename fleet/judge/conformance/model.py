"""How the machines of a run deviate from the published description, as frozen values."""

from __future__ import annotations

from typing import Any

from fleet.frozen import frozen
from fleet.report import Documented, published_schema

CONFORMANCE_VERSION = 1


@frozen(kw_only=True)
class Example(Documented):
    """One place where an answer deviates."""

    target: str
    uri: str
    pointer: str
    actual: str
    """what was there, in a few words; empty where the run did not store it"""


@frozen(kw_only=True)
class Deviating(Documented):
    """One kind of machines that deviates in one way: `targets` of the `of` that there are."""

    kind: tuple[str, ...]
    targets: int
    of: int
    places: int
    """in all answers of these targets"""
    hosts: tuple[str, ...]
    """folded, the largest sets first"""
    unnamed: int
    example: Example


@frozen(kw_only=True)
class Deviation(Documented):
    """One way to deviate: a rule that is broken at a pointer (indexes are `*`) in answers of an operation."""

    operation: str
    """method and template; empty where the run did not store it"""
    pointer: str
    rule: str
    expected: str
    """what the rule wants, in a few words; empty where the run did not store it"""
    targets: int
    machines: tuple[Deviating, ...]


@frozen(kw_only=True)
class Kind(Documented):
    """Machines that have the same values of the names of `by`."""

    values: tuple[str, ...]
    targets: int
    deviating: int
    """of these targets"""
    ways: int
    """in which they deviate"""


@frozen(kw_only=True)
class Maker(Documented):
    """All kinds that have the first value in common, and all the ways in which they deviate."""

    name: str
    targets: int
    deviating: int
    kinds: tuple[Kind, ...]
    deviations: tuple[Deviation, ...]


@frozen(kw_only=True)
class Conformance(Documented):
    """A run held against its description, those who deviate most first.

    `targets` gave answers that could be judged, `unjudged` did not. `dropped` counts the places beyond the
    limits of what an outcome stores.
    """

    v: int
    """version of this form"""
    run: str
    path: str
    """the run directory, or the outcomes file"""
    state: str
    """complete; running; stopped: targets are missing; unknown: an outcomes file alone"""
    started: str
    spec: str
    pipeline: str
    fleet: str
    """version of fleet that made the run"""
    title: str
    version: str
    """of the description; empty where the run did not store it"""
    by: tuple[str, ...]
    targets: int
    unjudged: int
    deviating: int
    places: int
    dropped: int
    more: int
    """places of kinds and deviations beyond those told apart; they are in `(others)`"""
    makers: tuple[Maker, ...]

    @property
    def ways(self) -> int:
        """In which any machine deviates."""
        keys = {
            (found.operation, found.pointer, found.rule, found.expected)
            for maker in self.makers
            for found in maker.deviations
        }
        return len(keys)

    @property
    def description(self) -> str:
        """`Redfish 2025.4`."""
        return " ".join(filter(None, (self.title, self.version))) or "its description"


def conformance_schema() -> dict[str, Any]:
    """The JSON Schema of `Conformance.to_json`."""
    return published_schema(Conformance, "conformance", CONFORMANCE_VERSION)
